// Who may do what: every route with and without its scope, other people's actions, tokens that end.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { ROUTES } from "../../src/http/server.ts";
import type { ClientScope } from "../../src/wire/types/scopes.ts";
import { ALL_SCOPES, metric, note, startServer, type Answer } from "./fixture.ts";
import { assertProblem } from "./problems.ts";

let server: Awaited<ReturnType<typeof startServer>>;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

const NOBODY = "act_00000000z";

type Case = { readonly operation: string; readonly scope: ClientScope; readonly path?: string; readonly body?: Json };

/** About somebody else. */
const CALL = {
  subject: { type: "person", id: "nobody" },
  action: { name: "crm.search" },
  resource: { type: "account", id: "acme" },
} as const;

/** What each operation that needs a scope is asked here; `path` where the route's own has parameters. */
const CASES: readonly Case[] = [
  { operation: "proposeAction", scope: "actions:propose:record.note", body: note("staging") },
  { operation: "listActions", scope: "actions:read" },
  { operation: "answerHold", scope: "actions:approve", path: `/v1/actions/${NOBODY}/approvals`, body: {} },
  { operation: "breakGlass", scope: "actions:approve", path: `/v1/actions/${NOBODY}/break-glass`, body: {} },
  { operation: "labelAction", scope: "actions:approve", path: `/v1/actions/${NOBODY}/labels`, body: {} },
  { operation: "listReviews", scope: "actions:read" },
  { operation: "getReview", scope: "actions:read", path: "/v1/reviews/rev_000000000" },
  { operation: "giveReview", scope: "actions:approve", path: "/v1/reviews/rev_000000000", body: {} },
  { operation: "cancelAction", scope: "actions:cancel", path: `/v1/actions/${NOBODY}/cancel`, body: {} },
  { operation: "evaluateAccess", scope: "access:evaluate", body: CALL },
  { operation: "evaluateAccesses", scope: "access:evaluate", body: CALL },
  {
    operation: "requestAccess",
    scope: "actions:propose:crm.search",
    body: { ...CALL, denial: { binding_token: "none" } },
  },
  { operation: "breakGlass", scope: "actions:approve", path: "/v1/actions/act_00000000z/break-glass" },
  { operation: "listReviews", scope: "actions:read" },
  { operation: "getReview", scope: "actions:read", path: "/v1/reviews/act_00000000z" },
  { operation: "giveReview", scope: "actions:approve", path: "/v1/reviews/act_00000000z" },
  { operation: "listSignals", scope: "signals:read" },
  { operation: "getSignal", scope: "signals:read", path: "/v1/signals/sig_00000000z" },
  { operation: "listIncidents", scope: "incidents:read" },
  { operation: "getIncident", scope: "incidents:read", path: "/v1/incidents/inc_00000000z" },
  { operation: "listStorms", scope: "incidents:read" },
  { operation: "explainIncident", scope: "incidents:read", path: "/v1/incidents/inc_00000000z/explanation" },
  { operation: "rememberIncident", scope: "incidents:read", path: "/v1/incidents/inc_00000000z/memory" },
  { operation: "splitIncident", scope: "incidents:write", path: "/v1/incidents/inc_00000000z/split", body: {} },
  {
    operation: "commandIncident",
    scope: "killswitch:pause",
    path: "/v1/incidents/inc_00000000z/command",
    body: { services: 1 },
  },
  { operation: "endCommand", scope: "killswitch:pause", path: "/v1/incidents/inc_00000000z/command" },
  { operation: "listRuns", scope: "runs:read" },
  { operation: "getRun", scope: "runs:read", path: "/v1/runs/run_00000000z" },
  { operation: "registerAgent", scope: "actions:propose:agent.register" },
  { operation: "listAgents", scope: "agents:read" },
  { operation: "revokeAgent", scope: "agents:revoke", path: "/v1/agents/agent:nobody/revoke" },
  { operation: "listPeople", scope: "people:read" },
  { operation: "getPerson", scope: "people:read", path: "/v1/people/person:nobody" },
  { operation: "registerPerson", scope: "actions:propose:person.register", body: {} },
  { operation: "registerGroup", scope: "actions:propose:group.register", body: {} },
  { operation: "revokePerson", scope: "people:revoke", path: "/v1/people/person:nobody/revoke" },
  { operation: "getKillswitch", scope: "killswitch:read" },
  {
    operation: "putKillswitch",
    scope: "killswitch:pause",
    body: { mode: "pause", scope: { service: "nothing-at-all" } },
  },
  {
    operation: "putKillswitch",
    scope: "killswitch:resume",
    body: { mode: "run", scope: { service: "nothing-else" } },
  },
  {
    operation: "putKillswitch",
    scope: "killswitch:read",
    path: "/v1/killswitch?preview=true",
    body: { mode: "pause" },
  },
  { operation: "listStopReports", scope: "killswitch:read" },
  { operation: "getStopReport", scope: "killswitch:read", path: "/v1/killswitch/reports/brk_00000000z" },
  { operation: "listKinds", scope: "actions:read" },
  { operation: "getStage", scope: "policies:read" },
  { operation: "listPolicies", scope: "policies:read" },
  { operation: "lintPolicies", scope: "policies:read", body: { files: [{ path: "a.yaml", text: "" }] } },
  { operation: "proposePolicy", scope: "policies:propose", body: { files: [{ path: "a.yaml", text: "" }] } },
  { operation: "confirmClock", scope: "admin" },
  { operation: "getCheckpoint", scope: "ledger:read" },
  { operation: "getTile", scope: "ledger:read", path: "/v1/ledger/tile/0/000.p/1" },
  { operation: "getStorm", scope: "incidents:read", path: "/v1/storms/stm_000000000" },
  { operation: "listApprovers", scope: "actions:read" },
  { operation: "createGrant", scope: "actions:propose:grant.create", body: {} },
  { operation: "listGrants", scope: "actions:read" },
  { operation: "readCalibration", scope: "model:read" },
  { operation: "listLevels", scope: "agents:read" },
  { operation: "getLevel", scope: "agents:read", path: "/v1/levels/lvl_000000000" },
  { operation: "getApprover", scope: "actions:read", path: "/v1/approvers/nobody" },
  { operation: "listSilences", scope: "incidents:read" },
  { operation: "getSilence", scope: "incidents:read", path: "/v1/silences/sil_000000000" },
  { operation: "createSilence", scope: "actions:propose:silence.create" },
  { operation: "endSilence", scope: "incidents:write", path: "/v1/silences/sil_000000000/end" },
  { operation: "listKinds", scope: "actions:read" },
  { operation: "readModel", scope: "model:read" },
  { operation: "diffModel", scope: "model:read", path: "/v1/model/diff?from=2026-01-01T00:00:00Z" },
  { operation: "predictImpact", scope: "model:read", body: { target: "service::nobody" } },
  { operation: "readModelNode", scope: "model:read", path: "/v1/model/nodes/service::nobody" },
  {
    operation: "recordChange",
    scope: "model:write",
    body: { id: "c1", kind: "flag", targets: ["service::nobody"] },
  },
  { operation: "findCauses", scope: "model:read", body: { node: "service::nobody", measure: "errors" } },
  { operation: "declareModel", scope: "model:write", path: "/v1/model/declared/nobody", body: {} },
  { operation: "getLedgerKeys", scope: "ledger:read" },
  { operation: "listEvents", scope: "ledger:read" },
  { operation: "getEventReceipt", scope: "ledger:read", path: "/v1/ledger/events/0/receipt" },
  {
    operation: "erasePayloads",
    scope: "payloads:erase",
    body: { subject: NOBODY, retention: "content" },
  },
];

