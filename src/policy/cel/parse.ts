// Condition text to syntax tree: the CEL library's parser behind bounds of our own.

import { parse } from "@bufbuild/cel";
import { ConditionError, type Macro } from "./node.ts";

const TEXT_CHARS_MAX = 2_000;
const BRACKETS_DEEP_MAX = 32;
const MACROS: readonly string[] = ["exists", "all", "exists_one", "map", "filter"] satisfies readonly Macro[];

export type Expr = ReturnType<typeof parse>["expr"];

export interface Parsed {
  readonly expr: Expr;
  /** Offset in UTF-16 units by node id. */
  readonly positions: Readonly<Record<string, number>>;
  /** Which macro a fold came from, by node id. */
  readonly macros: Readonly<Record<string, Macro | undefined>>;
}

/** Throws ConditionError for text that is too long, too deep or not CEL. */
export function parseCondition(text: string): Parsed {
  checkBounds(text);
  const { expr, sourceInfo } = parseText(text);
  const macros: Record<string, Macro | undefined> = {};
  for (const [id, call] of Object.entries(sourceInfo?.macroCalls ?? {})) {
    const name = call.exprKind.case === "callExpr" ? call.exprKind.value.function : "";
    if (MACROS.includes(name)) macros[id] = name as Macro;
  }
  return { expr, positions: sourceInfo?.positions ?? {}, macros };
}

function parseText(text: string): ReturnType<typeof parse> {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw new ConditionError(0, "nested too deeply");
    const at = (error as { location?: { start?: { offset?: number } } }).location?.start?.offset ?? 0;
    const message = error instanceof Error ? error.message.replace(/^<input>:\d+:\d+: /, "") : "not an expression";
    throw new ConditionError(at, message);
  }
}

/** Brackets inside string literals count too: a bound need not be exact, only safe. */
function checkBounds(text: string): void {
  if (text.length > TEXT_CHARS_MAX) throw new ConditionError(0, `longer than ${TEXT_CHARS_MAX} characters`);
  if (!text.isWellFormed()) throw new ConditionError(0, "contains a lone surrogate");
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if ("([{".includes(text[i] as string)) depth++;
    else if (")]}".includes(text[i] as string)) depth--;
    if (depth > BRACKETS_DEEP_MAX) throw new ConditionError(i, `nested deeper than ${BRACKETS_DEEP_MAX} brackets`);
  }
}
