// Labels of advice: who may say what it was worth, whose word counts, and what a flood of advice leaves.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { LIMITS } from "../../src/kernel/limits.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import type { Answerer } from "../../src/wire/types/approvals.ts";
import { Rig } from "./rig.ts";

const NEW = "agent:new";
const FREE = { kind: "test.free", person: "olga" } as const;

const person = (name: string, as: string | null = name): Answerer => {
  return { id: `person:${name}`, kind: "person", person: as, roles: [], owner: null, models: [] };
};

async function advised(of: Partial<CommandInputs["propose-action"]> = {}): Promise<{ rig: Rig; id: string }> {
  const rig = await Rig.open();
  const { subject, result } = await rig.propose({ ...FREE, ...of }, NEW);
  assert.equal(result, "advised");
  return { rig, id: subject };
}

function label(rig: Rig, action: string, of: Partial<CommandInputs["label-action"]> = {}, actor?: string) {
  const input = { action, label: "agree", faults: [], answerer: person("ada"), ...of } as const;
  return rig.ask("label-action", input, actor ?? input.answerer.id);
}

describe("a label of advice", () => {
  it("is recorded with what is wrong, changes no level, and of each person the last word counts", async () => {
    const { rig, id } = await advised();
    const before = JSON.stringify([...rig.state.levels]);
    assert.equal((await label(rig, id)).result, "agree");
    assert.deepEqual(rig.last("action.labelled"), {
      faults: [],
      label: "agree",
      person: "ada",
      replaces: null,
      ...by(rig),
    });
    assert.equal((await label(rig, id, { label: "unsure", answerer: person("ada-phone", "ada") })).result, "unsure");
    assert.equal(rig.last("action.labelled").replaces, "agree", "one person under two identities");
    await label(rig, id, { label: "disagree", faults: ["hallucination"], answerer: person("cid") });
    assert.deepEqual(rig.last("action.labelled").faults, ["hallucination"]);
    assert.deepEqual(rig.state.advice.get(id)?.labels, [
      ["ada", "unsure"],
      ["cid", "disagree"],
    ]);
    assert.equal(JSON.stringify([...rig.state.levels]), before);
    assert.equal((await rig.propose(FREE, NEW)).result, "advised");
    assert.equal(stateHash(parseState(serializeState(rig.state))), stateHash(rig.state));
  });

  it("is nobody's who has a part in the agent, no agent's, and nobody's in another's name", async () => {
    const actsFor = [{ id: "person:ben", person: "ben" }];
    const { rig, id } = await advised({ actsFor });
    const registered = person("owner");
    assert.equal(rig.state.agents.get(NEW)?.owner, registered.id);
    for (const answerer of [
      person("olga"),
      person("olga-phone", "olga"),
      registered,
      person("x", "owner"),
      person("ben"),
    ]) {
      await assert.rejects(label(rig, id, { answerer }), { code: "self-approval" }, answerer.id);
    }
    const reviewer: Answerer = { ...person("r"), id: "agent:reviewer", kind: "agent" };
    await assert.rejects(label(rig, id, { answerer: reviewer }), { code: "not-eligible" });
    await assert.rejects(label(rig, id, { answerer: person("ghost", null) }), { code: "not-eligible" });
    await assert.rejects(label(rig, id, {}, "person:eve"), { code: "not-eligible" });
    assert.equal(rig.all("action.labelled").length, 0);
  });

  it("is of advice alone: not of what was allowed, refused, or asked as a dry run", async () => {
    const { rig } = await advised();
    const { subject: granted } = await rig.propose(FREE, "agent:one");
    const { subject: dry } = await rig.propose({ ...FREE, dryRun: true }, NEW);
    const { subject: tried } = await rig.propose({ ...FREE, dryRun: true }, "agent:one");
    for (const id of [granted, dry, tried, "act_00000000z"]) {
      await assert.rejects(label(rig, id), { code: "action-not-advice" }, id);
    }
  });

  it("of more people than are counted is refused, unless one of them says it again", async () => {
    const { rig, id } = await advised();
    for (let i = 0; i < LIMITS.labelsMax; i++) await label(rig, id, { answerer: person(`p${i}`) });
    await assert.rejects(label(rig, id), { code: "overloaded" });
    assert.equal((await label(rig, id, { answerer: person("p0"), label: "unsure" })).result, "unsure");
  });

  it("waits for what an agent advises in floods no longer than its part: others' advice stays", async () => {
    const { rig, id } = await advised();
    const flooded = Array.from({ length: LIMITS.adviceMax - 1 }, (_, i) => `act_flood${i}`);
    for (const one of flooded) {
      rig.state.advice.set(one, { agent: "agent:flood", person: null, labels: [] });
    }
    const full = new Rig(parseState(serializeState(rig.state)));
    full.writer.append = (events) => Promise.resolve({ size: (events.at(-1)?.seq ?? -1) + 1, checkpoint: null });
    const events: string[] = [];
    await full.grantLevel({ agent: "agent:flood", level: 0 });
    await full.propose(FREE, "agent:flood");
    for (const one of full.state.advice.keys()) events.push(one);
    assert.equal(full.state.advice.size, LIMITS.adviceMax);
    assert.equal(full.state.advice.has(id), true, "another agent's, and the oldest");
    assert.equal(full.state.advice.has(flooded[0] ?? ""), false);
    assert.ok(events.at(-1)?.startsWith("act_") && !flooded.includes(events.at(-1) ?? ""));
  });
});

/** What the recorded event carries of its command. */
function by(rig: Rig): object {
  const { by: type, input } = rig.last("action.labelled") as { by?: string; input?: unknown };
  return { by: type, input };
}
