// What the address of the Model page says: which node, as of when, shown how, and what is asked about it.

export type ModelSearch = {
  readonly node?: string;
  /** Milliseconds since 1970; now where it is absent. */
  readonly at?: string;
  readonly view?: string;
  readonly depth?: string;
  readonly show?: string;
  /** The earlier moment of a comparison. */
  readonly from?: string;
};

const DEPTH_MAX = 3;
const INSTANT_MAX = 8_640_000_000_000_000;

/** An instant that the address names; undefined where it names none. */
export function instantOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const ms = Number(text);
  return ms <= INSTANT_MAX ? ms : undefined;
}

export function depthOf(text: string | undefined): number {
  const depth = Number(text ?? 2);
  return Number.isInteger(depth) && depth >= 1 && depth <= DEPTH_MAX ? depth : 2;
}
