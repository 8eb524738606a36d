// Limits, counted from the grants themselves: what was granted and not given back stays within what policy says.

import type { EvaluationFacts, KernelEvent } from "../../src/kernel/events.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import { neighboursOf } from "./model-predictor.ts";

/** Ends that give back what was granted, when no step of it began; a refusal only comes where nothing took effect. */
const GIVEN_BACK: ReadonlySet<string> = new Set([
  "action.cancelled",
  "action.expired",
  "action.refused",
  "action.grant-revoked",
]);

export function isGivenBack(type: string, hasBegun: boolean): boolean {
  return type === "action.refused" || (GIVEN_BACK.has(type) && !hasBegun);
}

type Taken = { readonly id: string; readonly at: number; readonly service: string; readonly size: number };

/** Decisions about some kinds in order, each with the grants before it that still count, without those given back. */
function* decisionsOf(
  events: readonly LedgerEvent[],
  isCounted: (facts: Proposed) => boolean,
): Generator<{ readonly one: Taken; readonly before: readonly Taken[]; readonly event: LedgerEvent }> {
  const services = new Map<string, string>();
  const sizes = new Map<string, number>();
  const begun = new Set<string>();
  let taken: Taken[] = [];
  for (const event of events) {
    const { subject: id, type, time: at } = event;
    if (type === "action.proposed" && isCounted(event.facts as Proposed)) {
      services.set(id, (event.facts as Proposed).service);
    }
    if (typeof event.facts["size"] === "number") sizes.set(id, event.facts["size"]);
    if (type === "step.started") begun.add(id);
    if (isGivenBack(type, begun.has(id))) taken = taken.filter((one) => one.id !== id);
    const service = services.get(id);
    if (service === undefined || event.facts["evaluation"] == null) continue;
    const one = { id, at, service, size: sizes.get(id) ?? 1 };
    yield { one, before: taken, event };
    if (type === "action.granted") taken = [...taken, one];
  }
}

/** What a gate said was used at a decision, beside what the grants before it come to: exact, no more and no less. */
function checkUsed({ subject, facts, seq }: LedgerEvent, gate: string, used: number): string[] {
  const { verdicts } = facts["evaluation"] as unknown as EvaluationFacts;
  const said = verdicts.find((one) => one.gate.startsWith(gate))?.evidence["used"];
  const isExact = said === undefined || Math.abs(Number(said) - used) < 1e-9;
  return isExact ? [] : [`${subject} [${seq}]: ${gate} counted ${String(said)}, and it was ${used}`];
}

type Proposed = {
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
  readonly revertOf?: string;
};

/** The pager's limits, which people may go beyond, and the model's own. */
export function checkLimits(events: readonly LedgerEvent[]): string[] {
  return [...checkPagerLimits(events), ...checkModelLimits(events)];
}

/**
 * The model's own limits, which nobody can approve past: 3 per service in any 5 minutes of staging, and 9 of size over all
 * services and agents in any 10.
 */
function checkModelLimits(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const isLimited = ({ kind, environment, revertOf }: Proposed): boolean =>
    kind.startsWith("model.") && environment === "staging" && revertOf === undefined;
  for (const { one, before, event } of decisionsOf(events, isLimited)) {
    const recent = before.filter(({ at, service }) => one.at - at < 5 * 60_000 && service === one.service);
    const impact = before.filter(({ at }) => one.at - at < 10 * 60_000).reduce((sum, { size }) => sum + size, 0);
    broken.push(...checkUsed(event, "model/staging#rateLimit", recent.length));
    broken.push(...checkUsed(event, "model/staging#cumulative", impact));
    if (event.type !== "action.granted") continue;
    if (recent.length >= 3) broken.push(`${one.id}: granted beyond the limit`);
    if (impact + one.size > 9) broken.push(`${one.id}: ${impact + one.size} in all, beyond what they may add up to`);
  }
  return broken;
}