/**
 * Their own actions and grants, and themselves, are everybody's to read, so without the scope they are only not found. Of a
 * batch each proposal is answered by itself.
 */
const OWN_ONLY = [
  "getAgent",
  "getAction",
  "explainAction",
  "getReceipt",
  "getDocument",
  "revertAction",
  "getGrant",
  "revokeGrant",
  "proposeActions",
];

function routeOf(operation: string): { method: string; path: string } {
  const route = ROUTES.find(({ operationId }) => operationId === operation);
  assert.ok(route, operation);
  return route;
}

const ask = ({ operation, path, body }: Case, as?: string): Promise<Answer> => {
  const route = routeOf(operation);
  const sent = route.method === "GET" ? {} : { body: body ?? {} };
  return server.ask(path ?? route.path, { method: route.method, ...sent, ...(as === undefined ? {} : { as }) });
};

describe("scopes", () => {
  it("every route that needs a scope is asked", () => {
    const scoped = ROUTES.filter(({ auth }) => typeof auth === "object" && auth.scope !== "");
    const asked = new Set([...CASES.map(({ operation }) => operation), ...OWN_ONLY]);
    assert.deepEqual(
      scoped.map(({ operationId }) => operationId).filter((operation) => !asked.has(operation)),
      [],
    );
  });

  for (const one of CASES) {
    it(`${one.operation} goes with ${one.scope} alone, and not with every other scope`, async () => {
      const alone = await ask(one, await server.bearer("visitor", [one.scope]));
      assert.ok(![401, 403, 500].includes(alone.status), alone.text);
      const others = ALL_SCOPES.filter((scope) => scope !== one.scope && scope !== "actions:propose:*");
      const without = await ask(one, await server.bearer("visitor", others));
      assert.equal(without.json?.["code"], "scope-insufficient", without.text);
      assert.equal(without.status, 403);
      assert.equal((without.json["facts"] as JsonObject)["scope"], one.scope);
    });
  }

  it("each proposal of a batch needs its own kind's scope", async () => {
    const actions = ["staging", "production"].map((environment) => ({ proposal: note(environment) }));
    const as = await server.bearer("visitor", ["actions:read", "actions:propose:crm.search"]);
    const { json } = await server.ask("/v1/actions/batch", { body: { actions }, as });
    const answers = json?.["actions"] as unknown as readonly { problem?: { code: string } }[];
    assert.deepEqual(
      answers.map(({ problem }) => problem?.code),
      ["scope-insufficient", "scope-insufficient"],
    );
  });

  it("no route with a door opens without a token, for a source's secret, or for a token of nobody's", async () => {
    for (const route of ROUTES.filter(({ auth }) => typeof auth === "object")) {
      const path = route.path.replace(":id", NOBODY).replace("*", "0/000");
      const sent = route.method === "GET" ? {} : { body: {} };
      const ask = (as?: string): Promise<Answer> =>
        server.ask(path, { method: route.method, ...sent, ...(as === undefined ? {} : { as }) });
      assert.equal((await ask()).json?.["code"], "token-missing", route.operationId);
      assert.equal((await ask(`Bearer ${server.secret}`)).json?.["code"], "token-invalid", route.operationId);
      assert.equal((await ask("Bearer a.b.c")).json?.["code"], "token-invalid", route.operationId);
    }
  });

  it("a kind's scope covers that kind alone, and the wildcard every one", async () => {
    const body = { ...note("staging"), kind: "pagerduty.trigger" };
    const one = await server.ask("/v1/actions", { as: await server.bearer("stranger"), body });
    assert.equal(one.json?.["code"], "scope-insufficient");
    const all = await server.ask("/v1/actions", { as: await server.bearer("deployer", ["actions:propose:*"]), body });
    assert.equal(all.json?.["code"], "action-kind-unknown");
  });

  it("a client asks for no scope it was not registered with", async () => {
    await assert.rejects(server.bearer("stranger", ["actions:read"]), /scope-invalid/);
  });
});

