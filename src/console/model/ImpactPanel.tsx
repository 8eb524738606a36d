// What suffers when the chosen node fails, within bounds, and along which way.

import type { ReactNode } from "react";
import type { ModelImpactView } from "../../wire/types/model-views.ts";
import { spanText } from "../text/instants.ts";
import { Foreign } from "../ui/Foreign.tsx";
import { Pair, Pairs, Panel } from "../ui/Panel.tsx";
import { Cell, Row, Table } from "../ui/Table.tsx";
import { intervalText, percentText } from "./node-text.ts";

export function ImpactPanel({ impact }: { readonly impact: ModelImpactView }): ReactNode {
  const { trafficShare, entries, services, unknown, isStale, staleS } = impact;
  return (
    <Panel title="When it fails" aside={<span>bounds hold nine times in ten</span>}>
      <Pairs>
        <Pair name="All traffic">{intervalText(trafficShare)} of all requests from outside fail</Pair>
        {isStale && (
          <Pair name="Telemetry">
            {staleS === null ? "there was none" : `is ${spanText(staleS * 1000)} old`}: that widens the bounds
          </Pair>
        )}
        {unknown.length > 0 && (
          <Pair name="Never measured">
            <Foreign text={unknown.join(", ")} />
          </Pair>
        )}
      </Pairs>
      <div className="mt-3 flex flex-col gap-3">
        {services.length === 0 && <p className="text-muted">No other service is known to need it.</p>}
        {services.length > 0 && (
          <Table label="Services that suffer" heads={["Service", "Fails", "Along"]}>
            {services.map(({ id, part, path }) => (
              <Row key={id}>
                <Cell>
                  <Foreign mono text={id} />
                </Cell>
                <Cell>{intervalText(part)}</Cell>
                <Cell muted>
                  <ol aria-label="The way to it">
                    {path.map((node, i) => (
                      <li key={`${i} ${node}`}>
                        {i > 0 && <span aria-hidden="true">→ </span>}
                        <Foreign mono text={node} />
                      </li>
                    ))}
                  </ol>
                </Cell>
              </Row>
            ))}
          </Table>
        )}
        {entries.length > 0 && (
          <Table label="Entries that suffer" heads={["Entry", "Of its requests get there", "Fails"]}>
            {entries.map(({ id, reaching, part }) => (
              <Row key={id}>
                <Cell>
                  <Foreign mono text={id} />
                </Cell>
                <Cell muted>{percentText(reaching)}</Cell>
                <Cell>{intervalText(part)}</Cell>
              </Row>
            ))}
          </Table>
        )}
        {impact.truncated && <p className="text-xs text-faint">There are more than are listed.</p>}
      </div>
    </Panel>
  );
}
