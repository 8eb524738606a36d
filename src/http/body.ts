// Request bodies: JSON in strict UTF-8, and nothing that would change meaning on the way into the ledger.

import { isUtf8 } from "node:buffer";
import { AppError } from "../core/errors.ts";

const DEPTH_MAX = 32;
const VALUES_MAX = 200_000;

/**
 * The JSON value in `body`. Throws `body-malformed` for invalid UTF-8 or JSON, and `request-invalid` for what parses
 * but cannot be kept exactly: integers beyond 2^53, numbers out of range, lone surrogates, nesting beyond 32 levels,
 * more than 200,000 values.
 */
export function parseJsonBody(body: Buffer): unknown {
  if (!isUtf8(body)) throw new AppError("body-malformed", "the body is not valid UTF-8");
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    throw new AppError("body-malformed", "the body is not valid JSON");
  }
  checkValue(value, { depth: 0, budget: { left: VALUES_MAX } });
  return value;
}

type Place = { readonly depth: number; readonly budget: { left: number } };

function checkValue(value: unknown, at: Place): void {
  if (--at.budget.left < 0) throw new AppError("request-invalid", `more than ${VALUES_MAX} values`);
  if (typeof value === "string") return checkText(value);
  if (typeof value === "number") return checkNumber(value);
  if (typeof value !== "object" || value === null) return;
  if (at.depth >= DEPTH_MAX) throw new AppError("request-invalid", `nested deeper than ${DEPTH_MAX} levels`);
  const inside = { depth: at.depth + 1, budget: at.budget };
  if (Array.isArray(value)) {
    for (const item of value) checkValue(item, inside);
    return;
  }
  for (const key of Object.keys(value)) {
    if (key === "__proto__") throw new AppError("request-invalid", "a member named __proto__ is not accepted");
    checkText(key);
    checkValue((value as Record<string, unknown>)[key], inside);
  }
}

function checkText(text: string): void {
  if (!text.isWellFormed()) throw new AppError("request-invalid", "a string contains a lone surrogate");
}

function checkNumber(value: number): void {
  if (!Number.isFinite(value)) throw new AppError("request-invalid", "a number is out of range");
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new AppError("request-invalid", "an integer beyond 2^53 cannot be kept exactly; send it as text");
  }
}
