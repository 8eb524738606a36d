// What a proposal may carry, over HTTP: others beside it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { systemClock } from "../../src/main/system.ts";
import { metric, note, startServer, type Answer, type Who } from "./fixture.ts";
import { signProposal } from "./signing.ts";

let server: Awaited<ReturnType<typeof startServer>>;
const tokens = new Map<Who, string>();

before(async () => {
  server = await startServer();
  for (const who of ["ada", "visitor", "deployer"] as const) tokens.set(who, await server.bearer(who));
});
after(() => server.stop());

const as = (who: Who): { as: string } => ({ as: tokens.get(who) ?? "" });

async function assertRefused(one: Promise<Answer>, code: string): Promise<void> {
  const size = server.running.kernel.durableSize;
  const { json, text } = await one;
  assert.equal(json?.["code"], code, text);
  assert.equal(server.running.kernel.durableSize, size, "a refusal is no event");
}

async function statusOf(id: string): Promise<string> {
  return (await server.ask(`/v1/actions/${id}`, as("ada"))).json?.["status"] as string;
}

const batch = (who: Who, actions: Json): Promise<Answer> =>
  server.ask("/v1/actions/batch", { ...as(who), body: { actions } });

const results = ({ json }: Answer): readonly JsonObject[] => json?.["actions"] as readonly JsonObject[];

describe("several proposals at once", () => {
  it("are each answered in their place, and what is wrong with one is its own answer alone", async () => {
    const series = `holdpoint_refusals_total{code="arguments-invalid"}`;
    const counted = await metric(server, series);
    const answers = results(
      await batch("visitor", [
        { proposal: note("staging", "b1"), idempotencyKey: "b-1" },
        { proposal: { ...note("staging"), arguments: {} }, idempotencyKey: "b-2" },
        { proposal: note("production", "b3") },
        { proposal: "a note" },
        { proposal: note("staging", "b1"), idempotencyKey: "b-1" },
        { proposal: note("staging", "another"), idempotencyKey: "b-1" },
        { proposal: note("staging"), signature: "a..b" },
      ]),
    );
    const said = answers.map(({ status, action, problem }) => [
      status,
      (action as JsonObject | undefined)?.["status"] ?? (problem as JsonObject)["code"],
    ]);
    assert.deepEqual(said, [
      [200, "succeeded"],
      [422, "arguments-invalid"],
      [202, "held"],
      [400, "request-invalid"],
      [200, "succeeded"],
      [422, "idempotency-conflict"],
      [400, "request-invalid"],
    ]);
    const [first, , held, , again] = answers.map(({ action }) => action as JsonObject);
    assert.deepEqual([again?.["id"], again?.["repeated"]], [first?.["id"], true]);
    assert.equal(await statusOf(held?.["id"] as string), "held");
    assert.equal(await metric(server, series), counted + 1);
  });

  it("of an agent are signed one by one: a signature that is missing, or another's, refuses its own alone", async () => {
    const who = { agent: "agent:deployer", jwk: server.keys.deployer, nowMs: systemClock.nowMs() };
    const [one, two] = [signProposal(note("staging", "s1"), who), signProposal(note("staging", "s2"), who)];
    const jws = one.headers["holdpoint-signature"] ?? "";
    const from = server.running.kernel.state.nextSeq;
    const answers = results(
      await batch("deployer", [
        { proposal: two.body, signature: jws },
        { proposal: one.body },
        { proposal: one.body, signature: jws },
      ]),
    );
    assert.deepEqual(
      answers.map(({ problem }) => (problem as JsonObject | undefined)?.["code"]),
      ["signature-invalid", "signature-missing", undefined],
    );
    const refused = (await server.eventsSince(from)).filter(({ type }) => type === "proposal.refused");
    assert.deepEqual(new Set(refused.map(({ subject }) => subject)), new Set(["agent:deployer"]));
    assert.equal(refused.length, 2);
  });

  it("are at least one and at most 32, in a list that is nothing else", async () => {
    const one = { proposal: note("staging") };
    for (const bad of [[], Array.from({ length: 33 }, () => one), [{ ...one, extra: 1 }], [{}], one, null]) {
      await assertRefused(batch("visitor", bad), "request-invalid");
    }
    assert.equal((await server.ask("/v1/actions/batch", { body: { actions: [one] } })).status, 401);
  });
});

