// The graph as a drawing. Kinds and states are words and signs in it; colour and dashes only repeat them.

import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, type ReactNode } from "react";
import type { ModelEdgeView, ModelGraphView, ModelNodeView } from "../../wire/types/model-views.ts";
import { plainText } from "../text/visible-text.ts";
import { Empty } from "../ui/Panel.tsx";
import { BOX, layOut, type Placed } from "./layout.ts";
import type { Marks } from "./marks.ts";
import type { ModelSearch } from "./model-search.ts";
import { STATE_DASHES, STATE_SIGNS } from "./node-text.ts";

type Props = {
  readonly graph: ModelGraphView;
  readonly center: string;
  readonly search: ModelSearch;
  readonly marks: Marks;
};

/** A difference is no failure, and does not look like one. */
const STROKES = { bad: "stroke-bad", warn: "stroke-warn" } as const;
const FILLS = { bad: "fill-bad", warn: "fill-warn" } as const;

export function GraphDrawing({ graph, center, search, marks }: Props): ReactNode {
  const { nodes, edges } = graph;
  const layout = useMemo(
    () =>
      layOut(
        center,
        nodes.map(({ id }) => id),
        edges,
      ),
    [center, nodes, edges],
  );
  const { places, width, height, leftOut } = layout;
  const region = useRef<HTMLDivElement>(null);
  const chosen = places.get(center);
  useEffect(() => {
    const { current } = region;
    if (current === null || chosen === undefined) return;
    current.scrollTo(chosen.x - (current.clientWidth - BOX.width) / 2, chosen.y - current.clientHeight / 2);
  }, [chosen]);
  if (nodes.length === 0) return <Empty title="Nothing is known to have been there then" />;
  const label = `Graph around ${plainText(center)}: ${places.size} nodes; the table has the same as text`;
  return (
    <>
      <div
        ref={region}
        className="max-h-144 overflow-auto"
        tabIndex={0}
        role="region"
        aria-label="Drawing of the graph"
      >
        <svg role="group" aria-label={label} width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
          <Arrow />
          {edges.map((edge) => (
            <EdgeLine key={`${edge.from} ${edge.kind} ${edge.to}`} edge={edge} places={places} marks={marks} />
          ))}
          {nodes.map((node) => {
            const place = places.get(node.id);
            if (place === undefined) return null;
            const isCenter = node.id === center;
            return (
              <NodeBox
                key={node.id}
                {...{ node, place, search, isCenter }}
                mark={marks.nodes.get(node.id)}
                tone={marks.tone}
              />
            );
          })}
        </svg>
      </div>
      <p className="border-t border-line px-4 py-2 text-xs text-muted">
        To the left who uses it, to the right what it uses. ● observed · ○ declared (dashed) · ✓ confirmed by an outcome
        · ✕ refuted (dotted).
        {leftOut > 0 && ` ${leftOut} nodes have no room here; the table has them.`}
      </p>
    </>
  );
}

/** The head of every edge. */
function Arrow(): ReactNode {
  return (
    <defs>
      <marker
        id="arrow"
        viewBox="0 0 8 8"
        refX="8"
        refY="4"
        markerWidth="7"
        markerHeight="7"
        markerUnits="userSpaceOnUse"
        orient="auto"
      >
        <path d="M0 0 8 4 0 8z" className="fill-muted" />
      </marker>
    </defs>
  );
}

type EdgeProps = {
  readonly edge: ModelEdgeView;
  readonly places: ReadonlyMap<string, Placed>;
  readonly marks: Marks;
};

function EdgeLine({ edge, places, marks }: EdgeProps): ReactNode {
  const [from, to] = [places.get(edge.from), places.get(edge.to)];
  if (from === undefined || to === undefined) return null;
  const isOnWay = marks.edges.has(`${edge.from} ${edge.to}`);
  return (
    <path
      d={curve(from, to)}
      fill="none"
      markerEnd="url(#arrow)"
      strokeWidth={isOnWay ? 3 : edge.state === "confirmed" ? 2 : 1.25}
      strokeDasharray={STATE_DASHES[edge.state]}
      className={isOnWay ? STROKES[marks.tone] : "stroke-strong"}
    >
      <title>{plainText(`${edge.from} ${edge.kind} ${edge.to}: ${edge.state}`)}</title>
    </path>
  );
}

/** From the right of the one to the left of the other; within a column around the right side. */
function curve(from: Placed, to: Placed): string {
  const [y1, y2] = [from.y + BOX.height / 2, to.y + BOX.height / 2];
  const isBack = to.x < from.x;
  const [x1, x2] = isBack ? [from.x, to.x + BOX.width] : [from.x + BOX.width, to.x];
  if (from.x === to.x) {
    const right = from.x + BOX.width;
    return `M${right} ${y1}C${right + 48} ${y1} ${right + 48} ${y2} ${right} ${y2}`;
  }
  const half = (x1 + x2) / 2;
  return `M${x1} ${y1}C${half} ${y1} ${half} ${y2} ${x2} ${y2}`;
}

const NAME_CHARS = 25;

type NodeProps = {
  readonly node: ModelNodeView;
  readonly place: Placed;
  readonly search: ModelSearch;
  readonly isCenter: boolean;
  readonly mark: string | undefined;
  readonly tone: Marks["tone"];
};

function NodeBox({ node, place, search, isCenter, mark, tone }: NodeProps): ReactNode {
  const name = plainText(node.name);
  const short = name.length > NAME_CHARS ? `${name.slice(0, NAME_CHARS - 1)}…` : name;
  const below = `${STATE_SIGNS[node.state]} ${node.kind}${mark === undefined ? "" : ` · ${mark}`}`;
  const words = [name, node.kind, node.state, ...(mark === undefined ? [] : [mark]), ...(isCenter ? ["chosen"] : [])];
  const stroke = mark === undefined ? "stroke-strong" : STROKES[tone];
  return (
    <Link to="/model" search={{ ...search, node: node.id }} aria-current={isCenter ? "true" : undefined}>
      <title>{words.join(", ")}</title>
      <rect
        x={place.x}
        y={place.y}
        width={BOX.width}
        height={BOX.height}
        rx={node.kind === "service" ? 8 : 0}
        strokeWidth={isCenter ? 2.5 : node.state === "confirmed" ? 2 : 1.25}
        strokeDasharray={STATE_DASHES[node.state]}
        className={isCenter ? "fill-accent-soft stroke-accent" : `fill-surface ${stroke}`}
      />
      <text x={place.x + 10} y={place.y + 19} className="fill-ink text-xs font-medium">
        {short}
      </text>
      <text x={place.x + 10} y={place.y + 36} className={`text-2xs ${mark === undefined ? "fill-muted" : FILLS[tone]}`}>
        {below}
      </text>
    </Link>
  );
}
