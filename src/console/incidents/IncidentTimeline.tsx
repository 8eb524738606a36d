// What happened in an incident: its signals, its triage runs and what was done, in the order of time.

import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { IncidentView } from "../../wire/types/incident-views.ts";
import type { ActionView, RunView, SignalView } from "../../wire/types/views.ts";
import { ofIncidentQuery } from "../api/incident-queries.ts";
import { Badge, WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Clock } from "../ui/Instant.tsx";
import { ErrorNote, Loading, Panel } from "../ui/Panel.tsx";

/** Incidents joined with it of which it shows what happened, the last ones. */
const ABSORBED_MAX = 8;

type Happened = {
  readonly at: number;
  readonly key: string;
  readonly sort: "signal" | "run" | "action" | "incident";
  readonly what: ReactNode;
};

export function IncidentTimeline({ incident }: { readonly incident: IncidentView }): ReactNode {
  // What came before others were joined with it stays with them.
  const ids = [incident.id, ...incident.absorbed.slice(-ABSORBED_MAX)];
  const signals = useQueries({ queries: ids.map((id) => ofIncidentQuery("signals", id)) });
  const runs = useQueries({ queries: ids.map((id) => ofIncidentQuery("runs", id)) });
  const actions = useQueries({ queries: ids.map((id) => ofIncidentQuery("actions", id)) });
  const parts = [...signals, ...runs, ...actions];
  const error = parts.find((part) => part.error !== null)?.error ?? null;
  const all = [
    ...ofItself(incident),
    ...signals.flatMap(({ data }) => data?.items ?? []).map(ofSignal),
    ...runs.flatMap(({ data }) => data?.items ?? []).map(ofRun),
    ...actions.flatMap(({ data }) => data?.items ?? []).map(ofAction),
  ].toSorted((a, b) => a.at - b.at);
  return (
    <Panel title="Timeline" aside={<span>{all.length} entries</span>}>
      {error !== null && <ErrorNote error={error} />}
      {parts.some(({ isPending }) => isPending) && <Loading what="what happened" />}
      <ol className="divide-y divide-line">
        {all.map(({ key, at, sort, what }) => (
          <li key={key} className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5 py-1.5">
            <Clock ms={at} />
            <span className="w-16">
              <Badge tone={sort === "action" ? "info" : "plain"}>{sort}</Badge>
            </span>
            <span className="min-w-0 flex-1">{what}</span>
          </li>
        ))}
      </ol>
      {parts.some(({ data }) => (data?.cursor ?? null) !== null) && (
        <p className="mt-2 text-xs text-faint">The newest are shown; the ledger has the rest.</p>
      )}
    </Panel>
  );
}

function ofItself({ openedAt, resolvedAt, resolution, status }: IncidentView): readonly Happened[] {
  const opened: Happened = { at: openedAt, key: "opened", sort: "incident", what: "opened" };
  if (resolvedAt === null) return [opened];
  const what = (
    <>
      {status === "merged" ? "joined with another" : "ended"}
      {resolution !== null && (
        <span className="text-muted">
          {" "}
          · <Foreign text={resolution} />
        </span>
      )}
    </>
  );
  return [opened, { at: resolvedAt, key: "ended", sort: "incident", what }];
}

function ofSignal({ id, time, source, service, signature, status, reported, joinedBy }: SignalView): Happened {
  const what = (
    <>
      <Foreign text={service ?? "no service"} /> <WordBadge word={status} />
      <span className="block text-xs text-muted">
        {reported ?? "nothing"} from <Foreign text={source} />
        {signature !== null && (
          <>
            {" "}
            · <Foreign mono text={signature} />
          </>
        )}
        {joinedBy !== null && ` · joined by ${joinedBy}`}
      </span>
    </>
  );
  return { at: time, key: id, sort: "signal", what };
}

function ofRun({ id, openedAt, status, code, classification }: RunView): Happened {
  const what = (
    <>
      triage <WordBadge word={status} />
      <span className="block text-xs text-muted">
        {classification !== null && (
          <>
            {classification.severity}, team <Foreign text={classification.team} />
          </>
        )}
        {code !== null && ` ${code}`}
      </span>
    </>
  );
  return { at: openedAt, key: id, sort: "run", what };
}

function ofAction({ id, kind, status, code, agent, proposedAt, service }: ActionView): Happened {
  const what = (
    <>
      <Link to="/actions/$id" params={{ id }} className="font-medium hover:underline">
        <Foreign text={kind} />
      </Link>{" "}
      <WordBadge word={status} />
      <span className="block text-xs text-muted">
        on <Foreign text={service} /> by <Foreign text={agent} />
        {code !== null && ` · ${code}`}
      </span>
    </>
  );
  return { at: proposedAt, key: id, sort: "action", what };
}
