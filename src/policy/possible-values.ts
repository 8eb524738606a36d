// What values one name can still have after some comparisons are assumed: an interval, or a set of texts.

import type { Domain } from "./cel/node.ts";
import type { Value } from "./cel/value-type.ts";

type Ordered = number | bigint;

interface Bound {
  readonly value: Ordered;
  readonly open: boolean;
}

export interface Possible {
  readonly low: Bound | null;
  readonly high: Bound | null;
  /** The only values left, or null when that set is not finite. */
  readonly only: readonly Value[] | null;
  readonly excluded: readonly Value[];
  readonly accepts: ((text: string) => boolean) | null;
  /** Whole numbers: an open bound next to an integer closes. */
  readonly whole: boolean;
}

export type Comparison = "<" | "<=" | ">" | ">=" | "==" | "!=";

export const OPPOSITE: Readonly<Record<Comparison, Comparison>> = {
  "<": ">=",
  "<=": ">",
  ">": "<=",
  ">=": "<",
  "==": "!=",
  "!=": "==",
};

/** Everything that a name of this kind can be; `bool` is the set of both. */
export function allPossible(kind: string, domain: Domain | undefined): Possible {
  const bound = (value: number | undefined): Bound | null => (value === undefined ? null : { value, open: false });
  return {
    low: bound(domain?.min),
    high: bound(domain?.max),
    only: kind === "bool" ? [true, false] : (domain?.values ?? null),
    excluded: [],
    accepts: domain?.accepts ?? null,
    whole: kind === "int" || kind === "uint",
  };
}

/** Narrows by one comparison with a constant; undefined when nothing is left. */
export function narrow(possible: Possible, comparison: Comparison, value: Value): Possible | undefined {
  if (Number.isNaN(value)) return possible; // its opposites are no opposites: every comparison with it is false
  if (comparison === "==") return keepOnly(possible, [value]);
  if (comparison === "!=") return exclude(possible, [value]);
  if (typeof value !== "number" && typeof value !== "bigint") return possible;
  const open = comparison === "<" || comparison === ">";
  const isUpper = comparison === "<" || comparison === "<=";
  const bound = tighter(isUpper ? possible.high : possible.low, { value, open }, isUpper);
  return settle(isUpper ? { ...possible, high: bound } : { ...possible, low: bound });
}

export function keepOnly(possible: Possible, values: readonly Value[]): Possible | undefined {
  const only = values.filter(
    (value) => (possible.only === null || possible.only.includes(value)) && fits(possible, value),
  );
  return only.length === 0 ? undefined : { ...possible, only };
}

export function exclude(possible: Possible, values: readonly Value[]): Possible | undefined {
  return settle({ ...possible, excluded: [...possible.excluded, ...values] });
}

/** Narrows by a test of texts; undefined when nothing that is known to be left passes. */
export function accept(possible: Possible, test: (text: string) => boolean): Possible | undefined {
  const before = possible.accepts;
  return settle({ ...possible, accepts: before === null ? test : (text) => before(text) && test(text) });
}

function tighter(old: Bound | null, next: Bound, isUpper: boolean): Bound {
  if (old === null || (isUpper ? next.value < old.value : next.value > old.value)) return next;
  return next.value === old.value && next.open ? next : old;
}

function fits({ low, high, excluded, accepts }: Possible, value: Value): boolean {
  if (excluded.includes(value)) return false;
  if (typeof value === "string") return accepts === null || accepts(value);
  if (typeof value !== "number" && typeof value !== "bigint") return true;
  if (low !== null && (value < low.value || (low.open && value === low.value))) return false;
  return high === null || value < high.value || (!high.open && value === high.value);
}

function settle(possible: Possible): Possible | undefined {
  if (possible.only !== null) {
    const only = possible.only.filter((value) => fits(possible, value));
    return only.length === 0 ? undefined : { ...possible, only };
  }
  const { low, high } = possible;
  if (low === null || high === null) return possible;
  if (possible.whole) return anyWhole(possible, low, high) ? possible : undefined;
  if (low.value > high.value) return undefined;
  if (low.value < high.value) return possible;
  return fits(possible, low.value) ? possible : undefined;
}

const WHOLES_TRIED_MAX = 64;

/** Looks for one whole number that is left; gives up (and says yes) beyond a few. */
function anyWhole(possible: Possible, low: Bound, high: Bound): boolean {
  if (low.value > high.value) return false;
  if (BigInt(high.value) - BigInt(low.value) > BigInt(WHOLES_TRIED_MAX)) return true;
  for (let value = BigInt(low.value); value <= BigInt(high.value); value++) {
    const number = Number(value);
    if (fits(possible, Number.isSafeInteger(number) ? number : value)) return true;
  }
  return false;
}
