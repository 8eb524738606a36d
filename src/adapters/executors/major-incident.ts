// Declaring a major incident: the record first, then the bridge and its responders; each part found by its key.

import { z } from "zod";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Bridge, PartEnd } from "../../wire/contracts/bridge.ts";
import type {
  ActionKind,
  ExecuteRequest,
  Executor,
  Plan,
  PlanRequest,
  Reconciliation,
  StepOutcome,
} from "../../wire/contracts/executor.ts";
import {
  argumentsJsonSchema,
  majorIncidentArguments,
  majorIncidentRetractArguments,
  parseArguments,
} from "../../wire/schemas/executor-arguments.ts";
import { servicenowCreateArguments } from "../../wire/schemas/servicenow-arguments.ts";
import type { MajorIncidentConfig } from "../../wire/schemas/executors-config.ts";
import { outcomeReach } from "./reach.ts";
import { createCall, executeCreate, reconcileCreate, recordFields, type CreateParts } from "./servicenow-create.ts";
import { recordNote, withGrant } from "./servicenow-journal.ts";
import { loginRefOf } from "./servicenow-login.ts";
import { INCIDENTS, type TableRecord } from "./servicenow-table.ts";
import { writeOutcome } from "./step-outcomes.ts";

const DECLARE = "incident.declare-major";
const RETRACT = "incident.retract-major";
/** The rest is tried again no sooner than this. */
const AGAIN_MS = 2_000;

const KINDS: readonly ActionKind[] = [
  {
    kind: DECLARE,
    title: "Declare a major incident: record, bridge, responders",
    argumentsSchema: argumentsJsonSchema(majorIncidentArguments),
    repeat: "conditional",
    planning: "pure",
    effect: "external",
    reversible: true,
    risks: [],
  },
  {
    kind: RETRACT,
    title: "Take back a major incident: its record's state, its bridge",
    argumentsSchema: argumentsJsonSchema(majorIncidentRetractArguments),
    repeat: "idempotent",
    planning: "pure",
    effect: "external",
    reversible: false,
    risks: [],
  },
];

const recordCallSchema = z.looseObject({
  method: z.literal("POST"),
  origin: z.string(),
  path: z.literal(INCIDENTS.path),
  body: z.looseObject({ correlation_id: z.string() }),
});
const changeCallSchema = z.looseObject({
  method: z.literal("PATCH"),
  origin: z.string(),
  path: z.literal(INCIDENTS.path),
  find: z.strictObject({ correlation_id: z.string() }),
  while: z.record(z.string(), z.string()),
  body: z.record(z.string(), z.string()),
});

export interface MajorIncidentParts extends Omit<CreateParts, "config" | "places"> {
  readonly config: MajorIncidentConfig;
  readonly servicenow: CreateParts["config"];
  readonly bridge: Bridge;
}

/** Offers `incident.declare-major` and, as its inverse, `incident.retract-major`. */
export function createMajorIncidentExecutor(parts: MajorIncidentParts): Executor {
  return {
    kinds: KINDS,
    credentials: [loginRefOf(parts.servicenow), parts.bridge.credential],
    probe: async (signal) => [
      outcomeReach("servicenow", await parts.table.probe(signal)),
      await parts.bridge.probe(signal),
    ],
    plan: async (request) => (request.kind === DECLARE ? planDeclare(parts, request) : planRetract(parts, request)),
    execute(request, outer) {
      const signal = AbortSignal.any([outer, AbortSignal.timeout(request.timeoutMs)]);
      return request.plan.kind === DECLARE ? declare(parts, request, signal) : retract(parts, request, signal);
    },
    reconcile(request, outer) {
      const signal = AbortSignal.any([outer, AbortSignal.timeout(request.timeoutMs)]);
      // Setting a state and archiving twice is harmless: running it again is what settles it.
      if (request.plan.kind !== DECLARE) return Promise.resolve({ status: "unclear", detail: { code: "repeat" } });
      return reconcileDeclare(parts, request, signal);
    },
  };
}

/** One key for every part: of the incident, not of the action, so that declaring it again finds what is there. */
function keyOf(parts: MajorIncidentParts, incident: string): string {
  return `${parts.installation}:${incident}:major`;
}

