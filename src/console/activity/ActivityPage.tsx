// What happens, as it happens: the newest events of the ledger, read on with every live update.

import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { readDocument, queryText, readText } from "../api/api-client.ts";
import type { LedgerEvent, LedgerPage } from "../api/documents.ts";
import { EventTable } from "../ledger/EventTable.tsx";
import { sizeOfCheckpoint } from "../ledger/checkpoint-size.ts";
import { useLive } from "../shell/LiveUpdates.tsx";
import { Button } from "../ui/Button.tsx";
import { Choice } from "../ui/Field.tsx";
import { Empty, ErrorNote, Loading } from "../ui/Panel.tsx";

const SHOWN_MAX = 300;
const FIRST = 100;
const READ_AT_ONCE = 200;

const FAMILIES = [
  "action",
  "step",
  "hold",
  "agent",
  "level",
  "brake",
  "policy",
  "stage",
  "incident",
  "signal",
  "run",
] as const;

export function ActivityPage(): ReactNode {
  const { family } = useSearch({ from: "/activity" });
  const navigate = useNavigate();
  const [isPaused, setPaused] = useState(false);
  const { events, error, firstSeq } = useActivity(isPaused);
  const shown = events?.filter(({ type }) => family === undefined || type.startsWith(`${family}.`));
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <header className="mb-3 flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">Activity</h1>
        <div className="ml-auto flex items-center gap-2" data-filter>
          <Choice
            hidden
            label="Show events of"
            value={family ?? ""}
            options={[["", "All events"], ...FAMILIES.map((name) => [name, name] as const)]}
            onChange={(value) => void navigate({ to: "/activity", search: value === "" ? {} : { family: value } })}
          />
          <Button onClick={() => setPaused(!isPaused)} aria-pressed={isPaused}>
            {isPaused ? "Go on" : "Hold still"}
          </Button>
        </div>
      </header>
      {error !== null && <ErrorNote error={error} />}
      {shown === undefined && error === null && <Loading what="what happened" />}
      {shown !== undefined && shown.length === 0 && <Empty title="Nothing of that kind happened lately" />}
      {shown !== undefined && shown.length > 0 && (
        <EventTable events={shown} isLive={(shown[0]?.seq ?? 0) > firstSeq} />
      )}
    </div>
  );
}

type Activity = {
  readonly events: readonly LedgerEvent[] | undefined;
  readonly error: unknown;
  readonly firstSeq: number;
};

/** The newest first. Reads on from where it is whenever the stream tells of more. */
function useActivity(isPaused: boolean): Activity {
  const { seq } = useLive();
  const [events, setEvents] = useState<readonly LedgerEvent[]>();
  const [error, setError] = useState<unknown>(null);
  const next = useRef(-1);
  const isReading = useRef(false);
  const first = useQuery({
    queryKey: ["activity", "first"],
    queryFn: newest,
    staleTime: 0,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });
  useEffect(() => {
    if (first.data === undefined || next.current >= 0) return;
    next.current = first.data.next;
    setEvents(first.data.events);
  }, [first.data]);
  useEffect(() => {
    if (isPaused || isReading.current || next.current < 0 || seq < next.current) return;
    isReading.current = true;
    readOn(next.current)
      .then((read) => {
        next.current = read.next;
        setEvents((before) => [...read.events.toReversed(), ...(before ?? [])].slice(0, SHOWN_MAX));
      })
      .catch(setError)
      .finally(() => {
        isReading.current = false;
      });
  }, [seq, isPaused, events]);
  return { events, error: error ?? first.error, firstSeq: (first.data?.next ?? 0) - 1 };
}

async function newest(): Promise<{ events: readonly LedgerEvent[]; next: number }> {
  const size = sizeOfCheckpoint(await readText("/v1/ledger/checkpoint")) ?? 0;
  const from = Math.max(0, size - FIRST);
  const { events, next } = await readOn(from);
  return { events: events.toReversed(), next };
}

async function readOn(from: number): Promise<{ events: readonly LedgerEvent[]; next: number }> {
  const { items } = await readDocument<LedgerPage>(`/v1/ledger/events${queryText({ from, limit: READ_AT_ONCE })}`);
  return { events: items, next: (items.at(-1)?.seq ?? from - 1) + 1 };
}
