// What the proposal rests on: the classification, the incident and the run, and which model said so.

import type { ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import type { ActionContent, ActionDocument } from "../api/documents.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { ValueText } from "../ui/JsonText.tsx";
import { Pair, Pairs, Panel } from "../ui/Panel.tsx";

export function Evidence({ action }: { readonly action: ActionDocument }): ReactNode {
  const { classification, incident, run, duplicateOf, confidencePpm, content } = action;
  const [named, context] = [content?.evidence ?? [], content?.context];
  const rests = [classification, incident, run, duplicateOf, confidencePpm];
  if (rests.every((one) => one === null) && named.length === 0 && context === undefined) return null;
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
        {confidencePpm !== null && (
          <Pair name="Confidence">{(confidencePpm / 1_000_000).toFixed(2)}, as whoever proposed it says</Pair>
        )}
        {named.length > 0 && <RestsOn named={named} />}
        <Pair name="Correlation">
          <span className="font-mono text-xs">{action.correlationId}</span>
        </Pair>
      </Pairs>
      {context !== undefined && (
        <details className="mt-3">
          <summary className="text-xs text-muted">What it was thought out from, as the agent tells it</summary>
          <div className="mt-2">
            <ValueText value={context} />
          </div>
        </details>
      )}
    </Panel>
  );
}

function RestsOn({ named }: { readonly named: NonNullable<ActionContent["evidence"]> }): ReactNode {
  return (
    <Pair name="Rests on">
      <ul aria-label="What it rests on">
        {named.map(({ kind, id }) => (
          <li key={id}>
            {kind} <Named kind={kind} id={id} />
          </li>
        ))}
      </ul>
    </Pair>
  );
}

function Named({ kind, id }: NonNullable<ActionContent["evidence"]>[number]): ReactNode {
  const look = "font-mono text-xs text-accent hover:underline";
  if (kind === "incident")
    return (
      <Link to="/incidents/$id" params={{ id }} className={look}>
        {id}
      </Link>
    );
  if (kind === "action")
    return (
      <Link to="/actions/$id" params={{ id }} className={look}>
        {id}
      </Link>
    );
  return <Subject id={id} />;
}

/** Its events in the ledger. */
function Subject({ id }: { readonly id: string }): ReactNode {
  return (
    <Link to="/ledger" search={{ subject: id }} className="font-mono text-xs text-accent hover:underline">
      {id}
    </Link>
  );
}
