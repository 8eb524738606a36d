// One agent: what it was registered for and by whom, and what it has proposed.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useRouteContext } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { ActionTable } from "../actions/ActionList.tsx";
import { actionsQuery, agentQuery } from "../api/queries.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Icon } from "../ui/Icons.tsx";
import { Empty, ErrorNote, Loading } from "../ui/Panel.tsx";
import { useKeys } from "../ui/use-keys.ts";
import { Registration } from "./Registration.tsx";
import { RevokeButton } from "./RevokeButton.tsx";

export function AgentPage(): ReactNode {
  const { id } = useParams({ from: "/agents/$id" });
  const { session } = useRouteContext({ from: "__root__" });
  const navigate = useNavigate();
  const agent = useQuery(agentQuery(id));
  useKeys({ Escape: () => void navigate({ to: "/agents" }) });
  const mayRevoke = session.scopes.includes("agents:revoke") && agent.data?.status === "active";
  return (
    <div className="mx-auto flex max-w-6xl flex-col gap-3.5 px-4 py-4 sm:px-6">
      <header>
        <Link to="/agents" className="mb-2 inline-flex items-center gap-1 text-xs text-muted hover:text-ink">
          <Icon name="back" /> Agents
        </Link>
        <div className="flex flex-wrap items-center gap-3">
          <h1 className="text-lg font-semibold tracking-tight">
            <Foreign text={id} />
          </h1>
          {agent.data != null && <WordBadge word={agent.data.status} />}
          {mayRevoke && <RevokeButton id={id} />}
        </div>
      </header>
      {agent.error !== null && <ErrorNote error={agent.error} />}
      {agent.data != null && <Registration agent={agent.data} />}
      <Proposed id={id} />
    </div>
  );
}

function Proposed({ id }: { readonly id: string }): ReactNode {
  const { data, error } = useQuery(actionsQuery({ agent: id }));
  return (
    <section aria-label="What it proposed">
      <h2 className="mb-2 text-xs font-semibold">What it proposed</h2>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="its actions" />}
      {data !== undefined && data.items.length === 0 && <Empty title="It has proposed nothing" />}
      {data !== undefined && data.items.length > 0 && <ActionTable items={data.items} />}
    </section>
  );
}
