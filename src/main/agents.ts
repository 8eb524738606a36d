// Registered agents for the edge: who may have a token, and whether keys are at hand.

import { hash } from "node:crypto";
import { parseDetached, verifyDetached } from "../adapters/identity/detached-jws.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { AppError } from "../core/errors.ts";
import { intersectKinds } from "../core/kind-pattern.ts";
import type { AgentService } from "../http/services.ts";
import { chainOf } from "../kernel/authority.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Agent } from "../kernel/agent.ts";
import type { State } from "../kernel/state.ts";
import type { AgentDirectory, RegisteredAgent } from "../wire/contracts/agents.ts";
import { keyThumbprint } from "../wire/schemas/agents.ts";
import { parseArguments } from "../wire/schemas/executor-arguments.ts";
import type { PublicJwk } from "../wire/schemas/identity.ts";
import { REGISTRATIONS } from "../wire/schemas/registrations.ts";
import { isClientScope, type ClientScope } from "../wire/types/scopes.ts";

const CHANGES: ReadonlySet<string> = new Set(["agent.registered", "agent.revoked"]);

/** Follows the kernel: what is registered counts from when it is durable. */
export function followAgents(kernel: Pick<Kernel, "state" | "onDurable">): AgentDirectory {
  let generation = 0;
  let agents = registeredAgents(kernel.state);
  kernel.onDurable((events) => {
    if (!events.some(({ type }) => CHANGES.has(type))) return;
    agents = registeredAgents(kernel.state);
    generation++;
  });
  return {
    get generation() {
      return generation;
    },
    all: () => agents,
  };
}

function registeredAgents(state: Readonly<State>): readonly RegisteredAgent[] {
  return [...state.agents.values()].map((agent) => {
    const { id, owner, parents, keys } = agent;
    const chain = chainOf(state, id);
    const roles = agent.roles.filter((role) => chain?.every((one) => one.roles.includes(role)));
    const dpop = agent.dpop || (chain?.some((one) => one.dpop) ?? false);
    return { id, owner, parents, roles, scopes: scopesOf(chain ?? []), keys, dpop, revoked: chain === null };
  });
}

/** What all of them have. */
function scopesOf(chain: readonly Agent[]): readonly ClientScope[] {
  const [agent, ...above] = chain;
  if (agent === undefined) return [];
  const kinds = above.reduce<readonly string[]>((left, { kinds: theirs }) => intersectKinds(left, theirs), agent.kinds);
  const plain = agent.scopes.filter((scope) => above.every(({ scopes }) => scopes.includes(scope)));
  return [...kinds.map((kind) => `actions:propose:${kind}`), ...plain].filter(isClientScope);
}

export function agentService({ state }: Pick<Kernel, "state">): AgentService {
  return {
    isSelfOrAbove: (actor, id) => actor === id || state.agents.get(id)?.parents.includes(actor) === true,
    async verifyProposal({ agent: id, jws, request }) {
      const agent = state.agents.get(id);
      if (agent === undefined)
        throw new AppError("agent-unregistered", "only registered agents propose", { agent: id });
      const signature = parseDetached(jws, "holdpoint-proposal+jws");
      const { kid } = signature;
      const key = agent.keys.find(({ thumbprint }) => thumbprint === kid);
      if (key === undefined) throw new AppError("signature-invalid", "kid is no key that is registered for this agent");
      await verifyDetached(signature, canonicalJson(request), key.jwk);
      return { key: kid, jwsHash: hash("sha256", jws) };
    },
    async checkPossession(kind, args) {
      const { keys, proofs } = parseArguments<{ keys: PublicJwk[]; proofs: string[] }>(REGISTRATIONS[kind], args);
      if (proofs.length !== keys.length) throw new AppError("signature-invalid", "there is one proof for each key");
      const { proofs: _proofs, ...signed } = args;
      const payload = canonicalJson(signed);
      for (const [i, jwk] of keys.entries()) {
        const proof = proofs[i] ?? "";
        const signature = parseDetached(proof, "holdpoint-registration+jws");
        if (signature.kid !== keyThumbprint(jwk))
          throw new AppError("signature-invalid", "kid is not the key's thumbprint");
        await verifyDetached(signature, payload, jwk);
      }
    },
  };
}
