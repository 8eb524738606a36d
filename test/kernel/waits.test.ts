// Actions that wait: for their window, and for others on the same target, each in its turn.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LIMITS, TERMS } from "../../src/kernel/limits.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import { MINUTE_MS, Rig } from "./rig.ts";

const free = { kind: "test.free" } as const;
const inTurn = (text: string, of: object = {}) => ({ kind: "test.turn", requestHash: text, ...of });

describe("a window", () => {
  it("is waited for before anything begins, and then every gate is asked again", async () => {
    const rig = await Rig.open();
    const window = { notBefore: rig.nowMs + 10 * MINUTE_MS, notAfter: rig.nowMs + 20 * MINUTE_MS };
    const { subject, result, decided } = await rig.propose({ ...free, window });
    assert.equal(result, "waiting");
    assert.deepEqual(decided?.waits, { code: "window", until: window.notBefore, behind: [] });
    assert.equal((await rig.begin(subject)).result, "ended");
    await rig.passAndTick(9 * MINUTE_MS);
    assert.equal(rig.action(subject).status, "waiting");
    await rig.passAndTick(MINUTE_MS);
    assert.equal(rig.action(subject).status, "granted");
    assert.equal((await rig.begin(subject)).result, "started");
    assert.equal(rig.all("action.waiting").length, 1);
  });

  it("that is to come asks people now, and what they approved stays approved", async () => {
    const rig = await Rig.open();
    const window = { notBefore: rig.nowMs + 60 * MINUTE_MS, notAfter: rig.nowMs + 70 * MINUTE_MS };
    const { subject, result } = await rig.propose({ kind: "test.asked", window });
    assert.equal(result, "held");
    assert.equal((await rig.answer(subject)).result, "waiting");
    await rig.passAndTick(60 * MINUTE_MS);
    assert.equal(rig.action(subject).status, "granted");
    assert.equal(rig.all("action.held").length, 1);
  });

  it("that is over ends what waits, is asked about or is granted; nothing begins then, nor a second attempt", async () => {
    const rig = await Rig.open();
    const window = { notAfter: rig.nowMs + 2 * MINUTE_MS };
    const asked = await rig.propose({ kind: "test.asked", window });
    const granted = await rig.propose({ ...free, window });
    const tried = await rig.propose({ ...free, window, requestHash: "another" });
    assert.equal(rig.last("action.granted", granted.subject).expiresAt, window.notAfter);
    await rig.begin(tried.subject);
    await rig.finish(tried.subject, "retry");
    rig.pass(2 * MINUTE_MS);
    assert.equal((await rig.begin(tried.subject)).result, "expired");
    await rig.passAndTick(0);
    const codes = [asked, granted, tried].map(({ subject }) => rig.last("action.expired", subject).code);
    assert.deepEqual(codes, ["window-over", "grant-timeout", "grant-timeout"]);
  });

  it("that ends under a pause is over, though nothing could begin in it", async () => {
    const rig = await Rig.open();
    const window = { notBefore: rig.nowMs + MINUTE_MS, notAfter: rig.nowMs + 2 * MINUTE_MS };
    const { subject } = await rig.propose({ ...free, window });
    await rig.ask("apply-brake", { mode: "pause", scope: {} }, "person:ada");
    await rig.passAndTick(2 * MINUTE_MS);
    assert.equal(rig.last("action.expired", subject).code, "window-over");
  });

  it("under a pause is not begun in, and a pause that ends in time lets it", async () => {
    const rig = await Rig.open();
    const window = { notBefore: rig.nowMs + MINUTE_MS, notAfter: rig.nowMs + 60 * MINUTE_MS };
    const { subject } = await rig.propose({ ...free, window });
    const brake = await rig.ask("apply-brake", { mode: "pause", scope: {} }, "person:ada");
    assert.equal(rig.last("brake.applied").counts.scheduled, 1);
    await rig.passAndTick(10 * MINUTE_MS);
    assert.equal(rig.action(subject).status, "waiting");
    const resume = await rig.ask("release-brake", { brake: brake.subject, person: "ada", requestHash: "r" });
    await rig.answer(resume.subject, { person: "ben", roles: ["owner"] }, "person:ben");
    await rig.passAndTick(0);
    assert.equal(rig.action(subject).status, "granted");
  });

  it("that no action could begin in is refused, whoever asks", async () => {
    const rig = await Rig.open();
    const { nowMs } = rig;
    for (const window of [
      { notAfter: nowMs },
      { notBefore: nowMs + 5, notAfter: nowMs + 5 },
      { notAfter: nowMs + TERMS.windowAheadMs + 1 },
    ]) {
      await assert.rejects(rig.propose({ ...free, window }), { code: "window-invalid" });
    }
    const kernel = { kind: "stage.set", operand: "shadow", effect: "kernel", window: { notAfter: nowMs + 1 } } as const;
    await assert.rejects(rig.propose({ ...kernel, agentKind: "person" }, "person:ada"), { code: "window-invalid" });
  });
});

