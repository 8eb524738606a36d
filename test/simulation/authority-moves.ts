// Moves about who may do what: agents registered and revoked, levels given and taken back, grants taken back.

import type { Reply } from "../../src/kernel/command.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import type { Action } from "../../src/kernel/state.ts";
import { LABELS } from "../../src/wire/types/label.ts";
import { registrationOf, registrationProposal } from "../kernel/agent-registration.ts";
import { grantSetProposal } from "../kernel/grant-set-proposal.ts";
import { levelProposal, revokeProposal } from "../kernel/level-proposal.ts";
import { ANSWERERS } from "./people.ts";
import { groupRights, rightsOf, rightsProposal } from "../kernel/rights-proposal.ts";
import { AGENTS, type World } from "./world.ts";

export const SERVICES = ["cart", "search", "payments"];
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

const HOLDERS = ["person:ada", "person:ada-phone", "person:ben", "person:cid", "person:eve"];

/** Somebody gets rights, other ones, or none any more; whoever asks is an owner or is not, and may ask for themselves. */
export function moveRights(world: World): void {
  const id = from(world, HOLDERS);
  const asks = from(world, ["person:owner", "person:owner", "person:ben", "person:ada"]);
  if (world.random.below(4) === 0) return void world.ask({ type: "revoke-rights", actor: asks, input: { holder: id } });
  const roles = from(world, [["on-call"], ["owner"], ["owner", "dba"]]);
  const person = id === "person:ada-phone" ? "ada" : id.slice("person:".length);
  const rights = world.random.below(6) === 0 ? groupRights("operators", roles) : rightsOf(id, { roles, person });
  const input = rightsProposal(rights, asks.slice("person:".length));
  void world.ask({ type: "propose-action", actor: asks, input });
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

/** People say what advice was worth: whoever they are, and often more than once. */
export function label(world: World): void {
  const advice = [...(world.process?.kernel.state.advice.keys() ?? [])];
  if (advice.length === 0) return;
  const action = from(world, advice);
  for (const answerer of world.people.registered([from(world, ANSWERERS).id, from(world, ANSWERERS).id])) {
    const input = { action, label: from(world, LABELS), faults: [], answerer };
    void world.ask({ type: "label-action", actor: answerer.id, input, content: { reason: "seen" } });
  }
}

/** Somebody asks for a bounded grant, the agent itself among them; those asked are its route's. */
export function grantSet(world: World): void {
  const agent = from(world, AGENT_IDS);
  const isOwn = world.random.below(3) === 0;
  const scope = {
    agent,
    count: 1 + world.random.below(6),
    kinds: from(world, PATTERNS),
    route: from(world, ["on-call", "on-call", "several"]),
    size: world.random.below(3) > 0 ? null : 1 + world.random.below(8),
    expiresAt: world.nowMs + 1 + world.random.below(40 * 60_000),
  };
  const by = isOwn
    ? ({ agentKind: "agent", person: null } as const)
    : ({ agentKind: "person", person: "ada" } as const);
  const actor = isOwn ? agent : "person:ada";
  const asked = world.ask({ type: "propose-action", actor, input: grantSetProposal(scope, by) });
  // Mostly: only then does it spare anybody anything.
  if (world.random.below(4) > 0) agreed(world, asked, "person:cid");
}

/** At once, by somebody who may: seldom enough a hold is answered before it expires. */
export function agreed(world: World, asked: Promise<Reply | null>, by: string): void {
  const [answerer] = world.people.registered([by]);
  void asked.then((reply) => {
    const action = world.process?.kernel.state.actions.get(reply?.subject ?? "");
    if (action?.status !== "held" || answerer === undefined) return;
    const { id, planHash } = action;
    const given = { answerer, present: [], proposer: { owner: null, models: [] } };
    const input = { action: id, decision: "approve", planHash: planHash ?? "", ...given } as const;
    void world.ask({ type: "answer-hold", actor: answerer.id, input });
  });
}

/** A grant that stands is taken back by a person or given up. */
export function revokeGrant(world: World): void {
  const sets = [...(world.process?.kernel.state.sets.values() ?? [])];
  if (sets.length > 0 && world.random.below(3) === 0) {
    const { id, agent } = from(world, sets);
    const by = world.random.below(3) === 0 ? agent : "person:ada";
    return void world.ask({ type: "revoke-grant", actor: by, input: { grant: id } });
  }
  revokeOne(world, ({ grant }) => grant !== null);
}

/** One of which a step has begun: its call may be about to go out, on its way, or over. */
export function revokeUnderWay(world: World): void {
  revokeOne(world, ({ status }) => status === "executing");
}

function revokeOne(world: World, isWanted: (action: Action) => boolean): void {
  const granted = [...(world.process?.kernel.state.actions.values() ?? [])].filter(isWanted);
  if (granted.length === 0) return;
  const { grant, agent } = from(world, granted);
  const actor = world.random.below(3) === 0 ? agent : "person:ada";
  void world.ask({ type: "revoke-grant", actor, input: { grant: grant?.id ?? "" } });
}
