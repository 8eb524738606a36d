// Receipts in the page: what the server's own verifier takes is taken, whatever is changed in it is refused.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { canonicalJson as canonicalOnServer } from "../../src/core/canonical-json.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { canonicalJson, parseCanonical } from "../../src/console/proof/canonical-json.ts";
import { NotProven } from "../../src/console/proof/not-proven.ts";
import { verifyReceipt } from "../../src/console/proof/receipt.ts";
import { signerFromSeed, verifierOf } from "../../src/ledger/ed25519.ts";
import { verifyReceipt as verifyOnServer } from "../../src/ledger/receipt.ts";
import { note, startServer } from "../http/fixture.ts";

let server: Awaited<ReturnType<typeof startServer>>;
let receipts: readonly string[];
let root: string;

before(async () => {
  server = await startServer();
  const as = await server.bearer("ada");
  await server.ask("/v1/actions", { as, body: note("staging") });
  root = server.running.root;
  const answers = [0, 1, 2, 3, 4, 5].map((seq) => server.ask(`/v1/ledger/events/${seq}/receipt`, { as }));
  receipts = (await Promise.all(answers)).map(({ text }) => text);
});
after(() => server.stop());

const inPage = async (text: string, key = root): Promise<boolean> =>
  verifyReceipt(JSON.parse(text), key).then(
    () => true,
    (error: unknown) => {
      assert.ok(error instanceof NotProven, String(error));
      return false;
    },
  );

const onServer = (text: string, key = root): boolean => {
  try {
    verifyOnServer(text, key);
    return true;
  } catch {
    return false;
  }
};

/** The receipt with its statement's predicate changed, and the envelope's signature as it was. */
function withPredicate(text: string, change: (predicate: Record<string, Json>) => void): string {
  const envelope = JSON.parse(text) as Record<string, string>;
  const statement = JSON.parse(Buffer.from(envelope["payload"] ?? "", "base64").toString()) as JsonObject;
  const predicate = { ...(statement["predicate"] as Record<string, Json>) };
  change(predicate);
  const payload = Buffer.from(canonicalOnServer({ ...statement, predicate })).toString("base64");
  return JSON.stringify({ ...envelope, payload });
}

describe("a receipt in the page", () => {
  it("verifies under the root key for every event, and says which event, log and checkpoint it is about", async () => {
    for (const [seq, text] of receipts.entries()) {
      const receipt = await verifyReceipt(JSON.parse(text), root);
      const { leaf, checkpoint } = verifyOnServer(text, root);
      assert.equal(receipt.event.seq, seq);
      assert.equal(receipt.event.type, leaf.event.type);
      assert.equal(receipt.size, checkpoint.size);
      assert.equal(receipt.root, Buffer.from(checkpoint.root).toString("base64"));
      assert.equal(receipt.origin, checkpoint.origin);
    }
  });

  it("is refused under another root key, and under a key that does not match its own hash", async () => {
    const other = verifierOf(signerFromSeed(root.split("+")[0] ?? "", new Uint8Array(32).fill(7)));
    assert.equal(await inPage(receipts[0] ?? "", other.text), false);
    assert.equal(await inPage(receipts[0] ?? "", root.replace(/\+[0-9a-f]{8}\+/, "+00000000+")), false);
    assert.equal(await inPage(receipts[0] ?? "", "not a key"), false);
  });

  it("is refused with any part of it exchanged for another receipt's", async () => {
    const [first = "", second = ""] = receipts;
    const envelopes = [first, second].map((text) => JSON.parse(text) as Record<string, Json>);
    for (const name of ["payload", "signatures"]) {
      const mixed = JSON.stringify({ ...envelopes[0], [name]: envelopes[1]?.[name] });
      assert.equal(await inPage(mixed), false, name);
    }
    for (const change of [
      (one: Record<string, Json>) => (one["leaf"] = (one["leaf"] as string).replace("log.opened", "log.closed")),
      (one: Record<string, Json>) => (one["proof"] = []),
      (one: Record<string, Json>) => (one["proof"] = [...(one["proof"] as Json[]).toReversed()]),
      (one: Record<string, Json>) => (one["checkpoint"] = (one["checkpoint"] as string).replace(/\n\d+\n/, "\n6\n")),
      (one: Record<string, Json>) => (one["keyStatements"] = []),
      (one: Record<string, Json>) => delete one["checkpoint"],
    ]) {
      assert.equal(await inPage(withPredicate(first, change)), false, String(change));
    }
  });

  it("is taken and refused as the server's own verifier does, whichever character of it is changed", async () => {
    const text = receipts[5] ?? "";
    assert.equal(await inPage(text), true);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(text.length - 1),
        fc.constantFrom("A", "b", "0", "=", "+", '"', "{", " "),
        async (at, character) => {
          const changed = text.slice(0, at) + character + text.slice(at + 1);
          if (changed === text) return;
          try {
            JSON.parse(changed);
          } catch {
            return;
          }
          assert.equal(await inPage(changed), onServer(changed), `character ${at}`);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("that is no receipt at all is refused", async () => {
    for (const value of [null, 1, "x", [], {}, { payload: "", payloadType: "", signatures: [] }, { payload: 1 }]) {
      await assert.rejects(verifyReceipt(value, root), NotProven);
    }
  });
});

describe("canonical JSON in the page", () => {
  it("is what the server writes", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify(value);
        const read = JSON.parse(text) as Json;
        if (!text.isWellFormed()) return;
        let expected: string;
        try {
          expected = canonicalOnServer(read);
        } catch {
          return; // what the server does not write at all
        }
        assert.equal(canonicalJson(read), expected);
      }),
    );
  });

  it("refuses every other spelling, members that come twice included", () => {
    assert.deepEqual(parseCanonical('{"a":1,"b":[2]}'), { a: 1, b: [2] });
    for (const text of ['{"b":1,"a":1}', '{"a":1,"a":1}', '{"a": 1}', '{"a":1.0}', "[1,]", ""]) {
      assert.equal(parseCanonical(text), undefined, text);
    }
  });
});
