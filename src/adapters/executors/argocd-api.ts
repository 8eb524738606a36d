// Argo CD's REST API: applications as far as a plan and a step need them, and what becomes of a request.

import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Answer, OutboundCall } from "../../wire/contracts/egress.ts";
import type { StepOutcome } from "../../wire/contracts/executor.ts";
import type { ArgocdApplication } from "../../wire/schemas/argocd-executor.ts";
import { readSecret } from "./secret-reading.ts";
import { jsonObjectOf, readOutcome, writeOutcome } from "./step-outcomes.ts";

/** Applications of hundreds of objects, live and rendered, are a few MiB. */
export const ARGOCD_ANSWER_BYTES_MAX = 16_777_216;

const infoSchema = z.array(z.looseObject({ name: z.string(), value: z.string() })).nullish();
const operationSchema = z.looseObject({
  info: infoSchema,
  initiatedBy: z.looseObject({ username: z.string().optional() }).nullish(),
  sync: z
    .looseObject({ revision: z.string().optional(), source: z.record(z.string(), z.unknown()).nullish() })
    .nullish(),
});
const resultSchema = z.looseObject({
  kind: z.string(),
  namespace: z.string().optional(),
  name: z.string(),
  status: z.string().optional(),
});
const stateSchema = z.looseObject({
  operation: operationSchema,
  phase: z.string(),
  message: z.string().optional(),
  startedAt: z.string(),
  finishedAt: z.string().nullish(),
  syncResult: z.looseObject({ revision: z.string().optional(), resources: z.array(resultSchema).nullish() }).nullish(),
});
const deploymentSchema = z.looseObject({
  id: z.int().min(0),
  revision: z.string().optional(),
  source: z.record(z.string(), z.unknown()).nullish(),
});
const applicationSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string(), uid: z.string(), deletionTimestamp: z.string().nullish() }),
  spec: z.looseObject({
    project: z.string(),
    source: z.looseObject({ repoURL: z.string(), targetRevision: z.string().optional() }).nullish(),
    sources: z.array(z.unknown()).nullish(),
    syncPolicy: z.looseObject({ automated: z.looseObject({ enabled: z.boolean().nullish() }).nullish() }).nullish(),
  }),
  operation: operationSchema.nullish(),
  status: z
    .looseObject({
      health: z.looseObject({ status: z.string().optional() }).nullish(),
      history: z.array(deploymentSchema).nullish(),
      operationState: stateSchema.nullish(),
    })
    .nullish(),
});
export type Application = z.output<typeof applicationSchema>;
export type Deployment = z.output<typeof deploymentSchema>;
export type Operation = z.output<typeof operationSchema>;
export type OperationState = z.output<typeof stateSchema>;

const manifestsSchema = z.looseObject({ manifests: z.array(z.string()).nullish(), revision: z.string() });
const managedSchema = z.looseObject({
  items: z
    .array(
      z.looseObject({
        group: z.string().optional(),
        kind: z.string(),
        namespace: z.string().optional(),
        name: z.string(),
        liveState: z.string().optional(),
        hook: z.boolean().optional(),
      }),
    )
    .nullish(),
});
const accountSchema = z.looseObject({ loggedIn: z.literal(true), username: z.string().min(1) });

export type Live = NonNullable<z.output<typeof managedSchema>["items"]>[number];

/** What an answer held, or how a step ends that goes no further: as a read nothing was written. */
export type Read<T> =
  | { readonly kind: "got"; readonly value: T }
  | { readonly kind: "not"; readonly outcome: StepOutcome };

export interface ArgocdParts {
  readonly origin: string;
  /** Of the configured address: empty, or beginning with `/`. */
  readonly prefix: string;
  readonly tokenRef: string;
  readonly call: OutboundCall;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

type Sent = { readonly method: "GET" | "POST"; readonly path: string; readonly body?: JsonObject };
type Heard =
  | { readonly kind: "asked"; readonly answer: Answer; readonly secrets: readonly string[] }
  | { readonly kind: "without"; readonly outcome: StepOutcome };

const UNEXPECTED: StepOutcome = { status: "retry", afterMs: 5_000, code: "answer-unexpected", detail: null };

export class ArgocdApi {
  readonly #parts: ArgocdParts;

  constructor(parts: ArgocdParts) {
    this.#parts = parts;
  }

  application(of: ArgocdApplication, signal: AbortSignal): Promise<Read<Application>> {
    return this.#read(`${pathOf(of)}?${placeOf(of).toString()}`, applicationSchema, signal);
  }

