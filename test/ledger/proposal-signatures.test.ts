// What agents signed, found by verification when it is not what is recorded: whoever holds the log's key included.

import assert from "node:assert/strict";
import { createPrivateKey, hash, sign, type JsonWebKeyInput } from "node:crypto";
import { test } from "node:test";
import { signDetached, type SignedType } from "../../src/adapters/identity/detached-jws.ts";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import type { UnsealedEvent } from "../../src/wire/types/event.ts";
import { keyNamed, registrationOf } from "../kernel/agent-registration.ts";
import { ArrayStore, event, logKeys, sealerFor, verifyStore } from "./fixture.ts";

const AGENT = "agent:deployer";
const MODEL = { provider: "maker", name: "model", version: "1" };
const PROMPT = hash("sha256", "prompt");
const TARGET = { environment: "Prod", service: "Cart" };
const REQUEST: JsonObject = {
  kind: "record.note",
  target: TARGET,
  arguments: { text: "done" },
  reason: "because",
  context: { prompt: "say done" },
  agent: AGENT,
  model: MODEL,
  promptHash: PROMPT,
  iat: 1_790_000_000,
  jti: "0123456789abcdef",
};

type Signed = { request?: JsonObject; by?: string; jws?: string; type?: SignedType };

/** An `action.proposed` with its payload, of what was signed, as the kernel records it. */
function proposed(seq: number, { request = REQUEST, by = AGENT, type = "holdpoint-proposal+jws", ...of }: Signed = {}) {
  const jws = of.jws ?? signDetached(canonicalJson(request), { jwk: keyNamed(by), type });
  const { arguments: args, context, ...rest } = request as JsonObject & { arguments: Json; context: Json };
  const target = { environment: "production", service: "cart" };
  const requestHash = hash("sha256", canonicalJson({ arguments: args, kind: "record.note", target }));
  const signed = { jwsHash: hash("sha256", jws), key: keyNamed(by).kid, model: MODEL, promptHash: PROMPT, signedAt: 0 };
  const facts: JsonObject = {
    kind: "record.note",
    ...target,
    resource: null,
    requestHash,
    signed: { ...signed, signedAt: Number(request["iat"]) * 1000 },
  };
  const body: JsonObject = { args, context, reason: "because", signed: { jws, request: rest } };
  return { ...event(seq, { body }), actor: AGENT, facts };
}

function registered(seq: number, id = AGENT): UnsealedEvent {
  return { ...event(seq), type: "agent.registered", subject: id, facts: registrationOf(id) };
}

async function verified(...events: readonly UnsealedEvent[]) {
  const store = new ArrayStore();
  const sealer = await sealerFor(store, logKeys());
  for (const one of events) store.append(sealer.seal([one]));
  const { findings, signatures } = await verifyStore(store);
  return { found: findings.map(({ seq, code }) => `${seq} ${code}`), signatures };
}

test("a proposal holds whose signature is over what is recorded, by a key registered then", async () => {
  const { found, signatures } = await verified(registered(0), proposed(1), proposed(2));
  assert.deepEqual([found, signatures], [[], { verified: 2, unread: 0 }]);
});

const change = (of: Partial<UnsealedEvent["facts"]>): UnsealedEvent => {
  const one = proposed(1);
  return { ...one, facts: { ...one.facts, ...of } as JsonObject };
};
const content = (of: JsonObject): UnsealedEvent => {
  const one = proposed(1);
  return { ...one, payload: { retention: "content", body: { ...(one.payload?.body as JsonObject), ...of } } };
};
const signedFacts = (of: JsonObject): UnsealedEvent =>
  change({ signed: { ...(change({}).facts["signed"] as JsonObject), ...of } });

