// Reads an action kind, or a class of them.

import type { Field } from "./yaml-reader.ts";

const ACTION = /^(\*|[a-z0-9-]+(\.[a-z0-9-]+)*(\.\*)?)$/;
const ACTION_CHARS_MAX = 128;

/** A kind, `prefix.*` or `*`. */
export function readAction(field: Field): string | undefined {
  return field.textLike(ACTION, "an action kind, `prefix.*` or `*`", ACTION_CHARS_MAX);
}
