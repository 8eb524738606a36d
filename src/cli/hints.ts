// The next command to try after a problem, by its code.

import type { Fields } from "./fields.ts";

const HINTS: Readonly<Record<string, string>> = {
  "token-invalid":
    "holdpoint token   # a token from HOLDPOINT_TOKEN may have expired; unset it to use the client's key",
  "client-invalid": "holdpoint doctor   # a client that was added just now is known within a second",
  "session-invalid": "holdpoint login --sso",
  "source-unknown": "holdpoint source add NAME --kind alertmanager",
  "action-kind-unknown":
    "holdpoint get kinds   # what can be proposed here; docs/executors.md tells how to configure more",
  "arguments-invalid": "holdpoint get kind KIND -o yaml   # the arguments that it takes",
  "action-not-found": "holdpoint get actions",
  "incident-not-found": "holdpoint get incidents",
  "run-not-found": "holdpoint get runs",
  "signal-not-found": "holdpoint get signals",
  "not-ready": "holdpoint doctor",
  "self-approval": "ask somebody else to approve it",
  "killswitch-conflict": "holdpoint kill status",
  "policy-invalid": "holdpoint policy lint PATH",
  "commit-unknown": "run it again with the same --idempotency-key",
  overloaded: "wait, then try again",
};

/** A whole command or sentence, null where nothing useful can be said. */
export function hintFor(code: string, facts: Fields | null): string | null {
  const scope = facts?.text("scope");
  if (code === "scope-insufficient" && scope !== undefined) return `use a client that has the scope ${scope}`;
  const action = facts?.text("action");
  const isAboutAction = code === "plan-mismatch" || code === "action-not-held" || code === "action-not-cancellable";
  if (isAboutAction && action !== undefined) return `holdpoint describe action ${action}`;
  return Object.hasOwn(HINTS, code) ? (HINTS[code] ?? null) : null;
}
