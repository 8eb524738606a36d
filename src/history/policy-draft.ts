// The policy that an incident suggests, for people to review: it can only ask for more than those in force, never for less.

import type { ChangeKind } from "../wire/types/model.ts";
import type { IncidentView } from "../wire/types/incident-views.ts";
import type { ActionView } from "../wire/types/views.ts";
import { servicesOf } from "./memory.ts";

type Tried = Pick<ActionView, "kind" | "status" | "agent">;

/** Actions that make such changes. */
const KINDS_OF: Readonly<Record<ChangeKind, readonly string[]>> = {
  deploy: ["argocd.*", "github.*", "kubernetes.*"],
  configuration: ["github.*", "kubernetes.*", "terraform.*"],
  flag: ["github.*", "http.*"],
  schema: ["sql.*"],
  infrastructure: ["kubernetes.*", "terraform.*"],
};
/** Ends after which an action was no help. */
const NO_HELP: ReadonlySet<ActionView["status"]> = new Set(["failed", "reverted", "needs-attention"]);
const SERVICES_MAX = 32;
/** Plain names only: what else a signal may call its service is for people to type. */
const NAME = /^[\w.@/-]{1,200}$/;

/** How policies that an incident led to are called. */
export function draftName(incident: string): string {
  return `after-${incident.replaceAll("_", "-").toLowerCase()}`;
}

/** YAML; null where nothing that was done, by whom ever, explains the incident. `route`: who is asked. */
export function draftPolicy(incident: IncidentView, tried: readonly Tried[], route: string): string | null {
  const failed = tried.filter(({ status, agent }) => NO_HELP.has(status) && !agent.startsWith("system:"));
  const changeKind = incident.explained?.causes[0]?.changeKind ?? null;
  const made = changeKind !== null && Object.hasOwn(KINDS_OF, changeKind) ? KINDS_OF[changeKind as ChangeKind] : [];
  const others = failed.map(({ kind }) => kind).filter((kind) => !made.some((pattern) => isCovered(kind, pattern)));
  const kinds = [...new Set([...others, ...made])].toSorted();
  const services = [...servicesOf(incident)]
    .filter((name) => NAME.test(name))
    .toSorted()
    .slice(0, SERVICES_MAX);
  if (kinds.length === 0 || services.length === 0) return null;
  const list = (names: readonly string[]): string => `[${names.map((name) => JSON.stringify(name)).join(", ")}]`;
  return `# Drafted from ${incident.id}. It asks people before what led to the incident, or did not help, is done there again.
# Narrow it to what you mean before you propose it: holdpoint policy propose.
apiVersion: holdpoint.dev/v1
kind: Policy
metadata:
  name: ${draftName(incident.id)}
  description: ${JSON.stringify(reasonOf(changeKind, failed.length))}
spec:
  match:
    actions: ${list(kinds)}
    environments: ${list([incident.environment])}
    services: ${list(services)}
  route: ${JSON.stringify(route)}
  rules:
    - name: asked-since
      decision: hold
`;
}

/** By a pattern like `kubernetes.*`. */
function isCovered(kind: string, pattern: string): boolean {
  return kind.startsWith(pattern.slice(0, -1));
}

function reasonOf(changeKind: string | null, failed: number): string {
  const cause = changeKind === null ? [] : [`a change of kind ${changeKind} explains it`];
  const actions = failed === 0 ? [] : [`${failed} action${failed === 1 ? "" : "s"} did not help`];
  return [...cause, ...actions].join("; ");
}
