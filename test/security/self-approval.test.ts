// Nobody approves what their own agent proposed, under whichever identity they sign in.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { test, type TestContext } from "node:test";
import { ClientRegistry, createClient, type NewClient } from "../../src/adapters/identity/clients.ts";
import { checkEligible } from "../../src/approvals/eligibility.ts";

const RANDOM = { bytes: (count: number) => randomBytes(count) };

function registryOf(t: TestContext, clients: readonly NewClient[]): ClientRegistry {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-owners-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  for (const client of clients) {
    createClient(join(dir, "clients"), client, {
      keyPath: join(dir, `${client.id.replace(":", "_")}.jwk`),
      random: RANDOM,
    });
  }
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  return new ClientRegistry({
    dir: join(dir, "clients"),
    rights: null,
    clock,
    onProblem: (file, reason) => assert.fail(`${file}: ${reason}`),
  });
}

const PEOPLE: readonly NewClient[] = [
  { id: "person:ada", kind: "person", roles: ["on-call"], scopes: ["actions:approve"] },
  { id: "person:ada-phone", kind: "person", person: "ada", roles: ["on-call"], scopes: ["actions:approve"] },
  { id: "person:bob", kind: "person", roles: ["on-call"], scopes: ["actions:approve"] },
];

for (const [what, agent] of [
  ["owned by", { owner: "person:ada" }],
  ["owned by the second identity of", { owner: "person:ada-phone" }],
  ["speaking for", { person: "ada" }],
] as const) {
  test(`what an agent ${what} a person proposed is approved by somebody else`, (t) => {
    const registry = registryOf(t, [...PEOPLE, { id: "agent:bot", kind: "agent", roles: [], scopes: [], ...agent }]);
    const bot = registry.find("agent:bot");
    assert.ok(bot !== undefined);
    const seats = [{ roles: ["on-call"], people: [], schedules: [], agents: false, count: 1 }];
    const { id, kind, person, owner } = bot;
    const hold = { asks: { seats, independentOf: [] }, proposer: { id, kind, person, owner, models: [] } };
    const answers = PEOPLE.map(({ id }) => {
      const person = registry.find(id);
      assert.ok(person?.person);
      const { kind, roles, owner } = person;
      return checkEligible(hold, { id, kind, person: person.person, roles, owner, models: [], onDuty: [], at: 0 });
    });
    assert.deepEqual(answers, ["self-approval", "self-approval", null]);
  });
}

test("an agent of a team speaks for nobody", (t) => {
  const registry = registryOf(t, [{ id: "agent:bot", kind: "agent", owner: "team:sre", roles: [], scopes: [] }]);
  assert.equal(registry.find("agent:bot")?.person, null);
});
