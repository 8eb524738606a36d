// Which deliveries are known, each for as long as there is room.

import { addShare, dropShare } from "../bounded.ts";
import type { KernelEvent } from "../events.ts";
import type { State } from "../state.ts";

export function noteDelivery(
  state: State,
  event: KernelEvent<"signal.received" | "signal.quarantined" | "incident.noted">,
  occurredAt?: number,
): void {
  const { deliveryKey: key, source, forgets } = event.facts;
  forgetDelivery(state, key);
  if (forgets !== undefined) forgetDelivery(state, forgets);
  const at = event.type === "signal.quarantined" ? 0 : event.time;
  const delivery = { signal: event.subject, source, at };
  state.deliveries.set(key, occurredAt === undefined ? delivery : { ...delivery, occurredAt });
  addShare(state.shares.deliveries, source, key);
}

export function forgetDelivery(state: State, key: string): void {
  const known = state.deliveries.get(key);
  if (known === undefined) return;
  state.deliveries.delete(key);
  dropShare(state.shares.deliveries, known.source, key);
}
