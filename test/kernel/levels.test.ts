// Levels of agents: what each leaves of a decision, how they are given, narrowed, taken back and run out.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS, TERMS } from "../../src/kernel/limits.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import { registrationOf, registrationProposal } from "./agent-registration.ts";
import { levelProposal, revokeProposal } from "./level-proposal.ts";
import { engine, MINUTE_MS, Rig } from "./rig.ts";

const NEW = "agent:new";
const free = { kind: "test.free" } as const;

async function rigAt(level: 0 | 1 | 2 | 3): Promise<Rig> {
  const rig = await Rig.open();
  await rig.grantLevel({ agent: NEW, level });
  return rig;
}

describe("an agent's action", () => {
  it("is advice where no level was ever granted: nothing runs, nobody is asked, and what would have been is on record", async () => {
    const rig = await Rig.open();
    const allowed = await rig.propose(free, NEW);
    const held = await rig.propose({ kind: "test.asked" }, NEW);
    assert.deepEqual([allowed.result, held.result], ["advised", "advised"]);
    assert.deepEqual(rig.typesOf(held.subject), ["action.proposed", "action.advised"]);
    assert.equal(rig.last("action.advised", allowed.subject).would, "allow");
    const { would, evaluation } = rig.last("action.advised", held.subject);
    assert.deepEqual([would, evaluation.decision], ["hold", "refuse"]);
    assert.deepEqual(evaluation.verdicts.at(-1), {
      code: "advised",
      evidence: { level: 0 },
      gate: "level/0",
      verdict: "refuse",
    });
    assert.equal((await rig.begin(allowed.subject)).result, "ended");
    assert.equal(rig.all("action.held").length, 0);
  });

  it("at level 1 waits for a person also where policy allows it, and one approval is enough", async () => {
    const rig = await rigAt(1);
    const { subject, result } = await rig.propose(free, NEW);
    assert.equal(result, "held");
    assert.deepEqual(
      [rig.action(subject).hold?.route, rig.action(subject).verdicts.at(-1)],
      ["on-call", "level/1 hold assisted"],
    );
    assert.equal((await rig.answer(subject)).result, "granted");
    assert.equal((await rig.begin(subject)).result, "started");
  });

  for (const level of [2, 3] as const) {
    it(`at level ${level} is what policy says`, async () => {
      const rig = await rigAt(level);
      assert.equal((await rig.propose(free, NEW)).result, "granted");
      assert.equal((await rig.propose({ kind: "test.asked" }, NEW)).result, "held");
      const { evaluation } = rig.last("action.granted");
      const last = evaluation.verdicts.at(-1);
      assert.deepEqual([last?.code, last?.evidence["level"]], ["within-level", level]);
      assert.match(String(last?.evidence["grant"]), /^lvl_/);
    });
  }

  it("is refused, and stays refused, whatever the level", async () => {
    const rig = await rigAt(3);
    assert.equal((await rig.propose({ kind: "unheard.of" }, NEW)).result, "refused");
  });

  it("takes the highest level of the grants that cover it, each only its kinds, environments and services", async () => {
    const rig = await Rig.open();
    await rig.grantLevel({ agent: NEW, level: 1 });
    await rig.grantLevel({ agent: NEW, level: 3, kinds: ["test.free"], environments: ["staging"], services: ["cart"] });
    await rig.grantLevel({ agent: NEW, level: 2, kinds: ["other.*"] });
    const at = async (of: object): Promise<string> => (await rig.propose({ ...free, ...of }, NEW)).result;
    assert.equal(await at({ environment: "staging", service: "cart" }), "granted");
    assert.equal(await at({ environment: "staging", service: "search" }), "held");
    assert.equal(await at({ environment: "production", service: "cart" }), "held");
    assert.equal((await rig.propose({ ...free, environment: "staging" }, "agent:another")).result, "advised");
  });

  it("of people and of the system itself has no level to fall below", async () => {
    const rig = await Rig.open();
    const { result } = await rig.propose({ ...free, agentKind: "person", person: "ada" }, "person:ada");
    assert.equal(result, "granted");
  });
});

