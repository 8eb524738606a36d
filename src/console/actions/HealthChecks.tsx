// What the checks after an action saw last, beside the time before it, and how they went until then.

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { ActionDocument, Explanation, Json, SeenCheck } from "../api/documents.ts";
import { explanationQuery } from "../api/queries.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { ErrorNote } from "../ui/Panel.tsx";

type Sample = NonNullable<Explanation["outcome"]>["samples"][number];

const HEADS = ["Check", "Result", "Before", "After", "Bounds"] as const;

export function HealthChecks({ action }: { readonly action: ActionDocument }): ReactNode {
  const mark = String(action.timeline.at(-1)?.seq ?? "");
  const { data, error } = useQuery(explanationQuery(action.id, mark));
  if (error !== null) return <ErrorNote error={error} />;
  const samples = data?.outcome?.samples ?? [];
  const last = samples.at(-1);
  if (last === undefined) return null;
  return (
    <>
      <p className="mt-3 mb-1.5 text-xs text-muted">{samples.map(sampleText).join(" · ")}</p>
      {last.checks === null ? (
        <p className="text-xs text-faint">What they saw is erased.</p>
      ) : (
        <Checks checks={last.checks} />
      )}
    </>
  );
}

/** `pass after 4.2 s`. */
function sampleText({ result, afterMs }: Sample): string {
  return afterMs === null ? result : `${result} after ${(afterMs / 1000).toFixed(1)} s`;
}

function Checks({ checks }: { readonly checks: readonly SeenCheck[] }): ReactNode {
  return (
    <div className="overflow-x-auto">
      <table aria-label="What the checks saw last" className="w-full text-left text-xs">
        <thead className="text-2xs text-faint">
          <tr>
            {HEADS.map((head) => (
              <th key={head} scope="col" className="py-1 pr-3 font-medium">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {checks.map((check) => (
            <CheckRow key={check.name} check={check} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function CheckRow({ check: { name, result, evidence } }: { readonly check: SeenCheck }): ReactNode {
  const { before = null, value, status, ...bounds } = evidence;
  const cells = [valueText(before), valueText(value ?? status ?? null), boundsText(bounds)];
  return (
    <tr className="border-t border-line align-top">
      <td className="py-1 pr-3 font-medium">
        <Foreign text={name} />
      </td>
      <td className="py-1 pr-3">
        <WordBadge word={result} />
      </td>
      {cells.map((cell, i) => (
        <td key={i} className="py-1 pr-3 font-mono text-2xs text-muted">
          <Foreign text={cell} />
        </td>
      ))}
    </tr>
  );
}

function boundsText(bounds: Readonly<Record<string, Json>>): string {
  const shown = Object.entries(bounds).filter(([, value]) => value !== null);
  return shown.map(([name, value]) => `${name} ${valueText(value)}`).join(" · ");
}

function valueText(value: Json): string {
  if (value === null) return "—";
  if (typeof value === "number") return String(Number(value.toPrecision(4)));
  return typeof value === "string" ? value : JSON.stringify(value);
}