describe("what has to come from outside", () => {
  const said = { code: "change-unapproved", afterMs: 0 } as const;
  const report = (rig: Rig, action: string, status: "come" | "pending" | "over", of: object = {}) =>
    rig.ask("report-awaited", { action, status, ...said, ...of });

  async function planned(rig: Rig, awaits: "come" | "pending", of: object = {}): Promise<string> {
    const { subject } = await rig.propose({ ...free, planHash: null, ...of });
    await rig.ask("plan-action", { action: subject, planHash: "p".repeat(64), code: "", awaits });
    return subject;
  }

  it("that is there when it is planned is not waited for", async () => {
    const rig = await Rig.open();
    assert.equal(rig.action(await planned(rig, "come")).status, "granted");
  });

  it("is waited for without a grant, asked about ever less often, and gone on with as soon as it comes", async () => {
    const rig = await Rig.open();
    const id = await planned(rig, "pending");
    assert.equal(rig.action(id).status, "waiting");
    assert.equal((await rig.begin(id)).result, "ended");
    assert.equal(rig.state.waiting.get(id)?.nextAt, rig.nowMs);
    const gaps: number[] = [];
    for (let asked = 0; asked < 30; asked++) {
      assert.equal((await report(rig, id, "pending")).result, "waiting");
      const nextAt = rig.state.waiting.get(id)?.nextAt ?? 0;
      gaps.push(nextAt - rig.nowMs);
      await rig.passAndTick(nextAt - rig.nowMs);
    }
    assert.deepEqual([gaps[0], gaps.at(-1)], [TERMS.outsideFirstMs, TERMS.outsideLastMs]);
    assert.deepEqual(
      gaps,
      gaps.toSorted((a, b) => a - b),
    );
    assert.equal(rig.last("action.still-waiting", id).because, "change-unapproved");
    assert.equal(rig.all("action.waiting").length, 1);
    const copy = parseState(serializeState(rig.state));
    assert.equal(stateHash(copy), stateHash(rig.state));
    assert.equal((await report(rig, id, "come")).result, "granted");
    assert.equal((await rig.begin(id)).result, "started");
  });

  it("and will not come ends it at once; nobody asks any more about what was cancelled", async () => {
    const rig = await Rig.open();
    const id = await planned(rig, "pending");
    assert.equal((await report(rig, id, "over", { code: "change-rejected" })).result, "refused");
    assert.equal(rig.last("action.refused", id).code, "change-rejected");
    const other = await planned(rig, "pending", { requestHash: "other" });
    await rig.ask("cancel-action", { action: other, code: "x" }, "person:ada");
    assert.equal((await report(rig, other, "come")).result, "ended");
    assert.equal(rig.all("action.granted").length, 0);
    assert.equal(rig.state.waiting.size, 0);
  });

  it("is waited for after people were asked, and no longer than a week, or its window", async () => {
    const rig = await Rig.open();
    const id = await planned(rig, "pending", { kind: "test.asked" });
    assert.equal(rig.action(id).status, "held");
    assert.equal((await rig.answer(id)).result, "waiting");
    const notAfter = rig.nowMs + 60 * MINUTE_MS;
    const short = await planned(rig, "pending", { requestHash: "short", window: { notAfter } });
    assert.deepEqual(
      [rig.state.waiting.get(id)?.until, rig.state.waiting.get(short)?.until],
      [rig.nowMs + TERMS.outsideMs, notAfter],
    );
    await rig.passAndTick(60 * MINUTE_MS);
    assert.equal(rig.last("action.expired", short).code, "window-over");
    await rig.passAndTick(TERMS.outsideMs - 60 * MINUTE_MS);
    assert.equal(rig.last("action.expired", id).code, "outside-timeout");
  });

  it("comes to every gate again, and to the queue of its target", async () => {
    const rig = await Rig.open();
    const limited = await planned(rig, "pending", { kind: "test.limited" });
    for (let i = 0; i < 7; i++) await rig.propose({ kind: "test.limited", resource: "elsewhere" });
    assert.equal((await report(rig, limited, "come")).result, "refused");
    assert.equal(rig.last("action.refused", limited).code, "rate-limited");
    const later = await planned(rig, "pending", inTurn("later", { service: "search" }));
    const ahead = await rig.propose(inTurn("ahead", { service: "search" }));
    assert.equal(ahead.result, "granted", "what only waits for outside is in nobody's way");
    assert.equal((await report(rig, later, "come")).result, "waiting");
    assert.deepEqual(rig.state.waiting.get(later)?.behind, [ahead.subject]);
    await rig.ask("cancel-action", { action: ahead.subject, code: "x" }, "person:ada");
    assert.equal(rig.state.waiting.get(later)?.code, "outside", "it is asked about again");
    assert.equal((await report(rig, later, "come")).result, "granted");
  });

  it("and comes under a pause is asked about again when that is over", async () => {
    const rig = await Rig.open();
    const id = await planned(rig, "pending");
    const brake = await rig.ask("apply-brake", { mode: "pause", scope: {} }, "person:ada");
    assert.equal((await report(rig, id, "come")).result, "waiting");
    assert.equal(rig.last("action.still-waiting", id).because, "paused");
    const resume = await rig.ask("release-brake", { brake: brake.subject, person: "ada", requestHash: "r" });
    await rig.answer(resume.subject, { person: "ben", roles: ["owner"] }, "person:ben");
    assert.equal((await report(rig, id, "come")).result, "granted");
  });
});