  /** What Git or a chart holds at a revision, rendered as Argo CD would apply it, and what the revision stands for. */
  async manifests(
    of: ArgocdApplication,
    revision: string,
    signal: AbortSignal,
  ): Promise<Read<{ readonly revision: string; readonly manifests: readonly string[] }>> {
    const query = placeOf(of);
    query.set("revision", revision);
    const read = await this.#read(`${pathOf(of)}/manifests?${query.toString()}`, manifestsSchema, signal);
    if (read.kind === "not") return read;
    return { kind: "got", value: { revision: read.value.revision, manifests: read.value.manifests ?? [] } };
  }

  async live(of: ArgocdApplication, signal: AbortSignal): Promise<Read<readonly Live[]>> {
    const read = await this.#read(`${pathOf(of)}/managed-resources?${placeOf(of).toString()}`, managedSchema, signal);
    return read.kind === "not" ? read : { kind: "got", value: read.value.items ?? [] };
  }

  /** Whom Argo CD takes us for: what it writes beside every operation that we begin. */
  async account(signal: AbortSignal): Promise<Read<string>> {
    const read = await this.#read("/api/v1/session/userinfo", accountSchema, signal);
    return read.kind === "not" ? read : { kind: "got", value: read.value.username };
  }

  /** Begins an operation. What it is told is the application with it, or how the write ended. */
  async begin(
    of: ArgocdApplication,
    verb: "sync" | "rollback",
    body: JsonObject,
    signal: AbortSignal,
  ): Promise<Read<Application>> {
    const heard = await this.#send({ method: "POST", path: `${pathOf(of)}/${verb}`, body }, signal);
    if (heard.kind === "without") return { kind: "not", outcome: heard.outcome };
    const parsed = parsedAs(heard.answer, applicationSchema);
    if (parsed !== undefined) return { kind: "got", value: parsed };
    const told = { answer: heard.answer, secrets: heard.secrets, nowMs: this.#parts.clock.nowMs() };
    return { kind: "not", outcome: writeOutcome(told) };
  }

  async #read<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<Read<T>> {
    const heard = await this.#send({ method: "GET", path }, signal);
    if (heard.kind === "without") return { kind: "not", outcome: heard.outcome };
    const { answer, secrets } = heard;
    const parsed = parsedAs(answer, schema);
    if (parsed !== undefined) return { kind: "got", value: parsed };
    const isGood = answer.kind === "answered" && answer.status >= 200 && answer.status < 300;
    if (isGood) return { kind: "not", outcome: UNEXPECTED };
    return { kind: "not", outcome: readOutcome({ answer, secrets, nowMs: this.#parts.clock.nowMs() }) };
  }

  async #send({ method, path, body }: Sent, signal: AbortSignal): Promise<Heard> {
    const { credentials, tokenRef, call, origin, prefix } = this.#parts;
    const token = await readSecret(credentials, tokenRef, signal);
    if (token === undefined) {
      const outcome: StepOutcome = signal.aborted
        ? { status: "retry", afterMs: 5_000, code: "aborted", detail: null }
        : { status: "failed", code: "credential-missing", detail: { secretRef: tokenRef } };
      return { kind: "without", outcome };
    }
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const sent = { method, origin, path: prefix + path, headers };
    const answer = await call(body === undefined ? sent : { ...sent, body: JSON.stringify(body) }, signal);
    return { kind: "asked", answer, secrets: [token] };
  }
}

function parsedAs<T>(answer: Answer, schema: z.ZodType<T>): T | undefined {
  if (answer.kind !== "answered" || answer.status < 200 || answer.status >= 300) return undefined;
  const body: Json | undefined = jsonObjectOf(answer);
  const parsed = schema.safeParse(body);
  return parsed.success ? parsed.data : undefined;
}

export function applicationName({ application, name }: ArgocdApplication): string {
  return application ?? name;
}

function pathOf(of: ArgocdApplication): string {
  return `/api/v1/applications/${encodeURIComponent(applicationName(of))}`;
}

function placeOf({ project, namespace }: ArgocdApplication): URLSearchParams {
  return new URLSearchParams({ project, ...(namespace === undefined ? {} : { appNamespace: namespace }) });
}

/** Throws for what cannot be read. */
export function got<T>(read: Read<T>): T {
  if (read.kind === "got") return read.value;
  const { outcome } = read;
  const code = "code" in outcome ? outcome.code : outcome.status;
  switch (code) {
    case "target-not-found":
      throw new AppError("target-not-found", "there is no such application", {});
    case "credential-missing":
    case "credential-refused":
      throw new AppError("target-forbidden", "the credential may not do this, or there is no such application", {
        code,
      });
    case "target-refused":
      throw new AppError("target-refused", "Argo CD cannot render that revision", {});
    default:
      throw new AppError("target-unavailable", "Argo CD gave no usable answer", { code });
  }
}
