// Bounds and terms of the kernel. They are part of the engine version: changing one changes decisions.

export const LIMITS = {
  /** Actions that have not ended; more proposals answer `overloaded`. */
  liveActionsMax: 50_000,
  /** Room beyond that which only triage may take: no agent fills the table that alerts need. */
  triageActionsMax: 50_000,
  /** Bounded grants that stand: of all agents, and of one. */
  grantSetsMax: 2_000,
  grantSetsPerAgentMax: 32,
  /** Actions that wait for their window or for others: in all, of one agent, and for others on one service; one more is refused. */
  waitingMax: 2_000,
  waitingOfOneMax: 250,
  waitingAtServiceMax: 16,
  /** Triage runs waiting for a classification. */
  liveRunsMax: 20_000,
  /** Open incidents kept in memory; beyond, of the source with the most the one untouched for longest is closed. */
  openIncidentsMax: 20_000,
  /** What one incident names: services, failures, and pairs of service and signature. The rest is counted only. */
  incidentServicesMax: 64,
  incidentFailuresMax: 64,
  incidentHoldsMax: 256,
  /** Incidents that one may absorb, and be kept apart from. */
  incidentAbsorbedMax: 64,
  incidentApartMax: 64,
  /** Of a million requests: as many at least must fail with another service for its failure to count as the cause. */
  relatedPpmMin: 100_000,
  /** Ended incidents that may come back; the oldest leaves first. */
  resolvedIncidentsMax: 1_000,
  /** Services that make a storm when they fire within `stormWindowMs`, each counted once (S7). */
  stormServices: 20,
  /** Services of which it is known when they fired last, and environments in which a storm lasts. */
  firingServicesMax: 4_096,
  stormsMax: 64,
  /** Silences that stand, and alerts that they keep quiet, of which each is known: one more is triaged as without them. */
  silencesMax: 256,
  silencedAlertsMax: 20_000,
  /** Alerts of one incident of which each is known to fire. */
  incidentFiringMax: 1_000,
  /** Signals named by one incident, for independence and justification; later ones are counted only. */
  incidentSignalsMax: 32,
  /** Beyond this many, only those of a detector not named yet. */
  incidentRepeatsMax: 16,
  /** Idempotency keys and delivery keys remembered; of whoever has the most, the oldest leaves first. */
  idempotencyKeysMax: 50_000,
  deliveryKeysMax: 50_000,
  /** Advice that reviewers may label; of whoever has the most, the oldest leaves first. And labels of one. */
  adviceMax: 10_000,
  labelsMax: 16,
  /** Keys of the duplicate gate and counters of limits remembered. */
  duplicateKeysMax: 50_000,
  /** Changes that went well somewhere, counted while policy may ask about them. */
  rehearsalsMax: 10_000,
  countersMax: 50_000,
  /** Actions whose real impact is to be measured; more are not. */
  measuringMax: 2_000,
  /** Services of which is known what was changed there, and changes of one; the oldest leave first. */
  changedServicesMax: 2_000,
  changesMax: 32,
  /** Actions whose inverse is to be tried without an effect; more are not. */
  inversesMax: 2_000,
  /** Sums of impact, and granted actions of one of them that are told apart; the oldest are merged. */
  impactsMax: 2_000,
  impactEntriesMax: 1_024,
  policyProposalsMax: 32,
  /** Grants of level of one registered agent that have not ended. */
  levelsPerAgentMax: 64,
  brakesMax: 256,
  /** Registered agents; the one revoked first makes room for another. */
  agentsMax: 1_024,
  /** People and groups with rights, those that lost them among them: who is forgotten could come back. */
  rightsMax: 2_048,
  /** Refused proposals of one agent in a minute that are events of their own. */
  refusedProposalsPerMinute: 10,
  /** Agents above one another. */
  delegationMax: 4,
  /** Reviews of broken glass that nobody has given yet; more glass is broken when some are. */
  reviewsOwedMax: 1_000,
  /** Actions in flight, and others, that the event of a brake lists; all of them are counted. */
  stopsListedMax: 1_500,
  /** Domains that a failed revert closed; one more closes everything. */
  blockedDomainsMax: 1_000,
  /** Pages that still have to be closed at the pager; the oldest leaves first. */
  owedResolvesMax: 20_000,
  /** Attempts to close one page, each as long as a grant, before people are asked to: about a day. */
  resolveTriesMax: 28,
  /** Attempts of one step that provably had no effect, before the action fails. */
  stepAttemptsMax: 14,
} as const;

