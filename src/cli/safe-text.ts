// Text that others wrote, made harmless for a terminal: what moves the cursor, hides or reorders text is shown escaped.

import { Document, isScalar, visit } from "yaml";
import type { Json } from "../core/json.ts";

/**
 * Control, format (bidirectional overrides, zero-width, tags), surrogate, private-use and unassigned characters, and
 * line and paragraph separators. An allow-list by Unicode property: no table of escape sequences could be complete.
 */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}]/gu;

function escapeOne(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
  return `\\u{${code.toString(16)}}`;
}

/** One line that can only show itself: backslashes stay, so the escapes are for reading, not for parsing back. */
export function escapeLine(text: string): string {
  return text.replace(UNSAFE, escapeOne);
}

/** As `escapeLine`, but lines stay lines: for messages of our own that may quote others. */
export function escapeLines(text: string): string {
  return text.split("\n").map(escapeLine).join("\n");
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** JSON with the same value and nothing in it that a terminal acts on. */
export function safeJson(value: Json, indent = 2): string {
  return JSON.stringify(value, null, indent).replace(UNSAFE, (character) =>
    character === "\n" ? character : character.split("").map(escapeUnit).join(""),
  );
}

/** YAML with the same value and nothing in it that a terminal acts on. */
export function safeYaml(value: Json): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_key, node) => {
      if (isScalar(node) && typeof node.value === "string" && hasUnsafe(node.value)) node.type = "QUOTE_DOUBLE";
    },
  });
  const text = document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER });
  return text.replace(UNSAFE, (character) => {
    if (character === "\n") return character;
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : escapeUnit(character);
  });
}

/** Line ends are safe where every line is indented. */
function hasUnsafe(text: string): boolean {
  return text.replaceAll("\n", "").search(UNSAFE) >= 0;
}
