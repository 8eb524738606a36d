// Earlier stops and those in force, each with what it found and what became of that.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { StopReport } from "../api/documents.ts";
import { stopReportsQuery } from "../api/queries.ts";
import { scopeText } from "../shell/ModeBanner.tsx";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Age } from "../ui/Instant.tsx";
import { Command, Empty, ErrorNote, Loading } from "../ui/Panel.tsx";

export function StopsPage(): ReactNode {
  const { data, error } = useQuery(stopReportsQuery);
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <h1 className="mb-3 text-lg font-semibold tracking-tight">Stops</h1>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="stops" />}
      {data !== undefined && data.items.length === 0 && (
        <Empty title="Nothing was ever stopped">
          The kill switch is in the header of every page. On the command line:{" "}
          <Command>holdpoint kill --preview</Command>
        </Empty>
      )}
      {data !== undefined && data.items.length > 0 && (
        <div className="overflow-x-auto rounded-lg border border-line bg-surface">
          <table className="w-full text-left">
            <thead className="text-2xs text-faint">
              <tr>
                {["Stop", "Of", "Found", "Stands", "Applied", "By"].map((name) => (
                  <th
                    key={name}
                    scope="col"
                    className={`px-3 py-2 font-medium first:pl-4 ${name === "By" ? "max-md:hidden" : ""}`}
                  >
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {data.items.map((stop) => (
                <StopRow key={stop.id} stop={stop} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

function StopRow({ stop }: { readonly stop: StopReport }): ReactNode {
  return (
    <tr className="border-t border-line hover:bg-sunken">
      <td className="py-1.5 pr-3 pl-4">
        <Link to="/stops/$id" params={{ id: stop.id }} className="font-medium hover:underline">
          {stop.mode}
        </Link>
        <span className="block font-mono text-2xs text-faint">{stop.id}</span>
      </td>
      <td className="px-3 py-1.5">
        <Foreign text={scopeText(stop.scope)} />
      </td>
      <td className="px-3 py-1.5 text-muted">{countsText(stop.counts)}</td>
      <td className="px-3 py-1.5">
        <WordBadge word={stop.status === "applied" ? "in force" : stop.status} />
      </td>
      <td className="px-3 py-1.5 text-xs text-faint">
        <Age ms={stop.appliedAt} />
      </td>
      <td className="px-3 py-1.5 text-xs text-muted max-md:hidden">
        <Foreign text={stop.appliedBy} />
      </td>
    </tr>
  );
}

/** `3 in-flight, 2 held`; what there was none of is left out. */
export function countsText(counts: Readonly<Record<string, number>> | null): string {
  const found = Object.entries(counts ?? {}).filter(([, count]) => count > 0);
  return found.length === 0 ? "nothing under way" : found.map(([stage, count]) => `${count} ${stage}`).join(", ");
}
