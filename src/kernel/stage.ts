// The stage of the triage agent: which is in force, what one asks for, and how it restricts what policy came to.
//
//   never granted ─► shadow          granted ──expires──► shadow          moved up: owners; moved down: any person
//
// A stage only takes away: what policy refuses stays refused, what policy holds waits at least for the same people.

import type { Severity } from "../wire/types/classification.ts";
import { STAGES, isStage, type Stage } from "../wire/types/stage.ts";
import type { Evaluation, Verdict, VerdictKind } from "../wire/types/verdict.ts";
import { TERMS } from "./limits.ts";
import type { Action, StageGrant, State } from "./state.ts";
import type { ActivePolicy } from "./transaction.ts";
import { TRIAGE_AGENT } from "./triage-kinds.ts";

type Granted = Pick<State, "stage">;

/** In force at that instant; `shadow` where none was ever granted, and after its end. */
export function stageAt({ stage }: Granted, now: number): Stage {
  return stage === null || hasRunOut(stage, now) ? "shadow" : stage.stage;
}

function hasRunOut({ expiresAt }: StageGrant, now: number): boolean {
  return expiresAt !== null && now >= expiresAt;
}

/** True when the end of a stage is still to be recorded. */
export function isStageOver({ stage }: Granted, now: number): boolean {
  return stage !== null && !stage.expired && hasRunOut(stage, now);
}

/** Whether an action asks for more than is in force: a higher stage, or more time for the same. */
export function raisesStage(state: Granted, now: number, { kind, operand }: Pick<Action, "kind" | "operand">): boolean {
  if (kind !== "stage.set" || operand === "shadow") return false;
  return operand === null || !isStage(operand) || rank(operand) >= rank(stageAt(state, now));
}

function rank(stage: Stage): number {
  return STAGES.indexOf(stage);
}

/** When a stage that people set ends: a lower one no later than the one it follows. */
export function stageEnd(state: Granted, now: number, stage: Stage): number | null {
  if (stage === "shadow") return null;
  const isRaised = rank(stage) >= rank(stageAt(state, now));
  return isRaised ? now + TERMS.stageMs : (state.stage?.expiresAt ?? null);
}

export type Restricted = { readonly result: Evaluation; readonly dryRun: boolean };

type At = { readonly state: Granted; readonly now: number; readonly policy: Pick<ActivePolicy, "ladder"> | undefined };

/** The stage that decisions are made at: `shadow` also where the policies have no ladder. */
export function stageInForce({ state, now, policy }: At): Stage {
  return policy === undefined || policy.ladder === null ? "shadow" : stageAt(state, now);
}

/** Whether the triage agent may do this by itself. */
export function isPermitted(at: At, of: { kind: string; severity: Severity | null }): boolean {
  return at.policy?.ladder?.permits(stageInForce(at), of) === true;
}

/**
 * What is left of a decision at the stage in force. Actions of others, and what policy refuses, pass through. What the
 * stage does not permit is held as a draft on the route of its policy; in shadow, and without a ladder, what would have
 * been granted is a dry run and what would have been held is refused: nobody is asked about what will not happen.
 */
export function restrict(at: At, action: Action, result: Evaluation): Restricted {
  if (action.agent !== TRIAGE_AGENT || result.decision === "refuse") return { result, dryRun: false };
  const stage = stageInForce(at);
  const verdict = (kind: VerdictKind, code: string): Verdict => ({
    code,
    evidence: evidenceOf(at.state, at.now, code === "permitted"),
    gate: `stage/${stage}`,
    verdict: kind,
  });
  if (stage === "shadow") {
    const wouldRun = result.decision === "allow" || action.consent?.route === result.route;
    if (wouldRun) return { result: withVerdict(result, verdict("pass", "shadow")), dryRun: true };
    const refused = { decision: "refuse", route: null, reservations: [], duplicateKeys: [] } as const;
    return { result: { ...withVerdict(result, verdict("refuse", "shadow")), ...refused }, dryRun: false };
  }
  const severity = action.classification?.severity ?? null;
  if (isPermitted(at, { kind: action.kind, severity })) {
    return { result: withVerdict(result, verdict("pass", "permitted")), dryRun: false };
  }
  const held = withVerdict(result, verdict("hold", "draft"));
  const route = result.route ?? result.draftRoute ?? at.policy?.ladder?.route ?? null;
  return { result: { ...held, decision: "hold", route, draftRoute: null }, dryRun: false };
}

function withVerdict(result: Evaluation, verdict: Verdict): Evaluation {
  return { ...result, verdicts: [...result.verdicts, verdict] };
}

/** Names the grant, so that whoever reads the decision finds who gave it and until when. */
function evidenceOf({ stage }: Granted, now: number, permitted: boolean): Verdict["evidence"] {
  if (stage === null) return { permitted };
  const { id: grant, expiresAt } = stage;
  if (expiresAt === null) return { grant, permitted };
  return { expired: hasRunOut(stage, now), expiresAt, grant, permitted };
}
