// A diff as text: lines that add and lines that take away are told apart by sign and by colour.

import type { ReactNode } from "react";
import type { Json } from "../api/documents.ts";
import { Foreign } from "./Foreign.tsx";
import { valueText, ValueText } from "./JsonText.tsx";

const HEAD = /^(---|\+\+\+|@@)/;

export function DiffText({ value }: { readonly value: Json }): ReactNode {
  const text = typeof value === "string" ? value : beforeAndAfter(value);
  if (text === null) return <ValueText value={value} />;
  return (
    <div className="overflow-x-auto rounded-md border border-line bg-sunken py-2 font-mono text-xs leading-5">
      {text.split("\n").map((line, i) => (
        <div key={i} className={`min-h-5 px-3 whitespace-pre-wrap ${toneOfLine(line)}`}>
          <Foreign text={line} />
        </div>
      ))}
    </div>
  );
}

function toneOfLine(line: string): string {
  if (HEAD.test(line)) return "text-faint";
  if (line.startsWith("+")) return "bg-ok-soft text-ok";
  return line.startsWith("-") ? "bg-bad-soft text-bad" : "";
}

/** Of `{before, after}` and of records of these: what was taken away and what was added. Null for other values. */
function beforeAndAfter(value: Json): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const record = value as { readonly [name: string]: Json };
  if (!("before" in record && "after" in record) || Object.keys(record).length !== 2) return null;
  const lines = (one: Json, sign: string): string =>
    one === null
      ? ""
      : `${valueText(one)
          .split("\n")
          .map((line) => `${sign} ${line}`)
          .join("\n")}`;
  return [lines(record["before"] ?? null, "-"), lines(record["after"] ?? null, "+")]
    .filter((part) => part !== "")
    .join("\n");
}