describe("a dry run", () => {
  it("is decided like any other and then over: nobody is asked, nothing runs, no limit is touched", async () => {
    const rig = await Rig.open();
    const dry = { dryRun: true } as const;
    const reply = await rig.propose({ kind: "test.asked", ...dry });
    assert.equal(reply.result, "advised");
    const { code, would, evaluation } = rig.last("action.advised", reply.subject);
    assert.deepEqual([code, would], ["dry-run", "hold"]);
    assert.deepEqual([reply.decided?.code, reply.decided?.would, reply.decided?.answers], ["dry-run", "hold", null]);
    assert.deepEqual(reply.decided?.evaluation, evaluation);
    assert.equal((await rig.begin(reply.subject)).result, "ended");
    for (let i = 0; i < 20; i++) assert.equal((await rig.propose({ kind: "test.limited", ...dry })).result, "advised");
    assert.equal((await rig.propose({ kind: "test.limited" })).result, "granted");
    assert.equal((await rig.propose({ kind: "unheard.of", ...dry })).result, "refused");
    assert.equal(rig.all("action.held").length, 0);
  });

  it("of what Holdpoint itself would do changes nothing, and of what takes no approval neither", async () => {
    const rig = await Rig.open();
    const grant = await rig.grantLevel({ agent: NEW });
    const by = { agentKind: "person", person: "ben" } as const;
    const { result } = await rig.propose({ ...revokeProposal(grant, by), dryRun: true }, "person:ben");
    assert.deepEqual([result, rig.state.levels.get(NEW)?.length], ["advised", 1]);
    const wanted = levelProposal({ agent: NEW, expiresAt: rig.nowMs + MINUTE_MS }, by);
    assert.equal((await rig.propose({ ...wanted, dryRun: true }, "person:ben")).result, "advised");
  });

  it("is planned first where its plan is somebody else's to make", async () => {
    const rig = await Rig.open();
    const { subject, result, decided } = await rig.propose({ kind: "test.free", planHash: null, dryRun: true });
    assert.deepEqual([result, decided], ["evaluating", null]);
    const planned = await rig.ask("plan-action", { action: subject, planHash: "1".repeat(64), code: "" });
    assert.equal(planned.result, "advised");
  });
});

describe("a proposal that is held", () => {
  it("answers who is asked, for what, and until when", async () => {
    const rig = await Rig.open();
    const { subject, decided } = await rig.propose({ kind: "test.asked" });
    const { asks, deadline, evaluation } = rig.last("action.held", subject);
    assert.deepEqual(decided?.answers, { asks, until: deadline });
    assert.deepEqual([decided?.evaluation, decided?.code], [evaluation, null]);
  });
});

