// Routes over the whole way: what goes alone, what waits for two groups, what moves to the lead, and what nobody answers.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, it } from "node:test";
import { startPagerduty, type PagerdutyStandIn } from "../../examples/stand-ins/pagerduty.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import type { ClientScope } from "../../src/wire/types/scopes.ts";
import { eventually, pageOf, TestServer, writePolicies } from "./server.ts";

/** The stand-in for both kinds is a page: its service says whether it is a restart or a change of a database. */
const route = (name: string, first: string, second: string): string => `---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: ${name} }
spec:
  steps:
    - approvers: { all: [{ role: database-owner }, { role: sre }] }
      within: ${first}
    - { roles: [lead], within: ${second} }
  onTimeout: deny
`;

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: changes }
spec:
  match: { actions: [pagerduty.trigger] }
  rules:
    - { name: stateless-restart, when: action.service == "web", decision: allow }
    - { name: database, when: action.service == "orders-db", decision: hold, route: database }
    - { name: database-at-night, when: action.service == "billing-db", decision: hold, route: soon-the-lead }
    - { name: database-alone, when: action.service == "archive-db", decision: hold, route: nobody }
${route("database", "5m", "5m")}${route("soon-the-lead", "1s", "5m")}${route("nobody", "1s", "1s")}`;

const SCOPES: readonly ClientScope[] = ["actions:read", "actions:approve", "payloads:read"];
const PEOPLE = { dana: ["database-owner"], dora: ["database-owner"], sam: ["sre"], lea: ["lead"] };

let policies: string;
let pagerduty: PagerdutyStandIn;
let server: TestServer;

before(async () => {
  policies = writePolicies(tmpdir(), POLICIES);
  pagerduty = await startPagerduty({ routingKeys: ["0123456789abcdef0123456789abcdef"] });
  server = await TestServer.create({
    policy: { path: policies },
    executors: { pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] } },
  });
  for (const [name, roles] of Object.entries(PEOPLE)) {
    server.register({ id: `person:${name}`, kind: "person", roles, scopes: [...SCOPES] });
  }
  await server.start();
});

after(async () => {
  await server.remove();
  await pagerduty.close();
  rmSync(policies, { recursive: true });
});

async function propose(service: string): Promise<{ id: string; status: string; planHash: string }> {
  const page = pageOf(service);
  const { body } = await server.propose({ ...page, target: { ...page.target, service } }, service);
  const { body: action } = await server.ask("GET", `/v1/actions/${body.id}`);
  return { id: body.id, status: body.status, planHash: action.planHash };
}

async function answer(name: string, action: { id: string; planHash: string }) {
  const body = { decision: "approve", planHash: action.planHash };
  return server.ask("POST", `/v1/actions/${action.id}/approvals`, { as: `person:${name}`, body });
}

async function become(id: string, status: string): Promise<void> {
  const look = async (): Promise<true | undefined> =>
    (await server.ask("GET", `/v1/actions/${id}`)).body.status === status ? true : undefined;
  await eventually(`${id} ${status}`, look);
}

async function recordOf(id: string): Promise<readonly LedgerEvent[]> {
  return (await server.events()).filter(({ subject }) => subject === id);
}

const typesOf = (events: readonly LedgerEvent[]): readonly string[] => events.map(({ type }) => type);
const paged = (service: string): boolean => pagerduty.incidents.some(({ dedupKey }) => dedupKey === service);

it("a stateless restart goes through alone", async () => {
  const { id } = await propose("web");
  await become(id, "succeeded");
  assert.ok(paged("web"));
  assert.ok(!typesOf(await recordOf(id)).includes("action.held"));
});

it("a database change waits for one database owner and one SRE, however many others approve", async () => {
  const action = await propose("orders-db");
  assert.equal(action.status, "held");
  const { code, text } = server.holdpoint(["approve", action.id, "--yes"], "person:dana");
  assert.equal(code, 3, text);
  assert.match(text, /0 of 1: sre/);
  assert.equal((await answer("dora", action)).body.status, "held", "a second database owner is no SRE");
  assert.equal((await answer("lea", action)).body.code, "not-eligible", "the lead is not asked yet");
  assert.ok(!paged("orders-db"));
  assert.notEqual((await answer("sam", action)).body.status, "held");
  await become(action.id, "succeeded");
  assert.ok(paged("orders-db"));
  const record = await recordOf(action.id);
  const approved = record.find(({ type }) => type === "action.approved");
  const by = (approved?.facts["approvals"] as readonly { id: string }[] | undefined)?.map(({ id }) => id);
  assert.deepEqual(by, ["person:dana", "person:dora", "person:sam"]);
  assert.deepEqual(approved?.facts["takes"], [0, null, 1]);
  const explained = server.holdpoint(["explain", action.id]).text;
  assert.match(explained, /for 1 of database-owner and 1 of sre until/);
  assert.match(explained, /approved by dana as person:dana/);
});

it("when the window ends the lead is asked, and decides", async () => {
  const action = await propose("billing-db");
  assert.equal((await answer("dana", action)).body.status, "held");
  await eventually("the lead", async () =>
    typesOf(await recordOf(action.id)).includes("hold.escalated") ? true : undefined,
  );
  assert.equal((await answer("sam", action)).body.code, "not-eligible", "the first step is over");
  await answer("lea", action);
  await become(action.id, "succeeded");
  const escalated = (await recordOf(action.id)).find(({ type }) => type === "hold.escalated");
  assert.deepEqual([escalated?.actor, escalated?.facts["kept"]], ["system:kernel", []]);
});

it("when nobody answers it ends as a timeout that nobody decided, and nothing runs", async () => {
  const { id } = await propose("archive-db");
  await become(id, "expired");
  const record = await recordOf(id);
  assert.deepEqual(typesOf(record), ["action.proposed", "action.held", "hold.escalated", "action.expired"]);
  assert.deepEqual([record.at(-1)?.facts["code"], record.at(-1)?.actor], ["hold-timeout", "system:kernel"]);
  assert.ok(!paged("archive-db"));
});
