// Registered agents with what they may do, and whoever else has proposed lately.

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ActionView, AgentView } from "../../wire/types/views.ts";
import { actionsQuery, agentsQuery } from "../api/queries.ts";
import { WordBadge } from "../ui/Badge.tsx";
import { Foreign } from "../ui/Foreign.tsx";
import { Age } from "../ui/Instant.tsx";
import { Command, Empty, ErrorNote, Loading, Panel } from "../ui/Panel.tsx";

type Actor = {
  readonly id: string;
  readonly kind: string;
  readonly count: number;
  readonly held: number;
  readonly latest: number;
};

const LOOKED_AT = 200;

export function AgentList(): ReactNode {
  const agents = useQuery(agentsQuery({}));
  const actions = useQuery(actionsQuery({}, LOOKED_AT));
  const actors = actorsOf(actions.data?.items ?? []);
  const registered = agents.data?.items ?? [];
  const known = new Set(registered.map(({ id }) => id));
  const others = actors.filter(({ id }) => !known.has(id));
  return (
    <div className="mx-auto flex max-w-6xl flex-col gap-3.5 px-4 py-4 sm:px-6">
      <h1 className="text-lg font-semibold tracking-tight">Agents</h1>
      {agents.error !== null && <ErrorNote error={agents.error} />}
      {agents.data === undefined && agents.error === null && <Loading what="agents" />}
      {agents.data !== undefined && <Registered agents={registered} actors={actors} />}
      {others.length > 0 && <Others actors={others} />}
    </div>
  );
}

function Registered({
  agents,
  actors,
}: {
  readonly agents: readonly AgentView[];
  readonly actors: readonly Actor[];
}): ReactNode {
  if (agents.length === 0) {
    return (
      <Panel title="Registered">
        <Empty title="No agent is registered">
          An agent makes its keys and asks; somebody else approves it here: <Command>holdpoint agent init NAME</Command>
        </Empty>
      </Panel>
    );
  }
  return (
    <Panel flush title="Registered" aside={<span>{agents.length}</span>}>
      <table className="w-full text-left">
        <Heads names={["Agent", "Stands", "Owner", "May do", "Where", "A hour", "Last acted"]} />
        <tbody>
          {agents.map((agent) => (
            <AgentRow key={agent.id} agent={agent} actor={actors.find(({ id }) => id === agent.id)} />
          ))}
        </tbody>
      </table>
    </Panel>
  );
}

function AgentRow({ agent, actor }: { readonly agent: AgentView; readonly actor: Actor | undefined }): ReactNode {
  return (
    <tr className="border-t border-line align-top hover:bg-sunken">
      <td className="py-1.5 pr-3 pl-4 font-medium">
        <Link to="/agents/$id" params={{ id: agent.id }} className="hover:underline">
          <Foreign text={agent.id} />
        </Link>
      </td>
      <td className="px-3 py-1.5">
        <WordBadge word={agent.status} />
      </td>
      <td className="px-3 py-1.5 text-muted">
        <Foreign text={agent.owner} />
      </td>
      <td className="max-w-56 px-3 py-1.5 font-mono text-xs text-muted">
        <Foreign text={agent.kinds.join(", ")} />
      </td>
      <td className="max-w-56 px-3 py-1.5 text-muted">
        <Foreign text={`${agent.environments.join(", ")} / ${agent.services.join(", ")}`} />
      </td>
      <td className="px-3 py-1.5 text-muted">{agent.volumePerHour.toLocaleString("en")}</td>
      <td className="px-3 py-1.5 text-xs text-faint">{actor === undefined ? "—" : <Age ms={actor.latest} />}</td>
    </tr>
  );
}

function Others({ actors }: { readonly actors: readonly Actor[] }): ReactNode {
  return (
    <Panel flush title="Others who proposed lately" aside={<span>of the last {LOOKED_AT} actions</span>}>
      <table className="w-full text-left">
        <Heads names={["Identity", "Is", "Actions", "Waiting", "Last acted"]} />
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
    </Panel>
  );
}

function Heads({ names }: { readonly names: readonly string[] }): ReactNode {
  return (
    <thead className="text-2xs text-faint">
      <tr>
        {names.map((name) => (
          <th key={name} scope="col" className="px-3 py-2 font-medium first:pl-4">
            {name}
          </th>
        ))}
      </tr>
    </thead>
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
