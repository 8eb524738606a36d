// What a dry run of an action's inverse told.

import type { Command, Reply } from "../command.ts";
import { triedAgainAt } from "../inverse-due.ts";
import type { Transaction } from "../transaction.ts";

/** A word about what is not asked any more, or was answered since, changes nothing. */
export function recordInverse(tx: Transaction, command: Command<"record-inverse">): Reply {
  const { action: id, tries, result, code, planHash } = command.input;
  const due = tx.state.inverses.get(id);
  if (due === undefined || tries !== due.tries + 1) return { subject: id, result: "ended", repeated: true };
  const againAt = result === "unknown" ? triedAgainAt({ ...due, tries }, tx.now) : null;
  const payload =
    command.content === undefined ? {} : { payload: { retention: "content", body: command.content } as const };
  tx.emit({ type: "inverse.checked", subject: id, facts: { result, code, planHash, tries, againAt }, ...payload });
  return { subject: id, result, repeated: false };
}