/** What the model wants tried in staging first is granted only half an hour at most after the same went well there. */
export function checkRehearsed(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const proposed = new Map<string, Proposed>();
  const changes = new Map<string, string>();
  const tried = new Map<string, number>();
  for (const { subject: id, type, facts, time: at } of events) {
    if (type === "action.proposed") proposed.set(id, facts as Proposed);
    if (type === "action.planned" && typeof facts["change"] === "string") changes.set(id, facts["change"]);
    const one = proposed.get(id);
    if (one === undefined || one.kind !== "model.conditional" || one.service !== "cart") continue;
    const change = changes.get(id) ?? "";
    const isWell = type === "action.verified" || (type.startsWith("step.") && facts["action"] === "succeeded");
    if (isWell && one.environment === "staging") tried.set(change, at);
    if (type !== "action.granted" || one.environment !== "production" || facts["dryRun"] === true) continue;
    if (!(at - (tried.get(change) ?? -Infinity) < 30 * 60_000)) broken.push(`${id}: granted without a trial`);
  }
  return broken;
}

const WINDOW_MS = 15 * 60_000;

/** The pager's limits counted from the grants themselves: 5 per service and 20 in all, in any quarter of an hour. */
function checkPagerLimits(events: readonly LedgerEvent[]): string[] {
  const approved = new Set(events.filter((event) => event.type === "action.approved").map((event) => event.subject));
  const broken: string[] = [];
  for (const { one, before, event } of decisionsOf(events, ({ kind }) => kind === "pagerduty.trigger")) {
    if (event.type !== "action.granted" || approved.has(one.id)) continue; // a person may page beyond the limit
    const recent = before.filter(({ at }) => one.at - at < WINDOW_MS);
    const sameService = recent.filter(({ service }) => service === one.service);
    if (recent.length >= 20 || sameService.length >= 5) broken.push(`${one.id}: paged beyond the limit`);
  }
  return broken;
}

type Share = { readonly id: string; readonly at: number; readonly service: string; readonly high: number };

const SHARE_MAX = 600_000;
const SHARE_WINDOW_MS = 10 * 60_000;

/**
 * In the environment `test` the traffic at stake adds up over each neighbourhood, as the prediction of each says that was on
 * record when it was granted; what nobody could predict is not granted. Nobody can approve past it.
 */
export function checkShares(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const services = new Map<string, string>();
  const predicted = new Map<string, KernelEvent<"action.predicted">["facts"]["prediction"]>();
  const begun = new Set<string>();
  let taken: Share[] = [];
  for (const event of events) {
    const { subject: id, type, time: at } = event;
    if (type === "step.started") begun.add(id);
    if (isGivenBack(type, begun.has(id))) taken = taken.filter((one) => one.id !== id);
    if (type === "action.predicted") predicted.set(id, (event as KernelEvent<"action.predicted">).facts.prediction);
    if (type === "action.proposed") {
      const { kind, environment, service, revertOf } = event.facts as Proposed;
      if (kind.startsWith("model.") && environment === "test" && revertOf === undefined) services.set(id, service);
    }
    const service = services.get(id);
    if (service === undefined || event.facts["evaluation"] == null) continue;
    const near = new Set([service, ...neighboursOf(service)]);
    const recent = taken.filter((one) => at - one.at < SHARE_WINDOW_MS && near.has(one.service));
    const used = recent.reduce((all, { high }) => all + high, 0);
    broken.push(...checkUsed(event, "model/together#cumulative", used / 1_000_000));
    if (type !== "action.granted") continue;
    const prediction = predicted.get(id);
    if (prediction === undefined || prediction.code !== "" || prediction.isStale) {
      broken.push(`${id}: granted though nobody knew its share`);
      continue;
    }
    const sum = used + prediction.share.high;
    if (sum > SHARE_MAX) broken.push(`${id}: ${sum} millionths of the traffic in one neighbourhood`);
    taken.push({ id, at, service, high: prediction.share.high });
  }
  return broken;
}
