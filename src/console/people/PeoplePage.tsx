// People and groups: which roles each has now, and the action that gave them.

import { useQuery } from "@tanstack/react-query";
import { Link, useRouteContext, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { OWNER_ROLE, type PersonView } from "../../wire/types/rights.ts";
import { peopleQuery } from "../api/queries.ts";
import { Badge, WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Age } from "../ui/Instant.tsx";
import { Command, Empty, ErrorNote, Loading } from "../ui/Panel.tsx";
import { Cell, Row, Table } from "../ui/Table.tsx";
import { Tabs } from "../ui/Tabs.tsx";
import { RevokePerson } from "./RevokePerson.tsx";

const CHOICES = [
  ["active", "Active"],
  ["inactive", "Inactive"],
  ["revoked", "Revoked"],
  [undefined, "All"],
] as const;

export function PeoplePage(): ReactNode {
  const { status } = useSearch({ from: "/people" });
  const { data, error } = useQuery(peopleQuery({ status }));
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <header className="mb-3 flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">People</h1>
        <Tabs label="Which people" to="/people" choices={CHOICES} chosen={status} />
      </header>
      <p className="mb-3 text-xs text-muted">
        <Command>holdpoint person init NAME --role ROLE</Command> makes the request, and somebody else approves it.
      </p>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="people" />}
      {data?.items.length === 0 && <Empty title="Nobody stands so" />}
      {data !== undefined && data.items.length > 0 && (
        <Table label="People and groups" heads={["Who", "Stands", "Roles", "Scopes", "Keys", "Registered", ""]}>
          {data.items.map((one) => (
            <PersonRow key={one.id} one={one} />
          ))}
        </Table>
      )}
    </div>
  );
}

function PersonRow({ one }: { readonly one: PersonView }): ReactNode {
  const { session } = useRouteContext({ from: "__root__" });
  const { id, kind, status, person, name, issuer, roles, scopes, keys } = one;
  const mayRevoke = session.scopes.includes("people:revoke") || session.identity === id;
  return (
    <Row>
      <Cell>
        <span className="font-medium">
          <Foreign text={kind === "group" ? `group ${name ?? id}` : id} />
        </span>
        <span className="block text-2xs text-faint">
          <Foreign text={kind === "group" ? (issuer ?? "") : `the person ${person ?? ""}`} />
        </span>
      </Cell>
      <Cell>
        <WordBadge word={status} />
      </Cell>
      <Cell>
        <span className="flex flex-wrap gap-1">
          {roles.map((role) => (
            <Badge key={role} tone={role === OWNER_ROLE ? "info" : "plain"}>
              {role}
            </Badge>
          ))}
        </span>
      </Cell>
      <Cell muted>
        <details>
          <summary>{scopes.length}</summary>
          <span className="font-mono text-2xs">
            <Foreign text={scopes.join(", ")} />
          </span>
        </details>
      </Cell>
      <Cell muted>{kind === "group" ? "—" : keys.length}</Cell>
      <Cell muted>
        <Registered registered={one.registered} />
      </Cell>
      <Cell>{mayRevoke && status !== "revoked" && one.registered !== null && <RevokePerson one={one} />}</Cell>
    </Row>
  );
}

function Registered({ registered }: Pick<PersonView, "registered">): ReactNode {
  if (registered === null) return "by their groups";
  const { action, givenAt } = registered;
  return (
    <>
      <Age ms={givenAt} />{" "}
      {action === null ? (
        "with the installation"
      ) : (
        <Link to="/actions/$id" params={{ id: action }} className="font-mono text-2xs hover:underline">
          {action}
        </Link>
      )}
    </>
  );
}
