// What appeared, ended or changed between two moments, and the changes that were made between them.

import type { ReactNode } from "react";
import type { ModelChangeView, ModelDiffView } from "../../wire/types/model-views.ts";
import { Badge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Instant } from "../ui/Instant.tsx";
import { Panel } from "../ui/Panel.tsx";
import { intervalText } from "./node-text.ts";

const SIGNS = { appeared: "+", ended: "−", changed: "~" } as const;
const TONES = { appeared: "ok", ended: "bad", changed: "warn" } as const;

export function DiffPanel({ diff }: { readonly diff: ModelDiffView }): ReactNode {
  const lines = [
    ...diff.nodes.map(({ id, ...rest }) => ({ text: id, ...rest })),
    ...diff.edges.map(({ from, kind, to, ...rest }) => ({ text: `${from} ${kind} ${to}`, ...rest })),
  ];
  return (
    <Panel title="What differs" aside={<span>{lines.length} differences</span>}>
      <p className="mb-2 text-muted">
        From <Instant ms={diff.from.at} /> to <Instant ms={diff.to.at} />
      </p>
      {lines.length === 0 && <p>Nothing differs beyond noise.</p>}
      <ul aria-label="Differences" className="flex flex-col gap-1">
        {lines.map(({ text, difference, what }) => (
          <li key={text}>
            <Badge tone={TONES[difference]}>
              {SIGNS[difference]} {difference}
            </Badge>{" "}
            <Foreign mono text={text} />
            {what.length > 0 && <span className="text-xs text-muted"> {what.join(", ")}</span>}
          </li>
        ))}
      </ul>
      {diff.truncated && <p className="mt-2 text-xs text-faint">There are more than are listed.</p>}
      {diff.changes.length > 0 && (
        <>
          <h3 className="mt-3 mb-1 text-xs font-semibold">Changes made between them</h3>
          <Changes changes={diff.changes} />
        </>
      )}
    </Panel>
  );
}

/** What it was said to do to requests from outside, and did. */
function impactText({ stated, actual, outcome }: NonNullable<ModelChangeView["impact"]>): string {
  const text = ({ low, mid, high }: typeof stated): string =>
    intervalText({ low: low / 1_000_000, mid: mid / 1_000_000, high: high / 1_000_000 });
  return `said to hit ${text(stated)} of traffic, ${actual === null ? outcome : `hit ${text(actual)}`}`;
}

/** Changes, each with what it was made to and the settings that it moved. */
export function Changes({ changes }: { readonly changes: readonly ModelChangeView[] }): ReactNode {
  return (
    <ul aria-label="Changes" className="divide-y divide-line">
      {changes.map(({ id, kind, at, targets, settings, code, impact }) => (
        <li key={id} className="py-1.5">
          <Badge>{kind}</Badge> <Foreign mono text={id} /> <span className="text-xs text-muted">to</span>{" "}
          <Foreign mono text={targets.join(", ")} />
          <span className="block text-xs text-muted">
            <Instant ms={at} />
            {code !== null && ` · code: ${code.trait}`}
            {impact !== null && ` · ${impactText(impact)}`}
          </span>
          {settings.map(({ key, before, after, unit }) => (
            <span key={key} className="block text-xs">
              <Foreign mono text={`${key}: ${String(before ?? "not there")} → ${String(after ?? "not there")}`} />
              {unit !== null && ` ${unit}`}
            </span>
          ))}
        </li>
      ))}
    </ul>
  );
}
