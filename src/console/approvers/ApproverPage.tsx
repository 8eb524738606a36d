// One person's way to decide, with their latest decisions.

import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ApproverView } from "../../wire/types/approver-views.ts";
import { approverQuery } from "../api/queries.ts";
import { spanText } from "../text/instants.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Instant } from "../ui/Instant.tsx";
import { ErrorNote, Loading, Pair, Pairs, Panel } from "../ui/Panel.tsx";
import { Cell, Row, Table } from "../ui/Table.tsx";
import { Flags } from "./Flags.tsx";

export function ApproverPage(): ReactNode {
  const { person } = useParams({ from: "/approvers/$person" });
  const { data, error } = useQuery(approverQuery(person));
  return (
    <div className="mx-auto flex max-w-4xl flex-col gap-3.5 px-4 py-4 sm:px-6">
      <Link to="/approvers" className="text-xs text-muted hover:text-ink">
        ← Approvers
      </Link>
      <h1 className="text-lg font-semibold tracking-tight">
        <Foreign text={person} />
      </h1>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="decisions" />}
      {data !== undefined && <Measured approver={data} />}
      {data !== undefined && <Recent approver={data} />}
    </div>
  );
}

function Measured({ approver }: { readonly approver: ApproverView }): ReactNode {
  const { decisions, approvals, denials, measured, approvalRate, medianMs, fastestMs, hurried, lastBurst } = approver;
  return (
    <Panel title="How they decide" aside={<Flags of={approver} />}>
      <Pairs>
        <Pair name="Of all time">
          {decisions} decisions: {approvals} approvals, {denials} denials
        </Pair>
        <Pair name={`Of the last ${measured}`}>
          {Math.round(approvalRate * 100)} % approved; half within {spanText(medianMs)}, the fastest in{" "}
          {spanText(fastestMs)}
        </Pair>
        <Pair name="Hurried">{hurried} decided in less time than it takes to read what is asked</Pair>
        <Pair name="Last burst">
          {lastBurst === null ? (
            "none"
          ) : (
            <>
              {lastBurst.approvals} approvals within {spanText(lastBurst.until - lastBurst.from)}, until{" "}
              <Instant ms={lastBurst.until} />
            </>
          )}
        </Pair>
      </Pairs>
    </Panel>
  );
}

function Recent({ approver }: { readonly approver: ApproverView }): ReactNode {
  return (
    <Table label="Latest decisions" heads={["Decision", "Action", "After", "When"]}>
      {approver.recent.toReversed().map(({ action, decision, at, afterMs }) => (
        <Row key={`${action} ${at}`}>
          <Cell>
            <WordBadge word={decision} />
          </Cell>
          <Cell>
            <Link to="/actions/$id" params={{ id: action }} className="font-mono text-xs hover:underline">
              {action}
            </Link>
          </Cell>
          <Cell>{spanText(afterMs)}</Cell>
          <Cell muted>
            <Instant ms={at} />
          </Cell>
        </Row>
      ))}
    </Table>
  );
}
