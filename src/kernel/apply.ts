// The fold: state after an event, from state before it. Changes the state it is given and nothing else.

import { assert } from "../core/assert.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import type { EventType, KernelEvent } from "./events.ts";
import * as actions from "./reducers/actions.ts";
import * as advice from "./reducers/advice.ts";
import * as agents from "./reducers/agents.ts";
import * as control from "./reducers/control.ts";
import * as sets from "./reducers/grant-sets.ts";
import * as holdClocks from "./reducers/hold-clocks.ts";
import * as holds from "./reducers/holds.ts";
import * as incidents from "./reducers/incidents.ts";
import * as inverses from "./reducers/inverses.ts";
import * as measuring from "./reducers/measuring.ts";
import * as predictions from "./reducers/predictions.ts";
import * as rights from "./reducers/rights.ts";
import * as reviews from "./reducers/reviews.ts";
import * as levels from "./reducers/levels.ts";
import * as signals from "./reducers/signals.ts";
import * as silences from "./reducers/silences.ts";
import * as stage from "./reducers/stage.ts";
import { applyReported } from "./reducers/stop-report.ts";
import * as verification from "./reducers/verification.ts";
import * as storms from "./reducers/storms.ts";
import * as words from "./reducers/words.ts";
import type { State } from "./state.ts";

type Reducer<T extends EventType> = (state: State, event: KernelEvent<T>) => void;

const recordOnly = (): void => {};

const REDUCERS: { readonly [T in EventType]: Reducer<T> } = {
  "log.opened": recordOnly,
  "engine.started": control.applyEngineStarted,
  "policy.proposed": control.applyPolicyProposed,
  "policy.activated": control.applyPolicyActivated,
  "signal.received": signals.applySignalReceived,
  "signal.quarantined": signals.applySignalQuarantined,
  "signal.released": signals.applySignalReleased,
  "signal.suppressed": recordOnly,
  "signal.unmatched": recordOnly,
  "incident.opened": incidents.applyOpened,
  "incident.reopened": incidents.applyReopened,
  "incident.flapping": incidents.applyFlapping,
  "incident.related": recordOnly,
  "incident.explained": incidents.applyExplained,
  "incident.merged": incidents.applyMerged,
  "incident.split": incidents.applySplit,
  "incident.lapsed": incidents.applyLapsed,
  "incident.resolved": incidents.applyResolved,
  "incident.noted": words.applyNoted,
  "storm.opened": storms.applyStormOpened,
  "storm.ended": storms.applyStormEnded,
  "silence.created": silences.applySilenceCreated,
  "silence.ended": silences.applySilenceEnded,
  "run.opened": signals.applyRunOpened,
  "run.classified": signals.applyRunClassified,
  "run.unclassified": signals.applyRunEnded,
  "action.proposed": actions.applyProposed,
  "action.planned": actions.applyPlanned,
  "action.prediction-asked": predictions.applyPredictionAsked,
  "action.predicted": predictions.applyPredicted,
  "inverse.checked": inverses.applyInverseChecked,
  "impact.measured": measuring.applyImpactMeasured,
  "action.advised": advice.applyAdvised,
  "action.labelled": advice.applyLabelled,
  "action.refused": actions.applyEnded("refused"),
  "action.suppressed": actions.applySuppressed,
  "action.waiting": actions.applyWaiting,
  "action.still-waiting": actions.applyStillWaiting,
  "action.held": holds.applyHeld,
  "hold.escalated": holds.applyEscalated,
  "hold.frozen": holdClocks.applyFrozen,
  "hold.resumed": holdClocks.applyResumed,
  "hold.reminded": holds.applyReminded,
  "action.approval-given": holds.applyApprovalGiven,
  "action.approval-withdrawn": holds.applyApprovalWithdrawn,
  "action.approved": holds.applyApproved,
  "action.glass-asked": holds.applyGlassAsked,
  "action.glass-broken": holds.applyGlassBroken,
  "review.given": reviews.applyReviewGiven,
  "review.overdue": reviews.applyReviewOverdue,
  "action.denied": actions.applyEnded("denied"),
  "action.cancelled": actions.applyEnded("cancelled"),
  "action.expired": actions.applyEnded("expired"),
  "action.granted": actions.applyGranted,
  "action.grant-revoked": actions.applyGrantRevoked,
  "grant.created": sets.applySetCreated,
  "grant.revoked": sets.applySetEnded,
  "grant.expired": sets.applySetEnded,
  "action.completed": actions.applyCompleted,
  "step.started": actions.applyStepStarted,
  "step.finished": actions.applyStepFinished,
  "step.reconciled": actions.applyStepReconciled,
  "health.sampled": verification.applyHealthSampled,
  "action.verified": verification.applyVerified,
  "action.advanced": verification.applyAdvanced,
  "action.reverting": verification.applyReverting,
  "action.reverted": verification.applyReverted,
  "domain.blocked": verification.applyDomainBlocked,
  "domain.released": verification.applyDomainReleased,
  "brake.applied": control.applyBrakeApplied,
  "brake.followed": control.applyBrakeFollowed,
  "brake.reported": applyReported,
  "brake.released": control.applyBrakeReleased,
  "stage.granted": stage.applyStageGranted,
  "stage.expired": stage.applyStageExpired,
  "agent.registered": agents.applyRegistered,
  "agent.revoked": agents.applyRevoked,
  "rights.installed": rights.applyInstalled,
  "rights.given": rights.applyGiven,
  "rights.revoked": rights.applyRevoked,
  "proposal.refused": agents.applyProposalRefused,
  "level.granted": levels.applyLevelGranted,
  "level.revoked": levels.applyLevelEnded,
  "level.expired": levels.applyLevelEnded,
  "session.opened": recordOnly,
  "session.ended": recordOnly,
  "refusals.counted": recordOnly,
  "heartbeat.proven": recordOnly,
  "payload.erased": recordOnly,
};

/** Folds one event. Events come in sequence; one of an unknown type or version stops the fold. */
export function apply(state: State, event: LedgerEvent): void {
  assert(event.seq === state.nextSeq, `event ${event.seq} follows event ${state.nextSeq - 1}`);
  assert(event.time >= state.time, "time never decreases along the log");
  assert(event.version === 1 && Object.hasOwn(REDUCERS, event.type), `a reducer for ${event.type}@${event.version}`);
  const kernelEvent = event as KernelEvent;
  (REDUCERS[kernelEvent.type] as Reducer<EventType>)(state, kernelEvent);
  control.rememberKey(state, kernelEvent);
  state.nextSeq = event.seq + 1;
  state.time = event.time;
}