describe("an agent without actions:read", () => {
  const OTHERS = ["", "/explain", "/receipt"];

  it("reads its own action whole, and learns nothing of another's, not even that it exists", async () => {
    const deployer = await server.bearer("deployer");
    const stranger = await server.bearer("stranger");
    const own = await server.ask("/v1/actions", { as: stranger, body: note("staging", "mine") });
    const other = await server.ask("/v1/actions", { as: deployer, body: note("staging", "not yours") });
    for (const part of OTHERS) {
      const read = await server.ask(`/v1/actions/${own.json?.["id"] as string}${part}`, { as: stranger });
      assert.equal(read.status, 200, read.text);
      const series = 'holdpoint_refusals_total{code="action-not-found"}';
      const [size, count] = [server.running.kernel.state.nextSeq, await metric(server, series)];
      const foreign = await server.ask(`/v1/actions/${other.json?.["id"] as string}${part}`, { as: stranger });
      assertProblem(foreign, "action-not-found");
      assert.deepEqual([server.running.kernel.state.nextSeq, await metric(server, series)], [size, count + 1]);
      const absent = await server.ask(`/v1/actions/${NOBODY}${part}`, { as: stranger });
      const withoutId = ({ json, status }: Answer): unknown => [status, { ...json, facts: null }];
      assert.deepEqual(withoutId(foreign), withoutId(absent));
      assert.equal(foreign.json?.["code"], "action-not-found");
      assert.ok(!foreign.text.includes("not yours"));
    }
    const list = await server.ask("/v1/actions", { as: stranger });
    assert.equal(list.json?.["code"], "scope-insufficient");
  });

  it("takes back its own action and no other", async () => {
    const deployer = await server.bearer("deployer");
    const stranger = await server.bearer("stranger");
    const cancel = (id: unknown): Promise<Answer> =>
      server.ask(`/v1/actions/${id as string}/cancel`, { as: stranger, body: {} });
    const own = await server.ask("/v1/actions", { as: stranger, body: note("production") });
    const other = await server.ask("/v1/actions", { as: deployer, body: note("production") });
    assert.equal((await cancel(other.json?.["id"])).json?.["code"], "scope-insufficient");
    assert.equal((await cancel(NOBODY)).json?.["code"], "scope-insufficient");
    assert.equal((await cancel(own.json?.["id"])).json?.["status"], "cancelled");
    assert.equal((await cancel(own.json?.["id"])).json?.["code"], "action-not-cancellable");
  });

  it("of an action that never was says so to those who may take back any", async () => {
    const { json } = await server.ask(`/v1/actions/${NOBODY}/cancel`, { as: await server.bearer("ada"), body: {} });
    assert.equal(json?.["code"], "action-not-found");
  });

  it("says of no finished action that it is to be undone: people do, of what they may see", async () => {
    const revert = async (id: unknown, as: "stranger" | "deployer" | "ada"): Promise<unknown> => {
      const request = { as: await server.bearer(as), body: { reason: "not needed" } };
      return (await server.ask(`/v1/actions/${id as string}/revert`, request)).json?.["code"];
    };
    const own = await server.ask("/v1/actions", { as: await server.bearer("stranger"), body: note("staging", "mine") });
    const other = await server.ask("/v1/actions", {
      as: await server.bearer("deployer"),
      body: note("staging", "not"),
    });
    assert.equal(await revert(own.json?.["id"], "stranger"), "people-only");
    assert.equal(await revert(other.json?.["id"], "stranger"), "action-not-found");
    assert.equal(await revert(own.json?.["id"], "ada"), "action-not-revertible", "a note has no effect to take back");
    assert.equal(await revert(NOBODY, "ada"), "action-not-found");
  });

  it("sees the contents of others' actions only with payloads:read", async () => {
    const own = await server.ask("/v1/actions", {
      as: await server.bearer("stranger"),
      body: note("staging", "inner"),
    });
    const path = `/v1/actions/${own.json?.["id"] as string}`;
    const without = await server.ask(path, { as: await server.bearer("visitor", ["actions:read"]) });
    assert.ok(!without.text.includes("inner"), without.text);
    const withIt = await server.ask(path, { as: await server.bearer("visitor", ["actions:read", "payloads:read"]) });
    assert.ok(withIt.text.includes("inner"), withIt.text);
  });
});

