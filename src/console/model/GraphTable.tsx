// The graph as tables: all that the drawing has, and what it has no room for.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ModelGraphView } from "../../wire/types/model-views.ts";
import { Badge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Age } from "../ui/Instant.tsx";
import { Empty } from "../ui/Panel.tsx";
import { Cell, Row, Table } from "../ui/Table.tsx";
import type { Marks } from "./marks.ts";
import type { ModelSearch } from "./model-search.ts";
import { measuredText, percentText, STATE_SIGNS } from "./node-text.ts";

type Props = { readonly graph: ModelGraphView; readonly search: ModelSearch; readonly marks: Marks };

export function GraphTable({ graph, search, marks }: Props): ReactNode {
  if (graph.nodes.length === 0) return <Empty title="Nothing is known to have been there then" />;
  return (
    <div className="flex flex-col gap-3.5 p-3.5">
      <Table label="Nodes" heads={["Node", "Kind", "State", "Since", "Measured", "Of all traffic"]}>
        {graph.nodes.map(({ id, kind, state, since, observed }) => (
          <Row key={id}>
            <Cell>
              <Link to="/model" search={{ ...search, node: id }} className="hover:underline">
                <Foreign mono text={id} />
              </Link>
              {marks.nodes.has(id) && <Badge tone="bad">{marks.nodes.get(id)}</Badge>}
            </Cell>
            <Cell muted>{kind}</Cell>
            <Cell>
              {STATE_SIGNS[state]} {state}
            </Cell>
            <Cell muted>
              <Age ms={since} />
            </Cell>
            <Cell muted>{observed === null ? "nothing" : measuredText(observed)}</Cell>
            <Cell muted>{observed === null ? "" : percentText(observed.share)}</Cell>
          </Row>
        ))}
      </Table>
      <Table label="Edges" heads={["From", "", "To", "State", "Measured", "Each request"]}>
        {graph.edges.map(({ from, kind, to, state, observed }) => (
          <Row key={`${from} ${kind} ${to}`}>
            <Cell>
              <Foreign mono text={from} />
            </Cell>
            <Cell muted>
              {kind}
              {marks.edges.has(`${from} ${to}`) && <Badge tone="bad">on the way</Badge>}
            </Cell>
            <Cell>
              <Foreign mono text={to} />
            </Cell>
            <Cell>
              {STATE_SIGNS[state]} {state}
            </Cell>
            <Cell muted>{observed === null ? "nothing" : measuredText(observed)}</Cell>
            <Cell muted>{observed === null ? "" : observed.share.toFixed(2)}</Cell>
          </Row>
        ))}
      </Table>
    </div>
  );
}
