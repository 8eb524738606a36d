// Receipts of single events: verified with the root public key alone, and broken by any change.

import { test } from "node:test";
import assert from "node:assert/strict";
import { createReceipt, verifyReceipt } from "../../src/ledger/receipt.ts";
import { verifierOf } from "../../src/ledger/ed25519.ts";
import { signKeyStatement } from "../../src/ledger/key-statement.ts";
import { event, firstStatement, logSigner, makeLog, nextSigner, rootPublicKey, rootSigner } from "./fixture.ts";

const statements = [firstStatement];

test("a receipt of any event verifies with the root public key alone", async () => {
  const store = await makeLog([2, 255, 4]);
  for (const seq of [0, 1, 130, 255, 256, 260]) {
    const receipt = await createReceipt({ seq, store, statements, signer: logSigner });
    const { leaf, checkpoint } = verifyReceipt(receipt, rootPublicKey);
    const { payload: _, ...expected } = event(seq);
    assert.deepEqual(leaf.event, expected);
    assert.equal(checkpoint.size, 261);
    assert.deepEqual(verifyReceipt(JSON.stringify(JSON.parse(receipt), null, 2), rootPublicKey).leaf, leaf);
  }
});

test("every flipped byte of a receipt, and of what is inside its envelope, is found", async () => {
  const store = await makeLog([3]);
  const receipt = await createReceipt({ seq: 1, store, statements, signer: logSigner });
  for (let at = 0; at < receipt.length; at++) {
    const changed = Buffer.from(receipt);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => verifyReceipt(changed.toString(), rootPublicKey), { code: "ledger-corrupt" }, `byte ${at}`);
  }
});

test("the holder of a log key that was never stated, or is revoked, makes no receipts", async () => {
  const store = await makeLog([3]);
  const foreign = await createReceipt({ seq: 1, store, statements, signer: nextSigner });
  assert.throws(() => verifyReceipt(foreign, rootPublicKey), { code: "ledger-corrupt" });
  const revoked = [signKeyStatement({ logKey: verifierOf(logSigner).text, fromSize: 0, revokedAtSize: 3 }, rootSigner)];
  const late = await createReceipt({ seq: 1, store, statements: revoked, signer: logSigner });
  assert.throws(() => verifyReceipt(late, rootPublicKey), /no key is valid/);
});

test("a receipt under another root key is worth nothing", async () => {
  const receipt = await createReceipt({ seq: 0, store: await makeLog([1]), statements, signer: logSigner });
  assert.throws(() => verifyReceipt(receipt, verifierOf(nextSigner).text), { code: "ledger-corrupt" });
});

test("no receipt is made of an event that is not there", async () => {
  await assert.rejects(createReceipt({ seq: 3, store: await makeLog([3]), statements, signer: logSigner }), {
    code: "event-not-found",
  });
});

test("hostile texts are refused with one code", () => {
  for (const text of [
    "",
    "null",
    "[]",
    "1",
    "{}",
    '{"payload":"","payloadType":"","signatures":[]}',
    "[".repeat(200_000),
    '{"payload":"\\ud800","payloadType":"","signatures":[]}',
  ]) {
    assert.throws(() => verifyReceipt(text, rootPublicKey), { code: "ledger-corrupt" }, text.slice(0, 40));
  }
});
