// What the proposal rests on: the classification, the incident and the run, and which model said so.

import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import type { ActionDocument } from "../api/documents.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Pair, Pairs, Panel } from "../ui/Panel.tsx";

export function Evidence({ action }: { readonly action: ActionDocument }): ReactNode {
  const { classification, incident, run, duplicateOf } = action;
  if (classification === null && incident === null && run === null && duplicateOf === null) return null;
  return (
    <Panel title="Evidence">
      <Pairs>
        {classification !== null && (
          <Pair name="Classified">
            <WordBadge word={classification.severity} />{" "}
            <span className="text-muted">
              confidence {(classification.confidencePpm / 1_000_000).toFixed(2)}, team{" "}
              <Foreign text={classification.team} />
            </span>
          </Pair>
        )}
        {incident !== null && (
          <Pair name="Incident">
            <Link
              to="/incidents/$id"
              params={{ id: incident }}
              className="font-mono text-xs text-accent hover:underline"
            >
              {incident}
            </Link>
          </Pair>
        )}
        {run !== null && (
          <Pair name="Triage run">
            <Subject id={run} />
          </Pair>
        )}
        {duplicateOf !== null && (
          <Pair name="Repeats">
            <Link
              to="/actions/$id"
              params={{ id: duplicateOf }}
              className="font-mono text-xs text-accent hover:underline"
            >
              {duplicateOf}
            </Link>
          </Pair>
        )}
        <Pair name="Correlation">
          <span className="font-mono text-xs">{action.correlationId}</span>
        </Pair>
      </Pairs>
    </Panel>
  );
}

/** Its events in the ledger. */
function Subject({ id }: { readonly id: string }): ReactNode {
  return (
    <Link to="/ledger" search={{ subject: id }} className="font-mono text-xs text-accent hover:underline">
      {id}
    </Link>
  );
}
