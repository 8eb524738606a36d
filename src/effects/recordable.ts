// What the outside answered, made fit for the record: bounded, and nothing that canonical JSON cannot carry.

import type { Json } from "../core/json.ts";

const DEPTH_MAX = 16;
const TEXT_MAX = 16_384;
const MEMBERS_MAX = 256;

/**
 * A copy that the ledger can hold whatever an executor returned: lone surrogates replaced, numbers finite, deep or
 * long parts cut and marked. An answer that could not be recorded would stop the log.
 */
export function toRecordable(value: unknown, depth = 0): Json {
  if (typeof value === "string") return value.slice(0, TEXT_MAX).toWellFormed();
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "boolean" || value === null) return value;
  if (typeof value !== "object") return null;
  if (depth >= DEPTH_MAX) return "(cut: too deep)";
  if (Array.isArray(value)) return value.slice(0, MEMBERS_MAX).map((item) => toRecordable(item, depth + 1));
  const members = Object.entries(value).slice(0, MEMBERS_MAX);
  return Object.fromEntries(
    members.map(([name, member]) => [name.slice(0, 256).toWellFormed(), toRecordable(member, depth + 1)]),
  );
}