function recordParts(parts: MajorIncidentParts): CreateParts {
  return { ...parts, config: parts.servicenow, places: [INCIDENTS.path] };
}

function planDeclare(parts: MajorIncidentParts, request: PlanRequest): Plan {
  const args = parseArguments(majorIncidentArguments, request.args);
  const { environment, service } = request.target;
  const { record } = parts.config;
  const asked = parseArguments(servicenowCreateArguments, {
    shortDescription: `[major] ${args.title}`.slice(0, 160).toWellFormed(),
    ...(args.summary === undefined ? {} : { description: args.summary }),
    urgency: 1,
    impact: 1,
    ...(args.team === undefined ? {} : { team: args.team }),
  });
  const key = keyOf(parts, args.incident);
  const fields = { ...recordFields(parts.servicenow, asked), ...record.fields };
  const note = recordNote(request, `Major incident ${args.incident}, declared through Holdpoint.`);
  const body: JsonObject = { ...fields, correlation_id: key, work_notes: note };
  const bridge = parts.bridge.plan({
    key,
    incident: args.incident,
    service,
    team: args.team ?? "",
    topic: `${args.severity} · ${service} in ${environment} · ${args.incident} · ${args.title}`,
    lines: linesOf(args, { environment, service }),
  });
  const calls = [{ ...createCall(parts, INCIDENTS.path, body), part: "record", repeat: "conditional" }, ...bridge];
  return {
    kind: DECLARE,
    calls,
    diff: { opens: ["record", "channel", "message"], invites: args.team ?? "", key, fields: body },
    inverse: { kind: RETRACT, target: { ...request.target }, args: { incident: args.incident } },
    reversible: true,
    fingerprint: null,
  };
}

type Declared = z.infer<typeof majorIncidentArguments>;

function linesOf(args: Declared, at: { environment: string; service: string }): readonly string[] {
  const { classification, signals } = (args.justification ?? {}) as { classification?: Json; signals?: Json };
  const named = Array.isArray(signals) ? signals.filter((id) => typeof id === "string").slice(0, 32) : [];
  return [
    `Major incident (${args.severity}): ${args.title}`,
    `${at.service} in ${at.environment}, incident ${args.incident}`,
    ...(args.summary === undefined ? [] : [args.summary]),
    ...(named.length === 0 ? [] : [`Signals: ${named.join(", ")}`]),
    ...(classification === undefined ? [] : [`Classification: ${JSON.stringify(classification)}`]),
  ];
}

/** The record comes first: without it nothing of the rest can have begun. */
async function declare(parts: MajorIncidentParts, request: ExecuteRequest, signal: AbortSignal): Promise<StepOutcome> {
  const [first, ...bridgeCalls] = request.plan.calls;
  const call = recordCallSchema.safeParse(first);
  if (!call.success) return { status: "failed", code: "plan-invalid", detail: null };
  const record = await executeCreate(recordParts(parts), ofRecord(request, call.data), signal);
  if (record.status !== "succeeded") return record;
  const key = call.data.body.correlation_id;
  const appendix = withGrant(`Record: ${record.reference}`, request);
  const ends = await parts.bridge.open({ calls: bridgeCalls as readonly JsonObject[], key, appendix }, signal);
  return outcomeOf(record, ends);
}

function ofRecord(request: ExecuteRequest, call: z.infer<typeof recordCallSchema>): ExecuteRequest {
  const { method, origin, path, body } = call;
  return { ...request, plan: { ...request.plan, calls: [{ method, origin, path, body: body as JsonObject }] } };
}

type Succeeded = Extract<StepOutcome, { status: "succeeded" }>;

/** What is there and what is missing, by part. Whatever may still be done is tried again; the rest is left to people. */
function outcomeOf(record: Succeeded, ends: readonly PartEnd[]): StepOutcome {
  const parts: Record<string, Json> = { record: { status: "done", ...(record.detail as JsonObject) } };
  for (const { part, status, code, facts } of ends)
    parts[part] = { status, ...(code === "" ? {} : { code }), ...facts };
  const missing = ends.filter(({ status }) => status !== "done").map(({ part }) => part);
  const detail: Json = { parts, missing };
  if (missing.length === 0) {
    const channel = ends.find(({ part }) => part === "channel")?.facts["channel"];
    const reference = typeof channel === "string" ? `${record.reference} ${channel}` : record.reference;
    return { status: "succeeded", reference, detail };
  }
  const waits = ends.filter(({ status }) => status === "later").map(({ afterMs }) => afterMs);
  const afterMs = waits.length === 0 ? 0 : Math.max(AGAIN_MS, ...waits);
  return { status: "partial", afterMs, code: `${missing[0]}-missing`, detail };
}

