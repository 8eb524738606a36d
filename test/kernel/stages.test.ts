// Stages of the triage agent: each permits exactly its list, takes away and never adds, is given, ends and is moved.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { TERMS } from "../../src/kernel/limits.ts";
import { restrict } from "../../src/kernel/stage.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import type { Action, StageGrant } from "../../src/kernel/state.ts";
import type { ActivePolicy, Engine } from "../../src/kernel/transaction.ts";
import { loadBundle } from "../../src/policy/load.ts";
import { SEVERITIES, type Severity } from "../../src/wire/types/classification.ts";
import { STAGES, type Stage } from "../../src/wire/types/stage.ts";
import type { DecisionKind, Evaluation } from "../../src/wire/types/verdict.ts";
import { bundle, engine, MINUTE_MS, Rig } from "./rig.ts";
import { GRADES, isListed, KINDS } from "./stage-lists.ts";

const DAY_MS = 24 * 60 * MINUTE_MS;
const NOW = 1_790_000_000_000;

/** Policies that allow everything, on a route of their own, under the ladder that is shipped. */
const ALLOW_ALL = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: all }
spec:
  match: { actions: ["*"] }
  route: its-own
  rules: [{ name: anything, decision: allow }]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: its-own }
spec: { steps: [{ roles: [on-call], within: 15m }] }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-call }
spec: { steps: [{ roles: [on-call], within: 15m }] }
`;

function allowing(withLadder = true): ActivePolicy {
  const ladder = readFileSync(new URL("../../policies/ladder.yaml", import.meta.url), "utf8");
  const files = [{ path: "all.yaml", text: ALLOW_ALL }, ...(withLadder ? [{ path: "ladder.yaml", text: ladder }] : [])];
  const loaded = loadBundle(files);
  assert.deepEqual(loaded.problems, []);
  assert.ok(loaded.bundle);
  return loaded.bundle;
}

const policy = allowing();
const allowAll: Engine = { version: engine.version, policy: () => policy };

function granted(stage: Stage, of: Partial<StageGrant> = {}): { stage: StageGrant } {
  return { stage: { id: "stg_000000001", stage, expiresAt: NOW + DAY_MS, expired: false, ...of } };
}

function actionOf(of: {
  kind: string;
  severity: Severity | null;
  agent?: string;
  approvedRoute?: string | null; // of its consent
}): Action {
  const { kind, severity, agent = "system:triage", approvedRoute = null } = of;
  const consent = approvedRoute === null ? null : { route: approvedRoute };
  return { kind, agent, consent, classification: severity === null ? null : { severity } } as unknown as Action;
}

function evaluationOf(decision: DecisionKind): Evaluation {
  return {
    decision,
    verdicts: [],
    route: decision === "hold" ? "its-own" : null,
    draftRoute: decision === "allow" ? "its-own" : null,
    duplicateOf: null,
    reservations: [{ counter: "c", windowMs: 1, max: 1 }],
    duplicateKeys: ["k"],
    minimumLevel: 0,
    bundleHash: "b",
  };
}

/** What becomes of what policy allows: granted, granted as a dry run, or a draft. */
function fate(stage: Stage, kind: string, severity: Severity | null): string {
  const at = { state: granted(stage), now: NOW, policy };
  const { result, dryRun } = restrict(at, actionOf({ kind, severity }), evaluationOf("allow"));
  if (result.decision === "hold") return `draft on ${result.route}`;
  return result.decision === "allow" && !dryRun ? "granted" : `${result.decision}, dry run`;
}

describe("each stage permits exactly its list", () => {
  for (const stage of STAGES) {
    it(stage, () => {
      for (const kind of KINDS) {
        for (const severity of GRADES) {
          const otherwise = stage === "shadow" ? "allow, dry run" : "draft on its-own";
          const expected = isListed(stage, kind, severity) ? "granted" : otherwise;
          assert.equal(fate(stage, kind, severity), expected, `${kind} at ${severity}`);
        }
      }
    });
  }

  for (const stage of STAGES) {
    it(`${stage}: from a signal to its end, for every kind that triage asks for`, async () => {
      for (const [kind, asks] of ASKS) {
        for (const severity of SEVERITIES) {
          const rig = await Rig.open(allowAll, stage);
          await rig.signal();
          await rig.classify({ ...ASKS_NOTHING, ...asks, severity });
          const id = rig.live(kind)?.id ?? "";
          await rig.plan(id);
          const last = rig.typesOf(id).at(-1);
          if (stage === "shadow") assert.equal(rig.last("action.granted").completed, "dry-run");
          else
            assert.equal(
              last,
              isListed(stage, kind, severity) ? "action.granted" : "action.held",
              `${kind} ${severity}`,
            );
        }
      }
    });
  }
});

const ASKS_NOTHING = { requiresTicket: false, requiresPaging: false, requiresMim: false };
const ASKS = [
  ["servicenow.incident.create", { requiresTicket: true }],
  ["pagerduty.trigger", { requiresPaging: true }],
  ["incident.declare-major", { requiresMim: true }],
] as const;

const SEVERE: readonly DecisionKind[] = ["allow", "hold", "refuse"];

describe("a stage never widens what policy allows", () => {
  const arbitrary = fc.record({
    stage: fc.constantFrom(...STAGES),
    state: fc.constantFrom("valid", "over", "never"),
    kind: fc.constantFrom(...KINDS, "database.drop"),
    severity: fc.constantFrom(...GRADES),
    decision: fc.constantFrom(...SEVERE),
    agent: fc.constantFrom("system:triage", "system:dead-man", "agent:one"),
    approvedRoute: fc.constantFrom(null, "its-own", "another"),
    withLadder: fc.boolean(),
  });
  const bare = allowing(false);

  it("for any action, decision, approval and grant", () => {
    fc.assert(
      fc.property(arbitrary, ({ stage, state, decision, agent, approvedRoute, withLadder, kind, severity }) => {
        const grant = state === "never" ? { stage: null } : granted(stage, state === "over" ? { expiresAt: NOW } : {});
        const before = evaluationOf(decision);
        const at = { state: grant, now: NOW, policy: withLadder ? policy : bare };
        const { result, dryRun } = restrict(at, actionOf({ kind, severity, agent, approvedRoute }), before);
        assert.ok(SEVERE.indexOf(result.decision) >= SEVERE.indexOf(decision), "no decision gets milder");
        if (agent !== "system:triage") return assert.deepEqual({ result, dryRun }, { result: before, dryRun: false });
        if (decision === "hold" && result.decision === "hold") assert.equal(result.route, before.route);
        if (result.decision === "refuse")
          assert.deepEqual([result.route, decision === "refuse" || result.reservations.length === 0], [null, true]);
        const inForce = state === "valid" && withLadder ? stage : "shadow";
        const runs = result.decision === "allow" && !dryRun;
        assert.equal(runs, decision === "allow" && isListed(inForce, kind, severity));
        if (inForce === "shadow") assert.ok(dryRun || result.decision === "refuse", "nothing runs and nobody is asked");
      }),
    );
  });
});

describe("a draft", () => {
  it("waits on the route of its policy, is approved as it is, and is carried out", async () => {
    const rig = await Rig.open(engine, "assist");
    const id = await rig.page();
    const { planHash } = rig.action(id);
    const held = rig.last("action.held", id);
    assert.deepEqual([held.route, held.evaluation.decision, held.planHash], ["on-call", "hold", planHash]);
    const verdict = held.evaluation.verdicts.at(-1);
    assert.deepEqual(
      [verdict?.gate, verdict?.verdict, verdict?.code, verdict?.evidence["permitted"]],
      ["stage/assist", "hold", "draft", false],
    );
    assert.equal((await rig.answer(id)).result, "granted");
    assert.equal(rig.last("action.granted", id).planHash, planHash);
    assert.equal((await rig.begin(id)).result, "started");
    assert.equal((await rig.finish(id, "succeeded")).result, "succeeded");
  });

  it("that is approved after the stage was taken down to shadow is a dry run", async () => {
    const rig = await Rig.open(engine, "assist");
    const id = await rig.page();
    await setStage(rig, "shadow");
    assert.equal((await rig.answer(id)).result, "succeeded");
    assert.deepEqual(
      [rig.last("action.granted", id).dryRun, rig.last("action.granted", id).completed],
      [true, "dry-run"],
    );
  });

  it("is not asked about twice: what the policy holds waits once, for the policy's people", async () => {
    const rig = await Rig.open(engine, "limited-autonomy");
    await rig.signal();
    await rig.classify({ confidencePpm: 100_000 });
    const id = rig.live("pagerduty.trigger")?.id ?? "";
    await rig.plan(id);
    assert.deepEqual(
      rig.last("action.held", id).evaluation.verdicts.map(({ code }) => code),
      ["rule-hold", "first", "first", "draft"],
    );
    assert.equal((await rig.answer(id)).result, "granted");
  });
});

describe("in shadow", () => {
  it("what would have been granted is a dry run, and what would have been held is refused and asked of nobody", async () => {
    const rig = await Rig.open(engine, "shadow");
    const page = await rig.page();
    assert.deepEqual([rig.last("action.granted", page).dryRun, rig.typesOf(page).at(-1)], [true, "action.granted"]);
    await rig.signal({ service: "search" });
    await rig.classify({ confidencePpm: 100_000 });
    const review = rig.live("pagerduty.trigger")?.id ?? "";
    await rig.plan(review);
    const { code, evaluation } = rig.last("action.refused", review);
    assert.deepEqual(
      [code, evaluation?.decision, evaluation?.verdicts.at(-1)?.gate],
      ["shadow", "refuse", "stage/shadow"],
    );
    assert.equal(rig.all("action.held").length, 0);
  });

  it("a page that is open at the pager waits to be closed until a stage lets it, without another try in between", async () => {
    const rig = await Rig.open();
    const id = await rig.page({ deliveryKey: "a:firing" });
    await rig.begin(id);
    await rig.finish(id, "succeeded");
    await setStage(rig, "shadow");
    await rig.signal({ status: "resolved", deliveryKey: "a:resolved" });
    await rig.plan(rig.live("pagerduty.resolve")?.id ?? "");
    assert.equal(rig.state.owedResolves.size, 1);
    for (let i = 0; i < 5; i++) await rig.passAndTick(60 * MINUTE_MS);
    assert.deepEqual([rig.state.owedResolves.size, rig.live("pagerduty.resolve")], [1, undefined]);
    await raise(rig, "controlled-paging");
    await rig.passAndTick(1_000);
    const again = rig.live("pagerduty.resolve")?.id ?? "";
    assert.equal((await rig.plan(again)).result, "granted");
  });

  it("what fired there and still fires is triaged again at the stage that follows", async () => {
    const rig = await Rig.open(engine, "shadow");
    await rig.page();
    await rig.signal({ service: "search" });
    await rig.classify({ confidencePpm: 100_000 });
    await rig.plan(rig.live("pagerduty.trigger")?.id ?? "");
    await raise(rig, "controlled-paging");
    await rig.passAndTick(TERMS.suppressRunMs + TERMS.redeliveryMs);
    assert.equal(rig.state.runs.size, 2);
    for (const confidencePpm of [900_000, 100_000]) {
      await rig.classify({ confidencePpm });
      const waiting = [...rig.state.actions.values()].find(({ planHash }) => planHash === null);
      await rig.plan(waiting?.id ?? "");
    }
    assert.deepEqual([rig.last("action.granted").dryRun, rig.last("action.held").route], [false, "on-call"]);
  });

  it("a bundle without a ladder leaves triage there, and everybody else alone", async () => {
    const none = allowing(false);
    const rig = await Rig.open({ version: engine.version, policy: () => none });
    const id = await rig.page();
    assert.equal(rig.last("action.granted", id).dryRun, true);
    const person = { kind: "test.free", agentKind: "person" } as const;
    assert.equal((await rig.propose(person, "person:ada")).result, "granted");
  });
});

function proposal(stage: string) {
  const of = { environment: "holdpoint", service: "holdpoint", effect: "kernel", reversible: true } as const;
  return { kind: "stage.set", ...of, agentKind: "person", person: "ben", operand: stage } as const;
}

function setStage(rig: Rig, stage: string) {
  return rig.propose(proposal(stage), "person:ben");
}

async function raise(rig: Rig, stage: Stage): Promise<void> {
  const { subject, result } = await setStage(rig, stage);
  assert.equal(result, "held");
  assert.equal((await rig.answer(subject, { roles: ["owner"] })).result, "succeeded");
}

describe("moving", () => {
  it("down is one person's word, and lasts no longer than what it follows", async () => {
    const rig = await Rig.open();
    const { expiresAt } = rig.state.stage ?? {};
    rig.pass(10 * DAY_MS);
    for (const stage of ["controlled-paging", "limited-autonomy", "assist"]) {
      assert.equal((await setStage(rig, stage)).result, "succeeded");
      assert.deepEqual([rig.state.stage?.stage, rig.state.stage?.expiresAt], [stage, expiresAt]);
    }
    assert.equal((await setStage(rig, "shadow")).result, "succeeded");
    assert.equal(rig.state.stage?.expiresAt, null);
  });

  it("up, or for longer, needs a second owner", async () => {
    const rig = await Rig.open(engine, "assist");
    for (const stage of ["assist", "limited-autonomy", "mim-automation"]) {
      const before = rig.state.stage?.id;
      const { subject, result } = await setStage(rig, stage);
      assert.equal(result, "held");
      assert.deepEqual(rig.last("action.held", subject).asks.seats[0]?.roles, ["owner"]);
      await assert.rejects(rig.answer(subject, { person: "ben", roles: ["owner"] }, "person:ben-phone"), {
        code: "self-approval",
      });
      await assert.rejects(rig.answer(subject), { code: "not-eligible" });
      assert.equal(rig.state.stage?.id, before);
      assert.equal((await rig.answer(subject, { roles: ["owner"] })).result, "succeeded");
      const facts = rig.last("stage.granted");
      assert.deepEqual(facts, { action: subject, expiresAt: rig.nowMs + TERMS.stageMs, signature: null, stage });
    }
  });

  it("by an agent, or to a stage that does not exist, is held for owners; the latter comes to nothing", async () => {
    const rig = await Rig.open();
    const agent = await rig.propose({ ...proposal("shadow"), agentKind: "agent" }, "agent:one");
    assert.equal(agent.result, "held");
    const { subject, result } = await setStage(rig, "omnipotence");
    assert.equal(result, "held");
    assert.equal((await rig.answer(subject, { roles: ["owner"] })).result, "failed");
    assert.equal(rig.state.stage?.stage, "mim-automation");
  });

  it("is held back by no brake, since it has no effect outside", async () => {
    const rig = await Rig.open();
    for (const mode of ["dry-run", "pause"] as const) {
      await rig.ask("apply-brake", { mode, scope: {} });
      assert.equal((await setStage(rig, mode === "pause" ? "shadow" : "assist")).result, "succeeded");
    }
    assert.equal(rig.state.stage?.stage, "shadow");
  });
});

describe("a grant", () => {
  it("is never given a second time, nor for longer than its term", async () => {
    const rig = new Rig();
    await rig.ask("open-log", { format: 1 });
    const grant = { stage: "assist", signature: "s" } as const;
    for (const expiresAt of [rig.nowMs + TERMS.initialStageMs + 1, null]) {
      await assert.rejects(rig.ask("grant-stage", { ...grant, expiresAt }), { code: "arguments-invalid" });
    }
    const expiresAt = rig.nowMs + TERMS.initialStageMs;
    const first = await rig.ask("grant-stage", { ...grant, expiresAt });
    assert.deepEqual([first.result, rig.state.stage?.expiresAt], ["granted", expiresAt]);
    const again = await rig.ask("grant-stage", { ...grant, stage: "mim-automation", expiresAt });
    assert.deepEqual([again.subject, again.repeated, rig.state.stage?.stage], [first.subject, true, "assist"]);
  });

  it("ends at its instant in shadow, which is recorded once, and survives a snapshot", async () => {
    const rig = await Rig.open(engine, "controlled-paging");
    const expiresAt = rig.state.stage?.expiresAt ?? 0;
    rig.pass(expiresAt - rig.nowMs - 1);
    assert.equal(rig.last("action.granted", await rig.page()).dryRun, false);
    rig.pass(1);
    assert.equal(rig.last("action.granted", await rig.page({ service: "search" })).dryRun, true);
    const { verdicts } = rig.last("action.granted").evaluation;
    assert.deepEqual(verdicts.at(-1)?.evidence, {
      expired: true,
      expiresAt,
      grant: rig.state.stage?.id,
      permitted: false,
    });
    for (let i = 0; i < 3; i++) await rig.passAndTick(1_000);
    assert.equal(rig.all("stage.expired").length, 1);
    const copy = parseState(serializeState(rig.state));
    assert.deepEqual([copy.stage, stateHash(copy)], [rig.state.stage, stateHash(rig.state)]);
    await raise(rig, "assist");
    assert.equal(rig.state.stage?.expired, false);
  });

  it("was never given: shadow", async () => {
    const rig = new Rig(undefined, engine);
    await rig.ask("propose-policy", { bundleHash: bundle.hash, mode: "file", person: null, requestHash: "0" });
    assert.equal(rig.last("action.granted", await rig.page()).dryRun, true);
  });
});