describe("a level", () => {
  it("is granted by an owner alone, never by the agent itself, and an agent asks only for itself", async () => {
    const rig = await Rig.open();
    const by = { agentKind: "agent", person: "olga" } as const;
    const wanted = { agent: NEW, expiresAt: rig.nowMs + MINUTE_MS };
    const other = await rig.propose(levelProposal(wanted, by), "agent:one");
    assert.equal(rig.last("action.refused", other.subject).code, "not-own");
    const { subject, result } = await rig.propose(levelProposal(wanted, by), NEW);
    assert.equal(result, "held", "at level 0 a permission is still asked for");
    const owner = { roles: ["owner"] };
    await assert.rejects(rig.answer(subject, { ...owner, person: "olga" }), { code: "self-approval" });
    await assert.rejects(rig.answer(subject, { person: "ada", roles: ["on-call"] }), { code: "not-eligible" });
    assert.equal((await rig.answer(subject, { ...owner, person: "ben" })).result, "succeeded");
    assert.equal((await rig.propose(free, NEW)).result, "granted");
  });

  it("is never an agent's to change in what Holdpoint itself is, at whatever level", async () => {
    const rig = await rigAt(3);
    const proposal = { ...levelProposal({ agent: NEW, expiresAt: 0 }, { agentKind: "agent", person: null }) };
    const { result } = await rig.propose({ ...proposal, kind: "test.free" }, NEW);
    assert.equal(result, "held");
  });

  it("ends at its last instant, by itself, with what it carried and nobody began", async () => {
    const rig = await Rig.open();
    const expiresAt = rig.nowMs + MINUTE_MS;
    const grant = await rig.grantLevel({ agent: NEW, expiresAt });
    const waiting = (await rig.propose(free, NEW)).subject;
    const running = (await rig.propose(free, NEW)).subject;
    await rig.begin(running);
    rig.pass(MINUTE_MS);
    assert.equal((await rig.begin(waiting)).result, "revoked", "before any tick");
    assert.equal(rig.last("action.grant-revoked", waiting).code, "level-lost");
    const late = (await rig.propose(free, NEW)).subject;
    assert.equal(rig.typesOf(late).at(-1), "action.advised");
    await rig.kernel.tick();
    assert.deepEqual(rig.typesOf(grant), ["level.granted", "level.expired"]);
    assert.equal(rig.state.levels.has(NEW), false);
    assert.equal((await rig.finish(running, "retry")).result, "retrying", "a call under way is not cut");
    rig.pass(MINUTE_MS);
    assert.equal((await rig.begin(running)).result, "revoked");
  });

  it("that runs out takes back the grants of actions that did not begin, and their room in limits", async () => {
    const rig = await Rig.open();
    await rig.grantLevel({ agent: NEW, expiresAt: rig.nowMs + MINUTE_MS });
    for (let i = 0; i < 7; i++) await rig.propose({ kind: "test.limited" }, NEW);
    assert.equal((await rig.propose({ kind: "test.limited" })).result, "refused");
    await rig.passAndTick(MINUTE_MS);
    assert.equal(rig.all("action.grant-revoked").length, 7);
    assert.equal((await rig.propose({ kind: "test.limited" })).result, "granted");
  });

  it("taken back by one person alone counts at once, also for a call under way, which is asked about and not repeated", async () => {
    const rig = await Rig.open();
    const grant = await rig.grantLevel({ agent: NEW });
    const [waiting, running] = [(await rig.propose(free, NEW)).subject, (await rig.propose(free, NEW)).subject];
    await rig.begin(running);
    assert.equal(await rig.revokeLevel(grant), "succeeded");
    assert.deepEqual(rig.typesOf(waiting).at(-1), "action.grant-revoked");
    assert.equal((await rig.begin(waiting)).result, "ended");
    assert.equal(rig.action(running).grant?.revoked, true);
    assert.equal((await rig.finish(running, "unknown")).result, "reconciling", "idempotent, and yet not run again");
    assert.equal((await rig.reconcile(running, "absent")).result, "cancelled");
    assert.equal((await rig.propose(free, NEW)).result, "advised");
  });

  it("taken back leaves alone what another grant still carries", async () => {
    const rig = await Rig.open();
    const grant = await rig.grantLevel({ agent: NEW, level: 3 });
    await rig.grantLevel({ agent: NEW, level: 2 });
    const { subject } = await rig.propose(free, NEW);
    await rig.revokeLevel(grant);
    assert.equal((await rig.begin(subject)).result, "started");
  });

  it("that falls to 1 keeps what a person approved, and no other", async () => {
    const rig = await Rig.open();
    const grant = await rig.grantLevel({ agent: NEW, level: 3 });
    await rig.grantLevel({ agent: NEW, level: 1 });
    const alone = (await rig.propose(free, NEW)).subject;
    const approved = (await rig.propose({ kind: "test.asked" }, NEW)).subject;
    await rig.answer(approved);
    await rig.revokeLevel(grant);
    assert.equal((await rig.begin(approved)).result, "started");
    assert.equal((await rig.begin(alone)).result, "ended");
  });

  it("is taken back though no policy is in force, a brake holds everything, or an agent gives up its own", async () => {
    let broken = false;
    const rig = await Rig.open({ ...engine, policy: (hash) => (broken ? undefined : engine.policy(hash)) });
    const grants = [await rig.grantLevel({ agent: NEW }), await rig.grantLevel({ agent: NEW })];
    broken = true;
    await rig.ask("apply-brake", { mode: "pause", scope: {} });
    const own = { agentKind: "agent", person: null } as const;
    const foreign = await rig.propose(revokeProposal(grants[0] ?? "", own), "agent:one");
    assert.equal(rig.last("action.refused", foreign.subject).code, "not-own");
    assert.equal((await rig.propose(revokeProposal(grants[0] ?? "", own), NEW)).result, "succeeded");
    assert.equal(await rig.revokeLevel(grants[1] ?? ""), "succeeded");
    assert.equal(await rig.revokeLevel(grants[1] ?? ""), "refused", "there is nothing left to take back");
    assert.equal(rig.state.levels.has(NEW), false);
  });

  it("of a delegated agent is no higher than that of any agent above it, and falls with it", async () => {
    const rig = await Rig.open();
    for (const one of [registrationOf("agent:above"), registrationOf("agent:below", { parent: "agent:above" })]) {
      const { subject } = await rig.propose(registrationProposal(one, "owner"), "person:owner");
      await rig.answer(subject, { person: "olga", roles: ["owner"] }, "person:olga");
    }
    await rig.grantLevel({ agent: "agent:below", level: 3 });
    assert.equal((await rig.propose(free, "agent:below")).result, "advised");
    const above = await rig.grantLevel({ agent: "agent:above", level: 2 });
    const { subject } = await rig.propose(free, "agent:below");
    assert.equal(rig.last("action.granted", subject).evaluation.verdicts.at(-1)?.evidence["grant"], above);
    await rig.revokeLevel(above);
    assert.equal(rig.last("action.grant-revoked", subject).code, "level-revoked");
  });

  it("of an agent that is revoked ends with it, calls under way too, and does not come back with its registration", async () => {
    const rig = await Rig.open();
    await rig.register("agent:kept");
    await rig.register(NEW);
    const grants = [await rig.grantLevel({ agent: NEW }), await rig.grantLevel({ agent: NEW, level: 1 })];
    await rig.grantLevel({ agent: "agent:kept" });
    const { subject } = await rig.propose(free, NEW);
    await rig.begin(subject);
    await rig.ask("revoke-agent", { agent: NEW }, "person:ben");
    assert.deepEqual(rig.last("agent.revoked", NEW).levels, grants);
    assert.deepEqual([rig.state.levels.has(NEW), rig.state.levels.has("agent:kept")], [false, true]);
    assert.equal(rig.last("action.grant-revoked", subject).code, "agent-revoked");
    assert.equal((await rig.finish(subject, "retry")).result, "cancelled");
    await rig.register(NEW);
    assert.equal((await rig.propose(free, NEW)).result, "advised");
  });

  it("is given to nobody who is not registered by then", async () => {
    const rig = await Rig.open();
    await rig.register(NEW);
    const by = { agentKind: "person", person: "ben" } as const;
    const wanted = { expiresAt: rig.nowMs + MINUTE_MS };
    const asked = await rig.propose(levelProposal({ agent: NEW, ...wanted }, by), "person:ben");
    await rig.ask("revoke-agent", { agent: NEW }, "person:ben");
    await rig.answer(asked.subject, { person: "olga", roles: ["owner"] });
    assert.equal(rig.last("action.refused", asked.subject).code, "agent-revoked");
    const other = await rig.propose(levelProposal({ agent: "agent:nobody", ...wanted }, by), "person:ben");
    assert.equal(rig.last("action.refused", other.subject).code, "agent-unregistered");
  });

  it("has an end within its term, and an operand that says what it is", async () => {
    const rig = await Rig.open();
    rig.admit(NEW);
    const by = { agentKind: "person", person: "ben" } as const;
    for (const expiresAt of [rig.nowMs, rig.nowMs + TERMS.levelMs + 1]) {
      const { subject } = await rig.propose(levelProposal({ agent: NEW, expiresAt }, by), "person:ben");
      assert.equal(rig.last("action.refused", subject).code, "level-term");
    }
    const whole = levelProposal({ agent: NEW, expiresAt: rig.nowMs + 1 }, by);
    for (const operand of ["", "{}", "null", `${whole.operand} `.slice(0, -2), '{"agent":"agent:x"}']) {
      const { subject } = await rig.propose({ ...whole, operand }, "person:ben");
      assert.equal(rig.last("action.refused", subject).code, "arguments-invalid");
    }
  });

  it("that was asked for too long ago is not given", async () => {
    const rig = await Rig.open();
    rig.admit(NEW);
    const by = { agentKind: "person", person: "ben" } as const;
    const proposal = levelProposal({ agent: NEW, expiresAt: rig.nowMs + MINUTE_MS }, by);
    const { subject } = await rig.propose(proposal, "person:ben");
    rig.pass(MINUTE_MS);
    assert.equal((await rig.answer(subject, { person: "olga", roles: ["owner"] })).result, "refused");
    assert.equal(rig.last("action.refused", subject).code, "level-term");
  });

  it("has room for so many of one agent, and one more is refused", async () => {
    const rig = await Rig.open();
    for (let i = 0; i < LIMITS.levelsPerAgentMax; i++) await rig.grantLevel({ agent: NEW, level: 1 });
    const by = { agentKind: "person", person: "ben" } as const;
    const proposal = levelProposal({ agent: NEW, expiresAt: rig.nowMs + MINUTE_MS }, by);
    const { subject } = await rig.propose(proposal, "person:ben");
    assert.equal(rig.last("action.refused", subject).code, "levels-full");
  });

  it("is in a snapshot as it is in memory", async () => {
    const rig = await rigAt(2);
    const again = parseState(serializeState(rig.kernel.state));
    assert.equal(stateHash(again), stateHash(rig.kernel.state));
    assert.deepEqual(again.levels.get(NEW), rig.state.levels.get(NEW));
  });
});
