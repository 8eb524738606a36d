// Request bodies: JSON in strict UTF-8, and nothing that would change meaning on the way into the ledger.

import { isUtf8 } from "node:buffer";
import { AppError } from "../core/errors.ts";

const DEPTH_MAX = 32;
const VALUES_MAX = 200_000;

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/**
 * The JSON value in `body`. Throws `body-malformed` for what two readers could read differently or not at all: invalid
 * UTF-8 or JSON, lone surrogates, an object that names a member twice, nesting beyond 32 levels; and `request-invalid`
 * for what cannot be kept exactly: integers beyond 2^53, numbers out of range, more than 200,000 values.
 */
export function parseJsonBody(body: Buffer): unknown {
  if (!isUtf8(body)) throw new AppError("body-malformed", "the body is not valid UTF-8");
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new AppError("body-malformed", "the body is not valid JSON");
  }
  const seen = { valuesLeft: VALUES_MAX, members: 0 };
  checkValue(value, 0, seen);
  // Every member has one colon of its own in the text: of a member named twice, one was lost on the way.
  if (seen.members !== countColons(body)) {
    throw new AppError("body-malformed", "an object names a member twice");
  }
  return value;
}

/** Colons outside strings. In UTF-8 the bytes of other characters never look like these. */
function countColons(json: Buffer): number {
  let colons = 0;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (byte === COLON) colons++;
    else if (byte === QUOTE) {
      for (i++; json[i] !== QUOTE; i++) if (json[i] === BACKSLASH) i++;
    }
  }
  return colons;
}

type Seen = { valuesLeft: number; members: number };

function checkValue(value: unknown, depth: number, seen: Seen): void {
  if (--seen.valuesLeft < 0) throw new AppError("request-invalid", `more than ${VALUES_MAX} values`);
  if (typeof value === "string") return checkText(value);
  if (typeof value === "number") return checkNumber(value);
  if (typeof value !== "object" || value === null) return;
  if (depth >= DEPTH_MAX) throw new AppError("body-malformed", `nested deeper than ${DEPTH_MAX} levels`);
  if (Array.isArray(value)) {
    for (const item of value) checkValue(item, depth + 1, seen);
    return;
  }
  for (const key of Object.keys(value)) {
    seen.members++;
    if (key === "__proto__") throw new AppError("request-invalid", "a member named __proto__ is not accepted");
    checkText(key);
    checkValue((value as Record<string, unknown>)[key], depth + 1, seen);
  }
}

function checkText(text: string): void {
  if (!text.isWellFormed()) throw new AppError("body-malformed", "a string contains a lone surrogate");
}

function checkNumber(value: number): void {
  if (!Number.isFinite(value)) throw new AppError("request-invalid", "a number is out of range");
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new AppError("request-invalid", "an integer beyond 2^53 cannot be kept exactly; send it as text");
  }
}
