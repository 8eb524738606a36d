// All actions, the newest first, with filters that stand in the address.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import type { ActionView } from "../../wire/types/views.ts";
import { actionsQuery } from "../api/queries.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { buttonClass } from "../ui/Button.tsx";
import { FilterBar } from "../ui/FilterBar.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Age } from "../ui/Instant.tsx";
import { Command, Empty, ErrorNote, Loading } from "../ui/Panel.tsx";
import { useKeys } from "../ui/use-keys.ts";

const FILTERS = ["status", "environment", "service", "kind", "agent"] as const;
const PAGE = 50;

export function ActionList(): ReactNode {
  const search = useSearch({ from: "/actions/" });
  const { cursor, ...filters } = search;
  const { data, error } = useQuery(actionsQuery(search, PAGE));
  const items = data?.items ?? [];
  const chosen = useListKeys(items);
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <header className="mb-3 flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">Actions</h1>
        <FilterBar from="/actions" names={FILTERS} values={filters} />
      </header>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="actions" />}
      {data !== undefined && items.length === 0 && <NoActions isFiltered={Object.keys(filters).length > 0} />}
      {items.length > 0 && <ActionTable items={items} chosen={chosen} />}
      <nav aria-label="Pages of actions" className="mt-3 flex justify-between">
        {cursor === undefined ? (
          <span />
        ) : (
          <Link to="/actions" search={filters} className={buttonClass("plain", "sm")}>
            To the newest
          </Link>
        )}
        {data?.cursor != null && (
          <Link to="/actions" search={{ ...filters, cursor: data.cursor }} className={buttonClass("plain", "sm")}>
            Older
          </Link>
        )}
      </nav>
    </div>
  );
}

/** `j` and `k` move, Enter opens; answers the place of what is chosen. */
function useListKeys(items: readonly ActionView[]): number {
  const navigate = useNavigate();
  const [at, setAt] = useState(-1);
  const open = items[at];
  useKeys({
    j: () => setAt(Math.min(at + 1, items.length - 1)),
    k: () => setAt(Math.max(at - 1, 0)),
    Enter: open === undefined ? undefined : () => void navigate({ to: "/actions/$id", params: { id: open.id } }),
  });
  return at;
}

export function ActionTable({
  items,
  chosen = -1,
}: {
  readonly items: readonly ActionView[];
  readonly chosen?: number;
}): ReactNode {
  return (
    <div className="overflow-x-auto rounded-lg border border-line bg-surface">
      <table className="w-full text-left">
        <thead className="text-2xs text-faint">
          <tr>
            {["Status", "Action", "Where", "Agent", "Updated"].map((name) => (
              <th
                key={name}
                scope="col"
                className={`px-3 py-2 font-medium first:pl-4 ${name === "Agent" ? "max-md:hidden" : ""}`}
              >
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((action, i) => (
            <ActionRow key={action.id} action={action} isChosen={i === chosen} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ActionRow({ action, isChosen }: { readonly action: ActionView; readonly isChosen: boolean }): ReactNode {
  return (
    <tr aria-selected={isChosen} className={`border-t border-line ${isChosen ? "bg-accent-soft" : "hover:bg-sunken"}`}>
      <td className="py-1.5 pr-3 pl-4">
        <WordBadge word={action.status} />
        {action.dryRun && <span className="ml-1 text-2xs text-faint">dry run</span>}
      </td>
      <td className="px-3 py-1.5">
        <Link to="/actions/$id" params={{ id: action.id }} className="font-medium text-ink hover:underline">
          <Foreign text={action.kind} />
        </Link>
        <span className="block font-mono text-2xs text-faint">{action.id}</span>
      </td>
      <td className="max-w-60 px-3 py-1.5 text-muted">
        <Foreign text={`${action.environment} / ${action.service}`} />
      </td>
      <td className="max-w-56 px-3 py-1.5 text-muted max-md:hidden">
        <Foreign text={action.agent} />
      </td>
      <td className="px-3 py-1.5 text-xs text-faint">
        <Age ms={action.updatedAt} />
      </td>
    </tr>
  );
}

function NoActions({ isFiltered }: { readonly isFiltered: boolean }): ReactNode {
  if (isFiltered) return <Empty title="No action matches the filter" />;
  return (
    <Empty title="No action was proposed yet">
      An agent proposes over HTTP, or a person:{" "}
      <Command>holdpoint propose record.note -e staging -s cart -a text=hello</Command>
    </Empty>
  );
}
