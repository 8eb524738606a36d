// OTLP's partial success: malformed records are left out and counted, and the rest of their request is taken.

import type { z } from "zod";
import type { JsonObject } from "../../core/json.ts";
import { otlpLogRecordSchema, otlpPointSchema } from "./otlp.ts";

/** Where the records of a request stand, and what each has to be. */
const RECORDS = {
  logs: { path: [["resourceLogs"], ["scopeLogs"], ["logRecords"]], schema: otlpLogRecordSchema },
  metrics: {
    path: [["resourceMetrics"], ["scopeMetrics"], ["metrics"], ["gauge", "sum"], ["dataPoints"]],
    schema: otlpPointSchema,
  },
} as const;

type Telemetry = keyof typeof RECORDS;
type Members = Readonly<Record<string, unknown>>;

export interface Sifted {
  /** The request without them; what else is wrong with it, its reader says. */
  readonly body: unknown;
  readonly rejected: number;
  /** What is wrong with the first of them, by its place and never by its value; empty for none. */
  readonly problem: string;
}

/** Pure. */
export function siftOtlp(body: unknown, telemetry: Telemetry): Sifted {
  const { path, schema } = RECORDS[telemetry];
  const found = { rejected: 0, problem: "" };
  const isTaken = (record: unknown): boolean => {
    const parsed: z.ZodSafeParseResult<unknown> = schema.safeParse(record);
    if (!parsed.success && found.rejected++ === 0) found.problem = problemOf(parsed.error);
    return parsed.success;
  };
  return { body: sift(body, path, isTaken), ...found };
}

/** Follows the names down, through lists and members alike; what has another shape is left as it is. */
function sift(value: unknown, path: readonly (readonly string[])[], isTaken: (record: unknown) => boolean): unknown {
  const [names, ...rest] = path;
  if (names === undefined) return Array.isArray(value) ? value.filter(isTaken) : value;
  if (Array.isArray(value)) return value.map((one) => sift(one, path, isTaken));
  if (typeof value !== "object" || value === null) return value;
  const changed = names
    .filter((name) => Object.hasOwn(value, name))
    .map((name) => [name, sift((value as Members)[name], rest, isTaken)] as const);
  return { ...value, ...Object.fromEntries(changed) };
}

function problemOf({ issues }: z.ZodError): string {
  const [issue] = issues;
  const place = (issue?.path ?? []).map((part) => String(part).slice(0, 32).toWellFormed()).slice(0, 6);
  return `/${place.join("/")}: ${issue?.code ?? "invalid"}`;
}

/** What a server answers: empty where all of it was taken. Numbers of 64 bits are text in OTLP's JSON. */
export function partialSuccess({ rejected, problem }: Omit<Sifted, "body">, telemetry: Telemetry): JsonObject {
  if (rejected === 0) return {};
  const name = telemetry === "logs" ? "rejectedLogRecords" : "rejectedDataPoints";
  return { partialSuccess: { [name]: String(rejected), errorMessage: `left out what is malformed, first ${problem}` } };
}
