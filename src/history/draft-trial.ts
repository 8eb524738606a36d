// What a drafted policy would have changed, held against the decisions on record.

import { assert } from "../core/assert.ts";
import { loadBundle } from "../policy/load.ts";
import { RuleIndex } from "../policy/rule-index.ts";
import type { DraftTrial } from "../wire/types/incident-views.ts";
import type { ActionView } from "../wire/types/views.ts";

const EXAMPLES_MAX = 10;

type Draft = { readonly text: string; readonly route: string };

/**
 * `recorded`: actions that it may be about, the newest first. Of several policies the most restrictive verdict counts, and
 * this one only holds: what was allowed and falls under it would have waited for people, and nothing else would differ.
 */
export function tryDraft({ text, route }: Draft, recorded: readonly ActionView[]): DraftTrial {
  const decided = recorded.filter(({ evaluation }) => evaluation !== null);
  const { bundle } = loadBundle([
    { path: "draft.yaml", text },
    { path: "route.yaml", text: anyRoute(route) },
  ]);
  assert(bundle !== null, "a draft is a policy that loads");
  const index = new RuleIndex(bundle.policies);
  const matched = decided.filter((one) => index.find(one.kind, one.environment, one.service).length > 0);
  const as = (decision: string): readonly ActionView[] =>
    matched.filter(({ evaluation }) => evaluation?.decision === decision);
  const allowed = as("allow");
  return {
    decisions: decided.length,
    since: decided.at(-1)?.proposedAt ?? null,
    wouldHold: allowed.length,
    held: as("hold").length,
    refused: as("refuse").length,
    examples: allowed.slice(0, EXAMPLES_MAX).map(({ id }) => id),
  };
}

/** The draft names a route of the policies in force; who is asked makes no difference here. */
function anyRoute(name: string): string {
  return `apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: ${JSON.stringify(name)} }
spec: { steps: [{ roles: [anybody], within: 1h }] }
`;
}
