// Health checks over HTTP: a probe of the service itself, and a query of its Prometheus. Reads, and nothing else.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Answer, Egress, OutboundCall } from "../../wire/contracts/egress.ts";
import type { HealthAnswer, HealthProbe, HealthQuestion } from "../../wire/contracts/health.ts";
import type { HealthConfig } from "../../wire/schemas/health-config.ts";
import { parseOrigin } from "../../wire/schemas/origin.ts";
import type { HealthResult, HttpCheck, PrometheusCheck } from "../../wire/types/health.ts";

export interface ProbeParts {
  readonly config: HealthConfig;
  readonly egress: Egress;
  readonly credentials: Credentials;
}

type Endpoint = { readonly origin: string; readonly call: OutboundCall; readonly tokenRef: string | undefined };

/** Asks the endpoints that configuration names and no others. Throws `config-invalid` for an unusable address. */
export function createHealthProbe({ config, egress, credentials }: ProbeParts): HealthProbe {
  const endpoints = new Map<string, Endpoint>();
  for (const [name, { baseUrl, tokenRef }] of Object.entries(config.endpoints)) {
    const origin = parseOrigin(baseUrl);
    endpoints.set(name, { origin, call: egress.callTo(origin), tokenRef });
  }
  const get = async (name: string, path: string, signal: AbortSignal): Promise<Answer> => {
    const endpoint = endpoints.get(name);
    if (endpoint === undefined) throw new AppError("config-invalid", `no health endpoint ${name} is configured`);
    const { origin, call, tokenRef } = endpoint;
    const headers = tokenRef === undefined ? {} : { authorization: `Bearer ${await credentials.get(tokenRef)}` };
    return call({ method: "GET", origin, path, headers }, signal);
  };
  return {
    ask: (question, signal) => {
      const { check } = question;
      return check.kind === "http" ? askHttp(check, get, signal) : askPrometheus({ ...question, check }, get, signal);
    },
  };
}

/** Every origin that may be asked. */
export function healthOrigins(config: HealthConfig): readonly string[] {
  return Object.values(config.endpoints).map(({ baseUrl }) => parseOrigin(baseUrl));
}

type Get = (endpoint: string, path: string, signal: AbortSignal) => Promise<Answer>;

/** A service that does not answer is not well: that is what the probe is for. */
async function askHttp(check: HttpCheck, get: Get, signal: AbortSignal): Promise<HealthAnswer> {
  const answer = await get(check.endpoint, check.path, signal);
  if (answer.kind !== "answered") {
    const isOurs = answer.code === "origin-not-allowed" || answer.code === "tls-untrusted";
    return { result: isOurs ? "unknown" : "fail", evidence: { code: answer.code } };
  }
  const { status } = answer;
  return {
    result: check.statuses.includes(status) ? "pass" : "fail",
    evidence: { status, wanted: [...check.statuses] },
  };
}

/** One number, or a vector of one: `[time, "value"]`. */
const answerSchema = z.object({
  status: z.literal("success"),
  data: z.discriminatedUnion("resultType", [
    z.object({ resultType: z.literal("scalar"), result: z.tuple([z.number(), z.string()]) }),
    z.object({
      resultType: z.literal("vector"),
      result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })).length(1),
    }),
  ]),
});

type PrometheusQuestion = HealthQuestion & { readonly check: PrometheusCheck };

async function askPrometheus(
  { check, beforeMs }: PrometheusQuestion,
  get: Get,
  signal: AbortSignal,
): Promise<HealthAnswer> {
  const value = await queryAt(check, null, get, signal);
  if (typeof value !== "number") return unknown(value.code);
  if (check.maxTimesBefore === null) return judge(check, { value, before: null });
  const before = await queryAt(check, beforeMs, get, signal);
  return typeof before === "number" ? judge(check, { value, before }) : unknown(`before-${before.code}`);
}

/** The value at a time, or now; no series, several, or not a number is none. */
async function queryAt(
  { endpoint, query }: PrometheusCheck,
  atMs: number | null,
  get: Get,
  signal: AbortSignal,
): Promise<number | { readonly code: string }> {
  const at = atMs === null ? "" : `&time=${(atMs / 1_000).toFixed(3)}`;
  const answer = await get(endpoint, `/api/v1/query?query=${encodeURIComponent(query)}${at}`, signal);
  if (answer.kind !== "answered") return { code: answer.code };
  if (answer.status !== 200) return { code: "query-refused" };
  const value = readValue(answer.body);
  return value ?? { code: "no-value" };
}

function readValue(body: string): number | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return undefined;
  }
  const parsed = answerSchema.safeParse(json);
  if (!parsed.success) return undefined;
  const { data } = parsed.data;
  const value = Number(data.resultType === "scalar" ? data.result[1] : data.result[0]?.value[1]);
  return Number.isFinite(value) ? value : undefined;
}

function unknown(code: string): HealthAnswer {
  return { result: "unknown", evidence: { code } };
}

type Seen = { readonly value: number; readonly before: number | null };

/** Nothing may be a multiple of nothing: where the value was zero before, only the bounds count, and zero is as before. */
function judge({ min, max, maxTimesBefore }: PrometheusCheck, { value, before }: Seen): HealthAnswer {
  const isWithin = (min === null || value >= min) && (max === null || value <= max);
  const isAsBefore = maxTimesBefore === null || before === null || value <= before * maxTimesBefore;
  const result: HealthResult = isWithin && isAsBefore ? "pass" : "fail";
  return { result, evidence: { value, before, min, max, maxTimesBefore } };
}
