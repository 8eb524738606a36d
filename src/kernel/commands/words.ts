// What pagers and trackers say about incidents that Holdpoint opened there.

import type { Command, Reply } from "../command.ts";
import type { Transaction } from "../transaction.ts";
import { deliveryToForget } from "./signals.ts";

/** Recorded once, however often it comes; how the incident stands here follows from its signals alone. */
export function noteIncident(tx: Transaction, { input, content }: Command<"note-incident">): Reply {
  const { subject, ...said } = input;
  const known = tx.state.deliveries.get(input.deliveryKey);
  if (known !== undefined) return { subject, result: "known", repeated: true };
  const payload = content === undefined ? {} : { payload: { retention: "content", body: content } as const };
  const facts = { ...said, ...deliveryToForget(tx.state, input) };
  tx.emit({ type: "incident.noted", subject, facts, ...payload });
  return { subject, result: "noted", repeated: false };
}
