// Which incident a signal is of: one that holds its failure, one that comes back, one near it, or a new one; and its end.
//
//   opened ─► open ──all clear──► ended ──the same again within 30 min──► open (reopened, same id)
//              │ └── flapping: ended only after 15 min of quiet ──► ended
//              ├── absorbed by an older one (merged)
//              └── split by people: what they take out is another incident and stays one

import { AppError } from "../../core/errors.ts";
import { idFromSeq } from "../../core/ids.ts";
import { shareToCut } from "../bounded.ts";
import { KERNEL, type Command, type Reply } from "../command.ts";
import type { SignalFacts } from "../signal-facts.ts";
import type { JoinedBy } from "../signal-facts.ts";
import { incidentOf, isApart, isKnownAs, latest, openNamingFailure, openNamingService } from "../incident-index.ts";
import { LIMITS, TERMS } from "../limits.ts";
import { alertKey } from "../reducers/signals.ts";
import { incidentKey, type Action, type Incident, type ResolvedIncident, type State } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { closeTicket } from "../tickets.ts";
import { proposeTriage } from "../triage-kinds.ts";
import { openRun } from "./runs.ts";

export type Joined = {
  readonly incident: Incident;
  readonly by: JoinedBy;
  /** It brought two incidents together. */
  readonly merged: boolean;
};

/** What of a signal says which incident it is of. */
type Failing = Pick<SignalFacts, "environment" | "service" | "signature" | "failure" | "source">;

/** The incident that a firing signal is of, the first that fits; what has to happen to incidents for that is recorded. */
export function join(tx: Transaction, input: Failing): Joined {
  const held = tx.state.incidents.get(tx.state.incidentByKey.get(incidentKey(input)) ?? "");
  if (held !== undefined) return { incident: held, by: "signature", merged: false };
  const ended = findEnded(tx, input);
  if (ended !== undefined) return { incident: reopen(tx, ended), by: "reopened", merged: false };
  const naming = openNamingService(tx.state, input);
  const byService = latest(naming.filter((one) => tx.now - one.lastSignalAt <= TERMS.joinServiceMs));
  const mayJoin = (one: Incident): boolean =>
    tx.now - one.lastSignalAt <= TERMS.joinFailureMs && !naming.some((other) => other !== one && isApart(one, other));
  const byFailure = latest(openNamingFailure(tx.state, input).filter((one) => one !== byService && mayJoin(one)));
  if (byService !== undefined && byFailure !== undefined) {
    const merged = merge(tx, byService, byFailure);
    if (merged !== undefined) return { incident: merged, by: "service", merged: true };
  }
  if (byService !== undefined) return { incident: byService, by: "service", merged: false };
  if (byFailure !== undefined) return { incident: byFailure, by: "failure", merged: false };
  return { incident: openNew(tx, input), by: "opened", merged: false };
}

/** The open incident that this alert, or its end, is of already. */
export function findHolder(state: State, input: SignalFacts): Incident | undefined {
  const held = state.incidents.get(state.incidentByKey.get(incidentKey(input)) ?? "");
  if (held !== undefined) return held;
  // Beyond what an incident can name it still knows its alerts.
  const key = alertKey(input.deliveryKey);
  const near = [...openNamingService(state, input), ...openNamingFailure(state, input)];
  return latest(near.filter(({ firing }) => firing.some((one) => one.key === key)));
}

function findEnded({ state, now }: Transaction, input: Failing): ResolvedIncident | undefined {
  let found: ResolvedIncident | undefined;
  for (const id of state.joins.resolved.get(incidentKey(input)) ?? []) {
    const ended = state.resolved.get(id);
    if (ended === undefined || now - ended.resolvedAt >= TERMS.reopenMs || isBeingClosed(state, ended)) continue;
    const isLater =
      found === undefined ||
      ended.resolvedAt > found.resolvedAt ||
      (ended.resolvedAt === found.resolvedAt && id < found.incident.id);
    if (isLater) found = ended;
  }
  return found;
}

/** A resolve still on its way to the pager would close the next page too: what fails then is an incident of its own. */
function isBeingClosed({ owedResolves, actions }: State, { closing }: ResolvedIncident): boolean {
  if (closing === null) return false;
  if (owedResolves.has(closing)) return true;
  for (const { kind, incident } of actions.values()) {
    if (kind === "pagerduty.resolve" && incident === closing) return true;
  }
  return false;
}

