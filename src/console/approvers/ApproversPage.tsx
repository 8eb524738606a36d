// How people answer: how long they take, how often they say yes, and what looks like rubber-stamping.

import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ApproverView } from "../../wire/types/approver-views.ts";
import { approversQuery } from "../api/queries.ts";
import { spanText } from "../text/instants.ts";
import { Badge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Age } from "../ui/Instant.tsx";
import { Empty, ErrorNote, Loading } from "../ui/Panel.tsx";
import { Cell, Row, Table } from "../ui/Table.tsx";
import { Tabs } from "../ui/Tabs.tsx";
import { Flags } from "./Flags.tsx";

const CHOICES = [
  [undefined, "All"],
  ["flagged", "Flagged"],
] as const;

export function ApproversPage(): ReactNode {
  const { status } = useSearch({ from: "/approvers/" });
  const { data, error } = useQuery(approversQuery({ status }));
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <header className="mb-3 flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">Approvers</h1>
        <Tabs label="Which approvers" to="/approvers" choices={CHOICES} chosen={status} />
      </header>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="approvers" />}
      {data?.items.length === 0 && (
        <Empty title={status === undefined ? "Nobody has decided anything yet" : "Nobody is flagged"}>
          Of each person's last hundred decisions: how long they took, how many were approvals, and how many came faster
          than what was asked can be read.
        </Empty>
      )}
      {data !== undefined && data.items.length > 0 && (
        <Table
          label="People who answer holds"
          heads={["Person", "Looks", "Decisions", "Approved", "Median", "Fastest", "Hurried", "Bursts", "Last"]}
        >
          {data.items.map((approver) => (
            <ApproverRow key={approver.id} approver={approver} />
          ))}
        </Table>
      )}
    </div>
  );
}

function ApproverRow({ approver }: { readonly approver: Omit<ApproverView, "recent"> }): ReactNode {
  const { id, decisions, approvalRate, medianMs, fastestMs, hurried, bursts, lastAt } = approver;
  return (
    <Row>
      <Cell>
        <Link to="/approvers/$person" params={{ person: id }} className="font-medium hover:underline">
          <Foreign text={id} />
        </Link>
      </Cell>
      <Cell>
        <Flags of={approver} />
      </Cell>
      <Cell>{decisions}</Cell>
      <Cell>{Math.round(approvalRate * 100)} %</Cell>
      <Cell>{spanText(medianMs)}</Cell>
      <Cell>{spanText(fastestMs)}</Cell>
      <Cell>{hurried === 0 ? 0 : <Badge tone="warn">{hurried}</Badge>}</Cell>
      <Cell>{bursts === 0 ? 0 : <Badge tone="warn">{bursts}</Badge>}</Cell>
      <Cell muted>
        <Age ms={lastAt} />
      </Cell>
    </Row>
  );
}
