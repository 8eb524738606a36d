// Changing a ServiceNow record: planned against the record as it is, run only while it is still that record.

import { hash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { ExecuteRequest, Plan, PlanRequest, Reconciliation, StepOutcome } from "../../wire/contracts/executor.ts";
import { parseArguments } from "../../wire/schemas/executor-arguments.ts";
import type { ServicenowUpdate } from "../../wire/schemas/servicenow-arguments.ts";
import { knownLeft } from "./known-left.ts";
import { journalText, withGrant } from "./servicenow-journal.ts";
import type { RecordShape, RecordTable, TableRecord } from "./servicenow-table.ts";
import { writeOutcome, type Got, type Told } from "./step-outcomes.ts";
import type { UnsettledWrites } from "./unsettled-writes.ts";
import { unaskable, writeOpenly } from "./written-once.ts";

const callSchema = z.strictObject({
  method: z.literal("PATCH"),
  origin: z.string(),
  path: z.string(),
  body: z.record(z.string(), z.string()),
});

const SYS_ID = /^[0-9a-f]{32}$/;
/** Arguments that are numbers, by their field: all of them fit what a plan may set again. */
const NUMBERS: ReadonlySet<string> = new Set(["urgency", "impact", "state"]);
/** Journals are added to, and cannot be compared or taken back. */
const JOURNALS = { workNotes: "work_notes", comments: "comments" } as const;

type Change = { readonly field: string; readonly from: string; readonly to: string };

export interface UpdateParts {
  readonly origin: string;
  readonly table: RecordTable;
  /** Of the arguments. */
  readonly updates: z.ZodType<ServicenowUpdate>;
  readonly writes: UnsettledWrites;
}

/** Throws `arguments-invalid` where there is no such record or nothing to change, `target-unavailable` without an answer. */
export async function planUpdate(parts: UpdateParts, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const args = parseArguments(parts.updates, request.args);
  const left = knownLeft(request);
  const record = await currentRecord(parts.table, args, signal);
  if (args.whileActive === true && !(Number(record.values["state"] ?? Number.NaN) < parts.table.shape.overFrom)) {
    throw new AppError("arguments-invalid", "the record is over already, or does not show its state");
  }
  const changes = changesTo(parts.table.shape, record, args.fields);
  if (left !== undefined && !isLeft(record, left, fieldsIn(parts.table.shape, args.fields))) {
    throw new AppError("target-moved", "it was changed since: undoing would overwrite that", { number: record.number });
  }
  const notes = notesIn(args.fields);
  if (changes.length === 0 && Object.keys(notes).length === 0) {
    throw new AppError("arguments-invalid", "the record already has these values", { number: record.number });
  }
  const body = { ...Object.fromEntries(changes.map(({ field, to }) => [field, to])), ...notes };
  const inverse = inverseOf(parts, request, { record, changes });
  return {
    kind: request.kind,
    calls: [{ method: "PATCH", origin: parts.origin, path: `${parts.table.shape.path}/${record.sysId}`, body }],
    diff: { number: record.number, changes, adds: notes },
    inverse,
    reversible: inverse !== null,
    fingerprint: record.fingerprint,
  };
}

async function currentRecord(table: RecordTable, args: ServicenowUpdate, signal: AbortSignal): Promise<TableRecord> {
  const sysId = args.sysId ?? (await correlatedSysId(table, args.correlationId ?? "", signal));
  const record = got(await table.read(sysId, signal));
  if (record === undefined) throw new AppError("arguments-invalid", "no such record, or not one this user may see");
  return record;
}

async function correlatedSysId(table: RecordTable, correlationId: string, signal: AbortSignal): Promise<string> {
  const [record, second] = got(await table.findByCorrelation(correlationId, signal));
  if (record === undefined) throw new AppError("arguments-invalid", "no record has this correlation id");
  if (second !== undefined)
    throw new AppError("arguments-invalid", "several records have this correlation id: name one by sysId");
  return record.sysId;
}

function got<T>(found: Got<T>): T {
  if (found.kind === "got") return found.value;
  const code = "code" in found.outcome ? found.outcome.code : found.outcome.status;
  throw new AppError("target-unavailable", "ServiceNow gave no usable answer", { code });
}

/** What is added to each journal. */
function notesIn(fields: ServicenowUpdate["fields"]): Readonly<Record<string, string>> {
  const notes: Record<string, string> = {};
  for (const [argument, field] of Object.entries(JOURNALS)) {
    const text = fields[argument];
    if (typeof text === "string") notes[field] = journalText(text);
  }
  return notes;
}

function changesTo(
  { values }: RecordShape,
  record: TableRecord,
  fields: ServicenowUpdate["fields"],
): readonly Change[] {
  const changes: Change[] = [];
  for (const [argument, field] of Object.entries(values)) {
    const wanted = fields[argument];
    if (wanted === undefined) continue;
    const from = record.values[field];
    // Without its value there is no diff to approve, no inverse, and no telling afterwards.
    if (from === undefined) throw new AppError("arguments-invalid", `the record does not show ${field} to this user`);
    if (from !== String(wanted)) changes.push({ field, from, to: String(wanted) });
  }
  return changes;
}

function fieldsIn({ values }: RecordShape, fields: ServicenowUpdate["fields"]): readonly string[] {
  return Object.keys(values).flatMap((argument) => (fields[argument] === undefined ? [] : [values[argument] ?? ""]));
}

/** What was created is as it was created; of what was changed, what was set is as it was set. */
function isLeft(record: TableRecord, left: string, fields: readonly string[]): boolean {
  return left === record.fingerprint || left === leftAs(record, fields);
}

/** What stands in these fields: taken back is only what the action set, while nobody has set it anew. */
function leftAs({ values }: TableRecord, fields: readonly string[]): string {
  const stands = fields.toSorted().map((field) => [field, values[field] ?? null]);
  return hash("sha256", canonicalJson(stands));
}

/** The values as they were. Null when only a journal is written, or an old value is none that arguments can carry. */
function inverseOf(
  { table, updates }: UpdateParts,
  request: PlanRequest,
  { record, changes }: { record: TableRecord; changes: readonly Change[] },
): Json | null {
  if (changes.length === 0) return null;
  const fields: Record<string, Json> = {};
  for (const [argument, field] of Object.entries(table.shape.values)) {
    const change = changes.find((candidate) => candidate.field === field);
    if (change === undefined) continue;
    fields[argument] = NUMBERS.has(field) && /^-?\d{1,3}$/.test(change.from) ? Number(change.from) : change.from;
  }
  const args = { sysId: record.sysId, fields };
  if (!updates.safeParse(args).success) return null;
  return { kind: request.kind, target: { ...request.target }, args };
}

/**
 * Reads the record again and changes it only while it is the one that was planned against. The Table API has no
 * conditional write: a change by somebody else in the moment between the two calls would not be seen (docs/executors.md).
 */
export async function executeUpdate(
  parts: UpdateParts,
  request: ExecuteRequest,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const call = readCall(parts, request);
  if (call === undefined) return { status: "failed", code: "plan-invalid", detail: null };
  const key = request.idempotencyKey;
  const read = await parts.table.read(call.sysId, signal);
  const isOpen = parts.writes.isOpen(key); // no await from here to the write: two calls at once would both pass
  if (isOpen) return { status: "unknown", code: "earlier-attempt-unsettled", detail: null };
  if (read.kind === "not") return read.outcome;
  if (read.value === undefined) return { status: "failed", code: "target-not-found", detail: null };
  if (read.value.fingerprint !== request.plan.fingerprint) {
    // An earlier attempt of our own may be what moved it: then this is no failure.
    const mayBeOurs = request.unsettled && hasValues(read.value, call.values);
    if (mayBeOurs) return { status: "unknown", code: "target-already-changed", detail: null };
    return {
      status: "failed",
      code: "target-moved",
      detail: { planned: request.plan.fingerprint, found: read.value.fingerprint },
    };
  }
  return writeOpenly({ key, writes: parts.writes }, async () => {
    const fields: JsonObject = { ...call.body, work_notes: withGrant(call.body["work_notes"] ?? "", request) };
    const written = await parts.table.change(call.sysId, fields, signal);
    return written.kind === "refused" ? written.outcome : changedOutcome(parts.table, written.told, call);
  });
}

type UpdateCall = {
  readonly sysId: string;
  readonly body: Readonly<Record<string, string>>;
  /** Without the journals, which are added to and cannot be compared. */
  readonly values: Readonly<Record<string, string>>;
};

function readCall(parts: UpdateParts, { plan }: ExecuteRequest): UpdateCall | undefined {
  const parsed = callSchema.safeParse(plan.calls[0]);
  if (!parsed.success || plan.calls.length !== 1 || parsed.data.origin !== parts.origin) return undefined;
  const [path, sysId] = [parsed.data.path.slice(0, -33), parsed.data.path.slice(-32)];
  if (path !== parts.table.shape.path || !SYS_ID.test(sysId)) return undefined;
  const { work_notes: _note, comments: _comment, ...values } = parsed.data.body;
  return { sysId, body: parsed.data.body, values };
}

/** False where there is no value to compare: a journal alone proves nothing. */
function hasValues(record: TableRecord, values: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries(values);
  return wanted.length > 0 && wanted.every(([field, value]) => record.values[field] === value);
}

function changedOutcome(table: RecordTable, told: Told, call: UpdateCall): StepOutcome {
  if (told.answer.kind !== "answered" || told.answer.status !== 200) return writeOutcome(told);
  const record = table.recordOf(told);
  if (record?.sysId !== call.sysId) return { status: "unknown", code: "answer-unexpected", detail: { status: 200 } };
  // ServiceNow leaves out fields that its rules protect, and still answers 200.
  const refused = Object.keys(call.values).filter((field) => record.values[field] !== call.values[field]);
  if (refused.length > 0)
    return { status: "unknown", code: "partly-applied", detail: { number: record.number, refused } };
  return {
    status: "succeeded",
    reference: record.number,
    detail: { sysId: record.sysId, fingerprint: record.fingerprint },
    left: leftAs(record, Object.keys(call.values)),
  };
}

export async function reconcileUpdate(
  parts: UpdateParts,
  request: ExecuteRequest,
  signal: AbortSignal,
): Promise<Reconciliation> {
  const call = readCall(parts, request);
  if (call === undefined) return { status: "unclear", detail: { code: "plan-invalid" } };
  const remainingMs = parts.writes.remainingMs(request.idempotencyKey);
  const read = await parts.table.read(call.sysId, signal);
  if (read.kind === "not") return unaskable(read.outcome);
  const record = read.value;
  if (record === undefined) return { status: "unclear", detail: { code: "target-not-found" } };
  if (record.fingerprint === request.plan.fingerprint) {
    if (remainingMs > 0) return { status: "unclear", detail: { code: "may-still-arrive" }, afterMs: remainingMs };
    return { status: "absent", detail: null };
  }
  if (!hasValues(record, call.values))
    return { status: "unclear", detail: { code: "target-moved", fingerprint: record.fingerprint } };
  parts.writes.settle(request.idempotencyKey);
  return {
    status: "happened",
    reference: record.number,
    detail: { sysId: record.sysId, fingerprint: record.fingerprint },
    left: leftAs(record, Object.keys(call.values)),
  };
}
