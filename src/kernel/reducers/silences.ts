// Reducers of maintenance silences, and of the alerts that they keep quiet.

import type { KernelEvent } from "../events.ts";
import { forgetDelivery } from "./deliveries.ts";
import { TERMS } from "../limits.ts";
import { silenceOver } from "../silences.ts";
import type { SilencedAlert, State } from "../state.ts";

export function applySilenceCreated(state: State, event: KernelEvent<"silence.created">): void {
  const { environment, service, signature, startsAt, endsAt } = event.facts;
  const { subject: id } = event;
  const terms = { environment, service, signature, startsAt, endsAt };
  state.silences.set(id, { id, ...terms, hasEnded: false, alerts: 0 });
}

/** Its alerts go over to another silence that covers them; of the others those that still fire wait to be triaged. */
export function applySilenceEnded(state: State, { subject: id, time }: KernelEvent<"silence.ended">): void {
  const silence = state.silences.get(id);
  if (silence === undefined) return;
  state.silences.set(id, { ...silence, hasEnded: true });
  for (const [key, alert] of silence.alerts === 0 ? [] : [...state.silenced]) {
    if (alert.silence !== id) continue;
    const other = silenceOver(state, alert, time);
    const isOver = alert.endless === true && time - alert.at >= TERMS.stillFiresMs;
    if (other === undefined && !isOver) continue;
    forgetSilenced(state, key);
    if (other !== undefined) remember(state, key, { ...alert, silence: other.id });
    else forgetDelivery(state, alert.deliveryKey); // where it goes on after all, its next repetition is news
  }
  dropIfDone(state, id);
}

/** Keeps an alert that fires under a silence; its end is the end of it. */
export function noteSilenced(state: State, key: string, event: KernelEvent<"signal.received">): void {
  const { silence, status, source, detector, environment, service, signature, failure, deliveryKey } = event.facts;
  const { claimedSeverity, derived, endless } = event.facts;
  forgetSilenced(state, key);
  if (silence === undefined || status !== "firing") return;
  const failing = { source, detector, environment, service, signature, failure, deliveryKey, claimedSeverity };
  const marks = { ...(derived === true ? { derived } : {}), ...(endless === true ? { endless } : {}) };
  remember(state, key, { ...failing, ...marks, silence, signal: event.subject, at: event.time });
}

function remember(state: State, key: string, alert: SilencedAlert): void {
  state.silenced.set(key, alert);
  count(state, alert.silence, 1);
}

export function forgetSilenced(state: State, key: string): void {
  const alert = state.silenced.get(key);
  if (alert === undefined) return;
  state.silenced.delete(key);
  count(state, alert.silence, -1);
  dropIfDone(state, alert.silence);
}

function count(state: State, id: string, by: number): void {
  const silence = state.silences.get(id);
  if (silence !== undefined) state.silences.set(id, { ...silence, alerts: silence.alerts + by });
}

function dropIfDone(state: State, id: string): void {
  const silence = state.silences.get(id);
  if (silence !== undefined && silence.hasEnded && silence.alerts === 0) state.silences.delete(id);
}
