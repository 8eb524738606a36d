// What the linter finds about the ladder: none where one is needed, a stage below the one before it, idle permits.

import { SEVERITIES } from "../wire/types/classification.ts";
import { coversAction } from "./definitions.ts";
import type { Bundle } from "./load.ts";
import type { Finding } from "./lint.ts";
import type { Ladder } from "./ladder.ts";

export type LadderFindingCode = "ladder-missing" | "ladder-narrows" | "permit-unused";

/** What only the triage agent asks for. */
const TRIAGE_PREFIXES = ["pagerduty.", "servicenow.", "incident."];

export function ladderFindings(bundle: Bundle): readonly Finding[] {
  const { ladder, policies } = bundle;
  if (ladder !== null) return [...narrowing(ladder), ...unusedPermits(ladder, bundle)];
  const about = policies.find(({ match }) =>
    match.actions.some((action) => TRIAGE_PREFIXES.some((prefix) => action.startsWith(prefix))),
  );
  if (about === undefined) return [];
  const { path, line, name: subject } = about;
  const message = "there is no ladder in the bundle: the triage agent stays in shadow";
  return [{ code: "ladder-missing", subject, path, line, message }];
}

/** Going up must not take away what the stage below permits. */
function narrowing(ladder: Ladder): Finding[] {
  const findings: Finding[] = [];
  for (const [i, { stage, permits }] of ladder.stages.entries()) {
    const above = ladder.stages[i + 1]?.stage;
    if (above === undefined) break;
    const lost = permits.find(({ actions, maxSeverity }) => {
      const severities = maxSeverity === null ? [null] : SEVERITIES.slice(0, SEVERITIES.indexOf(maxSeverity) + 1);
      return actions.some((kind) => severities.some((severity) => !ladder.permits(above, { kind, severity })));
    });
    if (lost === undefined) continue;
    const message = `\`${above}\` does not permit all that \`${stage}\` before it permits`;
    findings.push({ code: "ladder-narrows", subject: above, path: ladder.path, line: ladder.line, message });
  }
  return findings;
}

function unusedPermits({ stages, path, line }: Ladder, { policies }: Bundle): Finding[] {
  const matched = policies.flatMap(({ match }) => match.actions);
  const permitted = new Set(stages.flatMap(({ permits }) => permits.flatMap(({ actions }) => actions)));
  const unused = [...permitted].filter(
    (kind) => !matched.some((other) => coversAction(kind, other) || coversAction(other, kind)),
  );
  return unused.map((subject) => {
    const message = `no policy is about \`${subject}\`, so no stage can let it pass`;
    return { code: "permit-unused", subject, path, line, message };
  });
}
