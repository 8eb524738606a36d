// Moves about who may do what: agents registered and revoked, levels given and taken back, grants taken back.

import { TERMS } from "../../src/kernel/limits.ts";
import { registrationOf, registrationProposal } from "../kernel/agent-registration.ts";
import { levelProposal, revokeProposal } from "../kernel/level-proposal.ts";
import { AGENTS, type World } from "./world.ts";

export const ENVIRONMENTS = ["production", "staging", "test"];

export function from<T>(world: World, items: readonly T[]): T {
  return items[world.random.below(items.length)] as T;
}

/** An agent is registered, again or for another, which an owner answers; now and then one is revoked. */
export function registration(world: World): void {
  const { id } = from(world, AGENTS);
  if (world.random.below(8) === 0) {
    return void world.ask({ type: "revoke-agent", actor: "person:ada", input: { agent: id } });
  }
  const isBelow = world.random.below(3) === 0;
  const wanted = isBelow ? registrationOf("agent:below", { parent: id }) : registrationOf(id);
  void world.ask({ type: "propose-action", actor: "person:owner", input: registrationProposal(wanted, "owner") });
}

const AGENT_IDS = AGENTS.map(({ id }) => id);
const PATTERNS = [["*"], ["model.*"], ["model.neither"]];

/** People and agents ask for levels, mostly answered by the next one who is asked; levels are taken back. */
export function moveLevel(world: World): void {
  const grants = [...(world.process?.kernel.state.levels.values() ?? [])].flat();
  const asks = from(world, ["person:ada", "person:ben", ...AGENT_IDS]);
  const by = {
    agentKind: asks.startsWith("agent:") ? "agent" : "person",
    person: asks.startsWith("person:") ? asks.slice("person:".length) : null,
  } as const;
  if (grants.length > 0 && world.random.below(3) === 0) {
    const input = revokeProposal(from(world, grants).id, by);
    return void world.ask({ type: "propose-action", actor: asks, input });
  }
  const scope = {
    agent: from(world, AGENT_IDS),
    kinds: from(world, PATTERNS),
    environments: world.random.below(2) === 0 ? null : [from(world, ENVIRONMENTS)],
    level: from(world, [0, 1, 2, 3] as const),
    expiresAt: world.nowMs + 1 + world.random.below(TERMS.levelMs / 8),
  };
  void world.ask({ type: "propose-action", actor: asks, input: levelProposal(scope, by) });
}

/** A grant that stands, mostly with a call under way, is taken back by a person or given up. */
export function revokeGrant(world: World): void {
  const granted = [...(world.process?.kernel.state.actions.values() ?? [])].filter(({ grant }) => grant !== null);
  if (granted.length === 0) return;
  const { grant, agent } = from(world, granted);
  const actor = world.random.below(3) === 0 ? agent : "person:ada";
  void world.ask({ type: "revoke-grant", actor, input: { grant: grant?.id ?? "" } });
}
