// Creating a ServiceNow record at most once: looked up by its correlation id before it is written and afterwards.

import { z } from "zod";
import type { Json, JsonObject } from "../../core/json.ts";
import type { ExecuteRequest, Plan, PlanRequest, Reconciliation, StepOutcome } from "../../wire/contracts/executor.ts";
import { parseArguments } from "../../wire/schemas/executor-arguments.ts";
import { servicenowCreateArguments } from "../../wire/schemas/servicenow-arguments.ts";
import type { ServicenowConfig } from "../../wire/schemas/executors-config.ts";
import { contextNote, withGrant } from "./servicenow-journal.ts";
import { INCIDENTS, type RecordTable, type TableRecord } from "./servicenow-table.ts";
import { writeOutcome, type Told } from "./step-outcomes.ts";
import type { UnsettledWrites } from "./unsettled-writes.ts";
import { lookForWrite, writeOnce, type OneWrite } from "./written-once.ts";

export const CREATE = "servicenow.incident.create";

/** How the fingerprint of a record begins that nobody has changed since it was created. */
const NEVER_CHANGED = "0@";

const callSchema = z.strictObject({
  method: z.literal("POST"),
  origin: z.string(),
  path: z.string(),
  body: z.looseObject({ correlation_id: z.string(), work_notes: z.string() }),
});

export interface CreateParts {
  readonly config: ServicenowConfig;
  readonly origin: string;
  /** Keeps this log's actions apart from those of other installations at the same ServiceNow. */
  readonly installation: string;
  readonly table: RecordTable;
  readonly writes: UnsettledWrites;
  /** Where records are made: the table, and what else makes records of it. */
  readonly places: readonly string[];
}

type CreateArguments = z.infer<typeof servicenowCreateArguments>;

export function planCreate(parts: CreateParts, request: PlanRequest): Plan {
  const args = parseArguments(servicenowCreateArguments, request.args);
  const correlationId = correlationIdOf(parts.installation, request);
  const body = { ...recordFields(parts.config, args), correlation_id: correlationId, work_notes: contextNote(request) };
  const assigned = "assignment_group" in body;
  return {
    kind: request.kind,
    calls: [createCall(parts, INCIDENTS.path, body)],
    diff: { creates: "incident", team: args.team ?? null, assigned, fields: body },
    inverse: cancelling(request, "servicenow.incident.update", { correlationId, state: parts.config.canceledState }),
    reversible: true,
    fingerprint: null,
  };
}

/** What a new record says, but for where it came from. */
export function recordFields(config: ServicenowConfig, args: CreateArguments): JsonObject {
  const { caller } = config;
  return {
    short_description: args.shortDescription,
    ...(args.description === undefined ? {} : { description: args.description }),
    urgency: String(args.urgency),
    impact: String(args.impact),
    ...(args.category === undefined ? {} : { category: args.category }),
    ...assignedTo(config, args.team),
    ...(caller === undefined ? {} : { caller_id: caller }),
    correlation_display: "Holdpoint",
  };
}

/** A team that configuration does not know leaves a record unassigned. */
export function assignedTo({ assignmentGroups }: ServicenowConfig, team: string | undefined): JsonObject {
  const group = team !== undefined && Object.hasOwn(assignmentGroups, team) ? assignmentGroups[team] : undefined;
  return group === undefined ? {} : { assignment_group: group };
}

/** The one call of a create; its body has to hold `correlation_id` and `work_notes` too. */
export function createCall({ origin }: Pick<CreateParts, "origin">, path: string, body: JsonObject): JsonObject {
  return { method: "POST", origin, path, body };
}

/** Ours alone for each action, and with the incident, by which every other system knows it: at most 100 characters. */
export function correlationIdOf(installation: string, { actionId, context }: PlanRequest): string {
  const { incident } = context;
  const own = `${installation}:${actionId}`;
  return typeof incident === "string" && /^inc_[0-9a-z]{9}$/.test(incident) ? `${own}:${incident}` : own;
}

/** Records are canceled, never deleted: what happened stays readable at both ends. */
export function cancelling(
  request: PlanRequest,
  kind: string,
  { correlationId, state }: { correlationId: string; state: number },
): Json {
  const fields = { state, workNotes: `Reverted: ${request.actionId} opened this and was undone.` };
  return { kind, target: { ...request.target }, args: { correlationId, fields } };
}

/** ServiceNow takes no idempotency key, so the correlation id stands in for one. */
export async function executeCreate(
  parts: CreateParts,
  request: ExecuteRequest,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const call = readCall(parts, request);
  if (call === undefined) return { status: "failed", code: "plan-invalid", detail: null };
  return writeOnce(onceOf(parts, call, signal), async () => {
    const fields = { ...(call.body as unknown as JsonObject), work_notes: withGrant(call.body.work_notes, request) };
    const written = await parts.table.create(call.path, fields, signal);
    if (written.kind === "refused") return written.outcome;
    return createdOutcome(parts.table, written.told, call.body.correlation_id);
  });
}

type Call = z.infer<typeof callSchema>;

function onceOf({ table, writes }: CreateParts, { body }: Call, signal: AbortSignal): OneWrite {
  const key = body.correlation_id;
  const look: OneWrite["look"] = async () => {
    const found = await table.findByCorrelation(key, signal);
    if (found.kind === "not") return found;
    const [first] = found.value;
    if (first === undefined) return { kind: "got", value: null };
    const left = first.fingerprint.startsWith(NEVER_CHANGED) ? first.fingerprint : "changed";
    return { kind: "got", value: { reference: first.number, detail: foundDetail(found.value), left } };
  };
  return { key, writes, look };
}

function readCall(parts: CreateParts, { plan }: ExecuteRequest): Call | undefined {
  const parsed = callSchema.safeParse(plan.calls[0]);
  if (!parsed.success || plan.calls.length !== 1 || parsed.data.origin !== parts.origin) return undefined;
  return parts.places.includes(parsed.data.path) ? parsed.data : undefined;
}

function createdOutcome(table: RecordTable, told: Told, correlationId: string): StepOutcome {
  const { answer } = told;
  // The change API answers 200.
  if (answer.kind !== "answered" || (answer.status !== 201 && answer.status !== 200)) return writeOutcome(told);
  const record = table.recordOf(told);
  if (record === undefined) return { status: "unknown", code: "answer-unexpected", detail: { status: answer.status } };
  // False when the user may not write that field: then a later look-up would find nothing, and people should know.
  const correlated = record.correlationId === correlationId;
  return {
    status: "succeeded",
    reference: record.number,
    detail: { sysId: record.sysId, number: record.number, correlated },
    left: record.fingerprint,
  };
}

function foundDetail(records: readonly TableRecord[]): Json {
  const [first] = records;
  return { sysId: first?.sysId ?? "", number: first?.number ?? "", foundBefore: true, duplicates: records.length > 1 };
}

export async function reconcileCreate(
  parts: CreateParts,
  request: ExecuteRequest,
  signal: AbortSignal,
): Promise<Reconciliation> {
  const call = readCall(parts, request);
  if (call === undefined) return { status: "unclear", detail: { code: "plan-invalid" } };
  return lookForWrite(onceOf(parts, call, signal));
}
