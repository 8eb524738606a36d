// Commands about the installation: opening the log, engine starts, sessions and refusals, payloads erased, heartbeats.

import { idFromSeq } from "../../core/ids.ts";
import type { Command, Reply } from "../command.ts";
import type { Transaction } from "../transaction.ts";

export function openLog(tx: Transaction, { input }: Command<"open-log">): Reply {
  tx.emit({ type: "log.opened", subject: "log", facts: { format: input.format } });
  return { subject: "log", result: "opened", repeated: false };
}

export function startEngine(tx: Transaction, { input }: Command<"start-engine">): Reply {
  const subject = idFromSeq("eng", tx.nextSeq);
  tx.emit({ type: "engine.started", subject, facts: { engine: input.engine } });
  return { subject, result: "started", repeated: false };
}

export function countRefusals(tx: Transaction, { input }: Command<"count-refusals">): Reply {
  tx.emit({ type: "refusals.counted", subject: "log", facts: input });
  return { subject: "log", result: "counted", repeated: false };
}

/** People come and go outside: it is put on record, and changes nothing that is decided here. */
export function openSession(tx: Transaction, { input: { session, ...facts } }: Command<"open-session">): Reply {
  tx.emit({ type: "session.opened", subject: session, facts });
  return { subject: session, result: "opened", repeated: false };
}

export function endSession(tx: Transaction, { input: { session, ...facts } }: Command<"end-session">): Reply {
  tx.emit({ type: "session.ended", subject: session, facts });
  return { subject: session, result: "ended", repeated: false };
}

/** Asked for only when nothing else became durable for a while: a proof that decisions still do. */
export function proveHeartbeat(tx: Transaction): Reply {
  tx.emit({ type: "heartbeat.proven", subject: "log", facts: {} });
  return { subject: "log", result: "proven", repeated: false };
}

/** Recorded before the key is destroyed: a crash in between is finished by asking again, never undone. */
export function erasePayload(tx: Transaction, { input }: Command<"erase-payload">): Reply {
  tx.emit({ type: "payload.erased", subject: input.ofSubject, facts: input });
  return { subject: input.ofSubject, result: "erased", repeated: false };
}
