// What a stop would reach now: counted by how far each has come, and listed, the most urgent first.

import type { ReactNode } from "react";
import type { StopPreview } from "../api/documents.ts";
import { Foreign } from "../ui/Foreign.tsx";

const STAGES: Readonly<Record<string, string>> = {
  "in-flight": "in flight",
  granted: "granted, about to start",
  scheduled: "scheduled",
  held: "held",
  evaluating: "not decided",
};
const LISTED_MAX = 50;

export function Preview({ preview }: { readonly preview: StopPreview }): ReactNode {
  const { counts, wouldStop } = preview;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return (
    <section aria-label="Preview" aria-live="polite" className="rounded-md border border-line bg-sunken px-3 py-2.5">
      <p className="font-medium">
        {total === 0
          ? "Nothing under way would stop. What is proposed from now on would."
          : `Would stop ${total} under way:`}
      </p>
      {total > 0 && (
        <p className="mt-0.5 text-xs text-muted">
          {Object.entries(STAGES)
            .filter(([stage]) => (counts[stage] ?? 0) > 0)
            .map(([stage, words]) => `${counts[stage]} ${words}`)
            .join(" · ")}
        </p>
      )}
      {wouldStop.length > 0 && (
        <ul className="mt-2 max-h-40 overflow-y-auto" tabIndex={0} aria-label="What would stop">
          {wouldStop.slice(0, LISTED_MAX).map((stop) => (
            <li key={stop.id} className="flex gap-3 border-t border-line py-1 text-xs">
              <span className="w-20 shrink-0 text-muted">{stop.stage}</span>
              <span className="min-w-0 flex-1">
                <Foreign text={stop.kind} /> <span className="text-muted">on</span>{" "}
                <Foreign text={`${stop.environment} / ${stop.service}`} />
              </span>
              <span className="font-mono text-2xs text-faint">{stop.id}</span>
            </li>
          ))}
        </ul>
      )}
      {wouldStop.length > LISTED_MAX && (
        <p className="mt-1 text-xs text-faint">and {wouldStop.length - LISTED_MAX} more</p>
      )}
    </section>
  );
}
