// One agent: what it has proposed, and what became of that.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { ActionTable } from "../actions/ActionList.tsx";
import { actionsQuery } from "../api/queries.ts";
import { Foreign } from "../ui/Foreign.tsx";
import { Icon } from "../ui/Icons.tsx";
import { Empty, ErrorNote, Loading } from "../ui/Panel.tsx";
import { useKeys } from "../ui/use-keys.ts";

export function AgentPage(): ReactNode {
  const { id } = useParams({ from: "/agents/$id" });
  const navigate = useNavigate();
  const { data, error } = useQuery(actionsQuery({ agent: id }));
  useKeys({ Escape: () => void navigate({ to: "/agents" }) });
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <Link to="/agents" className="mb-2 inline-flex items-center gap-1 text-xs text-muted hover:text-ink">
        <Icon name="back" /> Agents
      </Link>
      <h1 className="mb-3 text-lg font-semibold tracking-tight">
        <Foreign text={id} />
      </h1>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="its actions" />}
      {data !== undefined && data.items.length === 0 && <Empty title="It has proposed nothing" />}
      {data !== undefined && data.items.length > 0 && <ActionTable items={data.items} />}
    </div>
  );
}
