// JSON Canonicalization Scheme (RFC 8785): one byte sequence for one value.

import { AppError } from "./errors.ts";
import type { Json, JsonObject } from "./json.ts";

const DEPTH_MAX = 64;
/** Below this nobody tries again whether a value is in order: a hostile one would be read once for each of its levels. */
const TRIED_DEPTH_MAX = 3;

/**
 * Canonical JSON text of `value` (RFC 8785). ECMAScript's own number and string forms are the ones the RFC asks for;
 * property names sort by UTF-16 code units. Throws `request-invalid` for what JSON cannot carry exactly: numbers that
 * are not finite, lone surrogates, undefined, and nesting beyond 64 levels.
 */
export function canonicalJson(value: Json): string {
  return write(value, 0);
}

/**
 * Whether JSON.stringify writes exactly this: members in order, text well-formed, numbers finite. Values that are made
 * often are made with their members in order; JSON.stringify is the fastest way to write them.
 */
function isInOrder(value: unknown, depth: number): boolean {
  if (depth > DEPTH_MAX) return false;
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "boolean" || value === null) return true;
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isInOrder(value[i], depth + 1)) return false;
    return true;
  }
  let before = "";
  // Own members come first, and an inherited one is one too many: nothing is said then, and nothing is lost by it.
  for (const name in value) {
    if (name < before || !name.isWellFormed() || !isInOrder((value as Record<string, unknown>)[name], depth + 1)) {
      return false;
    }
    before = name;
  }
  return true;
}

/**
 * The same value with the members of every object in canonical order, as far as an object can hold them so: what is
 * written several times is put in order once. What is in order already comes back as it is.
 */
export function inCanonicalOrder<T extends Json>(value: T): T {
  return isInOrder(value, 0) ? value : (ordered(value, 0) as T);
}

function ordered(value: Json, depth: number): Json {
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((item) => ordered(item as Json, depth + 1));
  const copy: Record<string, Json> = {};
  for (const name of Object.keys(value).sort()) {
    if (name === "__proto__") return value; // it cannot be set as others are; whoever writes it sorts it once more
    copy[name] = ordered((value as JsonObject)[name] as Json, depth + 1);
  }
  return copy;
}

function write(value: Json, depth: number): string {
  if (depth > DEPTH_MAX) throw new AppError("request-invalid", `nested deeper than ${DEPTH_MAX} levels`);
  if (typeof value === "string") return writeString(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new AppError("request-invalid", "a number is not finite");
    return String(value);
  }
  if (value === null || value === true || value === false) return String(value);
  if (depth <= TRIED_DEPTH_MAX && isInOrder(value, depth)) return JSON.stringify(value);
  if (Array.isArray(value)) {
    let text = "[";
    for (let i = 0; i < value.length; i++) {
      if (i > 0) text += ",";
      text += write(value[i] as Json, depth + 1);
    }
    return text + "]";
  }
  if (typeof value !== "object") throw new AppError("request-invalid", `a ${typeof value} has no JSON form`);
  return writeObject(value as { readonly [key: string]: Json }, depth);
}

function writeObject(value: { readonly [key: string]: Json }, depth: number): string {
  const keys = Object.keys(value);
  // Most objects are built with their keys in order; sorting is skipped for them.
  for (let i = 1; i < keys.length; i++) {
    if ((keys[i - 1] as string) > (keys[i] as string)) {
      keys.sort();
      break;
    }
  }
  let text = "{";
  let separator = "";
  for (const key of keys) {
    const member = value[key];
    if (member === undefined) continue; // as JSON.stringify does: an absent optional member
    text += separator + writeName(key) + write(member, depth + 1);
    separator = ",";
  }
  return text + "}";
}

/** Names come again and again: what each is written as is remembered, up to a bound. */
const NAMES_MAX = 1_000;
const NAME_CHARS_MAX = 64;
const names = new Map<string, string>();

function writeName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const text = `${writeString(name)}:`;
  if (name.length <= NAME_CHARS_MAX && names.size < NAMES_MAX) names.set(name, text);
  return text;
}

/** Text that stands for itself between quotes. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const PLAIN_CHARS_MAX = 128; // JSON.stringify is faster beyond

function writeString(text: string): string {
  if (text.length <= PLAIN_CHARS_MAX && PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new AppError("request-invalid", "a string contains a lone surrogate");
  return JSON.stringify(text);
}
