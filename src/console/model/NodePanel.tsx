// The chosen node: how it is known, what was measured and declared of it, and what was changed.

import type { ReactNode } from "react";
import type { Contract } from "../../wire/types/model.ts";
import type { ModelNodeHistoryView } from "../../wire/types/model-views.ts";
import { Foreign } from "../ui/Foreign.tsx";
import { Instant } from "../ui/Instant.tsx";
import { Pair, Pairs, Panel } from "../ui/Panel.tsx";
import { Changes } from "./DiffPanel.tsx";
import { measuredText, partsOf, percentText, STATE_SIGNS } from "./node-text.ts";

const CHANGES_MAX = 20;

export function NodePanel({ document }: { readonly document: ModelNodeHistoryView }): ReactNode {
  const { id, node, changes, history } = document;
  const { kind, environment } = partsOf(id);
  return (
    <Panel title="The node" aside={<span>{history.length} versions known</span>}>
      <Pairs>
        <Pair name="Node">
          <Foreign mono text={id} />
        </Pair>
        <Pair name="Kind">
          {kind}
          {environment === "" ? (
            ", the same everywhere"
          ) : (
            <>
              , <Foreign text={environment} />
            </>
          )}
        </Pair>
        {node === null ? (
          <Pair name="State">not there at this moment</Pair>
        ) : (
          <Pair name="State">
            {STATE_SIGNS[node.state]} {node.state} since <Instant ms={node.since} />
          </Pair>
        )}
        {node?.observed != null && (
          <Pair name="Measured">
            {measuredText(node.observed)}; {percentText(node.observed.share)} of all requests from outside get there
          </Pair>
        )}
        {node?.declared != null && (
          <Pair name="Declared">
            <Foreign
              text={[
                ...Object.entries(node.declared.attributes).map(([name, value]) => `${name}: ${value}`),
                ...node.declared.contracts.map(contractText),
              ].join(" · ")}
            />
          </Pair>
        )}
      </Pairs>
      {changes.length > 0 && (
        <>
          <h3 className="mt-3 mb-1 text-xs font-semibold">Changes made to it</h3>
          <Changes changes={changes.slice(0, CHANGES_MAX)} />
        </>
      )}
    </Panel>
  );
}

function contractText({ kind, ...terms }: Contract): string {
  const given = Object.entries(terms).filter(([, value]) => value !== null);
  return `${kind} ${given.map(([name, value]) => `${name} ${String(value)}`).join(", ")}`;
}
