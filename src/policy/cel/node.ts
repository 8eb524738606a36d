// Typed conditions: what the checker makes of a parsed expression, and what compiler and analysis read.

import type { FaultReason } from "./fault.ts";
import type { Overload } from "./functions.ts";
import type { Type, Value } from "./value-type.ts";

/** Reads a declared name from the record that a condition is run on. */
export type Read = (root: never) => Value;

/** What values a name can have at all, for finding conditions that never hold. */
export interface Domain {
  readonly min?: number;
  readonly max?: number;
  readonly values?: readonly string[];
  readonly accepts?: (text: string) => boolean;
}

/** A tree of declared names: `classification.confidence` is a name within names. */
export type Names =
  | { readonly kind: "names"; readonly of: Readonly<Record<string, Names>> }
  | { readonly kind: "fact"; readonly type: Type; readonly read: Read; readonly domain?: Domain }
  | { readonly kind: "constant"; readonly type: Type; readonly value: Value };

export type Macro = "exists" | "all" | "exists_one" | "map" | "filter";

export type Shape =
  | { readonly op: "constant"; readonly value: Value }
  /** A constant part that can only fail. */
  | { readonly op: "fault"; readonly reason: FaultReason }
  | { readonly op: "fact"; readonly path: string; readonly read: Read; readonly domain: Domain | undefined }
  | { readonly op: "local"; readonly slot: number; readonly name: string }
  | { readonly op: "field"; readonly of: Node; readonly name: string }
  | { readonly op: "index"; readonly of: Node; readonly key: Node }
  | { readonly op: "has"; readonly of: Node; readonly key: string }
  | { readonly op: "call"; readonly overload: Overload; readonly args: readonly Node[] }
  | { readonly op: "and" | "or"; readonly args: readonly Node[] }
  | { readonly op: "not"; readonly of: Node }
  | { readonly op: "if"; readonly when: Node; readonly yes: Node; readonly no: Node }
  | { readonly op: "list"; readonly items: readonly Node[] }
  | { readonly op: "map"; readonly entries: readonly (readonly [Node, Node])[] }
  | ({ readonly op: "each"; readonly macro: Macro; readonly range: Node; readonly slot: number } & {
      readonly where: Node | undefined;
      readonly body: Node | undefined;
    });

/** `at`: offset in the condition's text, in UTF-16 units. */
export type Node = Shape & { readonly type: Type; readonly at: number };

export function childrenOf(node: Node): readonly Node[] {
  switch (node.op) {
    case "constant":
    case "fault":
    case "fact":
    case "local":
      return [];
    case "field":
    case "has":
    case "not":
      return [node.of];
    case "index":
      return [node.of, node.key];
    case "call":
    case "and":
    case "or":
      return node.args;
    case "if":
      return [node.when, node.yes, node.no];
    case "list":
      return node.items;
    case "map":
      return node.entries.flat();
    case "each":
      return [node.range, node.where, node.body].filter((child) => child !== undefined);
  }
}

/** A condition that does not load. `at` as in Node. */
export class ConditionError extends Error {
  override name = "ConditionError";
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}