describe("actions on one target", () => {
  it("go one after the other, in the order in which they came, and say whom they wait for", async () => {
    const rig = await Rig.open();
    const [one, two, three] = [
      await rig.propose(inTurn("1")),
      await rig.propose(inTurn("2")),
      await rig.propose(inTurn("3"), "agent:two"),
    ];
    assert.deepEqual([one.result, two.result, three.result], ["granted", "waiting", "waiting"]);
    assert.deepEqual(three.decided?.waits, {
      code: "conflict",
      until: rig.nowMs + 5 * MINUTE_MS,
      behind: [one.subject],
    });
    await rig.begin(one.subject);
    await rig.finish(one.subject, "succeeded");
    assert.deepEqual([rig.action(two.subject).status, rig.action(three.subject).status], ["granted", "waiting"]);
    assert.deepEqual(rig.state.waiting.get(three.subject)?.behind, [two.subject]);
    await rig.ask("cancel-action", { action: two.subject, code: "x" }, "person:ada");
    assert.equal(rig.action(three.subject).status, "granted");
    assert.equal(rig.state.waiting.size, 0);
  });

  it("wait no longer than policy says, also behind one after the other", async () => {
    const rig = await Rig.open();
    const one = await rig.propose(inTurn("1", { kind: "test.checked" }));
    await rig.begin(one.subject);
    const two = await rig.propose(inTurn("2"));
    await rig.passAndTick(5 * MINUTE_MS);
    assert.equal(rig.last("action.expired", two.subject).code, "conflict-timeout");
  });

  it("that are elsewhere, or ask the same, are not in the way", async () => {
    const rig = await Rig.open();
    await rig.propose(inTurn("1", { resource: "pod-1" }));
    assert.equal((await rig.propose(inTurn("3", { service: "elsewhere" }))).result, "granted");
    assert.equal((await rig.propose(inTurn("2", { resource: "pod-2" }))).result, "waiting", "called another name");
    assert.equal((await rig.propose(inTurn("4"))).result, "waiting");
  });

  it("make a queue that is not endless", async () => {
    const rig = await Rig.open();
    for (let i = 0; i <= LIMITS.waitingAtServiceMax; i++) await rig.propose(inTurn(`${i}`));
    const { subject, result } = await rig.propose(inTurn("one more"));
    assert.deepEqual([result, rig.last("action.refused", subject).code], ["refused", "queue-full"]);
  });

  it("are not all one agent's: it fills its own part, and others still find room", async () => {
    const rig = await Rig.open();
    const window = { notBefore: rig.nowMs + 60 * MINUTE_MS, notAfter: rig.nowMs + 70 * MINUTE_MS };
    const later = (text: string) => ({ ...free, window, requestHash: text, service: `of-${text}` });
    for (let i = 0; i < LIMITS.waitingOfOneMax; i++) await rig.propose(later(`${i}`));
    const { subject } = await rig.propose(later("one more"));
    assert.equal(rig.last("action.refused", subject).code, "queue-full");
    const hers = await rig.propose({ ...later("hers"), agentKind: "person", person: "ada" }, "person:ada");
    assert.equal(hers.result, "waiting");
  });

  it("that were revoked, or whose agent was, make way, and a snapshot keeps the queue", async () => {
    const rig = await Rig.open();
    const one = await rig.propose(inTurn("1"), "agent:two");
    const two = await rig.propose(inTurn("2"));
    const copy = parseState(serializeState(rig.state));
    assert.equal(stateHash(copy), stateHash(rig.state));
    await rig.ask("revoke-agent", { agent: "agent:two" }, "person:ada");
    assert.equal(rig.last("action.cancelled", one.subject).code, "agent-revoked");
    assert.equal(rig.action(two.subject).status, "granted");
  });
});
