// What pagers and trackers say about incidents that Holdpoint opened there.

import type { Command, CommandInputs, Reply } from "../command.ts";
import { incidentOf } from "../incident-index.ts";
import type { State } from "../state.ts";
import type { Transaction } from "../transaction.ts";
import { deliveryToForget } from "./signals.ts";

/** Recorded once, however often it comes; how the incident stands here follows from its signals alone. */
export function noteIncident(tx: Transaction, { input, content }: Command<"note-incident">): Reply {
  const { subject, ...said } = input;
  const known = tx.state.deliveries.get(input.deliveryKey);
  if (known !== undefined) return { subject, result: "known", repeated: true };
  const payload = content === undefined ? {} : { payload: { retention: "content", body: content } as const };
  const aside = isAside(tx.state, input) ? ({ aside: true } as const) : {};
  const facts = { ...said, ...aside, ...deliveryToForget(tx.state, input) };
  tx.emit({ type: "incident.noted", subject, facts, ...payload });
  return { subject, result: "noted", repeated: false };
}

/** Where two incidents became one, one page and one ticket go on, and the end of the others says nothing about these. */
function isAside(state: State, { subject, system }: CommandInputs["note-incident"]): boolean {
  const incident = incidentOf(state, subject);
  if (incident === undefined) return false;
  const { page, ticket } = incident;
  if (system === "pagerduty") return page !== null && page.of !== subject;
  return system === "servicenow" && ticket !== null && !ticket.name.endsWith(`:${subject}`);
}
