// Static types of condition values, and how the values look at run time.

export type ScalarKind = "bool" | "int" | "uint" | "double" | "string" | "timestamp" | "duration";

export type Type =
  | { readonly kind: ScalarKind }
  /** Element type of an empty list or map: fits every other type. */
  | { readonly kind: "nothing" }
  | { readonly kind: "list"; readonly of: Type }
  | { readonly kind: "map"; readonly key: Type; readonly value: Type }
  | { readonly kind: "object"; readonly name: string; readonly fields: Readonly<Record<string, Type>> };

/**
 * A value at run time. `int` and `uint` are numbers while they are safe integers and bigints beyond, never both for
 * one value; timestamps and durations are bigints of nanoseconds; everything else is what it looks like.
 */
export type Value =
  | boolean
  | number
  | bigint
  | string
  | readonly Value[]
  | ReadonlyMap<Value, Value>
  | { readonly [field: string]: Value };

export const BOOL: Type = { kind: "bool" };
export const INT: Type = { kind: "int" };
export const UINT: Type = { kind: "uint" };
export const DOUBLE: Type = { kind: "double" };
export const STRING: Type = { kind: "string" };
export const TIMESTAMP: Type = { kind: "timestamp" };
export const DURATION: Type = { kind: "duration" };
export const NOTHING: Type = { kind: "nothing" };

export function typeText(type: Type): string {
  if (type.kind === "list") return `list(${typeText(type.of)})`;
  if (type.kind === "map") return `map(${typeText(type.key)}, ${typeText(type.value)})`;
  if (type.kind === "object") return type.name;
  return type.kind;
}

/** The one type that both fit, or undefined: types are equal but for `nothing`, which fits all. */
export function commonType(a: Type, b: Type): Type | undefined {
  if (a.kind === "nothing") return b;
  if (b.kind === "nothing") return a;
  if (a.kind === "list" && b.kind === "list") {
    const of = commonType(a.of, b.of);
    return of && { kind: "list", of };
  }
  if (a.kind === "map" && b.kind === "map") {
    const key = commonType(a.key, b.key);
    const value = commonType(a.value, b.value);
    return key && value && { kind: "map", key, value };
  }
  if (a.kind === "object" && b.kind === "object") return a.name === b.name ? a : undefined;
  return a.kind === b.kind ? a : undefined;
}

/** True when `==` has a meaning: objects are compared by their fields only. */
export function isComparable(type: Type): boolean {
  if (type.kind === "list") return isComparable(type.of);
  if (type.kind === "map") return isComparable(type.value);
  return type.kind !== "object";
}

export function isMapKey(type: Type): boolean {
  return ["bool", "int", "uint", "string", "nothing"].includes(type.kind);
}

/** Equality of two values of one static type. */
export function valuesEqual(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    const left = a as readonly Value[];
    const right = b as readonly Value[];
    return left.length === right.length && left.every((item, i) => valuesEqual(item, right[i] as Value));
  }
  if (a instanceof Map && b instanceof Map) {
    const left = a as ReadonlyMap<Value, Value>;
    const right = b as ReadonlyMap<Value, Value>;
    if (left.size !== right.size) return false;
    for (const [key, value] of left) {
      const other = right.get(key);
      if (other === undefined || !valuesEqual(value, other)) return false;
    }
    return true;
  }
  return false;
}
