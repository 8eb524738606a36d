// A notifier with its fallback: who is told when one of them fails, what is passed over, and what is never lost.

import assert from "node:assert/strict";
import { it } from "node:test";
import { createWay } from "../../src/adapters/notifiers/way-to-people.ts";
import type { Notification, Notifier, Told } from "../../src/wire/contracts/notifier.ts";
import { notifiersConfigSchema, type NotifierConfig } from "../../src/wire/schemas/notifiers-config.ts";
import { NEVER } from "../exports/receiver.ts";
import { NOW_MS, notification } from "./notifications.ts";

const DOWN: Told = { kind: "failed", code: "unreachable", retryAfterMs: null };

/** Keeps what it told; `answer` decides about each. */
class Keeper implements Notifier {
  readonly told: string[] = [];
  readonly memos: (string | null)[] = [];
  asked = 0;
  answer: (of: Notification) => Told = ({ id }) => ({ kind: "told", memo: `after ${id}` });

  async notify(of: Notification, memo: string | null): Promise<Told> {
    this.asked++;
    this.memos.push(memo);
    const answer = this.answer(of);
    if (answer.kind === "told") this.told.push(of.id);
    return answer;
  }
}

function configOf(more: object = {}): NotifierConfig {
  const hook = { kind: "webhook", baseUrl: "https://hooks.example", secretRef: "hook" };
  const config = notifiersConfigSchema.parse({ a: { ...hook, fallback: "b", ...more }, b: hook })["a"];
  assert.ok(config !== undefined);
  return config;
}

function stage(more: object = {}, withFallback = true) {
  const [own, other] = [new Keeper(), new Keeper()];
  const fallbacks: string[] = [];
  let passedMs = 0;
  const way = createWay({
    config: configOf(more),
    notifier: own,
    fallback: withFallback ? other : null,
    clock: { nowMs: () => NOW_MS + passedMs, monotonicMs: () => passedMs },
    onFallback: (code) => void fallbacks.push(code),
  });
  let memo: string | null = null;
  const deliver = async (...records: Notification[]) => {
    const delivery = await way.deliver({ records, memo }, NEVER);
    ({ memo } = delivery);
    return delivery;
  };
  return { own, other, fallbacks, deliver, pass: (ms: number) => void (passedMs += ms) };
}

const at = (seq: number): Notification => notification({ ledger: { origin: "o", seq, receipt: "" } });

it("everything is told in order, with what was to be remembered", async () => {
  const { own, other, deliver } = stage();
  const delivery = await deliver(at(1), at(2));
  assert.deepEqual([delivery.accepted, delivery.failure], [2, null]);
  await deliver(at(3));
  assert.deepEqual(own.told, [at(1).id, at(2).id, at(3).id]);
  assert.deepEqual(own.memos, [null, `after ${at(1).id}`, `after ${at(2).id}`]);
  assert.equal(other.asked, 0);
});

it("what fails comes again, and after a while the fallback is told instead; the notifier is tried again later", async () => {
  const { own, other, fallbacks, deliver, pass } = stage({ fallbackAfterMs: 60_000 });
  own.answer = () => DOWN;
  assert.deepEqual((await deliver(at(1), at(2))).accepted, 0);
  pass(59_000);
  assert.equal((await deliver(at(1), at(2))).failure?.code, "unreachable");
  assert.equal(other.asked, 0);
  pass(2_000);
  assert.equal((await deliver(at(1), at(2))).accepted, 2);
  assert.deepEqual(other.told, [at(1).id, at(2).id]);
  assert.deepEqual(fallbacks, ["unreachable", "unreachable"]);
  const askedBefore = own.asked;
  await deliver(at(3));
  assert.equal(own.asked, askedBefore);
  pass(30_000);
  own.answer = () => ({ kind: "told", memo: null });
  await deliver(at(4), at(5));
  assert.deepEqual(own.told, [at(4).id, at(5).id]);
});

it("an order to wait for an hour does not keep people waiting while there is a fallback", async () => {
  const { own, deliver } = stage({ fallbackAfterMs: 60_000 });
  own.answer = () => ({ kind: "failed", code: "receiver-busy", retryAfterMs: 3_600_000 });
  const { failure } = await deliver(at(1));
  assert.ok(failure?.retryAfterMs !== null && (failure?.retryAfterMs ?? 0) <= 60_000);
  const alone = stage({}, false);
  alone.own.answer = () => ({ kind: "failed", code: "receiver-busy", retryAfterMs: 3_600_000 });
  assert.equal((await alone.deliver(at(1))).failure?.retryAfterMs, 3_600_000);
});

it("nothing is taken for told while both ways fail", async () => {
  const { own, other, deliver, pass } = stage({ fallbackAfterMs: 0 });
  own.answer = () => DOWN;
  other.answer = () => DOWN;
  for (let turn = 0; turn < 5; turn++) {
    const { accepted, rejected, failure } = await deliver(at(1));
    assert.deepEqual([accepted, rejected, failure === null], [0, 0, false]);
    pass(60_000);
  }
  other.answer = () => ({ kind: "told", memo: null });
  assert.equal((await deliver(at(1))).accepted, 1);
});

it("one that is refused for good goes to the fallback, else it is counted and holds up nothing", async () => {
  const withFallback = stage();
  withFallback.own.answer = () => ({ kind: "refused", code: "answered-400" });
  const taken = await withFallback.deliver(at(1));
  assert.deepEqual([taken.accepted, taken.rejected, withFallback.other.told.length], [1, 0, 1]);
  const alone = stage({}, false);
  alone.own.answer = ({ ledger }) =>
    ledger.seq === 1 ? { kind: "refused", code: "answered-400" } : { kind: "told", memo: null };
  const refused = await alone.deliver(at(1), at(2));
  assert.deepEqual([refused.accepted, refused.rejected, refused.failure], [2, 1, null]);
  assert.deepEqual(alone.own.told, [at(2).id]);
});

it("a question whose time is over is not asked any more, its end is told", async () => {
  const { own, deliver, pass } = stage();
  pass(600_001);
  const ended = notification({ kind: "hold.ended", action: { status: "expired" } });
  const { accepted } = await deliver(notification(), ended);
  assert.equal(accepted, 2);
  assert.deepEqual(own.told, [ended.id]);
});

it("only what is of concern is told: kinds, routes, environments; a brake is of concern on every route", async () => {
  const { own, deliver } = stage({
    tells: ["hold.opened", "brake.applied"],
    routes: ["owners"],
    environments: ["production"],
  });
  const brake = { id: "brk_000000001", mode: "pause", scope: {} } as const;
  const owners = { ...notification().action?.hold, route: "owners" } as NonNullable<Notification["action"]>["hold"];
  const wanted = [
    notification({ action: { hold: owners } }),
    notification({ kind: "brake.applied", action: null, brake }),
  ];
  const { accepted } = await deliver(
    notification(),
    notification({ action: { hold: owners, environment: "staging" } }),
    notification({ kind: "hold.ended", action: { hold: owners } }),
    notification({ kind: "brake.released", action: null, brake }),
    ...wanted,
  );
  assert.equal(accepted, 6);
  assert.equal(own.asked, wanted.length);
});

it("a memo that is none costs nothing but memory", async () => {
  const way = createWay({
    config: configOf(),
    notifier: new Keeper(),
    fallback: null,
    clock: { nowMs: () => NOW_MS, monotonicMs: () => 0 },
    onFallback: () => undefined,
  });
  for (const memo of ["", "{", '"x"', "[1]", '{"own":7}']) {
    assert.equal((await way.deliver({ records: [at(1)], memo }, NEVER)).accepted, 1);
  }
});
