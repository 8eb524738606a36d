// The contracts of the HTTP edge, fulfilled by the parts that main has put together.

import { join } from "node:path";
import type { Logger } from "pino";
import { AppError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { AccessBindings } from "../adapters/identity/access-bindings.ts";
import { correlationPrefix } from "../adapters/executors/registry.ts";
import type { EmergencyBrake } from "../effects/brake.ts";
import { probeWithModel } from "../effects/predict.ts";
import { findInverse } from "../effects/inverse.ts";
import { planHashOf } from "../effects/execute.ts";
import { findingsOf, phasesOf } from "../effects/plan.ts";
import { Admission } from "../http/admission.ts";
import { ActionWaits } from "../http/action-waits.ts";
import { LiveEvents } from "../http/live-events.ts";
import type { Family, Metrics } from "../http/metrics.ts";
import type { RefusalCounter } from "../http/refusals.ts";
import type {
  ActionService,
  KillswitchService,
  PolicyService,
  Services,
  SignalService,
  SlackService,
} from "../http/services.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { closedDomains } from "../kernel/reducers/verification.ts";
import { countStops, stopsOf } from "../kernel/stops.ts";
import { lintBundle } from "../policy/lint.ts";
import { loadBundle } from "../policy/load.ts";
import { MEMORY_DEFAULT } from "../policy/memory-terms.ts";
import { normalizeDelivery } from "../signals/normalize-delivery.ts";
import { findSecret } from "../signals/redact.ts";
import type { ActionKind } from "../wire/contracts/executor.ts";
import type { RightsDirectory } from "../wire/contracts/rights.ts";
import type { ViewReader } from "../wire/contracts/views.ts";
import { agentService } from "./agents.ts";
import type { Config } from "./config.ts";
import type { Core } from "./core.ts";
import type { Delivering } from "./deliveries.ts";
import { addDeliveryMetrics } from "./delivery-metrics.ts";
import type { EffectParts } from "./effect-parts.ts";
import { createHeartbeat } from "./heartbeat.ts";
import type { FollowerClient } from "./follower-client.ts";
import type { Identities } from "./identity.ts";
import { DeployChanges } from "./deploy-changes.ts";
import type { LedgerReads } from "./ledger-reads.ts";
import { addModelMetrics, type ModelClient } from "./model-client.ts";
import type { PolicyBundles } from "./policy-bundles.ts";
import { rightsService } from "./rights.ts";
import { addStageMetrics, ladderDocument, whyStageHoldsPages } from "./stage-reads.ts";
import { systemClock, systemRandom } from "./system.ts";
import { VERSION } from "./version.ts";

type Parts = {
  readonly config: Config;
  readonly core: Core;
  readonly brake: EmergencyBrake;
  readonly ledger: LedgerReads;
  readonly effects: EffectParts;
  readonly identity: Identities;
  readonly rights: RightsDirectory;
  readonly follower: FollowerClient;
  readonly delivering: Delivering;
  readonly slack: SlackService;
  readonly refusals: RefusalCounter;
  readonly model: ModelClient;
  readonly views: ViewReader;
  readonly metrics: Metrics;
  readonly log: Logger;
};

export function createServices(parts: Parts): Services {
  const { core, follower, metrics, views } = parts;
  const { kernel } = core;
  addGauges(parts);
  addApproverMetric(parts);
  addStageMetrics(core, metrics);
  addModelMetrics(parts.model, metrics);
  addDeliveryMetrics(parts.delivering, { kernel, metrics });
  const nowMs = (): number => systemClock.nowMs();
  const notReady = (): string | null => whyNotReady(parts);
  const { executors } = parts.effects;
  return {
    version: VERSION,
    nowMs,
    submit: (command) => kernel.submit(command),
    probe: (proposal) => probeWithModel(parts.effects, proposal),
    durableSize: () => kernel.durableSize,
    notReady,
    proveHeartbeat: createHeartbeat({
      kernel,
      brake: parts.brake,
      executors,
      metrics,
      nowMs,
      notReady: () => notReady() ?? whyStageHoldsPages(core),
    }),
    metrics,
    refused: (who, code) => {
      parts.refusals.count(who, code, nowMs());
      metrics.count("holdpoint_refusals_total", "Requests turned away, by problem code.", { code });
    },
    identity: parts.identity,
    sessions: parts.identity.sessions,
    signals: signalService(parts),
    actions: actionService(parts.effects, kernel),
    agents: agentService(kernel),
    rights: rightsService({ config: parts.config, rights: parts.rights, people: parts.identity.people }),
    slack: parts.slack,
    access: new AccessBindings(join(parts.config.dataDir, "keys", "access.key"), systemRandom),
    killswitch: killswitchService(parts),
    policies: policyService(core),
    model: parts.model,
    deploys: new DeployChanges({ model: parts.model, diffs: parts.effects.diffs, log: parts.log, metrics }),
    views: { reader: views, caughtUp: () => follower.reached(kernel.durableSize) },
    ledger: parts.ledger,
    live: openLiveEvents(parts),
    waits: openWaits(core.kernel),
    confirmClock: () => core.clock.confirm(),
    log: {
      error: (facts, message) => parts.log.error(facts, message),
      info: (facts, message) => parts.log.info(facts, message),
    },
    admission: new Admission(parts.config.limits),
  };
}

function openLiveEvents({ core: { kernel }, metrics }: Parts): LiveEvents {
  const live = new LiveEvents(kernel.durableSize);
  kernel.onDurable((events) => live.publish(events));
  metrics.gauge({ name: "holdpoint_stream_readers", help: "Open streams of live updates.", read: () => live.readers });
  return live;
}

function openWaits(kernel: Parts["core"]["kernel"]): ActionWaits {
  const waits = new ActionWaits();
  kernel.onDurable((events) => waits.publish(events));
  return waits;
}

function whyNotReady({ core, follower }: Parts): string | null {
  if (core.kernel.failure !== null) return "the ledger does not take writes";
  if (core.clock.suspect) return "the clock jumped forward and waits for confirmation";
  if (core.kernel.state.bundleHash === null) return "no policy is active";
  if (follower.failure !== null) return `the follower stopped: ${follower.failure}`;
  return null;
}

function addGauges({ core, follower, metrics }: Parts): void {
  const { kernel } = core;
  const gauges: readonly [string, string, () => number][] = [
    ["holdpoint_ledger_events", "Durable events.", () => kernel.durableSize],
    ["holdpoint_ledger_last_event_timestamp_seconds", "Time of the last event.", () => kernel.state.time / 1000],
    ["holdpoint_actions_live", "Actions that have not ended.", () => kernel.state.actions.size],
    ["holdpoint_runs_waiting", "Triage runs that wait for a classification.", () => kernel.state.runs.size],
    ["holdpoint_incidents_open", "Open incidents.", () => kernel.state.incidents.size],
    ["holdpoint_storms", "Environments in which a storm lasts.", () => kernel.state.storms.size],
    ["holdpoint_silences", "Silences that stand or wait for their alerts.", () => kernel.state.silences.size],
    ["holdpoint_alerts_silenced", "Alerts that fire under a silence.", () => kernel.state.silenced.size],
    ["holdpoint_reviews_owed", "Reviews of broken glass that are owed.", () => kernel.state.reviews.size],
    ["holdpoint_brakes_applied", "Brakes in force.", () => kernel.state.brakes.size],
    ["holdpoint_domains_closed", "Services closed after a revert failed.", () => kernel.state.blocked.size],
    [
      "holdpoint_views_lag_events",
      "Durable events that the views lack.",
      () => kernel.durableSize - (follower.status?.position ?? 0),
    ],
    [
      "holdpoint_replay_compared_commands",
      "Commands decided again since the start.",
      () => follower.status?.compared ?? 0,
    ],
    [
      "holdpoint_replay_mismatched_commands",
      "Commands whose decision did not replay.",
      () => follower.status?.mismatched ?? 0,
    ],
  ];
  for (const [name, help, read] of gauges) metrics.gauge({ name, help, read });
}

/** Left out while the views cannot be read: everything else is still told then. */
function addApproverMetric({ metrics, views }: Parts): void {
  const read = (): ReturnType<Family["read"]> => {
    try {
      return [{ labels: {}, value: views.counts("approvers")["flagged"] ?? 0 }];
    } catch {
      return [];
    }
  };
  const help = "People whose approvals look like rubber-stamping.";
  metrics.family({ name: "holdpoint_approvers_flagged", type: "gauge", help, read });
}

function signalService({ config, identity, effects }: Parts): SignalService {
  const { origin } = effects;
  const { ipAddresses } = config.signals.redact;
  const ownKeys = { pagerduty: `${origin}/`, servicenow: `${correlationPrefix(origin)}:` };
  return {
    normalize({ name, sourceKind }, payload, receivedAtMs) {
      const source = identity.findSource(name);
      if (source === undefined) throw new AppError("source-unknown", "no source of that name is configured");
      const { thresholds } = source;
      const mapping = { ...source.mapping, redactIpAddresses: source.mapping.redactIpAddresses ?? ipAddresses };
      const delivery = { ...payload, receivedAtMs, thresholds, ownKeys };
      return normalizeDelivery(sourceKind, delivery, { source: name, mapping, receivedAtMs });
    },
  };
}

const NO_PLANNING_LIMIT = new AbortController().signal;

function actionService({ executors, budgets }: EffectParts, kernel: Kernel): ActionService {
  const kinds = new Map<string, ActionKind>();
  for (const executor of new Set(executors.values())) for (const kind of executor.kinds) kinds.set(kind.kind, kind);
  return {
    kinds,
    credentialsOf: (kind) => executors.get(kind)?.credentials ?? [],
    plansAtOnce: ({ risks }, target) => !(risks.includes("performance") && budgets.covers(target)),
    async plan({ kind, target, args, agent }) {
      const executor = executors.get(kind);
      if (executor === undefined) throw new AppError("action-kind-unknown", `no executor offers ${kind}`, { kind });
      // The action has no id yet: what a pure plan says must not depend on one.
      const request = { actionId: "", kind, target, args, context: { agent } satisfies JsonObject };
      const plan = await executor.plan(request, NO_PLANNING_LIMIT);
      const inverse = findInverse(plan, { target, kindOf: (name) => kinds.get(name) });
      return { plan, planHash: planHashOf(plan), inverse, ...findingsOf({ ...plan, kind }), ...phasesOf(plan) };
    },
    hold(id) {
      const action = kernel.state.actions.get(id);
      if (action === undefined) return null;
      const given = [...(action.hold?.approvals ?? []), ...(action.hold?.breakers ?? [])];
      return { proposer: action.agent, approvers: given.map((one) => one.id) };
    },
    findSecret,
  };
}

/** The rest of what a brake would stop is counted. */
const STOPS_LISTED_MAX = 2_000;

function killswitchService({ core, brake }: Parts): KillswitchService {
  const { kernel } = core;
  return {
    pull: (scope) => brake.pull(scope),
    letGo: (scope) => brake.release(scope),
    flagged: () => brake.flagged,
    brakes: () => [...kernel.state.brakes.values()],
    closed: () => closedDomains(kernel.state),
    covered: (scope) => {
      const stops = stopsOf(kernel.state, scope);
      return { counts: countStops(stops), items: stops.slice(0, STOPS_LISTED_MAX) };
    },
  };
}

function policyService({ kernel, bundles }: Core & { bundles: PolicyBundles }): PolicyService {
  return {
    active: () => ({ hash: kernel.state.bundleHash, mode: kernel.state.policyMode }),
    ladder: () => ladderDocument({ kernel, bundles }),
    routes: () => [...(bundles.get(kernel.state.bundleHash ?? "")?.routes.keys() ?? [])].toSorted(),
    memory() {
      const { bundleHash } = kernel.state;
      if (bundleHash === null) return MEMORY_DEFAULT;
      // What cannot be read shows nobody anything.
      return bundles.get(bundleHash)?.memory ?? { ...MEMORY_DEFAULT, readers: [] };
    },
    load(files) {
      const { bundle, problems } = bundles.add(files);
      // Used again, so that many proposals push out neither the bundle in force nor one that waits for approval.
      const { bundleHash, proposedBundles } = kernel.state;
      for (const hash of [...proposedBundles.keys(), bundleHash]) if (hash !== null) bundles.get(hash);
      return { hash: bundle?.hash ?? null, problems: problems.map((problem) => ({ ...problem })) };
    },
    lint(files) {
      const { bundle, problems } = loadBundle(files);
      return {
        hash: bundle?.hash ?? null,
        problems: problems.map((problem) => ({ ...problem })),
        findings: bundle === null ? [] : lintBundle(bundle).map((finding) => ({ ...finding })),
      };
    },
  };
}
