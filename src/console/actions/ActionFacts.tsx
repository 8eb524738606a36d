// What an action is: what, where, who and why, in the words of whoever proposed it.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ActionDocument } from "../api/documents.ts";
import { Foreign, ForeignLines } from "../ui/Foreign.tsx";
import { Age, Instant } from "../ui/Instant.tsx";
import { Pair, Pairs, Panel } from "../ui/Panel.tsx";

export function ActionFacts({ action }: { readonly action: ActionDocument }): ReactNode {
  return (
    <Panel title="What is asked for" aside={<Age ms={action.proposedAt} />}>
      <Pairs>
        <Pair name="What">
          <Foreign text={action.kind} mono />
          {action.operand !== null && !action.operand.startsWith("{") && <Operand text={action.operand} />}
        </Pair>
        <Pair name="Where">
          <span className="font-medium">
            <Foreign text={action.environment} />
          </span>{" "}
          / <Foreign text={action.service} />
          {action.resource !== null && (
            <>
              {" · "}
              <Foreign text={action.resource} mono />
            </>
          )}
        </Pair>
        <Pair name="Who">
          <Link to="/agents/$id" params={{ id: action.agent }} className="hover:underline">
            <Foreign text={action.agent} />
          </Link>{" "}
          <span className="text-faint">({action.agentKind})</span>
          {action.person !== null && (
            <span className="text-muted">
              , answerable: <Foreign text={action.person} />
            </span>
          )}
        </Pair>
        <Pair name="Why">
          <Reason action={action} />
        </Pair>
        <Pair name="Proposed">
          <Instant ms={action.proposedAt} />
        </Pair>
        {action.endedAt !== null && (
          <Pair name="Ended">
            <Instant ms={action.endedAt} />
            {action.code !== null && <span className="text-muted"> · {action.code}</span>}
          </Pair>
        )}
        <Pair name="Undo">
          {action.reversible ? "It can be undone" : <span className="font-medium text-bad">It cannot be undone</span>}
        </Pair>
        {action.dryRun && <Pair name="Mode">Dry run: nothing was executed</Pair>}
      </Pairs>
    </Panel>
  );
}

/** What a kind of the kernel's own acts on, where that is one id; the plan shows the rest. */
function Operand({ text }: { readonly text: string }): ReactNode {
  return (
    <span className="mt-1 block text-xs text-muted">
      acts on <Foreign text={text} mono />
    </span>
  );
}

function Reason({ action }: { readonly action: ActionDocument }): ReactNode {
  const { content } = action;
  if (content === undefined) return <span className="text-faint">needs the scope payloads:read</span>;
  if (content.missing !== undefined) return <span className="text-faint">erased ({content.missing})</span>;
  if (typeof content.reason !== "string" || content.reason === "")
    return <span className="text-faint">no reason given</span>;
  return <ForeignLines text={content.reason} />;
}
