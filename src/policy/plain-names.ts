// Names as policy files write them: of documents, roles, people and schedules.

import type { Field } from "./yaml-reader.ts";

const NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
const NAME_CHARS_MAX = 63;

/** Lower-case letters, digits and dashes; `what` says what it names. */
export function readPlainName(field: Field, what: string): string | undefined {
  return field.textLike(NAME, what, NAME_CHARS_MAX);
}

/** A list of 1 to `countMax` names, each there once. */
export function readPlainNames(
  field: Field,
  { what, countMax }: { what: string; countMax: number },
): readonly string[] | undefined {
  const names = field.items(countMax)?.map((item) => readPlainName(item, what));
  if (names === undefined || !isWhole(names)) return undefined;
  return new Set(names).size < names.length ? field.fail("names something twice") : names;
}

/** True when every part could be read. */
export function isWhole<T>(values: readonly (T | undefined)[]): values is T[] {
  return !values.includes(undefined);
}
