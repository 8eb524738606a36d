// Under which rules of others an object stands, by its labels.

const NAMES: ReadonlySet<string> = new Set(["compliance", "regulation", "regulations", "data-classification"]);
const KNOWN: ReadonlySet<string> = new Set([
  "dora",
  "fedramp",
  "gdpr",
  "hipaa",
  "nis2",
  "pci",
  "pci-dss",
  "phi",
  "pii",
  "sox",
]);
const REGULATIONS_MAX = 16;
const TAG = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

/** `compliance: pci_gdpr`, `example.com/regulation: sox`, or `example.com/pci: "true"`; sorted, `pci-dss` as `pci`. */
export function regulationsOf(labels: Readonly<Record<string, string>>): readonly string[] {
  const found = Object.entries(labels).flatMap(([key, value]) => {
    const name = key.slice(key.lastIndexOf("/") + 1).toLowerCase();
    if (NAMES.has(name)) return value.toLowerCase().split(/[._]/);
    return KNOWN.has(name) && !/^(?:false|no|0)$/i.test(value) ? [name] : [];
  });
  const tags = found.filter((tag) => TAG.test(tag)).map((tag) => (tag === "pci-dss" ? "pci" : tag));
  return [...new Set(tags)].toSorted().slice(0, REGULATIONS_MAX);
}
