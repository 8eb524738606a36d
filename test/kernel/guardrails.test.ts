// Guardrails: under a policy that lets everything through, what loosens enforcement still waits for another person.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { CommandInputs } from "../../src/kernel/command.ts";
import type { Engine } from "../../src/kernel/transaction.ts";
import { loadBundle } from "../../src/policy/load.ts";
import { KERNEL_KINDS } from "../../src/wire/schemas/kernel-kinds.ts";
import { registrationOf, registrationProposal, signedBy } from "./agent-registration.ts";
import { groupRights, rightsOf, rightsProposal } from "./rights-proposal.ts";
import { bundle, MINUTE_MS, Rig } from "./rig.ts";
import { silenceProposal } from "./silence-proposal.ts";
import { stageProposal } from "./stage-proposal.ts";
import { grantSetProposal } from "./grant-set-proposal.ts";
import { levelProposal } from "./level-proposal.ts";

/** What somebody who may change policies could wish for: no questions, or questions to agents. */
function laxEngine(decision: "allow" | "hold"): Engine {
  const lax = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: lax }
spec:
  match: { actions: ["*"] }
  route: agents
  rules: [{ name: everything, decision: ${decision} }]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: agents }
spec:
  steps: [{ roles: [robot], agents: true, within: 1h }, { roles: [robot], agents: true, within: 1h }]
  onTimeout: deny
