// Incidents: those that are open on top, each with its services, its signals and whether people were paged.

import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { IncidentView } from "../../wire/types/incident-views.ts";
import { incidentsQuery } from "../api/incident-queries.ts";
import { Badge, WordBadge } from "../ui/Badge.tsx";
import { buttonClass } from "../ui/Button.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Age } from "../ui/Instant.tsx";
import { Empty, ErrorNote, Loading } from "../ui/Panel.tsx";
import { Cell, Row, Table } from "../ui/Table.tsx";
import { Tabs } from "../ui/Tabs.tsx";

const CHOICES = [
  [undefined, "Open and ended"],
  ["open", "Open"],
  ["resolved", "Ended"],
  ["merged", "Joined with others"],
] as const;
/** Services that a row names before it counts the rest. */
const NAMED_MAX = 4;

export function IncidentsPage(): ReactNode {
  const { status, cursor } = useSearch({ from: "/incidents/" });
  const isAll = status === undefined;
  const open = useQuery({ ...incidentsQuery({ status: "open" }), enabled: isAll });
  const listed = useQuery(incidentsQuery({ status: status ?? "resolved", cursor }));
  const isLoading = listed.data === undefined || (isAll && open.data === undefined);
  const items = [...(isAll ? (open.data?.items ?? []) : []), ...(listed.data?.items ?? [])];
  const error = listed.error ?? (isAll ? open.error : null);
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <header className="mb-3 flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">Incidents</h1>
        <Tabs label="Which incidents" to="/incidents" choices={CHOICES} chosen={status} />
      </header>
      {error !== null && <ErrorNote error={error} />}
      {error === null && isLoading && <Loading what="incidents" />}
      {error === null && !isLoading && items.length === 0 && <Empty title="No such incident" />}
      {error === null && !isLoading && items.length > 0 && (
        <Table label="Incidents" heads={["Stands", "Incident", "Services", "Signals", "Paged", "Opened"]}>
          {items.map((incident) => (
            <IncidentRow key={incident.id} incident={incident} />
          ))}
        </Table>
      )}
      <nav aria-label="Pages of incidents" className="mt-3 flex justify-between">
        {cursor === undefined ? (
          <span />
        ) : (
          <Link to="/incidents" search={{ status: status ?? "resolved" }} className={buttonClass("plain", "sm")}>
            To the newest
          </Link>
        )}
        {listed.data?.cursor != null && (
          <Link
            to="/incidents"
            search={{ status: status ?? "resolved", cursor: listed.data.cursor }}
            className={buttonClass("plain", "sm")}
          >
            Older
          </Link>
        )}
      </nav>
    </div>
  );
}

function IncidentRow({ incident }: { readonly incident: IncidentView }): ReactNode {
  const { id, status, environment, service, services, claimedSeverity, signalCount, paged } = incident;
  const more = services.length - NAMED_MAX;
  return (
    <Row>
      <Cell>
        <WordBadge word={status} />
        {incident.flapping && <span className="block text-2xs text-faint">comes and goes</span>}
      </Cell>
      <Cell>
        <Link to="/incidents/$id" params={{ id }} className="font-medium hover:underline">
          <Foreign text={`${environment} / ${service}`} />
        </Link>
        <span className="block font-mono text-2xs text-faint">{id}</span>
      </Cell>
      <Cell muted>
        <Foreign text={services.slice(0, NAMED_MAX).join(", ")} />
        {more > 0 && <span className="text-2xs text-faint"> and {more} more</span>}
      </Cell>
      <Cell muted>
        {signalCount}
        <span className="block text-2xs text-faint">
          claimed <Foreign text={claimedSeverity} />
        </span>
      </Cell>
      <Cell>{paged ? <Badge tone="warn">paged</Badge> : <span className="text-faint">no</span>}</Cell>
      <Cell muted>
        <Age ms={incident.openedAt} />
        {incident.resolvedAt !== null && (
          <span className="block text-2xs text-faint">
            ended <Age ms={incident.resolvedAt} />
          </span>
        )}
      </Cell>
    </Row>
  );
}
