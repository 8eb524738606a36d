// What must hold of silences: agreed to, quiet while they last, and nothing lost when they end.

import { apply } from "../../src/kernel/apply.ts";
import type { KernelEvent } from "../../src/kernel/events.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import { alertKey } from "../../src/kernel/reducers/signals.ts";
import { emptyState } from "../../src/kernel/state.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";

type Terms = KernelEvent<"silence.created">["facts"];
/** An alert that fires under a silence, by its key. */
type Quiet = {
  readonly facts: KernelEvent<"signal.received">["facts"];
  readonly signal: string;
  readonly at: number;
  /** What keeps it quiet: once that ended, the oldest other one that covers it, if any. */
  readonly under: string;
};

/** From the ledger alone: who agreed, what each silence covered, and what became of every alert under it. */
export function checkSilences(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const approved = new Set<string>();
  const standing = new Map<string, Terms>();
  const quiet = new Map<string, Quiet>();
  const state = emptyState();
  for (const event of events) {
    if (event.type === "action.approved") approved.add(event.subject);
    if (event.type === "silence.created") {
      const { facts } = event as KernelEvent<"silence.created">;
      if (!approved.has(facts.action)) broken.push(`${event.subject}: nobody agreed to it`);
      standing.set(event.subject, facts);
    }
    if (event.type === "silence.ended") {
      standing.delete(event.subject);
      for (const [key, one] of quiet) {
        if (one.under !== event.subject) continue;
        const under = takesOver(one, { time: event.time, standing });
        if (under !== undefined) quiet.set(key, { ...one, under });
        else if (isForgotten(one, event.time)) quiet.delete(key);
      }
    }
    if (event.type === "signal.received") {
      const received = event as KernelEvent<"signal.received">;
      const { silence, status, deliveryKey } = received.facts;
      const key = alertKey(deliveryKey);
      quiet.delete(key);
      if (status === "firing" && silence !== undefined) {
        const terms = standing.get(silence);
        if (terms === undefined || !covers(terms, received))
          broken.push(`${event.subject}: ${silence} does not cover it`);
        quiet.set(key, { facts: received.facts, signal: event.subject, at: event.time, under: silence });
      }
    }
    if (event.type === "signal.released") {
      const { alert, silence } = (event as KernelEvent<"signal.released">).facts;
      if (quiet.get(alert)?.signal !== event.subject) broken.push(`${event.subject}: released, and was not silenced`);
      if (standing.has(silence)) broken.push(`${event.subject}: released while ${silence} stands`);
      quiet.delete(alert);
    }
    if (event.type === "run.opened" && isQuiet(quiet, event.facts["signal"])) {
      broken.push(`${event.subject}: triages what is silenced`);
    }
    apply(state, event);
  }
  const left = new Set(state.silenced.keys());
  for (const [key, { signal }] of quiet) if (!left.has(key)) broken.push(`${signal}: silenced, and forgotten`);
  for (const { id, hasEnded, alerts } of state.silences.values()) {
    const counted = [...state.silenced.values()].filter(({ silence }) => silence === id).length;
    if (alerts !== counted || (hasEnded && alerts === 0)) broken.push(`${id}: counts ${alerts} of ${counted} alerts`);
  }
  return broken;
}

function covers({ environment, service, startsAt, endsAt }: Terms, { facts, time }: KernelEvent<"signal.received">) {
  const isPlace = facts.environment === environment && (service === null || facts.service === service);
  return isPlace && time >= startsAt && time < endsAt;
}

function isQuiet(quiet: ReadonlyMap<string, Quiet>, signal: unknown): boolean {
  return [...quiet.values()].some((one) => one.signal === signal);
}

type Ending = { readonly time: number; readonly standing: ReadonlyMap<string, Terms> };

function takesOver({ facts }: Quiet, { time, standing }: Ending): string | undefined {
  const now = { facts, time } as KernelEvent<"signal.received">;
  return [...standing].find(([, terms]) => covers(terms, now))?.[0];
}

/** Of sources that never tell of an end: what has not fired for a while is taken to be over. */
function isForgotten({ facts, at }: Quiet, time: number): boolean {
  return facts.endless === true && time - at >= TERMS.stillFiresMs;
}
