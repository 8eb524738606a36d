// The page about an action that left a service unwell: what it was, what failed, and that nobody has put it right.

import type { JsonObject } from "../core/json.ts";
import { REVERT_AGENT } from "../kernel/reverts.ts";
import type { Action } from "../kernel/state.ts";

export function isRevertPage({ agent, kind }: Action): boolean {
  return agent === REVERT_AGENT && kind === "pagerduty.trigger";
}

/** `incident` of such a page names the action that it is about: under that key it stands at the pager. */
export function composeRevertPage(page: Action, origin: string): JsonObject {
  const { environment, service, incident: about, id: action, run } = page;
  return {
    dedupKey: `${origin}/${about ?? action}`.slice(0, 255),
    summary: `[unwell] ${service} in ${environment}: ${about ?? "an action"} failed its checks and was not taken back`,
    severity: "high",
    source: `${service} in ${environment}`.slice(0, 255),
    details: {
      justification: { action, about, run },
      next: `holdpoint explain ${about ?? action} says what was done, what was checked, and what failed.`,
    },
  };
}
