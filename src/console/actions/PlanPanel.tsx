// The plan that people approve by its hash: the calls, what they change, and what would undo them, as text.

import { useState, type ReactNode } from "react";
import type { ActionDocument, Json, PlanContent } from "../api/documents.ts";
import { utcText } from "../text/instants.ts";
import { DiffText } from "../ui/DiffText.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { ValueText } from "../ui/JsonText.tsx";
import { Panel } from "../ui/Panel.tsx";

type Part = "diff" | "calls" | "operand" | "arguments" | "undo";

const NAMES: Readonly<Record<Part, string>> = {
  diff: "Changes",
  calls: "Calls",
  operand: "Acts on",
  arguments: "Arguments",
  undo: "Rollback",
};

export function PlanPanel({ action }: { readonly action: ActionDocument }): ReactNode {
  const parts = partsOf(action);
  const [chosen, setChosen] = useState<Part | null>(null);
  const shown = parts.find(({ part }) => part === chosen) ?? parts[0];
  return (
    <Panel title="Plan" aside={<PlanHash hash={action.planHash} />}>
      {shown === undefined ? (
        <p className="text-muted">{whyNone(action)}</p>
      ) : (
        <>
          <div role="tablist" aria-label="Parts of the plan" className="mb-2.5 flex gap-1" onKeyDown={moveFocus}>
            {parts.map(({ part }) => (
              <button
                key={part}
                type="button"
                role="tab"
                id={`plan-${part}`}
                aria-controls="plan-part"
                aria-selected={part === shown.part}
                tabIndex={part === shown.part ? 0 : -1}
                onClick={() => setChosen(part)}
                className="rounded-md px-2.5 py-1 text-xs text-muted hover:bg-sunken aria-selected:bg-accent-soft aria-selected:font-medium aria-selected:text-accent"
              >
                {NAMES[part]}
              </button>
            ))}
          </div>
          <div
            role="tabpanel"
            id="plan-part"
            aria-labelledby={`plan-${shown.part}`}
            tabIndex={0}
            className="rounded-md"
          >
            {shown.body}
          </div>
          <OnlyWhile fingerprint={action.content?.plan?.fingerprint ?? null} />
        </>
      )}
    </Panel>
  );
}

function moveFocus(event: React.KeyboardEvent<HTMLDivElement>): void {
  const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
  const tabs = [...event.currentTarget.querySelectorAll<HTMLElement>("[role=tab]")];
  const at = tabs.findIndex((tab) => tab === document.activeElement);
  if (step === 0 || at < 0) return;
  event.preventDefault();
  const next = tabs[(at + step + tabs.length) % tabs.length];
  next?.focus();
  next?.click();
}

function PlanHash({ hash }: { readonly hash: string | null }): ReactNode {
  if (hash === null) return <span>not planned yet</span>;
  return (
    <span className="font-mono text-2xs" title={`SHA-256 of the plan: ${hash}`}>
      {hash.slice(0, 16)}…
    </span>
  );
}

/**
 * What a kind of Holdpoint's own acts on is an id, or canonical JSON of ids and numbers: what is approved, here in words
 * where its bytes mislead who has to read them.
 */
function operandValue(operand: string): Json {
  if (!operand.startsWith("{")) return operand;
  try {
    return JSON.parse(operand, readable) as Json;
  } catch {
    return operand;
  }
}

const UNBOUNDED: ReadonlySet<string> = new Set(["environments", "services", "size"]);

function readable(name: string, value: Json): Json {
  if (typeof value === "number" && /^[a-z]+At$/.test(name)) return utcText(value);
  return value === null && UNBOUNDED.has(name) ? "any" : value;
}

function partsOf({ content, operand }: ActionDocument): readonly { readonly part: Part; readonly body: ReactNode }[] {
  const plan = content?.plan;
  const args = content?.args;
  return [
    ...(plan === undefined ? [] : planParts(plan)),
    ...(operand === null ? [] : [{ part: "operand" as const, body: <ValueText value={operandValue(operand)} /> }]),
    ...(args === undefined ? [] : [{ part: "arguments" as const, body: <ValueText value={args} /> }]),
    ...(plan === undefined
      ? []
      : [{ part: "undo" as const, body: <Rollback inverse={plan.inverse} tried={content?.inversePlan} /> }]),
  ];
}

/** Executors look again before they act: on a target that has moved nothing is done. */
function OnlyWhile({ fingerprint }: { readonly fingerprint: string | null }): ReactNode {
  if (fingerprint === null) return null;
  return (
    <p className="mt-2.5 text-xs text-muted">
      Runs only while its target is as it was planned for:{" "}
      <span className="font-mono text-2xs break-all">
        <Foreign text={fingerprint} />
      </span>
    </p>
  );
}

function planParts({ diff, calls }: PlanContent): readonly { readonly part: Part; readonly body: ReactNode }[] {
  const changes = diff === null ? [] : [{ part: "diff" as const, body: <DiffText value={diff} /> }];
  return calls.length === 0 ? changes : [...changes, { part: "calls", body: <ValueText value={calls} /> }];
}

type RollbackParts = { readonly inverse: Json; readonly tried: PlanContent | undefined };

function Rollback({ inverse, tried }: RollbackParts): ReactNode {
  if (inverse === null) return <p className="text-bad">There is nothing that would undo it.</p>;
  return (
    <>
      <p className="mb-2 text-muted">This would undo it, as an action of its own:</p>
      <ValueText value={inverse} />
      {tried !== undefined && (
        <>
          <p className="my-2 text-muted">Tried without an effect once it was done, it would change:</p>
          <DiffText value={tried.diff} />
        </>
      )}
    </>
  );
}

function whyNone({ content, effect, operand }: ActionDocument): string {
  if (content?.missing !== undefined) return `It cannot be read: ${content.missing}.`;
  if (effect === "kernel")
    return operand === null
      ? "Holdpoint carries this out itself."
      : "Holdpoint carries this out itself, on exactly what is named above.";
  if (content === undefined) return "Reading it needs the scope payloads:read.";
  return "It is not planned yet.";
}
