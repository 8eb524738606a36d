// What explains an incident, kept with it when it has ended: nothing is decided by it, people and predictions learn from it.

import type { Command, Reply } from "../command.ts";
import type { Transaction } from "../transaction.ts";

/** Once for each time that it ended; of what ended long ago, or came back, nothing is kept. */
export function explainIncident(tx: Transaction, { input, content }: Command<"explain-incident">): Reply {
  const { incident: id, explanation } = input;
  const ended = tx.state.resolved.get(id);
  if (ended === undefined || ended.incident.explained === true) return { subject: id, result: "ended", repeated: true };
  const payload = content === undefined ? {} : { payload: { retention: "evidence", body: content } as const };
  tx.emit({ type: "incident.explained", subject: id, facts: { explanation }, ...payload });
  return { subject: id, result: "explained", repeated: false };
}
