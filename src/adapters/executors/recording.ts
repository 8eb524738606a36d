// The recording executor: a note whose only effect is its own entry in the ledger.

import type { Json } from "../../core/json.ts";
import type { ActionKind, Executor, Plan, PlanRequest } from "../../wire/contracts/executor.ts";
import { argumentsJsonSchema, parseArguments, recordNoteArguments } from "../../wire/schemas/executor-arguments.ts";

const NOTE: ActionKind = {
  kind: "record.note",
  title: "Record a note",
  argumentsSchema: argumentsJsonSchema(recordNoteArguments),
  repeat: "idempotent",
  planning: "pure",
  effect: "none",
  reversible: false,
  risks: [],
};

/** Offers `record.note`. It calls nothing: the plan and the end of its step, both in the ledger, are the note. */
export function createRecordingExecutor(): Executor {
  return {
    kinds: [NOTE],
    credentials: [],
    probe: () => Promise.resolve([]),
    plan: async (request) => planNote(request),
    execute: ({ idempotencyKey }, signal) =>
      Promise.resolve(
        signal.aborted
          ? { status: "retry", afterMs: 1_000, code: "aborted", detail: null }
          : { status: "succeeded", reference: `note:${idempotencyKey}`, detail: null },
      ),
    // An interrupted step left no entry of its end, and so no note.
    reconcile: () => Promise.resolve({ status: "absent", detail: null }),
  };
}

function planNote(request: PlanRequest): Plan {
  const { text, tags = [] } = parseArguments(recordNoteArguments, request.args);
  const note: Json = { note: text, tags };
  return { calls: [], diff: note, fingerprint: null, inverse: null, kind: request.kind, reversible: false };
}
