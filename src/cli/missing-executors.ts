// What to configure for action kinds that no executor offers.

/** The executor that offers kinds of a vendor, by how they begin. */
const VENDORS = ["pagerduty", "servicenow"] as const;

const WHAT = { pagerduty: "pages", servicenow: "tickets" } as const;

/** What to do about a kind that was refused with `executor-missing`. */
export function missingExecutor(kind: string): string {
  const vendor = VENDORS.find((one) => kind.startsWith(`${one}.`));
  if (vendor === undefined) return `nothing offers ${kind} here: docs/executors.md tells what can`;
  return `${kind} needs executors.${vendor} in holdpoint.yaml (docs/executors.md), then a restart`;
}

/** What is refused for want of an executor, given those that are configured; null when nothing is. */
export function refusedWithout(configured: readonly string[]): string | null {
  const missing = VENDORS.filter((vendor) => !configured.includes(vendor));
  if (missing.length === 0) return null;
  const what = missing.map((vendor) => WHAT[vendor]).join(" and ");
  return `without ${missing.map((vendor) => `executors.${vendor}`).join(" and ")} ${what} are refused (executor-missing)`;
}
