// Storms: when many services of an environment fire at once, people are told of all of it once.
//
//   calm ──20 services within 5 min──► storm: one page, every other one is held ──15 min with fewer──► calm
//
// The gate `circuitBreaker` is what holds the others; the standard pack has it on pages.

import { idFromSeq } from "../../core/ids.ts";
import { brakeOn } from "../brakes.ts";
import { KERNEL } from "../command.ts";
import type { SignalFacts } from "../signal-facts.ts";
import { LIMITS, TERMS } from "../limits.ts";
import { firingServices } from "../reducers/storms.ts";
import type { Action, State, Storm } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { BY_TRIAGE, proposeTriage } from "../triage-kinds.ts";

type Place = Pick<SignalFacts, "environment" | "service">;

/** Opens a storm when the signal just recorded makes the window as wide as one; its page is asked for at once. */
export function openStormIfWide(tx: Transaction, { environment, service }: Place): void {
  const { state, now } = tx;
  if (state.storms.has(environment) || state.storms.size >= LIMITS.stormsMax) return;
  const services = firingServices(state, environment, now).length;
  if (services < LIMITS.stormServices) return;
  const subject = idFromSeq("stm", tx.nextSeq);
  tx.emit({ type: "storm.opened", subject, facts: { environment, service, services } });
  const storm = state.storms.get(environment);
  if (storm !== undefined) proposePage(tx, storm, "pagerduty.trigger");
}

function proposePage(tx: Transaction, storm: Storm, kind: "pagerduty.trigger" | "pagerduty.resolve"): void {
  const { id, environment, service } = storm;
  const incident = { id, environment, service, signature: STORM };
  proposeTriage(tx, { kind, incident, run: null, signal: null, classification: null });
}

/** Stands where an incident's page has its signature. */
const STORM = "storm";

/** What time does to storms: ends them, and asks again for a page of which nobody heard. */
export function isStormDue(state: State, storm: Storm, now: number): boolean {
  return isOver(state, storm, now) || isPageDue(state, storm, now);
}

export function tickStorm(tx: Transaction, storm: Storm): void {
  if (isOver(tx.state, storm, tx.now)) return end(tx, storm);
  if (isPageDue(tx.state, storm, tx.now)) proposePage(tx, storm, "pagerduty.trigger");
}

function isPageDue({ brakes }: State, { pageDueAt, environment, service }: Storm, now: number): boolean {
  if (pageDueAt === null || now < pageDueAt) return false;
  const page = { ...BY_TRIAGE, kind: "pagerduty.trigger", environment, service };
  return brakeOn(brakes.values(), page) === "run";
}

/** Not while its page is on the way: a page that arrives after its own resolve would stay open for ever. */
function isOver(state: State, storm: Storm, now: number): boolean {
  if (now - storm.wideUntil < TERMS.stormQuietMs) return false;
  return !pagesOf(state, storm).some(({ status }) => status === "executing" || status === "reconciling");
}

function pagesOf({ actions }: State, { id }: Storm): readonly Action[] {
  return [...actions.values()].filter(({ kind, incident }) => kind === "pagerduty.trigger" && incident === id);
}

function end(tx: Transaction, storm: Storm): void {
  for (const { id } of pagesOf(tx.state, storm)) {
    tx.emit({ type: "action.cancelled", subject: id, facts: { code: "storm-ended" } }, KERNEL);
  }
  const facts = { environment: storm.environment };
  const wasPaged = storm.page !== null;
  tx.emit({ type: "storm.ended", subject: storm.id, facts }, KERNEL);
  if (wasPaged) proposePage(tx, storm, "pagerduty.resolve");
}
