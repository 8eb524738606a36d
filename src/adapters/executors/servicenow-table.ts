// ServiceNow's Table API for incidents and changes: find, read, create, change. One record, checked field by field.

import { z } from "zod";
import type { Json, JsonObject } from "../../core/json.ts";
import type { StepOutcome } from "../../wire/contracts/executor.ts";
import type { OutboundRequest } from "../../wire/contracts/egress.ts";
import type { LoginParts } from "./servicenow-login.ts";
import { ServicenowLogin } from "./servicenow-login.ts";
import { jsonObjectOf, readOutcome, type Got, type Told } from "./step-outcomes.ts";

/** One table: where it is, and what plans may change in it. */
export interface RecordShape {
  readonly path: string;
  /** Value fields that plans may change, by the name of their argument. */
  readonly values: Readonly<Record<string, string>>;
  /** From this value of `state` on a record is over, unless an instance changed them. */
  readonly overFrom: number;
}

const SHARED_FIELDS = {
  shortDescription: "short_description",
  description: "description",
  impact: "impact",
  state: "state",
  closeCode: "close_code",
  closeNotes: "close_notes",
  assignmentGroup: "assignment_group",
  assignedTo: "assigned_to",
} as const;

/** Over: 6 resolved, 7 closed, 8 canceled. */
export const INCIDENTS: RecordShape = {
  path: "/api/now/table/incident",
  values: { ...SHARED_FIELDS, urgency: "urgency" },
  overFrom: 6,
};

/** Over: 3 closed, 4 canceled; -5 new, -4 assess, -3 authorize, -2 scheduled, -1 implement, 0 review. Never `approval`. */
export const CHANGES: RecordShape = {
  path: "/api/now/table/change_request",
  values: {
    ...SHARED_FIELDS,
    justification: "justification",
    implementationPlan: "implementation_plan",
    backoutPlan: "backout_plan",
    testPlan: "test_plan",
    risk: "risk",
  },
  overFrom: 3,
};

// Values as stored, no labels; references as plain sys_ids. Without the second, they come as {link, value}.
const PLAIN = "sysparm_display_value=false&sysparm_exclude_reference_link=true&sysparm_fields=";
const NAMES = ["sys_id", "number", "correlation_id", "sys_mod_count", "sys_updated_on"];
const AS_NAMES = PLAIN + NAMES.join(",");

const recordSchema = z.looseObject({
  sys_id: z.string().regex(/^[0-9a-f]{32}$/),
  number: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/),
  correlation_id: z.string().max(100).default(""),
  sys_mod_count: z.string().regex(/^\d{1,9}$/),
  sys_updated_on: z.string().regex(/^[0-9: -]{1,32}$/),
});

export interface TableRecord {
  readonly sysId: string;
  readonly number: string;
  readonly correlationId: string;
  /** Moves with every change: `sys_mod_count@sys_updated_on`. */
  readonly fingerprint: string;
  /** Stored values by field name; `undefined` where the record did not show one. */
  readonly values: Readonly<Record<string, string | undefined>>;
}

/** A write's answer; `refused` when it was never sent. */
export type Written =
  | { readonly kind: "told"; readonly told: Told }
  | { readonly kind: "refused"; readonly outcome: StepOutcome };

export class RecordTable {
  readonly #parts: LoginParts;
  readonly shape: RecordShape;
  readonly #asRecord: string;
  readonly #login: ServicenowLogin;

  constructor(parts: LoginParts, shape: RecordShape) {
    this.#parts = parts;
    this.shape = shape;
    this.#asRecord = PLAIN + [...NAMES, ...Object.values(shape.values)].join(",");
    this.#login = new ServicenowLogin(parts);
  }

  /** Records with exactly this correlation id, at most two, without their values. */
  async findByCorrelation(correlationId: string, signal: AbortSignal): Promise<Got<readonly TableRecord[]>> {
    const query = encodeURIComponent(`correlation_id=${correlationId}^ORDERBYnumber`);
    const reply = await this.#call(
      { method: "GET", path: `${this.shape.path}?sysparm_query=${query}&sysparm_limit=2&${AS_NAMES}` },
      signal,
    );
    if (reply.kind === "refused") return { kind: "not", outcome: reply.outcome };
    const rows = jsonObjectOf(reply.told.answer)?.["result"];
    if (!isOk(reply.told) || !Array.isArray(rows)) return { kind: "not", outcome: readOutcome(reply.told) };
    const records = rows.map((row) => this.#toRecord(row as Json));
    // An instance drops a condition that its caller may not use, and answers with whatever is left: anybody's incidents.
    const isOurs = records.every((record) => record?.correlationId === correlationId);
    if (!isOurs) return { kind: "not", outcome: { status: "failed", code: "look-up-unreliable", detail: null } };
    return { kind: "got", value: records.filter((record) => record !== undefined) };
  }

