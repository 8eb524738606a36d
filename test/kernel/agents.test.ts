// Agents: registered by an approved action, narrower than what is above them, revoked at once.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isAppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/kernel/limits.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import type { AgentRegistration } from "../../src/wire/types/agent.ts";
import { registrationOf, registrationProposal } from "./agent-registration.ts";
import { Rig } from "./rig.ts";

const OWNERS = { person: "grace", roles: ["owner"] };

async function ask(rig: Rig, registration: AgentRegistration, actor = "person:asker"): Promise<string> {
  const person = actor.startsWith("person:") ? actor.slice("person:".length) : null;
  return (await rig.ask("propose-action", registrationProposal(registration, person), actor)).subject;
}

async function register(rig: Rig, registration: AgentRegistration, actor?: string): Promise<string> {
  const id = await ask(rig, registration, actor);
  await rig.answer(id, OWNERS, "person:grace");
  return id;
}

function rejects(
  promise: Promise<unknown>,
  code: "delegation-exceeded" | "arguments-invalid" | "overloaded",
): Promise<void> {
  return assert.rejects(promise, (error) => isAppError(error, code));
}

describe("a registration", () => {
  it("waits for an owner, and never for the one who asks", async () => {
    const rig = await Rig.open();
    const id = await ask(rig, registrationOf("agent:new"));
    assert.equal(rig.action(id).status, "held");
    assert.equal(rig.state.agents.has("agent:new"), false);
    await assert.rejects(rig.answer(id, { person: "asker", roles: ["owner"] }, "person:other"), /./);
    await rig.answer(id, OWNERS, "person:grace");
    const agent = rig.state.agents.get("agent:new");
    assert.deepEqual([agent?.status, agent?.action, agent?.parents], ["active", id, []]);
    assert.deepEqual(rig.typesOf(id).at(-1), "action.completed");
  });

  it("that is approved again replaces what was in force", async () => {
    const rig = await Rig.open();
    await register(rig, registrationOf("agent:new"));
    await register(rig, registrationOf("agent:new", { kinds: ["record.note"], keys: registrationOf("agent:x").keys }));
    const agent = rig.state.agents.get("agent:new");
    assert.deepEqual(agent?.kinds, ["record.note"]);
    assert.deepEqual(agent.keys, registrationOf("agent:x").keys);
  });

  it("of another agent's key is refused, and so is what is none", async () => {
    const rig = await Rig.open();
    await register(rig, registrationOf("agent:new"));
    await rejects(
      ask(rig, { ...registrationOf("agent:thief"), keys: registrationOf("agent:new").keys }),
      "arguments-invalid",
    );
    const garbage = { ...registrationProposal(registrationOf("agent:x")), operand: '{"id":"agent:x"}' };
    await rejects(rig.ask("propose-action", garbage, "person:asker"), "arguments-invalid");
  });

  it("approved after the place was taken fails and changes nothing", async () => {
    const rig = await Rig.open();
    const late = await ask(rig, { ...registrationOf("agent:late"), keys: registrationOf("agent:new").keys });
    await register(rig, registrationOf("agent:new"));
    await rig.answer(late, OWNERS, "person:grace");
    assert.equal(rig.last("action.completed", late).status, "failed");
    assert.equal(rig.state.agents.has("agent:late"), false);
  });

  it("of one agent too many is refused until one is revoked, which then makes room", async () => {
    const rig = await Rig.open();
    const state = rig.state as { agents: Map<string, unknown> };
    await register(rig, registrationOf("agent:first"));
    for (let i = state.agents.size; i < LIMITS.agentsMax; i++) {
      const made = registrationOf(`agent:n${i}`, { keys: [] });
      const refusals = { minute: 0, count: 0 };
      const began = { parents: [], registeredAt: 0, action: "act", volume: [], refusals, forgottenUntil: 0 };
      state.agents.set(made.id, { ...made, ...began, status: "active" });
    }
    await rejects(ask(rig, registrationOf("agent:more")), "overloaded");
    await rig.ask("revoke-agent", { agent: "agent:first" });
    await register(rig, registrationOf("agent:more"));
    assert.equal(rig.last("agent.registered", "agent:more").forgets, "agent:first");
    assert.equal(state.agents.size, LIMITS.agentsMax);
    assert.equal(state.agents.has("agent:first"), false);
  });

  it("is in a snapshot as it is in the fold", async () => {
    const rig = await Rig.open();
    await register(rig, registrationOf("agent:new"));
    assert.equal(stateHash(parseState(serializeState(rig.state))), stateHash(rig.state));
  });
});

