// Scopes: what a token may do, each narrow, with wildcards for kinds of actions alone.

import { coversKind } from "../../core/kind-pattern.ts";

/** Scopes without a parameter. Beside them: `actions:propose:<kind>`, `actions:propose:<name>.*` and `actions:propose:*`. */
export const PLAIN_SCOPES = [
  "signals:read",
  "runs:read",
  "incidents:read",
  "incidents:write",
  "actions:read",
  "actions:approve",
  "actions:cancel",
  "killswitch:read",
  "killswitch:pause",
  "killswitch:resume",
  "ledger:read",
  "policies:read",
  "policies:propose",
  "model:read",
  "model:write",
  "access:evaluate",
  "agents:read",
  "agents:revoke",
  "people:read",
  "people:revoke",
  "payloads:read",
  "payloads:erase",
  "admin",
] as const;

/** Those that a registered agent may have beside proposing: none changes what is enforced, or reads what others wrote. */
export const AGENT_SCOPES = [
  "signals:read",
  "runs:read",
  "incidents:read",
  "actions:read",
  "actions:approve",
  "actions:cancel",
  "killswitch:read",
  "killswitch:pause",
  "ledger:read",
  "policies:read",
  "model:read",
  "agents:read",
] as const satisfies readonly (typeof PLAIN_SCOPES)[number][];

/** A scope that a person or an agent can be registered with. */
export type ClientScope = (typeof PLAIN_SCOPES)[number] | `actions:propose:${string}`;

/** What people usually need: to read, to answer and to stop. */
export const PERSON_SCOPES: readonly ClientScope[] = [
  "signals:read",
  "incidents:read",
  "incidents:write",
  "runs:read",
  "actions:read",
  "actions:approve",
  "actions:cancel",
  "killswitch:read",
  "killswitch:pause",
  "ledger:read",
  "policies:read",
  "agents:read",
  "people:read",
  "payloads:read",
];

/** The one thing a source's secret allows. No client can be registered with it. */
export type SourceScope = `signals:write:${string}`;

const PROPOSE = "actions:propose:";
const PROPOSE_ANY = "actions:propose:*";
const PLAIN: ReadonlySet<string> = new Set(PLAIN_SCOPES);
const ACTION_KIND = /^[a-z][a-z0-9-]{0,31}(?:\.[a-z0-9_-]{1,32}){0,3}(?:\.\*)?$/;

/** Whether `text` is a scope that a client can be registered with or ask for. */
export function isClientScope(text: string): text is ClientScope {
  if (PLAIN.has(text) || text === PROPOSE_ANY) return true;
  return text.startsWith(PROPOSE) && ACTION_KIND.test(text.slice(PROPOSE.length));
}

/**
 * Whether the scopes held cover `needed`. `actions:propose:*` covers every `actions:propose:<kind>`, and
 * `actions:propose:record.*` those below `record`; nothing else covers anything but itself: `admin` is the scope of
 * administration, not all scopes.
 */
export function hasScope(holder: { readonly scopes: readonly string[] }, needed: ClientScope | SourceScope): boolean {
  if (holder.scopes.includes(needed)) return true;
  if (!needed.startsWith(PROPOSE)) return false;
  const kind = needed.slice(PROPOSE.length);
  return holder.scopes.some((held) => held.startsWith(PROPOSE) && coversKind(held.slice(PROPOSE.length), kind));
}
