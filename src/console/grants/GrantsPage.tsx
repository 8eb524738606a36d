// Grants: what may be done outside right now, under which plan and until when, and how the earlier ones ended.

import { useQuery } from "@tanstack/react-query";
import { Link, useRouteContext, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { GrantView } from "../../wire/types/grant-views.ts";
import { mayPropose } from "../api/may-propose.ts";
import { grantsQuery } from "../api/queries.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Age, Countdown } from "../ui/Instant.tsx";
import { Empty, ErrorNote, Loading } from "../ui/Panel.tsx";
import { Cell, Row, Table } from "../ui/Table.tsx";
import { Tabs } from "../ui/Tabs.tsx";
import { AskForGrant } from "./AskForGrant.tsx";
import { RevokeGrant } from "./RevokeGrant.tsx";

const CHOICES = [
  ["active", "In force"],
  ["used", "Used"],
  ["revoked", "Revoked"],
  ["expired", "Expired"],
  [undefined, "All"],
] as const;

export function GrantsPage(): ReactNode {
  const { status } = useSearch({ from: "/grants" });
  const { session } = useRouteContext({ from: "__root__" });
  const { data, error } = useQuery(grantsQuery({ status }));
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <header className="mb-3 flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">Grants</h1>
        {mayPropose(session, "grant.create") && <AskForGrant />}
        <Tabs label="Which grants" to="/grants" choices={CHOICES} chosen={status} />
      </header>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="grants" />}
      {data?.items.length === 0 && (
        <Empty title="No such grant">
          Executors do nothing without one. A grant is for one plan, lives for minutes, and ends by itself; a bounded
          one is for so many actions that nobody need be asked about one by one.
        </Empty>
      )}
      {data !== undefined && data.items.length > 0 && (
        <Table label="Grants" heads={["Grant", "For", "Where", "Agent", "Stands", "Ends", ""]}>
          {data.items.map((grant) => (
            <GrantRow key={grant.id} grant={grant} />
          ))}
        </Table>
      )}
    </div>
  );
}

/** Of one plan, or of so many actions: how many and how much of that is used. */
function boundsText({ planHash, terms }: GrantView): string {
  if (terms === null) return `plan ${(planHash ?? "").slice(0, 12)}`;
  const size = terms.size === null ? "" : `, size ${terms.usedSize} of ${terms.size}`;
  return `route ${terms.route}: ${terms.usedCount} of ${terms.count} used${size}`;
}

function placeText({ environment, service, resource, terms }: GrantView): string {
  if (terms !== null) return `${terms.environments.join(", ")} / ${terms.services?.join(", ") ?? "any service"}`;
  return `${environment} / ${service}${resource === null ? "" : ` / ${resource}`}`;
}

function GrantRow({ grant }: { readonly grant: GrantView }): ReactNode {
  const { session } = useRouteContext({ from: "__root__" });
  return (
    <Row>
      <Cell>
        <span className="font-mono text-xs">{grant.id}</span>
        <span className="block font-mono text-2xs text-faint">{boundsText(grant)}</span>
      </Cell>
      <Cell>
        <Link to="/actions/$id" params={{ id: grant.action }} className="font-medium hover:underline">
          <Foreign text={grant.terms?.kinds.join(", ") ?? grant.kind} />
        </Link>
        <span className="block font-mono text-2xs text-faint">{grant.action}</span>
      </Cell>
      <Cell muted>
        <Foreign text={placeText(grant)} />
      </Cell>
      <Cell muted>
        <Foreign text={grant.agent} />
      </Cell>
      <Cell>
        <WordBadge word={grant.status} />
        {grant.covers === "plan" && <span className="block text-2xs text-faint">action {grant.outcome}</span>}
      </Cell>
      <Cell>
        {grant.status === "active" ? (
          <Countdown until={grant.expiresAt} />
        ) : (
          <Age ms={grant.endedAt ?? grant.expiresAt} />
        )}
        {grant.revokedBy !== null && (
          <span className="block text-2xs text-faint">
            by <Foreign text={grant.revokedBy} />
          </span>
        )}
      </Cell>
      <Cell>
        {grant.status === "active" && session.scopes.includes("actions:cancel") && <RevokeGrant grant={grant} />}
      </Cell>
    </Row>
  );
}