const PARENT = registrationOf("agent:parent", {
  kinds: ["record.*", "pagerduty.trigger"],
  environments: ["staging", "test"],
  services: ["cart", "search"],
  volumePerHour: 100,
  scopes: ["runs:read"],
  roles: ["helper"],
  reads: [{ source: "logs", classes: ["internal", "public"] }],
});
const child = (of: Partial<AgentRegistration> = {}): AgentRegistration =>
  registrationOf("agent:child", {
    ...PARENT,
    id: "agent:child",
    parent: "agent:parent",
    keys: registrationOf("agent:child").keys,
    ...of,
  });

describe("a sub-agent", () => {
  it("has at most what the agent above it has", async () => {
    const rig = await Rig.open();
    await register(rig, PARENT);
    const wider: readonly Partial<AgentRegistration>[] = [
      { kinds: ["*"] },
      { kinds: ["record.note", "pagerduty.*"] },
      { environments: ["production"] },
      { environments: ["*"] },
      { services: ["cart", "pay"] },
      { services: ["*"] },
      { volumePerHour: 101 },
      { scopes: ["runs:read", "ledger:read"] },
      { roles: ["owner"] },
      { reads: [{ source: "logs", classes: ["personal"] }] },
      { reads: [{ source: "database", classes: ["public"] }] },
      { owner: "person:somebody" },
      { parent: "agent:nobody" },
    ];
    for (const of of wider) await rejects(ask(rig, child(of), "person:owner"), "delegation-exceeded");
    await register(rig, child({ kinds: ["record.note"], reads: [] }), "person:owner");
    assert.deepEqual(rig.state.agents.get("agent:child")?.parents, ["agent:parent"]);
  });

  it("gets its authority from whoever has it: their owner or the agent above, nobody else", async () => {
    const rig = await Rig.open();
    await register(rig, PARENT);
    await rejects(ask(rig, child(), "person:stranger"), "delegation-exceeded");
    await rejects(ask(rig, child(), "agent:stranger"), "delegation-exceeded");
    await register(rig, child(), "agent:parent");
    const grandchild = {
      ...child(),
      id: "agent:grandchild",
      parent: "agent:child",
      keys: registrationOf("agent:g").keys,
    };
    await register(rig, grandchild, "agent:parent");
    assert.deepEqual(rig.state.agents.get("agent:grandchild")?.parents, ["agent:child", "agent:parent"]);
  });

  it("does not stand above itself, nor below too many, nor change who is above it", async () => {
    const rig = await Rig.open();
    let parent: string | null = null;
    for (let i = 0; i <= LIMITS.delegationMax; i++) {
      await register(rig, registrationOf(`agent:d${i}`, { parent }), "person:owner");
      parent = `agent:d${i}`;
    }
    await rejects(ask(rig, registrationOf("agent:deep", { parent }), "person:owner"), "delegation-exceeded");
    await rejects(ask(rig, registrationOf("agent:d0", { parent: "agent:d1" }), "person:owner"), "delegation-exceeded");
    await rejects(ask(rig, registrationOf("agent:d1"), "person:owner"), "delegation-exceeded");
    await rejects(ask(rig, registrationOf("agent:d0", { owner: "person:new" }), "person:owner"), "delegation-exceeded");
    await rejects(
      ask(rig, registrationOf("agent:self", { parent: "agent:self" }), "person:owner"),
      "delegation-exceeded",
    );
  });
});

describe("a revocation", () => {
  it("takes no approval, reaches all below, and spares those above and beside", async () => {
    const rig = await Rig.open();
    const others = rig.state.agents.size;
    await register(rig, registrationOf("agent:top"));
    await register(rig, registrationOf("agent:middle", { parent: "agent:top" }), "person:owner");
    await register(rig, registrationOf("agent:bottom", { parent: "agent:middle" }), "person:owner");
    await register(rig, registrationOf("agent:beside", { parent: "agent:top" }), "person:owner");
    await rig.ask("revoke-agent", { agent: "agent:middle" }, "person:anybody");
    const statuses = [...rig.state.agents.values()].map(({ id, status }) => `${id} ${status}`);
    assert.deepEqual(statuses.slice(others), [
      "agent:top active",
      "agent:middle revoked",
      "agent:bottom revoked",
      "agent:beside active",
    ]);
    const again = await rig.ask("revoke-agent", { agent: "agent:middle" });
    assert.deepEqual([again.result, again.repeated], ["revoked", true]);
    await assert.rejects(rig.ask("revoke-agent", { agent: "agent:nobody" }), (error) =>
      isAppError(error, "agent-not-found"),
    );
  });

  it("does not bring back those below when the agent is registered again", async () => {
    const rig = await Rig.open();
    await register(rig, registrationOf("agent:top"));
    await register(rig, registrationOf("agent:below", { parent: "agent:top" }), "person:owner");
    await rig.ask("revoke-agent", { agent: "agent:top" });
    await register(rig, registrationOf("agent:top"));
    assert.equal(rig.state.agents.get("agent:top")?.status, "active");
    assert.equal(rig.state.agents.get("agent:below")?.status, "revoked");
  });
});
