// A query of a database that must be true, or give a number within bounds.

import { AppError } from "../../core/errors.ts";
import type { HealthAnswer } from "../../wire/contracts/health.ts";
import type { SqlReader } from "../../wire/contracts/sql-reader.ts";
import type { SqlCheck } from "../../wire/types/health.ts";
import { unknown } from "./asking.ts";

const NUMBER = /^-?\d{1,30}(?:\.\d{1,30})?$/;

export async function askSql(
  check: SqlCheck,
  readers: ReadonlyMap<string, SqlReader>,
  signal: AbortSignal,
): Promise<HealthAnswer> {
  const reader = readers.get(check.database);
  if (reader === undefined) throw new AppError("config-invalid", `no health database ${check.database} is configured`);
  const read = await reader.read(check.query, signal);
  if (read.kind === "none") return unknown(read.code);
  const [row] = read.rows;
  if (read.rows.length !== 1 || row?.length !== 1) return unknown("no-value");
  return judge(check, row[0]);
}

/** Nothing but a truth or a number gets into the evidence: text may be anybody's. */
function judge({ min, max }: SqlCheck, value: unknown): HealthAnswer {
  if (min === null && max === null) {
    if (typeof value !== "boolean") return unknown("no-value");
    return { result: value ? "pass" : "fail", evidence: { value } };
  }
  // The library gives what is wider than 32 bits as text.
  const number = typeof value === "string" && NUMBER.test(value) ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number)) return unknown("no-value");
  const isWithin = (min === null || number >= min) && (max === null || number <= max);
  return { result: isWithin ? "pass" : "fail", evidence: { value: number, min, max } };
}
