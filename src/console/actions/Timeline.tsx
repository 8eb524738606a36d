// What happened to an action, event by event, each with its place in the ledger.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { TimelineEntry } from "../../wire/types/views.ts";
import { EventDot } from "../ui/EventDot.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Clock } from "../ui/Instant.tsx";
import { Panel } from "../ui/Panel.tsx";

type Props = { readonly entries: readonly TimelineEntry[]; readonly omitted: number };

export function Timeline({ entries, omitted }: Props): ReactNode {
  return (
    <Panel title="Timeline" aside={<span>{entries.length} events</span>}>
      <ol className="relative ml-1 border-l border-line">
        {entries.map((entry) => (
          <Entry key={entry.seq} entry={entry} />
        ))}
      </ol>
      {omitted > 0 && (
        <p className="mt-2 text-xs text-faint">{omitted} events in the middle are left out; the ledger has them.</p>
      )}
    </Panel>
  );
}

function Entry({ entry }: { readonly entry: TimelineEntry }): ReactNode {
  const facts = Object.entries(entry.facts).filter(([, value]) => value !== null);
  return (
    <li className="relative pb-3 pl-5 last:pb-0">
      <span className="absolute top-1.5 -left-[4.5px] rounded-full ring-3 ring-surface">
        <EventDot type={entry.type} />
      </span>
      <div className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5">
        <span className="font-medium text-ink">{entry.type}</span>
        <span className="text-xs text-muted">
          by <Foreign text={entry.actor} />
        </span>
        <span className="ml-auto flex items-baseline gap-3 text-xs text-faint">
          <Clock ms={entry.time} />
          <Link
            to="/ledger/$seq"
            params={{ seq: String(entry.seq) }}
            className="font-mono hover:text-ink hover:underline"
          >
            #{entry.seq}
          </Link>
        </span>
      </div>
      {facts.length > 0 && (
        <p className="mt-0.5 font-mono text-2xs leading-4 text-muted">
          <Foreign text={facts.map(([name, value]) => `${name} ${factText(name, value)}`).join("  ·  ")} />
        </p>
      )}
    </li>
  );
}

const HASH = /^[0-9a-f]{64}$/;
const INSTANTS = new Set(["deadline", "expiresAt", "retryAt"]);

function factText(name: string, value: string | number | boolean | null): string {
  if (typeof value === "number" && INSTANTS.has(name)) return new Date(value).toISOString().replace(".000", "");
  const text = String(value);
  return HASH.test(text) ? `${text.slice(0, 12)}…` : text;
}
