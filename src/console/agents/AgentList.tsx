// Who proposes: the agents that acted lately, with what became of it.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ActionView } from "../../wire/types/views.ts";
import { actionsQuery } from "../api/queries.ts";
import { Foreign } from "../ui/Foreign.tsx";
import { Age } from "../ui/Instant.tsx";
import { Empty, ErrorNote, Loading } from "../ui/Panel.tsx";

type Actor = {
  readonly id: string;
  readonly kind: string;
  readonly count: number;
  readonly held: number;
  readonly latest: number;
};

const LOOKED_AT = 200;

export function AgentList(): ReactNode {
  const { data, error } = useQuery(actionsQuery({}, LOOKED_AT));
  const actors = actorsOf(data?.items ?? []);
  return (
    <div className="mx-auto max-w-6xl px-4 py-4 sm:px-6">
      <h1 className="mb-3 text-lg font-semibold tracking-tight">Agents</h1>
      {error !== null && <ErrorNote error={error} />}
      {data === undefined && error === null && <Loading what="agents" />}
      {data !== undefined && actors.length === 0 && <Empty title="Nobody has proposed anything yet" />}
      {actors.length > 0 && (
        <div className="overflow-x-auto rounded-lg border border-line bg-surface">
          <table className="w-full text-left">
            <thead className="text-2xs text-faint">
              <tr>
                {["Identity", "Is", "Of the last actions", "Waiting", "Last acted"].map((name) => (
                  <th key={name} scope="col" className="px-3 py-2 font-medium first:pl-4">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {actors.map((actor) => (
                <tr key={actor.id} className="border-t border-line hover:bg-sunken">
                  <td className="py-1.5 pr-3 pl-4 font-medium">
                    <Link to="/agents/$id" params={{ id: actor.id }} className="hover:underline">
                      <Foreign text={actor.id} />
                    </Link>
                  </td>
                  <td className="px-3 py-1.5 text-muted">{actor.kind}</td>
                  <td className="px-3 py-1.5">{actor.count}</td>
                  <td className="px-3 py-1.5">{actor.held === 0 ? "—" : actor.held}</td>
                  <td className="px-3 py-1.5 text-xs text-faint">
                    <Age ms={actor.latest} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

function actorsOf(actions: readonly ActionView[]): readonly Actor[] {
  const actors = new Map<string, Actor>();
  for (const { agent, agentKind, status, updatedAt } of actions) {
    const before = actors.get(agent) ?? { id: agent, kind: agentKind, count: 0, held: 0, latest: 0 };
    const held = before.held + (status === "held" ? 1 : 0);
    actors.set(agent, { ...before, count: before.count + 1, held, latest: Math.max(before.latest, updatedAt) });
  }
  return [...actors.values()].toSorted((a, b) => b.latest - a.latest);
}
