// What a probe refuses because nothing would come of the proposal: rehearsals, agents that may not, brakes on those above.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Agent } from "../../src/kernel/agent.ts";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { probe, type Probed } from "../../src/kernel/probe.ts";
import type { AgentRegistration } from "../../src/wire/types/agent.ts";
import type { Level } from "../../src/wire/types/level.ts";
import { engine, Rig } from "./rig.ts";

type Asked = Partial<CommandInputs["propose-action"]>;

/** As the rig proposes it, but signed by nobody. */
function ask(rig: Rig, of: Asked = {}, actor = "agent:one"): Probed {
  const input: CommandInputs["propose-action"] = {
    kind: "test.free",
    environment: "staging",
    service: "cart",
    resource: null,
    agentKind: "agent",
    person: "owner",
    requestHash: "r",
    planHash: "p",
    repeat: "idempotent",
    effect: "external",
    reversible: false,
    idempotencyKey: null,
    ...of,
  };
  return probe({ state: rig.state, engine, now: rig.nowMs }, { actor, input });
}

const told = ({ decision, code }: Probed) => [decision, code];

async function rigWith(id: string, of: Partial<AgentRegistration> = {}, level: Level = 3): Promise<Rig> {
  const rig = await Rig.open();
  rig.admit(id, of);
  await rig.grantLevel({ agent: id, level });
  return rig;
}

describe("a probe", () => {
  it("promises nothing under a brake that lets nothing but rehearsals through", async () => {
    const rig = await Rig.open();
    assert.deepEqual(told(ask(rig)), ["allow", ""]);
    await rig.ask("apply-brake", { mode: "dry-run", scope: { kind: "test.free" } }, "person:grace");
    const { verdicts, ...probed } = ask(rig);
    assert.deepEqual([probed.decision, probed.code, probed.route], ["refuse", "dry-run", null]);
    assert.ok(verdicts.length > 0, "what policy came to is told");
    assert.deepEqual(told(ask(rig, { kind: "test.checked" })), ["allow", ""], "elsewhere it goes on");
  });

  it("says of a hold whether it would run once people have said yes", async () => {
    const rig = await Rig.open();
    const held = { kind: "test.asked" };
    const before = ask(rig, held);
    assert.deepEqual([before.decision, before.heldBack], ["hold", null]);
    await rig.ask("apply-brake", { mode: "dry-run", scope: {} }, "person:grace");
    const after = ask(rig, held);
    assert.deepEqual([after.decision, after.heldBack], ["hold", "dry-run"]);
  });

  it("says of a hold that it would wait for others first", async () => {
    const rig = await rigWith("agent:asking", {}, 1);
    const turn = { kind: "test.turn" };
    assert.deepEqual(
      [ask(rig, turn, "agent:asking").decision, ask(rig, turn, "agent:asking").heldBack],
      ["hold", null],
    );
    await rig.propose({ ...turn, environment: "staging" });
    const behind = ask(rig, turn, "agent:asking");
    assert.deepEqual([behind.decision, behind.heldBack], ["hold", "conflict"]);
    assert.deepEqual(told(ask(rig, turn)), ["refuse", "conflict"], "so does what nobody is asked about");
  });

  it("holds an agent to its own registration, and to those of the agents for whom it acts", async () => {
    const rig = await rigWith("agent:narrow", { kinds: ["test.checked"] });
    rig.admit("agent:stage", { environments: ["staging"] });
    await rig.grantLevel({ agent: "agent:stage" });
    assert.deepEqual(told(ask(rig, {}, "agent:narrow")), ["refuse", "declaration-exceeded"]);
    assert.deepEqual(told(ask(rig, { kind: "test.checked" }, "agent:narrow")), ["allow", ""]);
    const actsFor = [{ id: "agent:stage", person: null }];
    assert.deepEqual(told(ask(rig, { actsFor })), ["allow", ""]);
    const wider = ask(rig, { actsFor, environment: "production" });
    assert.deepEqual(told(wider), ["refuse", "declaration-exceeded"]);
    assert.deepEqual(told(ask(rig, {}, "agent:nobody")), ["refuse", "agent-unregistered"]);
    await rig.ask("revoke-agent", { agent: "agent:stage" });
    assert.deepEqual(told(ask(rig, { actsFor })), ["refuse", "agent-revoked"]);
  });

  it("sees a brake on an agent above", async () => {
    const rig = await rigWith("agent:upper");
    rig.admit("agent:lower", { parent: "agent:upper" });
    rig.state.agents.set("agent:lower", {
      ...(rig.state.agents.get("agent:lower") as Agent),
      parents: ["agent:upper"],
    });
    await rig.grantLevel({ agent: "agent:lower" });
    assert.deepEqual(told(ask(rig, {}, "agent:lower")), ["allow", ""]);
    await rig.ask("apply-brake", { mode: "pause", scope: { agent: "agent:upper" } }, "person:grace");
    assert.deepEqual(told(ask(rig, {}, "agent:lower")), ["refuse", "paused"]);
  });

  it("promises nothing to an agent that has proposed all it may in an hour, and counts nothing", async () => {
    const rig = await rigWith("agent:slow", { volumePerHour: 2 });
    for (let turn = 0; turn < 3; turn++) assert.deepEqual(told(ask(rig, {}, "agent:slow")), ["allow", ""]);
    for (let turn = 0; turn < 2; turn++) await rig.propose({ kind: "test.free", environment: "staging" }, "agent:slow");
    assert.deepEqual(told(ask(rig, {}, "agent:slow")), ["refuse", "volume-exceeded"]);
  });
});
