// JSON read strictly: one object never names a member twice, and nesting is bounded.

import { AppError } from "./errors.ts";
import type { Json } from "./json.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const ARRAY_OPEN = 0x5b;
const ARRAY_CLOSE = 0x5d;
const OBJECT_OPEN = 0x7b;
const OBJECT_CLOSE = 0x7d;

/**
 * The value of `text`. Throws `body-malformed` for what is not JSON (RFC 8259), for an object that names a member
 * twice (two readers would see two values: RFC 8725 section 2.4 and RFC 7515 section 4) and for nesting beyond
 * `depthMax`.
 */
export function parseStrictJson(text: string, depthMax = 64): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    throw new AppError("body-malformed", "not JSON", {}, cause);
  }
  checkMembers(text, depthMax);
  return value;
}

/** Walks text that is known to be JSON. Objects are a set of the names seen, arrays are null. */
function checkMembers(text: string, depthMax: number): void {
  const open: (Set<string> | null)[] = [];
  let nameNext = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      const end = stringEnd(text, i);
      const names = open.at(-1);
      if (nameNext && names) addName(names, text.slice(i, end + 1));
      nameNext = false;
      i = end;
    } else if (code === OBJECT_OPEN || code === ARRAY_OPEN) {
      nameNext = code === OBJECT_OPEN;
      open.push(nameNext ? new Set() : null);
      if (open.length > depthMax) throw new AppError("body-malformed", `nested deeper than ${depthMax} levels`);
    } else if (code === OBJECT_CLOSE || code === ARRAY_CLOSE) {
      open.pop();
      nameNext = false;
    } else if (code === COMMA) {
      nameNext = open.at(-1) !== null;
    }
  }
}

/** Names are compared unescaped: `"\u0061"` and `"a"` are one name. */
function addName(names: Set<string>, quoted: string): void {
  const name = JSON.parse(quoted) as string;
  if (names.has(name)) throw new AppError("body-malformed", "an object names a member twice");
  names.add(name);
}

/** Index of the quote that closes the string opened at `start`. */
function stringEnd(text: string, start: number): number {
  let i = start + 1;
  while (text.charCodeAt(i) !== QUOTE) i += text.charCodeAt(i) === BACKSLASH ? 2 : 1;
  return i;
}
