// A query of a Prometheus that must give one number.

import { z } from "zod";
import type { HealthAnswer, HealthQuestion } from "../../wire/contracts/health.ts";
import type { HealthResult, PrometheusCheck } from "../../wire/types/health.ts";
import { unknown, type Get } from "./asking.ts";

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

export async function askPrometheus(
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

type Query = { readonly endpoint: string; readonly query: string };

/** The value at a time, or now; no series, several, or not a number is none. */
export async function queryAt(
  { endpoint, query }: Query,
  atMs: number | null,
  get: Get,
  signal: AbortSignal,
): Promise<number | { readonly code: string }> {
  const at = atMs === null ? "" : `&time=${(atMs / 1_000).toFixed(3)}`;
  const answer = await get(endpoint, `/api/v1/query?query=${encodeURIComponent(query)}${at}`, signal);
  if (answer.kind !== "answered") return { code: answer.code };
  if (answer.status !== 200) return { code: "query-refused" };
  return readValue(answer.body) ?? { code: "no-value" };
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

type Seen = { readonly value: number; readonly before: number | null };

/** Nothing may be a multiple of nothing: where the value was zero before, only the bounds count, and zero is as before. */
function judge({ min, max, maxTimesBefore }: PrometheusCheck, { value, before }: Seen): HealthAnswer {
  const isWithin = (min === null || value >= min) && (max === null || value <= max);
  const isAsBefore = maxTimesBefore === null || before === null || value <= before * maxTimesBefore;
  const result: HealthResult = isWithin && isAsBefore ? "pass" : "fail";
  return { result, evidence: { value, before, min, max, maxTimesBefore } };
}