async function reconcileDeclare(
  parts: MajorIncidentParts,
  request: ExecuteRequest,
  signal: AbortSignal,
): Promise<Reconciliation> {
  const call = recordCallSchema.safeParse(request.plan.calls[0]);
  if (!call.success) return { status: "unclear", detail: { code: "plan-invalid" } };
  const record = await reconcileCreate(recordParts(parts), ofRecord(request, call.data), signal);
  // Whether the rest is there too is found out by running it: each part looks for itself first.
  return record.status === "happened" ? { status: "partial", detail: { record: record.detail } } : record;
}

function planRetract(parts: MajorIncidentParts, request: PlanRequest): Plan {
  const { incident } = parseArguments(majorIncidentRetractArguments, request.args);
  const key = keyOf(parts, incident);
  const fields = { ...parts.config.record.retractFields };
  const record = {
    part: "record",
    repeat: "idempotent",
    method: "PATCH",
    origin: parts.origin,
    path: INCIDENTS.path,
    find: { correlation_id: key },
    while: declaredIn(parts.config, fields),
    body: fields,
  };
  const bridge = parts.bridge.planClose({ key, incident, service: request.target.service });
  return {
    kind: RETRACT,
    calls: [record, ...bridge],
    diff: { closes: ["record", "channel"], key, fields },
    inverse: null,
    reversible: false,
    fingerprint: null,
  };
}

/** What declaring set of the fields that taking back sets: while they say that, nobody went on from there. */
function declaredIn({ record }: MajorIncidentConfig, fields: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(Object.entries(record.fields).filter(([field]) => Object.hasOwn(fields, field)));
}

type Fields = Readonly<Record<string, string>>;

/** A field that the record does not show is not compared. */
function isMoved({ values }: TableRecord, fields: Fields): boolean {
  return Object.entries(fields).some(([field, value]) => values[field] !== undefined && values[field] !== value);
}

function isDone({ values }: TableRecord, fields: Fields): boolean {
  return Object.entries(fields).every(([field, value]) => values[field] === value);
}

async function retract(parts: MajorIncidentParts, request: ExecuteRequest, signal: AbortSignal): Promise<StepOutcome> {
  const [first, ...bridgeCalls] = request.plan.calls;
  const call = changeCallSchema.safeParse(first);
  if (!call.success || call.data.origin !== parts.origin)
    return { status: "failed", code: "plan-invalid", detail: null };
  const found = await parts.table.findByCorrelation(call.data.find.correlation_id, signal);
  if (found.kind === "not") return found.outcome;
  const [named] = found.value;
  const read = named === undefined ? undefined : await parts.table.read(named.sysId, signal);
  if (read?.kind === "not") return read.outcome;
  const record = read?.value;
  if (record !== undefined && !isDone(record, call.data.body)) {
    if (isMoved(record, call.data.while)) {
      return { status: "failed", code: "target-moved", detail: { number: record.number } };
    }
    const written = await parts.table.change(record.sysId, call.data.body, signal);
    if (written.kind === "refused") return written.outcome;
    const isChanged = written.told.answer.kind === "answered" && written.told.answer.status === 200;
    if (!isChanged || parts.table.recordOf(written.told)?.sysId !== record.sysId) return writeOutcome(written.told);
  }
  const end = await parts.bridge.close(bridgeCalls as readonly JsonObject[], signal);
  const { status, code, facts } = end;
  const detail: Json = { parts: { record: { number: record?.number ?? null }, channel: { status, code, ...facts } } };
  if (status === "done") return { status: "succeeded", reference: record?.number ?? "none", detail };
  return {
    status: "partial",
    afterMs: status === "later" ? Math.max(AGAIN_MS, end.afterMs) : 0,
    code: "channel-open",
    detail,
  };
}
