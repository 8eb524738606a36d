// Levels of agents: which agent may go how far by itself, for which kinds and where, until when, and who said so.

import { useQuery } from "@tanstack/react-query";
import { Link, useRouteContext, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { LevelView } from "../../wire/types/grant-views.ts";
import { levelsQuery } from "../api/queries.ts";
import { Badge, WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Age, Countdown } from "../ui/Instant.tsx";
import { Empty, ErrorNote, Loading } from "../ui/Panel.tsx";
import { Cell, Row, Table } from "../ui/Table.tsx";
import { Tabs } from "../ui/Tabs.tsx";
import { GrantLevel } from "./GrantLevel.tsx";
import { LEVEL_NAMES } from "./level-names.ts";
import { mayPropose } from "../api/may-propose.ts";
import { RevokeLevel } from "./RevokeLevel.tsx";

const CHOICES = [
  ["active", "In force"],
  ["expired", "Expired"],
  ["revoked", "Revoked"],
  [undefined, "All"],
] as const;

export function LevelsPage(): ReactNode {
  const { status, agent } = useSearch({ from: "/levels" });
  const { session } = useRouteContext({ from: "__root__" });
  const { data, error } = useQuery(levelsQuery({ status, agent }));
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <header className="mb-3 flex flex-wrap items-center gap-3">
        <h1 className="text-lg font-semibold tracking-tight">Levels</h1>
        {mayPropose(session, "level.grant") && <GrantLevel />}
        <Tabs label="Which levels" to="/levels" choices={CHOICES} chosen={status} />
      </header>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="levels" />}
      {data?.items.length === 0 && (
        <Empty title="No level stands here">
          An agent without a level gives advice only: nothing that it proposes runs. A level is asked for, approved by
          an owner, and ends by itself.
        </Empty>
      )}
      {data !== undefined && data.items.length > 0 && <Levels items={data.items} />}
    </div>
  );
}

function Levels({ items }: { readonly items: readonly LevelView[] }): ReactNode {
  const { session } = useRouteContext({ from: "__root__" });
  const mayRevoke = mayPropose(session, "level.revoke");
  return (
    <Table label="Grants of level" heads={["Agent", "Level", "For", "Where", "Stands", "Ends", "Granted by", ""]}>
      {items.map((level) => (
        <Row key={level.id}>
          <Cell>
            <Link to="/agents/$id" params={{ id: level.agent }} className="font-medium hover:underline">
              <Foreign text={level.agent} />
            </Link>
            <span className="block font-mono text-2xs text-faint">{level.id}</span>
          </Cell>
          <Cell>
            <Badge tone={level.level >= 2 ? "warn" : "info"}>{level.level}</Badge>{" "}
            <span className="text-xs whitespace-nowrap text-muted">{LEVEL_NAMES[level.level]}</span>
          </Cell>
          <Cell>
            <Foreign mono text={level.kinds.join(" ")} />
          </Cell>
          <Cell muted>
            <Foreign text={placesText(level)} />
          </Cell>
          <Cell>
            <WordBadge word={level.status} />
          </Cell>
          <Cell>{level.status === "active" ? <Countdown until={level.expiresAt} /> : <Ended level={level} />}</Cell>
          <Cell>
            <Link to="/actions/$id" params={{ id: level.action }} className="font-mono text-2xs hover:underline">
              {level.action}
            </Link>
          </Cell>
          <Cell>{mayRevoke && level.status === "active" && <RevokeLevel level={level} />}</Cell>
        </Row>
      ))}
    </Table>
  );
}

function Ended({ level }: { readonly level: LevelView }): ReactNode {
  if (level.endedAt === null) return null;
  return (
    <span className="text-xs text-faint">
      <Age ms={level.endedAt} />
      {level.revokeAction !== null && (
        <>
          {" by "}
          <Link to="/actions/$id" params={{ id: level.revokeAction }} className="font-mono hover:underline">
            {level.revokeAction}
          </Link>
        </>
      )}
    </span>
  );
}

function placesText({ environments, services }: LevelView): string {
  return `${environments?.join(", ") ?? "any environment"} / ${services?.join(", ") ?? "any service"}`;
}
