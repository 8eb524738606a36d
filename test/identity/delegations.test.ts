// Delegated tokens of other issuers: who is read from them, and what is refused rather than overlooked.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "../../src/adapters/identity/clients.ts";
import { JwsError } from "../../src/adapters/identity/compact-jws.ts";
import { actorsOf, delegatedReach } from "../../src/adapters/identity/delegations.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { issuersConfigSchema } from "../../src/wire/schemas/issuers-config.ts";
import type { ClientScope } from "../../src/wire/types/scopes.ts";

const URL = "https://login.example";

function configWith(actor?: unknown) {
  const [config] = issuersConfigSchema.parse([
    { name: "corp", url: URL, ...(actor === undefined ? {} : { claims: { actor } }) },
  ]);
  return config ?? assert.fail();
}

const refused = (detail: RegExp) => (error: unknown) => error instanceof JwsError && detail.test(error.message);

test("who acts is read where the settings say, the present one first", () => {
  const config = configWith("act");
  assert.deepEqual(actorsOf({ sub: "ada" }, config), []);
  assert.deepEqual(actorsOf({ act: { sub: "a" } }, config), ["a"]);
  const nested = { act: { sub: "c", iss: URL, client_id: "x", act: { sub: "b", act: { sub: "a" } } } };
  assert.deepEqual(actorsOf(nested, config), ["c", "b", "a"]);
  assert.deepEqual(actorsOf({ ext: { actor: { sub: "a" } } }, configWith(["ext", "actor"])), ["a"]);
});

test("a delegation that nobody follows, or that cannot be read, is refused and not overlooked", () => {
  for (const config of [configWith(), configWith("actor"), configWith(["ext", "act"])]) {
    assert.throws(() => actorsOf({ act: { sub: "a" } }, config), refused(/delegated by another/));
  }
  const config = configWith("act");
  const deep = (levels: number): JsonObject =>
    levels === 0 ? { sub: "a" } : { sub: `a${levels}`, act: deep(levels - 1) };
  assert.equal(actorsOf({ act: deep(7) }, config).length, 8);
  for (const [act, reason] of [
    [deep(8), /too often/],
    ["agent", /no object/],
    [null, /no object/],
    [[{ sub: "a" }], /no object/],
    [{}, /no actor/],
    [{ sub: "" }, /no actor/],
    [{ sub: 7 }, /no actor/],
    [{ sub: "a".repeat(257) }, /no actor/],
    [{ sub: "a", iss: "https://attacker.example" }, /another issuer/],
    [{ sub: "a", act: { sub: "b", iss: "https://attacker.example" } }, /another issuer/],
    [{ sub: "a", act: "b" }, /no object/],
  ] as const) {
    assert.throws(() => actorsOf({ act }, config), refused(reason), JSON.stringify(act));
  }
});

function clientOf(id: string, scopes: readonly ClientScope[], roles: readonly string[] = ["on-call"]): Client {
  const kind = id.startsWith("person:") ? "person" : "agent";
  const person = kind === "person" ? id.slice("person:".length) : null;
  return {
    id,
    kind,
    person,
    owner: null,
    roles,
    scopes,
    keys: [],
    parents: [],
    subjects: [],
    disabled: false,
    dpopBound: false,
  };
}

test("what is left is what each of them may do alone, without anybody's roles", () => {
  const ada = clientOf("person:ada", ["actions:read", "actions:propose:record.*", "admin"]);
  const upper = clientOf("agent:upper", ["actions:propose:*", "ledger:read"]);
  const actor = clientOf("agent:lower", ["actions:propose:record.note", "actions:propose:page.send", "actions:read"]);
  const asked: ClientScope[] = ["actions:propose:record.note", "actions:propose:page.send", "actions:read", "admin"];
  const others = [ada, upper].map((client) => ({ client, reach: client }));
  assert.deepEqual(delegatedReach(asked, { actor, others }), {
    roles: [],
    scopes: ["actions:propose:record.note"],
    actsFor: [
      { id: "person:ada", person: "ada" },
      { id: "agent:upper", person: null },
    ],
  });
  const alone = [{ client: ada, reach: ada }];
  assert.deepEqual(delegatedReach(asked, { actor, others: alone }).scopes, [
    "actions:propose:record.note",
    "actions:read",
  ]);
});

test("no person acts for another, and nobody for themselves", () => {
  const ada = clientOf("person:ada", []);
  const agent = clientOf("agent:a", []);
  const reachOf = (client: Client) => ({ client, reach: client });
  assert.throws(() => delegatedReach([], { actor: ada, others: [reachOf(agent)] }), refused(/only agents/));
  assert.throws(() => delegatedReach([], { actor: agent, others: [reachOf(agent)] }), refused(/themselves/));
  const twice = { actor: agent, others: [reachOf(ada), reachOf(ada)] };
  assert.throws(() => delegatedReach([], twice), refused(/themselves/));
});
