// Environment names: "Production", "prod" and the like are one environment.

const ALIASES: ReadonlyMap<string, string> = new Map([
  ["prod", "production"],
  ["prd", "production"],
  ["live", "production"],
  ["production", "production"],
  ["stage", "staging"],
  ["stg", "staging"],
  ["preprod", "staging"],
  ["pre-production", "staging"],
  ["staging", "staging"],
  ["dev", "development"],
  ["devel", "development"],
  ["development", "development"],
  ["qa", "test"],
  ["test", "test"],
  ["testing", "test"],
]);

/** The canonical name: lower case, trimmed, aliases folded; names without an alias stay as they are. */
export function canonicalEnvironment(name: string): string {
  const lower = name.trim().toLowerCase();
  return ALIASES.get(lower) ?? lower;
}