`;
  const routes = readFileSync(new URL("../../policies/routes.yaml", import.meta.url), "utf8");
  const loaded = loadBundle([
    { path: "lax.yaml", text: lax },
    { path: "routes.yaml", text: routes },
  ]);
  const all = loaded.bundle;
  if (all === null) throw new Error(JSON.stringify(loaded.problems));
  return { version: "test/1", policy: (asked) => (asked === bundle.hash ? all : undefined) };
}

const silence = (rig: Rig): CommandInputs["propose-action"] => {
  const [startsAt, endsAt] = [rig.nowMs, rig.nowMs + 300 * MINUTE_MS];
  return silenceProposal({ startsAt, endsAt, environment: "production", service: null, signature: null }, "ada");
};

/** Each kind that gives somebody more, proposed by ada. */
const LOOSENING: Readonly<Record<string, (rig: Rig, route: string) => CommandInputs["propose-action"]>> = {
  "agent.register": () => registrationProposal(registrationOf("agent:new"), "ada"),
  "person.register": () => rightsProposal(rightsOf("person:new", { roles: ["owner"] }), "ada"),
  "group.register": () => rightsProposal(groupRights("sre", ["on-call"]), "ada"),
  "silence.create": silence,
  "stage.set": () => stageProposal("mim-automation", "ada"),
  "domain.release": () => ({ ...stageProposal("shadow", "ada"), kind: "domain.release", operand: "production|cart" }),
  "grant.create": (rig, route) =>
    grantSetProposal(
      { agent: "agent:one", expiresAt: rig.nowMs + 12 * 60 * MINUTE_MS, route },
      { agentKind: "person", person: "ada" },
    ),
  "level.grant": (rig) =>
    levelProposal(
      { agent: "agent:one", expiresAt: rig.nowMs + 24 * 60 * MINUTE_MS },
      { agentKind: "person", person: "ada" },
    ),
};

/** What became of it once granted; no revert had failed, so there is nothing to release. */
const endOf = (kind: string): string => (kind === "domain.release" ? "failed" : "succeeded");

/** A bounded grant is asked of whoever it stands for, whatever policy says of asking for it. */
const heldBy = (kind: string): readonly string[] =>
  kind === "grant.create"
    ? ["kernel/bounded-grant", "asked-of-its-route"]
    : ["kernel/guardrail", "loosens-enforcement"];

const propose = async (rig: Rig, input: CommandInputs["propose-action"]): Promise<string> => {
  const { subject } = await rig.ask("propose-action", input, "person:ada");
  return subject;
};

describe("what loosens enforcement", () => {
  for (const [kind, make] of Object.entries(LOOSENING)) {
    it(`${kind} is held for owners under a policy that allows everything, and not for its proposer`, async () => {
      const rig = await Rig.open(laxEngine("allow"), "assist");
      const id = await propose(rig, make(rig, "owners"));
      const held = rig.last("action.held", id);
      const { code, gate, verdict } = held.evaluation.verdicts.at(-1) ?? {};
      assert.deepEqual([gate, code, verdict], [...heldBy(kind), "hold"]);
      const own = rig.answer(id, { roles: ["owner"] });
      await assert.rejects(own, { code: "self-approval" });
      const owner = await rig.answer(id, { person: "bob", roles: ["owner"] }, "person:bob");
      assert.equal(owner.result, endOf(kind));
    });

    it(`${kind} is answered by no agent, on whatever route, in whatever step`, async () => {
      const rig = await Rig.open(laxEngine("hold"), "assist");
      const id = await propose(rig, make(rig, "agents"));
      const robot = { kind: "agent", person: null, roles: ["robot"] } as const;
      await assert.rejects(rig.answer(id, robot, "agent:robot"), { code: "not-eligible" });
      await rig.passAndTick(60 * MINUTE_MS);
      assert.equal(rig.action(id).hold?.step, 1);
      await assert.rejects(rig.answer(id, robot, "agent:robot"), { code: "not-eligible" });
      const person = await rig.answer(id, { person: "bob", roles: ["robot"] }, "person:bob");
      assert.equal(person.result, endOf(kind));
    });
  }

  it("a bundle and the end of a pause are held as well", async () => {
    const rig = await Rig.open(laxEngine("allow"));
    const proposal = { bundleHash: bundle.hash, mode: "governed", person: "ada", requestHash: "1" } as const;
    const bundleAction = await rig.ask("propose-policy", proposal, "person:ada");
    assert.equal(rig.action(bundleAction.subject).status, "held");
    const { subject: brake } = await rig.ask(
      "apply-brake",
      { mode: "pause", scope: { service: "cart" } },
      "person:ada",
    );
    const { subject } = await rig.ask("release-brake", { brake, person: "ada", requestHash: "2" }, "person:ada");
    assert.equal(rig.action(subject).status, "held");
  });

  it("is every kind that the kernel carries out, but those that take away", () => {
    assert.deepEqual(
      [...KERNEL_KINDS.keys()].filter((kind) => !(kind in LOOSENING) && kind !== "level.revoke"),
      [],
    );
  });
});

it("a plan that needs a person's signature is answered by no agent either", async () => {
  const rig = await Rig.open(laxEngine("hold"));
  const { subject: id } = await rig.propose({ planHash: null });
  await rig.ask("plan-action", { action: id, planHash: "1".repeat(64), code: "", signature: "destructive" });
  const robot = { kind: "agent", person: null, roles: ["robot"] } as const;
  await assert.rejects(rig.answer(id, robot, "agent:robot"), { code: "not-eligible" });
  assert.equal((await rig.answer(id, { roles: ["robot"] })).result, "granted");
});

it("what an agent wants of Holdpoint itself waits for people, also where it only tightens", async () => {
  const rig = await Rig.open(laxEngine("allow"));
  const { subject: id, result } = await rig.propose({ ...stageProposal("shadow", "ada"), agentKind: "agent" });
  assert.equal(result, "held");
  const { evaluation } = rig.last("action.held", id);
  assert.deepEqual(
    [evaluation.verdicts.at(-1)?.gate, evaluation.verdicts.at(-1)?.code],
    ["kernel/guardrail", "agent-asks"],
  );
  const robot = { kind: "agent", person: null, roles: ["owner"] } as const;
  await assert.rejects(rig.answer(id, robot, "agent:robot"), { code: "not-eligible" });
  assert.equal((await rig.answer(id, { person: "bob", roles: ["owner"] }, "person:bob")).result, "succeeded");
});

it("what tightens waits for nobody, and other actions are policy's alone", async () => {
  const rig = await Rig.open(laxEngine("allow"));
  const down = await propose(rig, stageProposal("shadow", "ada"));
  assert.ok(rig.typesOf(down).includes("action.granted"));
  const { result } = await rig.propose({ kind: "test.free" });
  assert.equal(result, "granted");
});

it("what an agent wants more of for itself, scope or level, waits for people, and until then it has what it had", async () => {
  const rig = await Rig.open(laxEngine("allow"));
  const before = rig.state.agents.get("agent:one");
  const wider = registrationOf("agent:one", { scopes: ["actions:cancel"], roles: ["sre"] });
  const asked = await rig.propose({
    ...registrationProposal(wider, null),
    agentKind: "agent",
    signed: signedBy("agent:one", rig.nowMs),
  });
  const terms = { agent: "agent:one", expiresAt: rig.nowMs + 60 * MINUTE_MS };
  const level = await rig.propose({
    ...levelProposal(terms, { agentKind: "agent", person: null }),
    signed: signedBy("agent:one", rig.nowMs),
  });
  for (const { subject, result } of [asked, level]) {
    assert.equal(result, "held");
    const robot = { kind: "agent", person: null, roles: ["owner"] } as const;
    await assert.rejects(rig.answer(subject, robot, "agent:two"), { code: "not-eligible" });
  }
  assert.deepEqual(rig.state.agents.get("agent:one")?.scopes, before?.scopes);
  const granted = await rig.answer(asked.subject, { person: "bob", roles: ["owner"] }, "person:bob");
  assert.equal(granted.result, "succeeded");
  assert.deepEqual(rig.state.agents.get("agent:one")?.scopes, ["actions:cancel"]);
});
