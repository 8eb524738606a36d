// Values as text that can be read: what an executor would run, what it changes, what undoes it.

import type { ReactNode } from "react";
import type { Json } from "../api/documents.ts";
import { ForeignLines } from "./Foreign.tsx";

/** Like YAML, for reading alone: text of several lines stands as a block, nothing else is quoted without need. */
export function valueText(value: Json, indent = ""): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return "[]";
    return (value as readonly Json[])
      .map((item) => `${indent}- ${valueText(item, `${indent}  `).trimStart()}`)
      .join("\n");
  }
  if (typeof value === "object" && value !== null)
    return recordText(value as { readonly [name: string]: Json }, indent);
  return typeof value === "string" ? stringText(value, indent) : String(value);
}

function recordText(value: { readonly [name: string]: Json }, indent: string): string {
  const members = Object.entries(value);
  if (members.length === 0) return "{}";
  return members
    .map(([name, member]) => {
      const text = valueText(member, `${indent}  `);
      const isBlock = typeof member === "object" && member !== null && text !== "[]" && text !== "{}";
      return `${indent}${name}:${isBlock ? "\n" : " "}${text}`;
    })
    .join("\n");
}

function stringText(value: string, indent: string): string {
  if (value === "") return '""';
  if (!value.includes("\n"))
    return /^[\s\-?:,[\]{}#&*!|>'"%@`]|\s$|: |^(true|false|null|[\d.+-]+)$/.test(value) ? JSON.stringify(value) : value;
  return `|\n${value
    .split("\n")
    .map((line) => `${indent}${line}`)
    .join("\n")}`;
}

export function ValueText({ value }: { readonly value: Json }): ReactNode {
  return (
    <div className="rounded-md border border-line bg-sunken px-3 py-2">
      <ForeignLines mono text={valueText(value)} />
    </div>
  );
}
