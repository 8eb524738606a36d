// What an action is: what, where, who and why, in the words of whoever proposed it.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { PlanRisk } from "../../wire/types/risk.ts";
import type { ActionDocument } from "../api/documents.ts";
import { undoneWhen } from "../text/undo-words.ts";
import { Badge } from "../ui/Badge.tsx";
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
          {action.actsFor.length > 0 && (
            <span className="block text-muted">
              for <Foreign text={action.actsFor.join(", for ")} />
            </span>
          )}
        </Pair>
        {action.signed !== null && (
          <Pair name="Signed">
            <Signed signed={action.signed} />
          </Pair>
        )}
        <Pair name="Why">
          <Reason action={action} />
        </Pair>
        <Pair name="Proposed">
          <Instant ms={action.proposedAt} />
        </Pair>
        <When action={action} />
        {action.endedAt !== null && (
          <Pair name="Ended">
            <Instant ms={action.endedAt} />
            {action.code !== null && <span className="text-muted"> · {action.code}</span>}
          </Pair>
        )}
        <Problem detail={action.content?.detail} />
        <Risks action={action} />
        <Pair name="Undo">
          <Undo action={action} />
        </Pair>
        {action.would !== null && (
          <Pair name="Mode">
            Advice only: the agent's level does not let it act. Policy alone would {WOULD[action.would]}.
          </Pair>
        )}
        {action.dryRun && <Pair name="Mode">Dry run: nothing was executed</Pair>}
      </Pairs>
    </Panel>
  );
}

/** What is wrong with its arguments. */
function Problem({ detail }: { readonly detail: string | undefined }): ReactNode {
  if (detail === undefined) return null;
  return (
    <Pair name="Because">
      <Foreign text={detail} />
    </Pair>
  );
}

/** What its kind bears on, and what was found in its plan. */
function Risks({ action: { domains, findings } }: { readonly action: ActionDocument }): ReactNode {
  return (
    <>
      {domains.length > 0 && <Pair name="Bears on">{domains.join(", ")}</Pair>}
      {findings !== null && (
        <Pair name="Puts at risk">
          <span className="flex flex-wrap gap-1.5">
            {findings.risks.map((risk) => (
              <Badge key={risk} tone="warn">
                {RISK_WORDS[risk]}
                {risk === "regulated" && findings.tags.length > 0 && ` (${findings.tags.join(", ")})`}
              </Badge>
            ))}
          </span>
        </Pair>
      )}
    </>
  );
}

const RISK_WORDS: Readonly<Record<PlanRisk, string>> = {
  drift: "drift from what Git or a tool declares",
  "slo-headroom": "little error budget left",
  "privilege-widening": "widens privileges",
  "data-exposure": "exposes data",
  regulated: "regulated",
  unseen: "the plan does not show all of it",
};

/** Whoever approves the plan approves what takes it back with it. */
function Undo({ action }: { readonly action: ActionDocument }): ReactNode {
  const { reversible, undoneBy, undoDomains } = action;
  if (!reversible) return <span className="font-medium text-bad">It cannot be undone</span>;
  if (undoneBy === null) return "It can be undone";
  return (
    <>
      By <Foreign text={undoneBy} mono />
      {undoDomains.length > 0 && `, which bears on ${undoDomains.join(", ")}`}
      <span className="block text-xs text-muted">{undoneWhen(action.timeline)}</span>
    </>
  );
}

/** What it waits for beside people. */
function When({ action: { window, waiting } }: { readonly action: ActionDocument }): ReactNode {
  return (
    <>
      {window !== null && (
        <Pair name="May begin">
          {window.notBefore !== undefined && (
            <>
              from <Instant ms={window.notBefore} />{" "}
            </>
          )}
          until <Instant ms={window.notAfter} />
        </Pair>
      )}
      {waiting !== null && (
        <Pair name="Waits">
          {waitsText(waiting)}, until <Instant ms={waiting.until} />
        </Pair>
      )}
    </>
  );
}

function waitsText({ code, behind, because }: NonNullable<ActionDocument["waiting"]>): string {
  if (code === "window") return "for its window";
  if (code === "conflict") return `for ${behind.join(", ")} to end`;
  return `for what has to come from outside${because === undefined ? "" : ` (${because})`}`;
}

const WOULD = { allow: "let it run", hold: "ask people" } as const;

function Signed({ signed }: { readonly signed: NonNullable<ActionDocument["signed"]> }): ReactNode {
  const { provider, name, version } = signed.model;
  return (
    <>
      model <Foreign text={`${provider}/${name}@${version}`} />
      <span
        className="block font-mono text-2xs text-faint"
        title={`Key thumbprint ${signed.key}, SHA-256 of the prompt ${signed.promptHash}`}
      >
        key {signed.key.slice(0, 12)}…, prompt {signed.promptHash.slice(0, 12)}…
      </span>
    </>
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
