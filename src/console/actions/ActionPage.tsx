// One action whole: what it is, how it was decided, what happened, and the proof of it.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ActionDocument } from "../api/documents.ts";
import { actionQuery } from "../api/queries.ts";
import { ReceiptPanel } from "../ledger/ReceiptPanel.tsx";
import { RightsChange } from "../people/RightsChange.tsx";
import { WordBadge } from "../ui/Badge.tsx";
import { buttonClass } from "../ui/Button.tsx";
import { Foreign, ForeignLines } from "../ui/Foreign.tsx";
import { Icon } from "../ui/Icons.tsx";
import { Command, ErrorNote, Loading, Panel } from "../ui/Panel.tsx";
import { useKeys } from "../ui/use-keys.ts";
import { ActionFacts } from "./ActionFacts.tsx";
import { BlastRadius } from "./BlastRadius.tsx";
import { CancelButton } from "./CancelButton.tsx";
import { Evidence } from "./Evidence.tsx";
import { Explained } from "./Explained.tsx";
import { Labels } from "./Labels.tsx";
import { Outcome } from "./Outcome.tsx";
import { PlanPanel } from "./PlanPanel.tsx";
import { Signatures } from "./Signatures.tsx";
import { Timeline } from "./Timeline.tsx";
import { Verdicts } from "./Verdicts.tsx";

export function ActionPage(): ReactNode {
  const { id } = useParams({ from: "/actions/$id" });
  const navigate = useNavigate();
  const { data, error } = useQuery(actionQuery(id));
  useKeys({ Escape: () => void navigate({ to: "/actions" }) });
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <Link to="/actions" className="mb-2 inline-flex items-center gap-1 text-xs text-muted hover:text-ink">
        <Icon name="back" /> Actions
      </Link>
      {error !== null && data === undefined && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="the action" />}
      {data !== undefined && <Whole action={data} />}
    </div>
  );
}

function Whole({ action }: { readonly action: ActionDocument }): ReactNode {
  return (
    <>
      <header className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-1.5">
        <h1 className="text-lg font-semibold tracking-tight">
          <Foreign text={action.kind} /> <span className="font-normal text-muted">on</span>{" "}
          <Foreign text={`${action.environment} / ${action.service}`} />
        </h1>
        <WordBadge word={action.status} />
        {action.code !== null && <span className="text-xs text-muted">{action.code}</span>}
        {action.status === "held" && (
          <Link to="/holds/$id" params={{ id: action.id }} className={`${buttonClass("plain", "sm")} ml-auto`}>
            Answer it
          </Link>
        )}
        <CancelButton action={action} />
        <p className="basis-full font-mono text-xs text-faint">{action.id}</p>
      </header>
      <div className="grid gap-3.5 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="flex min-w-0 flex-col gap-3.5">
          <ActionFacts action={action} />
          <RightsChange action={action} />
          <PlanPanel action={action} />
          <BlastRadius action={action} />
          <Verdicts action={action} />
        </div>
        <div className="flex min-w-0 flex-col gap-3.5">
          <Timeline entries={action.timeline} omitted={action.timelineOmitted} />
          <Labels action={action} />
          <Outcome action={action} />
          <Signatures action={action} />
          <Evidence action={action} />
          <Explained action={action} />
          <ReceiptPanel
            path={`/v1/actions/${encodeURIComponent(action.id)}/receipt`}
            mark={String(action.timeline.at(-1)?.seq ?? "")}
            about="the newest event of this action"
          />
          <Raw action={action} />
        </div>
      </div>
    </>
  );
}

function Raw({ action }: { readonly action: ActionDocument }): ReactNode {
  return (
    <Panel title="Elsewhere">
      <p className="text-muted">On the command line:</p>
      <p className="mt-1.5 flex flex-wrap gap-2">
        <Command>{`holdpoint describe action ${action.id}`}</Command>
        <Command>{`holdpoint explain ${action.id}`}</Command>
      </p>
      <details className="mt-3">
        <summary className="text-xs text-muted">The whole document as JSON</summary>
        <div className="mt-2 rounded-md border border-line bg-sunken px-3 py-2">
          <ForeignLines mono text={JSON.stringify(action, null, 2)} />
        </div>
      </details>
    </Panel>
  );
}
