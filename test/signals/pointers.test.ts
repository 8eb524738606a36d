// Pointers: addresses that lead to logs, dashboards and traces stay whole; what opens a door does not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pointersFrom } from "../../src/signals/pointers.ts";
import { negativeCases } from "./corpus/cases.ts";

const addresses = [...negativeCases(3, "first"), ...negativeCases(3, "later")]
  .filter(({ kind }) => kind === "pointers")
  .flatMap(({ parts }) => parts.join("").match(/https?:\/\/\S+/g) ?? []);

test("each vendor's links to logs, traces and dashboards stay as they are, query ids and fragments too", () => {
  assert.ok(new Set(addresses).size >= 60, `${addresses.length} addresses`);
  for (const address of addresses) {
    assert.deepEqual(pointersFrom([address]), { urls: [new URL(address).href], redactions: 0 }, address);
  }
});

const TOKEN = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6";

for (const [what, address, kept] of [
  ["an access token in the fragment", `https://a.example/x#access_token=${TOKEN}`, "https://a.example/x"],
  ["a value of random characters in the fragment", `https://a.example/x#/reset/${TOKEN}`, "https://a.example/x"],
  [
    "a fragment that hides one in CloudWatch's spelling",
    `https://a.example/x#q$3Dpassword$253Dhunter2`,
    "https://a.example/x",
  ],
  ["a user and a password", "https://ada:hunter2@a.example/x", "https://a.example/x"],
  ["a secret parameter", `https://a.example/x?token=${TOKEN}&page=2`, "https://a.example/x?page=2"],
  ["a signature", "https://a.example/x?sig=Zm9v%2Bbarbazquux0123&sv=2024-11-04&page=2", "https://a.example/x?page=2"],
  ["an e-mail address", "https://a.example/x?user=ada%40example.org&page=2", "https://a.example/x?page=2"],
] as const) {
  test(`${what} goes, and the rest of the address stays`, () => {
    const { urls, redactions } = pointersFrom([address]);
    assert.deepEqual(urls, [kept]);
    assert.ok(redactions >= 1);
  });
}

test("an address with a secret in its path is dropped", () => {
  const { urls, redactions } = pointersFrom([`https://hooks.slack.com/services/${"T00000000/B00000000"}/${TOKEN}`]);
  assert.deepEqual([urls.length, redactions], [0, 1]);
});
