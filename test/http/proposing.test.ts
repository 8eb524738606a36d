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
