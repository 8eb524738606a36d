// The ledger: events in order from any place on, by type and subject, and the signed head of the log.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { checkpointQuery, eventsQuery } from "../api/queries.ts";
import { useLive } from "../shell/LiveUpdates.tsx";
import { FilterBar } from "../ui/FilterBar.tsx";
import { buttonClass } from "../ui/Button.tsx";
import { ForeignLines } from "../ui/Foreign.tsx";
import { Empty, ErrorNote, Loading, Panel } from "../ui/Panel.tsx";
import { useKeys } from "../ui/use-keys.ts";
import { EventTable } from "./EventTable.tsx";
import { sizeOfCheckpoint } from "./checkpoint-size.ts";

const FILTERS = ["type", "subject", "from"] as const;
const PAGE = 100;

export function LedgerPage(): ReactNode {
  const search = useSearch({ from: "/ledger/" });
  const { seq } = useLive();
  const checkpoint = useQuery(checkpointQuery(seq));
  const size = checkpoint.data === undefined ? null : sizeOfCheckpoint(checkpoint.data);
  const isFiltered = search.type !== undefined || search.subject !== undefined;
  const asked = Number(search.from);
  // Without a place to begin at, the newest events; where few match, the log is searched from its start.
  const from =
    Number.isSafeInteger(asked) && search.from !== undefined
      ? Math.max(0, asked)
      : isFiltered
        ? 0
        : Math.max(0, (size ?? 0) - PAGE);
  const { type, subject } = search;
  const filters = {
    from,
    limit: PAGE,
    ...(type === undefined ? {} : { type }),
    ...(subject === undefined ? {} : { subject }),
  };
  const { data, error } = useQuery({
    ...eventsQuery(filters),
    enabled: size !== null || isFiltered || search.from !== undefined,
  });
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <header className="mb-3 flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">
          Ledger <span className="text-sm font-normal text-faint">{size === null ? "" : `${size} events`}</span>
        </h1>
        <FilterBar from="/ledger" names={FILTERS} values={search} />
      </header>
      <div className="flex flex-col gap-3.5">
        {error !== null && <ErrorNote error={error} />}
        {data === undefined && error === null && <Loading what="events" />}
        {data !== undefined && data.items.length === 0 && <Empty title="No event matches" />}
        {data !== undefined && data.items.length > 0 && <EventTable events={data.items} />}
        <Pages from={from} next={data?.next ?? null} search={search} />
        <CheckpointPanel text={checkpoint.data} />
      </div>
    </div>
  );
}

type PagesProps = {
  readonly from: number;
  readonly next: number | null;
  readonly search: { from?: string; type?: string; subject?: string };
};

function Pages({ from, next, search }: PagesProps): ReactNode {
  const navigate = useNavigate();
  const before = from > 0 ? String(Math.max(0, from - PAGE)) : null;
  const after = next === null ? null : String(next);
  const go = (place: string | null) =>
    place === null ? undefined : () => void navigate({ to: "/ledger", search: { ...search, from: place } });
  useKeys({ p: go(before), n: go(after) });
  return (
    <nav aria-label="Pages of the ledger" className="flex justify-between">
      {before === null ? (
        <span />
      ) : (
        <Link to="/ledger" search={{ ...search, from: before }} className={buttonClass("plain", "sm")}>
          Earlier
        </Link>
      )}
      {after !== null && (
        <Link to="/ledger" search={{ ...search, from: after }} className={buttonClass("plain", "sm")}>
          Later
        </Link>
      )}
    </nav>
  );
}

function CheckpointPanel({ text }: { readonly text: string | undefined }): ReactNode {
  if (text === undefined) return null;
  return (
    <Panel title="Signed checkpoint" aside={<span>C2SP tlog-checkpoint</span>}>
      <ForeignLines mono text={text.trimEnd()} />
    </Panel>
  );
}