  /** The record, or undefined when there is none that this user may see. */
  async read(sysId: string, signal: AbortSignal): Promise<Got<TableRecord | undefined>> {
    const reply = await this.#call({ method: "GET", path: `${this.shape.path}/${sysId}?${this.#asRecord}` }, signal);
    if (reply.kind === "refused") return { kind: "not", outcome: reply.outcome };
    const { answer } = reply.told;
    if (answer.kind === "answered" && answer.status === 404) return { kind: "got", value: undefined };
    const record = isOk(reply.told) ? this.recordOf(reply.told) : undefined;
    if (record?.sysId !== sysId) return { kind: "not", outcome: readOutcome(reply.told) };
    return { kind: "got", value: record };
  }

  /** The end of a look-up for what never was, which every create begins with: null when it was answered. */
  async probe(signal: AbortSignal): Promise<StepOutcome | null> {
    const found = await this.findByCorrelation("holdpoint:probe", signal);
    return found.kind === "not" ? found.outcome : null;
  }

  /** `path`: the table, or a place that makes a record of it. */
  create(path: string, fields: JsonObject, signal: AbortSignal): Promise<Written> {
    return this.#call({ method: "POST", path: `${path}?${this.#asRecord}`, body: JSON.stringify(fields) }, signal);
  }

  change(sysId: string, fields: JsonObject, signal: AbortSignal): Promise<Written> {
    return this.#call(
      { method: "PATCH", path: `${this.shape.path}/${sysId}?${this.#asRecord}`, body: JSON.stringify(fields) },
      signal,
    );
  }

  /** The record in a write's or a read's answer, or undefined when it holds none. */
  recordOf(told: Told): TableRecord | undefined {
    return this.#toRecord(jsonObjectOf(told.answer)?.["result"] ?? null);
  }

  #toRecord(row: Json): TableRecord | undefined {
    const parsed = recordSchema.safeParse(plainOf(row));
    if (!parsed.success) return undefined;
    const {
      sys_id: sysId,
      number,
      correlation_id: correlationId,
      sys_mod_count: count,
      sys_updated_on: changed,
    } = parsed.data;
    const values: Record<string, string | undefined> = {};
    for (const field of Object.values(this.shape.values)) {
      const value = parsed.data[field];
      values[field] = typeof value === "string" ? value : undefined;
    }
    return { sysId, number, correlationId, fingerprint: `${count}@${changed}`, values };
  }

  async #call(call: Pick<OutboundRequest, "method" | "path" | "body">, signal: AbortSignal): Promise<Written> {
    const first = await this.#callOnce(call, signal);
    if (first.kind === "refused" || !first.kept) return first;
    const { answer } = first.told;
    if (answer.kind !== "answered" || answer.status !== 401) return first;
    this.#login.forget(); // revoked before its time; a 401 means that nothing was done
    return this.#callOnce(call, signal);
  }

  async #callOnce(
    call: Pick<OutboundRequest, "method" | "path" | "body">,
    signal: AbortSignal,
  ): Promise<Written & { kept?: boolean }> {
    const { clock, egress, origin } = this.#parts;
    const login = await this.#login.header(signal);
    if (login.kind === "refused") return login;
    const content = call.body === undefined ? {} : { "content-type": "application/json" };
    const answer = await egress(
      { ...call, origin, headers: { authorization: login.authorization, ...content } },
      signal,
    );
    return { kind: "told", told: { answer, secrets: login.secrets, nowMs: clock.nowMs() }, kept: login.kept };
  }
}

function isOk({ answer }: Told): boolean {
  return answer.kind === "answered" && answer.status === 200;
}

/** The change API answers each field as `{value, display_value}`. */
function plainOf(row: Json): Json {
  if (typeof row !== "object" || row === null || Array.isArray(row)) return row;
  const fields = Object.entries(row as JsonObject).map(([name, field]) => {
    const isPair = typeof field === "object" && field !== null && "value" in field;
    return [name, isPair ? field["value"] : field] as const;
  });
  return Object.fromEntries(fields) as JsonObject;
}