function reopen(tx: Transaction, { incident: { id } }: ResolvedIncident): Incident {
  if (tx.state.incidents.size >= LIMITS.openIncidentsMax) evictOne(tx, "");
  tx.emit({ type: "incident.reopened", subject: id, facts: {} });
  const incident = tx.state.incidents.get(id) as Incident;
  const times = incident.reopenedAt.length;
  if (times >= TERMS.flappingTimes) tx.emit({ type: "incident.flapping", subject: id, facts: { times } });
  return incident;
}

/** How many of a share are looked at for one without a page, which is the better one to give up. */
const LOOKED_AT_MAX = 64;

function evictOne(tx: Transaction, source: string): void {
  const { incidents, shares } = tx.state;
  const share = shareToCut(shares.incidents, source, incidents.size);
  let subject = share.values().next().value as string;
  let looked = 0;
  for (const id of share) {
    if (incidents.get(id)?.page === null) {
      subject = id;
      break;
    }
    if (++looked >= LOOKED_AT_MAX) break;
  }
  tx.emit({ type: "incident.resolved", subject, facts: { code: "evicted" } });
}

function openNew(tx: Transaction, { environment, service, signature, source }: Failing): Incident {
  if (tx.state.incidents.size >= LIMITS.openIncidentsMax) evictOne(tx, source);
  const subject = idFromSeq("inc", tx.nextSeq);
  tx.emit({ type: "incident.opened", subject, facts: { environment, service, signature } });
  return tx.state.incidents.get(subject) as Incident;
}

/**
 * The older absorbs the newer; undefined when it may not: people split them, there is no room, or a page of the newer is
 * on its way, which no resolve may overtake. One page stands for both afterwards.
 */
export function merge(tx: Transaction, one: Incident, other: Incident): Incident | undefined {
  if (!mayMerge(tx, one, other)) return undefined;
  const [into, absorbed] = byAge(one, other);
  const pages = pagesOf(tx.state, absorbed);
  const takenBack = absorbed.page !== null && into.page === null ? [...pages, ...pagesOf(tx.state, into)] : pages;
  const mustClose = absorbed.page !== null && into.page !== null;
  const isSecondTicket = absorbed.ticket !== null && into.ticket !== null;
  const reviews = [into.review, absorbed.review];
  for (const page of takenBack) takeBack(tx, page, "incident-merged");
  tx.emit({ type: "incident.merged", subject: absorbed.id, facts: { into: into.id } });
  if (mustClose) closePage(tx, absorbed);
  if (isSecondTicket) closeTicket(tx, absorbed);
  const winner = into.review;
  for (const id of reviews) {
    if (id === null || winner === null || id === winner || tx.state.actions.get(id)?.status !== "held") continue;
    const facts = { evaluation: null, duplicateOf: winner };
    tx.emit({ type: "action.suppressed", subject: id, facts }, KERNEL);
  }
  return into;
}

export function mayMerge({ state }: Transaction, one: Incident, other: Incident): boolean {
  const [into, absorbed] = byAge(one, other);
  if (isApart(into, absorbed)) return false;
  if (into.absorbed.length + absorbed.absorbed.length >= LIMITS.incidentAbsorbedMax) return false;
  return !pagesOf(state, absorbed).some(isUnderWay);
}

/** The older first. */
function byAge(one: Incident, other: Incident): readonly [Incident, Incident] {
  return one.id < other.id ? [one, other] : [other, one];
}

function pagesOf({ actions }: State, incident: Incident): readonly Action[] {
  return [...actions.values()].filter(
    ({ incident: of, kind }) => kind === "pagerduty.trigger" && isKnownAs(incident, of),
  );
}

function isUnderWay({ status }: Action): boolean {
  return status === "executing" || status === "reconciling";
}

function takeBack(tx: Transaction, page: Action, code: string): void {
  if (isUnderWay(page)) return;
  // Whose command it is must be in its first event.
  const actor = tx.events.length === 0 ? tx.command.actor : KERNEL;
  tx.emit({ type: "action.cancelled", subject: page.id, facts: { code } }, actor);
}

function closePage(tx: Transaction, incident: Incident): void {
  const { page, lastRun: run } = incident;
  if (page === null) return;
  const of = { ...incident, id: page.of };
  proposeTriage(tx, { kind: "pagerduty.resolve", incident: of, run, signal: null, classification: null });
}

