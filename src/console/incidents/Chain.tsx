// A chain from a cause to the symptom, hop by hop: each with the edge that it went along, as the model knew it then.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ModelEdgeView } from "../../wire/types/model-views.ts";
import { surroundingsQuery } from "../api/incident-queries.ts";
import { Badge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";

/** How far around a node the API looks. */
const DEPTH_MAX = 6;

export function Chain({ hops, at }: { readonly hops: readonly string[]; readonly at: number }): ReactNode {
  const end = hops.at(-1);
  const depth = Math.min(DEPTH_MAX, Math.max(1, hops.length - 1));
  const { data } = useQuery({ ...surroundingsQuery(end ?? "", { depth, at }), enabled: hops.length > 1 });
  if (end === undefined) return null;
  return (
    <ol aria-label="Chain, from the cause to the symptom" className="mt-1.5 ml-1 border-l border-line">
      {hops.map((id, i) => (
        <li key={`${i} ${id}`} className="relative py-0.5 pl-4">
          <span aria-hidden="true" className="absolute top-2.5 -left-1 size-2 rounded-full bg-accent" />
          <Link to="/model" search={{ node: id, at: String(at) }} className="hover:underline">
            <Foreign mono text={id} />
          </Link>
          {i === 0 && <span className="ml-2 text-2xs text-faint">cause</span>}
          {i === hops.length - 1 && <span className="ml-2 text-2xs text-faint">symptom</span>}
          {i > 0 && <Hop edges={data?.edges ?? []} from={hops[i - 1] ?? ""} to={id} />}
        </li>
      ))}
    </ol>
  );
}

type HopProps = { readonly edges: readonly ModelEdgeView[]; readonly from: string; readonly to: string };

/** What joins the two: failures go against calls, changes along what they were made to. */
function Hop({ edges, from, to }: HopProps): ReactNode {
  const edge = edges.find((one) => (one.from === to && one.to === from) || (one.from === from && one.to === to));
  if (edge === undefined) return null;
  return (
    <span className="block text-2xs text-muted">
      <Foreign text={`${nameOf(edge.from)} ${edge.kind} ${nameOf(edge.to)}`} /> <Badge>{edge.state}</Badge>
      {edge.observed !== null && <> {measuredText(edge.observed)}</>}
    </span>
  );
}

function nameOf(id: string): string {
  return id.split(":").slice(2).join(":");
}

function measuredText({
  perSecond,
  errorRatio,
  p95Ms,
  failures,
  spread,
}: NonNullable<ModelEdgeView["observed"]>): string {
  const numbers = [
    `${perSecond.toFixed(2)} per second`,
    `${(100 * errorRatio).toFixed(1)} % fail`,
    `p95 ${Math.round(p95Ms)} ms`,
  ];
  if (failures > 0) numbers.push(`${spread} of ${failures} failures went on to whoever asked`);
  return numbers.join(" · ");
}
