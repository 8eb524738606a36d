// The first stage: signed by the root key for one log, and found by verification when it is not.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { checkStageGrant, signStageStatement, STAGED_AGENT } from "../../src/ledger/stage-statement.ts";
import { verifierOf } from "../../src/ledger/ed25519.ts";
import { TRIAGE_AGENT } from "../../src/kernel/triage-kinds.ts";
import { ArrayStore, event, logKeys, logSigner, ORIGIN, rootSigner, sealerFor, verifyStore } from "./fixture.ts";

const root = verifierOf(rootSigner);
const STATEMENT = { agent: STAGED_AGENT, expiresAt: 1_790_000_000_000, origin: ORIGIN, stage: "controlled-paging" };

function factsOf(of: Partial<typeof STATEMENT> = {}, signer = rootSigner): JsonObject {
  const { expiresAt, stage } = STATEMENT;
  return { action: null, expiresAt, signature: signStageStatement({ ...STATEMENT, ...of }, signer), stage };
}

async function verified(facts: JsonObject): Promise<readonly string[]> {
  const store = new ArrayStore();
  const sealer = await sealerFor(store, logKeys());
  store.append(sealer.seal([event(0), { ...event(1), type: "stage.granted", facts }, event(2)]));
  return (await verifyStore(store)).findings.map(({ seq, code }) => `${seq} ${code}`);
}

test("the agent that the statement names is the one that the kernel restricts", () => {
  assert.equal(STAGED_AGENT, TRIAGE_AGENT);
});

test("verification takes a stage that the root key signed, and one that an action set", async () => {
  assert.deepEqual(await verified(factsOf()), []);
  assert.deepEqual(await verified({ ...factsOf(), action: "act_000000012", signature: null }), []);
});

const FORGED: readonly (readonly [string, JsonObject])[] = [
  ["signed by the log's own key", factsOf({}, logSigner)],
  ["signed for another log", factsOf({ origin: "ledger.example/other" })],
  ["signed for another stage", factsOf({ stage: "assist" })],
  ["signed for another agent", factsOf({ agent: "agent:one" })],
  ["that lasts longer than was signed", { ...factsOf(), expiresAt: STATEMENT.expiresAt + 1 }],
  ["without an end, where one was signed", { ...factsOf(), expiresAt: null }],
  ["with a signature that is none", { ...factsOf(), signature: "c2lnbmVk" }],
  ["without a signature", { ...factsOf(), signature: null }],
  ["with both an action and a signature of nobody", { ...factsOf(), action: "act_1", signature: "" }],
];

for (const [what, facts] of FORGED) {
  test(`a first stage ${what} is found`, async () => {
    assert.throws(() => checkStageGrant(facts, { origin: ORIGIN, root }), { code: "ledger-corrupt" });
    assert.deepEqual(await verified(facts), ["1 stage-unsigned"]);
  });
}
