// The queue of holds beside the one that is read: whatever waits for people, the one that ends first on top.

import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useParams, useRouteContext, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, type ReactNode } from "react";
import type { ActionView } from "../../wire/types/views.ts";
import { heldQuery } from "../api/queries.ts";
import { Badge } from "../ui/Badge.tsx";
import { FilterBar } from "../ui/FilterBar.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Icon } from "../ui/Icons.tsx";
import { Countdown } from "../ui/Instant.tsx";
import { Command, Empty, ErrorNote, Loading } from "../ui/Panel.tsx";
import { useKeys } from "../ui/use-keys.ts";
import { FrozenClock } from "./FrozenClock.tsx";
import { isProtected, whyNotEligible } from "./eligibility.ts";

const FILTERS = ["environment", "service", "kind"] as const;

export function HoldsPage(): ReactNode {
  const search = useSearch({ from: "/holds" });
  const { id } = useParams({ strict: false });
  const { data, error } = useQuery(heldQuery(search));
  const holds = (data?.items ?? []).toSorted((a, b) => (a.hold?.deadline ?? 0) - (b.hold?.deadline ?? 0));
  useQueueKeys(holds, id);
  const isChosen = id !== undefined;
  return (
    <div className="flex h-full">
      <section
        aria-label="Holds"
        className={`flex w-full shrink-0 flex-col border-line bg-surface lg:w-90 lg:border-r ${isChosen ? "max-lg:hidden" : ""}`}
      >
        <header className="flex min-h-11 items-center justify-between gap-2 border-b border-line px-4 py-2">
          <h1 className="text-sm font-semibold">
            Holds <span className="font-normal text-faint">{data === undefined ? "" : holds.length}</span>
          </h1>
          <FilterBar from="/holds" names={FILTERS} values={search} />
        </header>
        <div className="min-h-0 flex-1 overflow-y-auto">
          {error !== null && <ErrorNote error={error} />}
          {data === undefined && error === null && <Loading what="holds" />}
          {data !== undefined && holds.length === 0 && <NothingHeld isFiltered={Object.keys(search).length > 0} />}
          <ul>
            {holds.map((hold) => (
              <QueueRow key={hold.id} hold={hold} isChosen={hold.id === id} />
            ))}
          </ul>
          {data?.isWhole === false && (
            <p className="px-4 py-3 text-xs text-warn">There are more than are shown. Filter to see the others.</p>
          )}
        </div>
      </section>
      <div className={`min-w-0 flex-1 ${isChosen ? "" : "max-lg:hidden"}`}>
        <Outlet />
      </div>
    </div>
  );
}

function useQueueKeys(holds: readonly ActionView[], id: string | undefined): void {
  const navigate = useNavigate();
  const at = holds.findIndex((hold) => hold.id === id);
  // Two quick keys move by two, also before the page has followed the first.
  const cursor = useRef(at);
  useEffect(() => {
    cursor.current = at;
  }, [at]);
  const go = (to: number): void => {
    cursor.current = Math.max(0, Math.min(to, holds.length - 1));
    const next = holds[cursor.current];
    if (next !== undefined) void navigate({ to: "/holds/$id", params: { id: next.id }, search: (before) => before });
  };
  useKeys({
    j: () => go(cursor.current + 1),
    k: () => go(cursor.current - 1),
    Enter: at < 0 ? () => go(0) : undefined,
    Escape: id === undefined ? undefined : () => void navigate({ to: "/holds", search: (before) => before }),
  });
}

function QueueRow({ hold, isChosen }: { readonly hold: ActionView; readonly isChosen: boolean }): ReactNode {
  const { session } = useRouteContext({ from: "__root__" });
  const isYours = whyNotEligible(hold, session) === null;
  return (
    <li>
      <Link
        to="/holds/$id"
        params={{ id: hold.id }}
        search={(before) => before}
        aria-current={isChosen ? "true" : undefined}
        className={`block border-b border-line px-4 py-2.5 focus-visible:-outline-offset-2 ${isChosen ? "bg-accent-soft" : "hover:bg-sunken"}`}
      >
        <span className="flex items-baseline justify-between gap-3">
          <span className="min-w-0 truncate font-medium text-ink">
            <Foreign text={hold.kind} />
          </span>
          {hold.hold?.frozen != null ? (
            <FrozenClock frozen={hold.hold.frozen} short />
          ) : (
            <Countdown until={hold.hold?.deadline ?? 0} />
          )}
        </span>
        <span className="mt-0.5 block truncate text-muted">
          <Foreign text={`${hold.environment} / ${hold.service}`} />
        </span>
        <span className="mt-1 flex flex-wrap items-center gap-1.5 text-xs text-faint">
          {isYours && <Badge tone="info">needs you</Badge>}
          {isProtected(hold) && (
            <Badge tone="warn">
              <Icon name="lock" /> protected
            </Badge>
          )}
          {hold.classification !== null && (
            <Badge tone={hold.classification.severity === "low" ? "plain" : "bad"}>
              {hold.classification.severity}
            </Badge>
          )}
          <span className="truncate">
            by <Foreign text={hold.agent} />
          </span>
        </span>
      </Link>
    </li>
  );
}

function NothingHeld({ isFiltered }: { readonly isFiltered: boolean }): ReactNode {
  if (isFiltered) return <Empty title="No hold matches the filter" />;
  return (
    <Empty title="Nothing waits for a person">
      What policy holds appears here by itself. To see one:{" "}
      <Command>holdpoint propose record.note -e production -s cart -a text=hello</Command>
    </Empty>
  );
}

export function NoHoldChosen(): ReactNode {
  return (
    <div className="flex h-full items-center justify-center">
      <Empty title="Choose a hold">
        <span>
          <kbd className="font-mono">j</kbd> and <kbd className="font-mono">k</kbd> move,{" "}
          <kbd className="font-mono">a</kbd> asks to approve, <kbd className="font-mono">d</kbd> to deny.
        </span>
      </Empty>
    </div>
  );
}
