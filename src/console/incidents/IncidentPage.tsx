// One incident: how it stands, what explains it, why it is one with others, what happened, and what is remembered.

import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { IncidentView } from "../../wire/types/incident-views.ts";
import { incidentQuery } from "../api/incident-queries.ts";
import { Badge, WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Instant } from "../ui/Instant.tsx";
import { ErrorNote, Loading, Pair, Pairs, Panel } from "../ui/Panel.tsx";
import { Causes } from "./Causes.tsx";
import { IncidentTimeline } from "./IncidentTimeline.tsx";
import { Memory } from "./Memory.tsx";

export function IncidentPage(): ReactNode {
  const { id } = useParams({ from: "/incidents/$id" });
  const { data, error } = useQuery(incidentQuery(id));
  return (
    <div className="mx-auto flex max-w-5xl flex-col gap-3.5 px-4 py-4 sm:px-6">
      <Link to="/incidents" className="text-xs text-muted hover:text-ink">
        ← Incidents
      </Link>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="the incident" />}
      {data !== undefined && (
        <>
          <header className="flex flex-wrap items-center gap-3">
            <h1 className="text-lg font-semibold tracking-tight">
              <Foreign text={`${data.environment} / ${data.service}`} />
            </h1>
            <WordBadge word={data.status} />
            {data.paged && <Badge tone="warn">paged</Badge>}
          </header>
          <Standing incident={data} />
          <Causes key={data.id} incident={data} />
          <Related incident={data} />
          <IncidentTimeline incident={data} />
          <Memory incident={data} />
        </>
      )}
    </div>
  );
}

function Standing({ incident }: { readonly incident: IncidentView }): ReactNode {
  const { services, openedAt, resolvedAt, resolution, reopened, signalCount, systems } = incident;
  return (
    <Panel title="How it stands" aside={<LedgerLink id={incident.id} />}>
      <Pairs>
        <Pair name="Services">
          <Foreign text={services.join(", ")} />
        </Pair>
        <Pair name="Opened">
          <Instant ms={openedAt} />
          {reopened > 0 && <span className="text-muted"> · came back {reopened} times</span>}
        </Pair>
        {resolvedAt !== null && (
          <Pair name="Ended">
            <Instant ms={resolvedAt} />
            {resolution !== null && (
              <span className="text-muted">
                {" "}
                · <Foreign text={resolution} />
              </span>
            )}
          </Pair>
        )}
        <Pair name="Signals">
          {signalCount}, claimed <Foreign text={incident.claimedSeverity} />
        </Pair>
        {Object.entries(systems).map(([system, { state, record }]) => (
          <Pair key={system} name={system}>
            {state} <Foreign mono text={record} />
          </Pair>
        ))}
      </Pairs>
    </Panel>
  );
}

function LedgerLink({ id }: { readonly id: string }): ReactNode {
  return (
    <Link to="/ledger" search={{ subject: id }} className="font-mono hover:text-ink hover:underline">
      {id}
    </Link>
  );
}

/** Why it was joined with others, and what became of it and them. */
function Related({ incident }: { readonly incident: IncidentView }): ReactNode {
  const { related, mergedInto, absorbed, splitFrom, splitInto } = incident;
  const others = [
    ["Joined into", mergedInto === null ? [] : [mergedInto]],
    ["Took in", absorbed],
    ["Taken out of", splitFrom === null ? [] : [splitFrom]],
    ["Taken out of it", splitInto],
  ] as const;
  if (related.length === 0 && others.every(([, ids]) => ids.length === 0)) return null;
  return (
    <Panel title="Joined with others">
      <Pairs>
        {others.map(([name, ids]) =>
          ids.length === 0 ? null : (
            <Pair key={name} name={name}>
              {ids.map((id) => (
                <IncidentLink key={id} id={id} />
              ))}
            </Pair>
          ),
        )}
        {related.map(({ incident: id, cause, effect, lowPpm, modelVersion }) => (
          <Pair key={`${id} ${cause} ${effect}`} name="Because">
            when <Foreign text={cause} /> fails, at least {(lowPpm / 10_000).toFixed(1)} % of the requests of{" "}
            <Foreign text={effect} /> fail with it, as measured (version {modelVersion} of the model):{" "}
            <IncidentLink id={id} />
          </Pair>
        ))}
      </Pairs>
    </Panel>
  );
}

function IncidentLink({ id }: { readonly id: string }): ReactNode {
  return (
    <Link to="/incidents/$id" params={{ id }} className="mr-2 font-mono text-xs text-accent hover:underline">
      {id}
    </Link>
  );
}