export const TERMS = {
  /** A grant not used within this time dies by itself. */
  grantMs: 5 * 60_000,
  /** What a grant leaves for taking an action back, after the time for its checks. */
  revertMs: 10 * 60_000,
  /** How long the target may be asked again about a step whose end nobody saw, before people are. */
  reconcileMs: 15 * 60_000,
  /** The longest that a bounded grant holds. */
  grantSetMs: 7 * 24 * 3_600_000,
  /** A window ends at most so far ahead. */
  windowAheadMs: 31 * 24 * 3_600_000,
  /** So long at most an action waits for what has to come from outside, and so often that is asked about. */
  outsideMs: 7 * 24 * 3_600_000,
  outsideFirstMs: 30_000,
  outsideLastMs: 5 * 60_000,
  /** A classification that has not come by then counts as absent. */
  classificationMs: 60_000,
  /** A plan that has not come by then counts as absent. */
  planningMs: 60_000,
  /** An impact that nobody could measure so long after it was due is given up. */
  measuringLateMs: 30 * 60_000,
  /** A prediction that has not come by then counts as absent. */
  predictingMs: 15_000,
  /** A prediction is read for so long; a later decision asks again. */
  predictionMs: 60_000,
  /** The same failure again within this time joins the incident without a new run. */
  suppressRunMs: 30 * 60_000,
  /** A delivery of the source may show by then that what is owed another run still fires; then it is run without. */
  redeliveryMs: 5 * 60_000,
  /** A firing that comes this late after its own resolve was overtaken by it; later it fires again. */
  overtakenMs: 10 * 60_000,
  /** So long what went well in one environment may count in another. */
  rehearsalMs: 30 * 24 * 3_600_000,
  /** Waits between attempts to close a page: from the first, doubled, up to the last. */
  resolveAgainMs: 5 * 60_000,
  resolveAgainMaxMs: 60 * 60_000,
  /** The same failure of the same service comes back within this time: the incident that had ended goes on. */
  reopenMs: 30 * 60_000,
  /** Another failure of a service joins an incident that names the service and had a signal within this time. */
  joinServiceMs: 10 * 60_000,
  /** The same failure elsewhere joins one that names the failure and had a signal within this time. */
  joinFailureMs: 5 * 60_000,
  /** Opened again so often within `reopenMs`, an incident is flapping: quiet of `flappingQuietMs` ends it. */
  flappingTimes: 3,
  flappingQuietMs: 15 * 60_000,
  /** A signed proposal is as good as its `iat`: no older, and no further ahead by the agent's clock. */
  signatureMs: 5 * 60_000,
  signatureAheadMs: 30_000,
  /** How long the stage of the first start holds, and one that people set. */
  initialStageMs: 30 * 24 * 3_600_000,
  stageMs: 90 * 24 * 3_600_000,
  /** A silence lasts at most so long, and is asked for at most so long ahead. */
  silenceMs: 7 * 24 * 3_600_000,
  silenceAheadMs: 30 * 24 * 3_600_000,
  /** An alert of a source that tells of no end is taken to fire for so long. */
  stillFiresMs: 10 * 60_000,
  /** … and keeps its incident open for so long: searches that run every hour do not end one between two runs. */
  lapseMs: 2 * 60 * 60_000,
  /** The longest that a grant of level holds. */
  levelMs: 90 * 24 * 3_600_000,
  /** A storm is over when for so long no window of `stormWindowMs` was as wide. */
  stormWindowMs: 5 * 60_000,
  stormQuietMs: 15 * 60_000,
  /** A storm's page of which nobody heard is asked for again. */
  stormPageAgainMs: 60_000,
  /** Pieces of one change that are granted within this time are judged together. */
  splitMs: 15 * 60_000,
  /** What a pause found in flight is reported then, with what is known of it. */
  stopReportMs: 5 * 60_000,
  /** The clock of a hold stands still under pauses for so long in all, and no longer. */
  frozenMaxMs: 72 * 3_600_000,
  /** An incident without any signal for this long is closed. */
  incidentIdleMs: 7 * 24 * 3_600_000,
} as const;
