// One event of the ledger: its header, its facts, and the proof that it is there.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { eventsQuery } from "../api/queries.ts";
import type { LedgerEvent } from "../api/documents.ts";
import { Foreign } from "../ui/Foreign.tsx";
import { Icon } from "../ui/Icons.tsx";
import { Instant } from "../ui/Instant.tsx";
import { ValueText } from "../ui/JsonText.tsx";
import { Empty, ErrorNote, Loading, Pair, Pairs, Panel } from "../ui/Panel.tsx";
import { useKeys } from "../ui/use-keys.ts";
import { SubjectLink } from "./EventTable.tsx";
import { ReceiptPanel } from "./ReceiptPanel.tsx";

export function EventPage(): ReactNode {
  const { seq: text } = useParams({ from: "/ledger/$seq" });
  const navigate = useNavigate();
  const seq = /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : -1;
  const { data, error } = useQuery({ ...eventsQuery({ from: Math.max(0, seq), limit: 1 }), enabled: seq >= 0 });
  const event = data?.items.find((one) => one.seq === seq);
  const go = (to: number): void => void navigate({ to: "/ledger/$seq", params: { seq: String(to) } });
  useKeys({
    j: () => go(seq + 1),
    k: seq > 0 ? () => go(seq - 1) : undefined,
    Escape: () => void navigate({ to: "/ledger", search: { from: String(Math.max(0, seq - 20)) } }),
  });
  return (
    <div className="mx-auto max-w-4xl px-4 py-4 sm:px-6">
      <Link
        to="/ledger"
        search={{ from: String(Math.max(0, seq - 20)) }}
        className="mb-2 inline-flex items-center gap-1 text-xs text-muted hover:text-ink"
      >
        <Icon name="back" /> Ledger
      </Link>
      {error !== null && <ErrorNote error={error} />}
      {seq >= 0 && data === undefined && error === null && <Loading what="the event" />}
      {(seq < 0 || (data !== undefined && event === undefined)) && <Empty title="The log has no such event" />}
      {event !== undefined && <Whole event={event} />}
    </div>
  );
}

function Whole({ event }: { readonly event: LedgerEvent }): ReactNode {
  return (
    <>
      <h1 className="mb-3 text-lg font-semibold tracking-tight">
        {event.type} <span className="font-mono text-sm font-normal text-faint">#{event.seq}</span>
      </h1>
      <div className="flex flex-col gap-3.5">
        <Panel title="Event">
          <Pairs>
            <Pair name="Time">
              <Instant ms={event.time} />
            </Pair>
            <Pair name="By">
              <Foreign text={event.actor} />
            </Pair>
            <Pair name="Subject">
              <span className="font-mono text-xs">
                <SubjectLink subject={event.subject} />
              </span>
            </Pair>
            <Pair name="Command">
              <Link
                to="/ledger/$seq"
                params={{ seq: String(event.command) }}
                className="font-mono text-xs hover:underline"
              >
                #{event.command}
              </Link>{" "}
              <span className="text-faint">began it; version {event.version} of the type</span>
            </Pair>
          </Pairs>
        </Panel>
        <Panel title="Facts" aside={<span>never erased</span>}>
          <ValueText value={event.facts} />
        </Panel>
        <ReceiptPanel path={`/v1/ledger/events/${event.seq}/receipt`} mark={String(event.seq)} about="this event" />
      </div>
    </>
  );
}
