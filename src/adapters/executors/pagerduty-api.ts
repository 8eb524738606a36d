// PagerDuty's REST API v2: incidents as far as a plan and a step need them, and what becomes of a request.

import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { OutboundCall, OutboundRequest } from "../../wire/contracts/egress.ts";
import type { StepOutcome } from "../../wire/contracts/executor.ts";
import type { PagerdutyApiConfig } from "../../wire/schemas/executors-config.ts";
import { readSecret } from "./secret-reading.ts";
import { jsonObjectOf, readOutcome, writeOutcome, type Got } from "./step-outcomes.ts";

/** An incident of many notes. */
export const PAGERDUTY_ANSWER_BYTES_MAX = 4_194_304;
const VERSION = "application/vnd.pagerduty+json;version=2";
const AGAIN_MS = 5_000;

const referenceSchema = z.looseObject({ id: z.string().regex(/^[A-Z0-9]{1,64}$/), summary: z.string().nullish() });
const incidentSchema = z.looseObject({
  id: z.string().regex(/^[A-Z0-9]{6,32}$/),
  incident_number: z.int(),
  incident_key: z.string().nullish(),
  title: z.string().nullish(),
  status: z.enum(["triggered", "acknowledged", "resolved"]),
  urgency: z.enum(["high", "low"]),
  service: referenceSchema,
  escalation_policy: referenceSchema,
  assignments: z.array(z.looseObject({ assignee: referenceSchema })).max(1_000),
  responder_requests: z
    .array(z.looseObject({ message: z.string().nullish() }))
    .max(10_000)
    .optional(),
});
export type PagerdutyIncident = z.output<typeof incidentSchema>;
const notesSchema = z.array(z.looseObject({ id: z.string(), content: z.string().nullish() }));
const alertsSchema = z.array(z.looseObject({ alert_key: z.string().nullish() }));

const UNREADABLE: StepOutcome = { status: "retry", afterMs: AGAIN_MS, code: "answer-unexpected", detail: null };

/** `data` is null but for a 2xx with an object. */
export interface PagerdutyReply {
  readonly status: number;
  readonly data: JsonObject | null;
  readonly asWrite: StepOutcome;
  readonly asRead: StepOutcome;
}

export interface PagerdutyApiParts {
  readonly config: PagerdutyApiConfig;
  readonly origin: string;
  readonly egress: OutboundCall;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

export class PagerdutyApi {
  readonly #parts: PagerdutyApiParts;

  constructor(parts: PagerdutyApiParts) {
    this.#parts = parts;
  }

  /** Never throws. */
  async ask(call: Pick<OutboundRequest, "method" | "path">, body: Json, signal: AbortSignal): Promise<PagerdutyReply> {
    const { config, origin, egress, credentials, clock } = this.#parts;
    const token = await readSecret(credentials, config.tokenRef, signal);
    if (token === undefined) {
      const outcome: StepOutcome = signal.aborted
        ? { status: "retry", afterMs: AGAIN_MS, code: "aborted", detail: null }
        : { status: "failed", code: "credential-missing", detail: { secretRef: config.tokenRef } };
      return { status: 0, data: null, asWrite: outcome, asRead: outcome };
    }
    const headers = {
      accept: VERSION,
      authorization: `Token token=${token}`,
      from: config.user.email,
      ...(body === null ? {} : { "content-type": "application/json" }),
    };
    const sent = body === null ? {} : { body: JSON.stringify(body) };
    const answer = await egress({ ...call, origin, headers, ...sent }, signal);
    const told = { answer, secrets: [token], nowMs: clock.nowMs() };
    const status = answer.kind === "answered" ? answer.status : 0;
    const data = status >= 200 && status < 300 ? (jsonObjectOf(answer) ?? null) : null;
    return { status, data, asWrite: writeOutcome(told), asRead: readOutcome(told) };
  }

  async #read<S extends z.ZodType>(path: string, member: string, schema: S, signal: AbortSignal) {
    const reply = await this.ask({ method: "GET", path }, null, signal);
    if (reply.status === 404) return { kind: "got", value: null } as const;
    if (reply.status !== 200) return { kind: "not", outcome: reply.asRead } as const;
    const read = schema.safeParse(reply.data?.[member]);
    return read.success
      ? ({ kind: "got", value: read.data } as const)
      : ({ kind: "not", outcome: UNREADABLE } as const);
  }

  /** Null where there is none. */
  incident(id: string, signal: AbortSignal): Promise<Got<PagerdutyIncident | null>> {
    return this.#read(`/incidents/${id}`, "incident", incidentSchema, signal);
  }

  /** The notes of an incident that is there. */
  async notes(id: string, signal: AbortSignal): Promise<Got<z.output<typeof notesSchema>>> {
    const got = await this.#read(`/incidents/${id}/notes`, "notes", notesSchema, signal);
    return got.kind === "got" ? { kind: "got", value: got.value ?? [] } : got;
  }

  /** Open incidents of an alert's key: at most two, each of them asked whether it really is of that key. */
  async findOpen(dedupKey: string, signal: AbortSignal): Promise<Got<readonly PagerdutyIncident[]>> {
    const open = "statuses%5B%5D=triggered&statuses%5B%5D=acknowledged&date_range=all&limit=2";
    const path = `/incidents?incident_key=${encodeURIComponent(dedupKey)}&${open}`;
    const got = await this.#read(path, "incidents", z.array(incidentSchema), signal);
    if (got.kind === "not") return got;
    const found: PagerdutyIncident[] = [];
    for (const incident of got.value ?? []) {
      // A filter that is not understood is dropped, and then it would be anybody's incident.
      const isOf = await this.#isOf(incident, dedupKey, signal);
      if (isOf.kind === "not") return isOf;
      if (isOf.value) found.push(incident);
    }
    return { kind: "got", value: found };
  }

  /** An incident of several alerts has no key of its own. */
  async #isOf({ id, incident_key: own }: PagerdutyIncident, key: string, signal: AbortSignal): Promise<Got<boolean>> {
    if (own === key) return { kind: "got", value: true };
    const got = await this.#read(`/incidents/${id}/alerts`, "alerts", alertsSchema, signal);
    if (got.kind === "not") return got;
    return { kind: "got", value: (got.value ?? []).some(({ alert_key: one }) => one === key) };
  }

  /** The end of a question for the user in whose name everything is done: null when it was answered. */
  async probe(signal: AbortSignal): Promise<StepOutcome | null> {
    const reply = await this.ask({ method: "GET", path: `/users/${this.#parts.config.user.id}` }, null, signal);
    return reply.status === 200 ? null : reply.asRead;
  }
}
