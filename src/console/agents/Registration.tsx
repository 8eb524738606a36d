// What an agent was registered for: everything that an approver saw of it.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { AgentDocument } from "../api/documents.ts";
import { Foreign, ForeignLines } from "../ui/Foreign.tsx";
import { Instant } from "../ui/Instant.tsx";
import { Pair, Pairs, Panel } from "../ui/Panel.tsx";

export function Registration({ agent }: { readonly agent: AgentDocument }): ReactNode {
  const many = agent.registrations === 1 ? "" : `${agent.registrations} times, the last one`;
  return (
    <Panel title="Registration" aside={<span>{many}</span>}>
      <div className="grid gap-x-8 gap-y-1.5 lg:grid-cols-2">
        <Pairs>
          <Pair name="Owner">
            <Foreign text={agent.owner} />
          </Pair>
          <Pair name="Purpose">
            {agent.purpose === null ? (
              <span className="text-faint">erased</span>
            ) : (
              <ForeignLines text={agent.purpose} />
            )}
          </Pair>
          <Pair name="Approved by">
            <Foreign text={agent.approvedBy} />{" "}
            <Link
              to="/actions/$id"
              params={{ id: agent.action }}
              className="font-mono text-xs text-accent hover:underline"
            >
              {agent.action}
            </Link>
          </Pair>
          <Pair name="Since">
            <Instant ms={agent.registeredAt} />
          </Pair>
          {agent.revokedAt !== null && (
            <Pair name="Revoked">
              <Instant ms={agent.revokedAt} /> <span className="text-muted">by</span>{" "}
              <Foreign text={agent.revokedBy ?? ""} />
            </Pair>
          )}
          {agent.parents.length > 0 && (
            <Pair name="Below">
              <Words list={agent.parents} />
            </Pair>
          )}
        </Pairs>
        <Pairs>
          <Pair name="May do">
            <Words list={agent.kinds} />
          </Pair>
          <Pair name="Where">
            <Words list={agent.environments} /> / <Words list={agent.services} />
          </Pair>
          <Pair name="At most">{agent.volumePerHour.toLocaleString("en")} an hour</Pair>
          <Pair name="Models">
            <Words list={agent.models.map(({ provider, name }) => `${provider} ${name}`)} />
          </Pair>
          <Pair name="Reads">
            <Words list={agent.reads.map(({ source, classes }) => `${source} (${classes.join(", ")})`)} />
          </Pair>
          <Pair name="Keys">
            <Words list={agent.keys} />
            {agent.dpop && <span className="block text-xs text-muted">tokens are bound to a key (DPoP)</span>}
          </Pair>
        </Pairs>
      </div>
    </Panel>
  );
}

function Words({ list }: { readonly list: readonly string[] }): ReactNode {
  if (list.length === 0) return <span className="text-faint">none</span>;
  return (
    <span className="font-mono text-xs">
      <Foreign text={list.join(", ")} />
    </span>
  );
}
