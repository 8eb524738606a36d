// One stop: what it found, how each step in flight ended and how soon, from recorded facts.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { StopReportDocument, StopReportItem } from "../api/documents.ts";
import { stopReportQuery } from "../api/queries.ts";
import { scopeText } from "../shell/ModeBanner.tsx";
import { Badge, WordBadge, type Tone } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Icon } from "../ui/Icons.tsx";
import { Instant } from "../ui/Instant.tsx";
import { ErrorNote, Loading, Pair, Pairs, Panel } from "../ui/Panel.tsx";
import { useKeys } from "../ui/use-keys.ts";
import { countsText } from "./StopsPage.tsx";

export function StopPage(): ReactNode {
  const { id } = useParams({ from: "/stops/$id" });
  const navigate = useNavigate();
  const { data, error } = useQuery(stopReportQuery(id));
  useKeys({ Escape: () => void navigate({ to: "/stops" }) });
  return (
    <div className="mx-auto max-w-4xl px-4 py-4 sm:px-6">
      <Link to="/stops" className="mb-2 inline-flex items-center gap-1 text-xs text-muted hover:text-ink">
        <Icon name="back" /> Stops
      </Link>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="the report" />}
      {data !== undefined && <Report report={data} />}
    </div>
  );
}

function Report({ report }: { readonly report: StopReportDocument }): ReactNode {
  return (
    <>
      <h1 className="mb-3 text-lg font-semibold tracking-tight">
        {report.mode} <span className="font-normal text-muted">of</span> <Foreign text={scopeText(report.scope)} />
      </h1>
      <div className="flex flex-col gap-3.5">
        <Panel title="Stop" aside={<span className="font-mono">{report.id}</span>}>
          <Pairs>
            <Pair name="Applied">
              <Instant ms={report.appliedAt} /> <span className="text-muted">by</span>{" "}
              <Foreign text={report.appliedBy} />
            </Pair>
            <Pair name="Released">
              {report.releasedAt === null ? <Badge tone="warn">in force</Badge> : <Instant ms={report.releasedAt} />}
            </Pair>
            <Pair name="Found">{countsText(report.counts)}</Pair>
            <Pair name="Propagation">{propagationText(report)}</Pair>
          </Pairs>
        </Panel>
        {report.items.length > 0 && <Items items={report.items} />}
      </div>
    </>
  );
}

function propagationText({ mode, counts, propagationMs }: StopReportDocument): string {
  if (mode === "dry-run") return "a dry run interrupts nothing";
  if ((counts["in-flight"] ?? 0) === 0) return "nothing was in flight";
  if (propagationMs !== null) return `${propagationMs} ms until the last call had ended`;
  return "not known yet: some of it has not ended";
}

const ENDS: Readonly<Record<string, Tone>> = { stopped: "ok", finished: "info", partial: "warn", unconfirmed: "bad" };

function Items({ items }: { readonly items: readonly StopReportItem[] }): ReactNode {
  return (
    <Panel flush title="What it found" aside={<span>{items.length} listed</span>}>
      <table className="w-full text-left">
        <thead className="text-2xs text-faint">
          <tr>
            {["Action", "Was", "Ended", "After", "Now"].map((name) => (
              <th key={name} scope="col" className="px-3 py-1.5 font-medium first:pl-4">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.id} className="border-t border-line">
              <td className="py-1.5 pr-3 pl-4">
                <Link to="/actions/$id" params={{ id: item.id }} className="hover:underline">
                  <Foreign text={item.kind} />
                </Link>{" "}
                <span className="text-muted">
                  on <Foreign text={`${item.environment} / ${item.service}`} />
                </span>
              </td>
              <td className="px-3 py-1.5 text-muted">{item.was}</td>
              <td className="px-3 py-1.5">
                {item.end === null ? (
                  <span className="text-faint">—</span>
                ) : (
                  <Badge tone={ENDS[item.end] ?? "plain"}>{item.end}</Badge>
                )}
              </td>
              <td className="px-3 py-1.5 text-muted">{item.afterMs === null ? "—" : `${item.afterMs} ms`}</td>
              <td className="px-3 py-1.5">
                <WordBadge word={item.status} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
