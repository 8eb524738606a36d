// 64-bit int and uint arithmetic in which overflow is a fault: plain numbers while safe, bigints beyond.

import { FAULTS, type ConditionFault } from "./fault.ts";

/** Canonical: a number when it is a safe integer (never -0), else a bigint. Hence `===` and `<` are exact. */
export type Whole = number | bigint;

interface Range {
  readonly min: bigint;
  readonly max: bigint;
  /** Lower end that a safe number can reach. */
  readonly numberMin: number;
  readonly overflow: ConditionFault;
}

const INT_RANGE: Range = {
  min: -(2n ** 63n),
  max: 2n ** 63n - 1n,
  numberMin: Number.MIN_SAFE_INTEGER,
  overflow: FAULTS["int-overflow"],
};
const UINT_RANGE: Range = { min: 0n, max: 2n ** 64n - 1n, numberMin: 0, overflow: FAULTS["uint-overflow"] };

export interface Arithmetic {
  readonly from: (value: bigint) => Whole;
  readonly fromDouble: (value: number) => Whole;
  readonly add: (a: Whole, b: Whole) => Whole;
  readonly subtract: (a: Whole, b: Whole) => Whole;
  readonly multiply: (a: Whole, b: Whole) => Whole;
  readonly divide: (a: Whole, b: Whole) => Whole;
  readonly modulo: (a: Whole, b: Whole) => Whole;
}

function arithmetic(range: Range): Arithmetic {
  // A safe result of safe operands is exact: a result that was rounded lies beyond the safe range.
  const isExact = (value: number): boolean => Number.isSafeInteger(value) && value >= range.numberMin;
  const areNumbers = (a: Whole, b: Whole): boolean => typeof a === "number" && typeof b === "number";
  const from = (value: bigint): Whole => {
    if (value < range.min || value > range.max) throw range.overflow;
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  };
  return {
    from,
    fromDouble: (value) => doubleToWhole(value, range, from),
    add: (a, b) => {
      const sum = areNumbers(a, b) ? (a as number) + (b as number) : Number.NaN;
      return isExact(sum) ? sum : from(BigInt(a) + BigInt(b));
    },
    subtract: (a, b) => {
      const difference = areNumbers(a, b) ? (a as number) - (b as number) : Number.NaN;
      return isExact(difference) ? difference : from(BigInt(a) - BigInt(b));
    },
    multiply: (a, b) => {
      const product = areNumbers(a, b) ? (a as number) * (b as number) : Number.NaN;
      return isExact(product) ? product + 0 : from(BigInt(a) * BigInt(b)); // + 0 turns -0 into 0
    },
    divide: (a, b) => {
      if (b === 0) throw FAULTS["divide-by-zero"];
      if (areNumbers(a, b)) return ((a as number) - ((a as number) % (b as number))) / (b as number) + 0;
      return from(BigInt(a) / BigInt(b));
    },
    modulo: (a, b) => {
      if (b === 0) throw FAULTS["divide-by-zero"];
      if (areNumbers(a, b)) return ((a as number) % (b as number)) + 0;
      return from(BigInt(a) % BigInt(b));
    },
  };
}

/** Truncates toward zero. The ends of the range itself are refused: as doubles they stand for values beyond it too. */
function doubleToWhole(value: number, range: Range, from: (value: bigint) => Whole): Whole {
  if (!Number.isFinite(value)) throw range.overflow;
  if (range === INT_RANGE && (value <= Number(range.min) || value >= Number(range.max))) throw range.overflow;
  if (range === UINT_RANGE && value < 0) throw range.overflow;
  return from(BigInt(Math.trunc(value)));
}

export const INT_MATH = arithmetic(INT_RANGE);
export const UINT_MATH = arithmetic(UINT_RANGE);