/** A signature by that key with whatever header. */
function jwsWith(header: JsonObject): string {
  const { kid, ...jwk } = keyNamed(AGENT);
  const head = Buffer.from(JSON.stringify({ alg: "EdDSA", kid, typ: "holdpoint-proposal+jws", ...header })).toString(
    "base64url",
  );
  const key = createPrivateKey({ key: jwk, format: "jwk" } as unknown as JsonWebKeyInput);
  const input = Buffer.from(`${head}.${Buffer.from(canonicalJson(REQUEST)).toString("base64url")}`);
  return `${head}..${sign(null, input, key).toString("base64url")}`;
}

const FORGED: readonly (readonly [string, () => UnsealedEvent])[] = [
  ["with other arguments in facts and payload alike", () => content({ args: { text: "other" } })],
  ["with another context", () => content({ context: { prompt: "say other" } })],
  ["without its context", () => content({ context: null })],
  ["of another service", () => change({ service: "search" })],
  ["of another environment", () => change({ environment: "staging" })],
  ["of another resource", () => change({ resource: "db" })],
  ["of another kind", () => change({ kind: "pagerduty.trigger" })],
  ["of another agent", () => ({ ...proposed(1), actor: "agent:other" })],
  ["of another model", () => signedFacts({ model: { ...MODEL, version: "2" } })],
  ["of another prompt", () => signedFacts({ promptHash: "0".repeat(64) })],
  ["of another time", () => signedFacts({ signedAt: 1_790_000_000_001 })],
  ["whose signature is not the recorded one", () => signedFacts({ jwsHash: "0".repeat(64) })],
  ["by another agent's key", () => proposed(1, { by: "agent:other" })],
  ["that says another agent's key is its own", () => signedFacts({ key: keyNamed("agent:other").kid })],
  ["signed as a registration", () => proposed(1, { type: "holdpoint-registration+jws" })],
  ["without a signature algorithm", () => proposed(1, { jws: jwsWith({ alg: "none" }) })],
  ["with a signature that is none", () => proposed(1, { jws: "e30..AAAA" })],
  ["whose payload holds no signature", () => content({ signed: null })],
  ["with a signed request that is none", () => content({ signed: { jws: "x", request: [] } })],
];

for (const [what, forge] of FORGED) {
  test(`a proposal ${what} is found`, async () => {
    assert.deepEqual((await verified(registered(0), forge())).found, ["1 signature-invalid"]);
  });
}

test("a header with any member may be signed, and holds only as a proposal's by that key", async () => {
  assert.deepEqual((await verified(registered(0), proposed(1, { jws: jwsWith({}) }))).found, []);
  for (const header of [{ kid: "another" }, { typ: "JWT" }, { alg: "ES256" }]) {
    assert.deepEqual((await verified(registered(0), proposed(1, { jws: jwsWith(header) }))).found, [
      "1 signature-invalid",
    ]);
  }
});

test("a key counts from its registration to its revocation, and again when it is registered again", async () => {
  const revoked = { ...event(1), type: "agent.revoked", subject: AGENT, facts: { of: AGENT } };
  const { found } = await verified(registered(0), revoked, proposed(2), registered(3), proposed(4));
  assert.deepEqual(found, ["2 signature-invalid"]);
  assert.deepEqual((await verified(proposed(0), registered(1))).found, ["0 signature-invalid"]);
  const [key] = registrationOf(AGENT).keys;
  const mixed = {
    ...registered(0),
    facts: { keys: [null, 1, { ...key, jwk: registrationOf("agent:other").keys[0]?.jwk }] },
  };
  assert.deepEqual((await verified(mixed as unknown as UnsealedEvent, proposed(1))).found, ["1 signature-invalid"]);
});

test("one whose payload is erased is counted, and not called wrong", async () => {
  const store = new ArrayStore();
  const sealer = await sealerFor(store, logKeys());
  store.append(sealer.seal([registered(0), proposed(1)]));
  const { findings, signatures } = await verifyStore(store, { keyEncryptionKey: undefined });
  assert.deepEqual([findings, signatures], [[], { verified: 0, unread: 1 }]);
});
