// From durable events to view documents: a pure function of recorded facts, never of payloads or kernel state.

import type { EventType, KernelEvent } from "../../kernel/events.ts";
import type { LedgerEvent } from "../../wire/types/event.ts";
import * as actions from "./actions.ts";
import * as agents from "./agents.ts";
import * as approvers from "./approvers.ts";
import * as control from "./control.ts";
import type { Documents } from "./documents.ts";
import * as grants from "./grants.ts";
import * as holds from "./holds.ts";
import * as incidents from "./incidents.ts";
import * as levels from "./levels.ts";
import * as runs from "./runs.ts";
import * as signals from "./signals.ts";
import * as silences from "./silences.ts";
import * as stage from "./stage.ts";
import * as storms from "./storms.ts";

/** Views written under another version are forgotten and built again. Change it with any change of a projection. */
export const PROJECTIONS_VERSION = 35;

type Projection<T extends EventType> = (documents: Documents, event: KernelEvent<T>) => void;

function inOrder<T extends EventType>(...projections: readonly Projection<T>[]): Projection<T> {
  return (documents, event) => {
    for (const one of projections) one(documents, event);
  };
}

const PROJECTIONS: { readonly [T in EventType]: Projection<T> } = {
  "log.opened": control.projectOpened,
  "engine.started": control.projectEngineStarted,
  "policy.proposed": control.projectPolicyProposed,
  "policy.activated": control.projectPolicyActivated,
  "signal.received": signals.projectReceived,
  "signal.quarantined": signals.projectQuarantined,
  "signal.released": signals.projectReleased,
  "signal.suppressed": signals.projectSuppressed,
  "signal.unmatched": signals.projectUnmatched,
  "incident.opened": incidents.projectOpened,
  "incident.reopened": incidents.projectReopened,
  "incident.flapping": incidents.projectFlapping,
  "incident.related": incidents.projectRelated,
  "incident.explained": incidents.projectExplained,
  "incident.merged": incidents.projectMerged,
  "incident.split": incidents.projectSplit,
  "incident.lapsed": () => {},
  "incident.resolved": incidents.projectResolved,
  "incident.noted": incidents.projectNoted,
  "storm.opened": storms.projectStormOpened,
  "storm.ended": storms.projectStormEnded,
  "silence.created": silences.projectSilenceCreated,
  "silence.ended": silences.projectSilenceEnded,
  "run.opened": runs.projectRunOpened,
  "run.classified": runs.projectClassified,
  "run.unclassified": runs.projectUnclassified,
  "action.proposed": actions.projectProposed,
  "action.planned": actions.projectPlanned,
  "action.prediction-asked": actions.projectPredictionAsked,
  "action.predicted": actions.projectPredicted,
  "inverse.checked": actions.projectInverseChecked,
  "impact.measured": actions.projectImpactMeasured,
  "action.advised": actions.projectAdvised,
  "action.labelled": actions.projectLabelled,
  "action.refused": actions.projectRefused,
  "action.suppressed": actions.projectActionSuppressed,
  "action.waiting": actions.projectWaiting,
  "action.still-waiting": actions.projectStillWaiting,
  "action.held": holds.projectHeld,
  "hold.escalated": holds.projectEscalated,
  "hold.frozen": holds.projectFrozen,
  "hold.resumed": holds.projectResumed,
  "hold.reminded": holds.projectReminded,
  "action.approval-given": inOrder(approvers.projectDecision, holds.projectApprovalGiven),
  "action.approval-withdrawn": holds.projectApprovalWithdrawn,
  "action.approved": inOrder(approvers.projectDecision, holds.projectApproved),
  "action.glass-asked": holds.projectGlassAsked,
  "action.glass-broken": holds.projectGlassBroken,
  "review.given": holds.projectReviewGiven,
  "review.overdue": holds.projectReviewOverdue,
  "action.denied": inOrder(approvers.projectDecision, holds.projectDenied),
  "action.cancelled": actions.projectEnded("cancelled"),
  "action.expired": actions.projectEnded("expired"),
  "action.granted": inOrder(actions.projectGranted, grants.projectGrantOf),
  "action.grant-revoked": inOrder(actions.projectGrantRevoked, grants.projectGrantTakenBack),
  "grant.created": grants.projectSetCreated,
  "grant.revoked": grants.projectSetRevoked,
  "grant.expired": grants.projectSetExpired,
  "action.completed": actions.projectCompleted,
  "step.started": actions.projectStepStarted,
  "step.finished": actions.projectStepFinished,
  "step.reconciled": actions.projectStepReconciled,
  "health.sampled": actions.projectHealthSampled,
  "action.verified": actions.projectVerified,
  "action.advanced": actions.projectAdvanced,
  "action.reverting": actions.projectReverting,
  "action.reverted": actions.projectReverted,
  "domain.blocked": () => {},
  "domain.released": () => {},
  "brake.applied": control.projectBrakeApplied,
  "brake.followed": control.projectBrakeFollowed,
  "brake.reported": control.projectBrakeReported,
  "brake.released": control.projectBrakeReleased,
  "stage.granted": stage.projectStageGranted,
  "stage.expired": stage.projectStageExpired,
  "agent.registered": agents.projectRegistered,
  "agent.revoked": (documents, event) => {
    agents.projectRevoked(documents, event);
    levels.projectLevelsLost(documents, event);
  },
  "proposal.refused": agents.projectProposalRefused,
  "level.granted": levels.projectLevelGranted,
  "level.revoked": levels.projectLevelRevoked,
  "level.expired": levels.projectLevelExpired,
  "rights.installed": () => {},
  "rights.given": () => {},
  "rights.revoked": () => {},
  "session.opened": () => {},
  "session.ended": () => {},
  "refusals.counted": control.projectRefusals,
  "heartbeat.proven": () => {},
  "payload.erased": control.projectErased,
};

/** Projects one event. An event about something unknown changes nothing; the fold beside it judges the log. */
export function project(documents: Documents, event: LedgerEvent): void {
  if (!Object.hasOwn(PROJECTIONS, event.type)) return;
  const kernelEvent = event as KernelEvent;
  (PROJECTIONS[kernelEvent.type] as Projection<EventType>)(documents, kernelEvent);
}