/**
 * Ends an incident of which nothing fires any more, and its page with it. While a page is on its way to the pager the
 * end waits for it: a page that arrives after its own resolve would stay open for ever. One that comes and goes ends
 * only after quiet.
 */
export function closeIfOver(
  tx: Transaction,
  incidentId: string | null,
  code: "all-clear" | "quiet" = "all-clear",
): void {
  const incident = incidentOf(tx.state, incidentId);
  if (incident === undefined || incident.firing.length > 0) return;
  if (incident.flapping && tx.now - incident.lastSignalAt < TERMS.flappingQuietMs) return;
  // Nobody is asked about paging for what is over, and nobody is paged.
  for (const page of pagesOf(tx.state, incident)) takeBack(tx, page, "incident-resolved");
  if (pagesOf(tx.state, incident).length > 0) return;
  closePage(tx, incident);
  closeTicket(tx, incident);
  tx.emit({ type: "incident.resolved", subject: incident.id, facts: { code } }, KERNEL);
}

/** True when an alert that never tells of its end was not heard of for so long that it counts as over. */
export function isLapsed({ lapsesAt }: Incident, now: number): boolean {
  return lapsesAt !== null && now >= lapsesAt;
}

/** Ends what has lapsed, and the incident where nothing else of it fires. */
export function lapse(tx: Transaction, { id, firing }: Incident): void {
  const alerts = firing.filter(({ lapsesAt }) => lapsesAt !== undefined && tx.now >= lapsesAt).length;
  tx.emit({ type: "incident.lapsed", subject: id, facts: { alerts } });
  closeIfOver(tx, id, "quiet");
}

/** True when nobody has heard of it for so long that nothing is known of it; a page on its way is waited for. */
export function isIdle(state: State, incident: Incident, now: number): boolean {
  return now - incident.lastSignalAt >= TERMS.incidentIdleMs && !pagesOf(state, incident).some(isUnderWay);
}

/** A page that was only asked for does not go out any more: nothing would ever close it. */
export function endIdle(tx: Transaction, incident: Incident): void {
  for (const page of pagesOf(tx.state, incident)) takeBack(tx, page, "incident-resolved");
  tx.emit({ type: "incident.resolved", subject: incident.id, facts: { code: "idle" } });
}

/** True when the quiet that ends a flapping incident has lasted. */
export function isQuiet({ flapping, firing, lastSignalAt }: Incident, now: number): boolean {
  return flapping && firing.length === 0 && now - lastSignalAt >= TERMS.flappingQuietMs;
}

/** Who may say that two failures are not one. */
const SPLITTERS: ReadonlySet<string> = new Set(["on-call", "owner"]);

/** People take services out of an incident: they fail for another reason. */
export function splitIncident(tx: Transaction, command: Command<"split-incident">): Reply {
  const { incident: id, services: asked, roles } = command.input;
  if (!roles.some((role) => SPLITTERS.has(role))) {
    throw new AppError("not-eligible", "incidents are split by people on call and owners", { incident: id });
  }
  const incident = incidentOf(tx.state, id);
  if (incident === undefined)
    throw new AppError("incident-not-found", "no incident of that id is open", { incident: id });
  const services = [...new Set(asked)];
  if (services.includes(incident.service) || !services.every((one) => incident.services.includes(one))) {
    throw new AppError("request-invalid", "name services of the incident, but not the one it is named after", {
      services: incident.services,
    });
  }
  if (incident.apart.length >= LIMITS.incidentApartMax || tx.state.incidents.size >= LIMITS.openIncidentsMax) {
    throw new AppError("overloaded", "too many incidents are open, or were split from this one");
  }
  const into = idFromSeq("inc", tx.nextSeq);
  const payload =
    command.content === undefined ? {} : { payload: { retention: "content", body: command.content } as const };
  tx.emit({ type: "incident.split", subject: incident.id, facts: { into, services }, ...payload });
  const signal = tx.state.incidents.get(into)?.signals.at(-1)?.id;
  if (signal !== undefined && tx.state.runs.size < LIMITS.liveRunsMax) openRun(tx, { incident: into, signal });
  closeIfOver(tx, into);
  return { subject: into, result: "split", repeated: false };
}
