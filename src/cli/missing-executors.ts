// What to configure for action kinds that no executor offers.

/** What each executor of the configuration is for, and how the kinds that it offers begin. */
const EXECUTORS = [
  { name: "pagerduty", begins: "pagerduty.", what: "pages" },
  { name: "servicenow", begins: "servicenow.", what: "tickets" },
  { name: "majorIncident", begins: "incident.", what: "major incidents" },
] as const;

/** What to do about a kind that was refused with `executor-missing`. */
export function missingExecutor(kind: string): string {
  const executor = EXECUTORS.find(({ begins }) => kind.startsWith(begins));
  if (executor === undefined) return `nothing offers ${kind} here: docs/executors.md tells what can`;
  return `${kind} needs executors.${executor.name} in holdpoint.yaml (docs/executors.md), then a restart`;
}

/** What is refused for want of an executor, given those that are configured; null when nothing is. */
export function refusedWithout(configured: readonly string[]): string | null {
  const missing = EXECUTORS.filter(({ name }) => !configured.includes(name));
  if (missing.length === 0) return null;
  const names = missing.map(({ name }) => `executors.${name}`);
  return `without ${listed(names)} ${listed(missing.map(({ what }) => what))} are refused (executor-missing)`;
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