describe("a token ends", () => {
  it("at once when it gives itself up, and no other with it", async () => {
    const [one, other] = [await server.bearer("grace"), await server.bearer("grace")];
    assert.equal((await server.ask("/v1/killswitch", { as: one })).status, 200);
    assert.equal((await server.ask("/oauth/revoke-self", { method: "POST", as: one })).status, 200);
    assert.equal((await server.ask("/v1/killswitch", { as: one })).json?.["code"], "token-invalid");
    assert.equal((await server.ask("/oauth/revoke-self", { method: "POST", as: one })).json?.["code"], "token-invalid");
    assert.equal((await server.ask("/v1/killswitch", { as: other })).status, 200);
  });

  it("when its client is disabled, and the client gets no new one", async () => {
    const as = await server.bearer("adaPhone");
    assert.equal((await server.ask("/v1/killswitch", { as })).status, 200);
    const path = join(server.dataDir, "clients", "person:ada-phone.json");
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, "utf8")) as object), disabled: true }));
    let answer = await server.ask("/v1/killswitch", { as });
    while (answer.status === 200) answer = await server.ask("/v1/killswitch", { as }); // files are looked at every second
    assert.equal(answer.json?.["code"], "token-invalid");
    await assert.rejects(server.bearer("adaPhone"), /client-invalid/);
  });

  it("an assertion gets one token and no second", async () => {
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: await server.assertion("ada"),
    }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const first = await server.ask("/oauth/token", { method: "POST", headers, body: form });
    assert.equal(first.status, 200);
    assert.equal(first.headers.get("cache-control"), "no-store");
    const second = await server.ask("/oauth/token", { method: "POST", headers, body: form });
    assert.equal(second.json?.["code"], "client-invalid");
    assert.equal(second.headers.get("www-authenticate"), "Bearer");
  });
});