describe("evidence", () => {
  it("is there, and readable to whoever names it, or the proposal is refused; a rule may ask how much of it there is", async () => {
    const first = await server.ask("/v1/actions", { ...as("visitor"), body: note("staging", "evidence") });
    const own = [{ kind: "action", id: first.json?.["id"] as string }];
    const send = (evidence: Json, by = as("visitor")): Promise<Answer> =>
      server.ask("/v1/actions", { ...by, body: { ...note("staging"), evidence } });
    const { json } = await send([...own, ...own]);
    assert.equal(json?.["status"], "succeeded");
    const events = await server.eventsSince(0);
    const last = events.findLast(({ type }) => type === "action.proposed");
    assert.deepEqual(last?.facts["evidence"], [own[0]?.id]);
    await assertRefused(send([{ kind: "signal", id: "sig_000000001" }]), "evidence-unknown");
    await assertRefused(send([...own, { kind: "run", id: "run_000000001" }]), "evidence-unknown");
    await assertRefused(send([{ kind: "incident", id: first.json?.["id"] as string }]), "request-invalid");
    const narrow = { as: await server.bearer("ada", ["actions:propose:record.note"]) };
    await assertRefused(send(own, narrow), "evidence-unknown");
    const author = { as: await server.bearer("visitor", ["actions:propose:record.note"]) };
    assert.equal((await send(own, author)).status, 200);
  });
});

describe("a window", () => {
  it("is part of the request, is waited for, and is answered with until when", async () => {
    const at = (ms: number): string => new Date(systemClock.nowMs() + ms).toISOString();
    const window = { notBefore: at(60_000), notAfter: at(120_000) };
    const send = (body: JsonObject, key = "w-1"): Promise<Answer> =>
      server.ask("/v1/actions", { ...as("visitor"), body, headers: { "idempotency-key": key } });
    const { status, json } = await send({ ...note("staging"), window });
    assert.deepEqual([status, json?.["status"], json?.["decision"], json?.["next"]], [202, "waiting", "allow", null]);
    assert.deepEqual(json?.["waits"], { code: "window", until: Date.parse(window.notBefore), behind: [] });
    assert.equal((await send({ ...note("staging"), window })).json?.["repeated"], true);
    const other = send({ ...note("staging"), window: { ...window, notAfter: at(180_000) } });
    await assertRefused(other, "idempotency-conflict");
    await assertRefused(send(note("staging")), "idempotency-conflict");
    const explained = await server.ask(`${json?.["href"] as string}/explain`, as("ada"));
    assert.match(explained.json?.["text"] as string, /may begin from .* until .*, as its proposal says/);
    assert.match(explained.json?.["text"] as string, /waited from .* for its window/);
    const cancelled = await server.ask(`${json?.["href"] as string}/cancel`, { ...as("visitor"), body: {} });
    assert.equal(cancelled.json?.["status"], "cancelled");
  });

  it("that is none is refused with what is wrong with it", async () => {
    const send = (window: Json): Promise<Answer> =>
      server.ask("/v1/actions", { ...as("visitor"), body: { ...note("staging"), window } });
    for (const bad of [{}, { notBefore: "2099-01-01T00:00:00Z" }, { notAfter: "tomorrow" }, { notAfter: 1 }, "now"])
      await assertRefused(send(bad), "request-invalid");
    for (const past of ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
      await assertRefused(send({ notAfter: past }), "window-invalid");
  });
});

describe("grants", () => {
  it("are listed, read by whoever has them, and taken back only while something may begin under them", async () => {
    const { json } = await server.ask("/v1/grants?status=active", as("ada"));
    assert.deepEqual(json, { items: [], cursor: null });
    const unknown = "/v1/grants/grt_000000001";
    await assertRefused(server.ask(unknown, as("ada")), "grant-not-found");
    await assertRefused(server.ask(`${unknown}/revoke`, { ...as("ada"), body: {} }), "grant-not-found");
    const narrow = { as: await server.bearer("visitor", ["agents:read"]) };
    await assertRefused(server.ask("/v1/grants", narrow), "scope-insufficient");
  });
});
