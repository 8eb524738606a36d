// Secrets that are planted wherever a credential can come from, and where none of them may ever be found again.

import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { startGithub } from "../../examples/stand-ins/github.ts";
import { startOperations } from "../../examples/stand-ins/operations.ts";
import { startPagerduty } from "../../examples/stand-ins/pagerduty.ts";
import { startServicenow } from "../../examples/stand-ins/servicenow.ts";
import { startSlack } from "../../examples/stand-ins/slack.ts";
import { startStandIn, type StandIn } from "../../examples/stand-ins/stand-in.ts";
import { openSqliteReader } from "../../src/adapters/stores/sqlite-reader.ts";
import { loadKeys } from "../../src/main/keys.ts";
import { readRecordedPayload } from "../../src/main/recorded-payload.ts";
import { PROPOSER, eventually, OWNER, TestServer, writePolicies } from "./server.ts";

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  match: { actions: [pagerduty.trigger, pagerduty.resolve, pagerduty.note, servicenow.incident.create, servicenow.change.create,
    http.call, http.call-once, sql.migrate, slack.message, github.pull-request, runbook.document] }
  rules:
    - { name: free, decision: allow }
`;

const APP = generateKeyPairSync("rsa", { modulusLength: 2048 });
const APP_KEY = APP.privateKey.export({ type: "pkcs1", format: "pem" }).toString();
const [, keyBegins = "", keyGoesOn = ""] = APP_KEY.split("\n");

const PLANTED = {
  file: randomBytes(16).toString("hex"), // as long as a routing key is
  other: `file "${randomBytes(12).toString("base64")}"`,
  environment: `env+${randomBytes(12).toString("base64")}=&`,
  command: `cmd-${randomBytes(12).toString("hex")}`,
  refused: `no-${randomBytes(12).toString("hex")}`,
  database: `db-${randomBytes(12).toString("hex")}`,
  pager: `u+${randomBytes(12).toString("hex")}`,
  slack: `xoxb-${randomBytes(12).toString("hex")}`,
  keyBegins,
  keyGoesOn,
  minted: "ghs_stand-in-secret", // the beginning of every token that an App gets
  assertion: Buffer.from('{"alg":"RS256","typ":"JWT"}').toString("base64url"), // and of what it gets them for
  passed: `pass-${randomBytes(12).toString("hex")}`,
} as const;

/** Says back all that it was told, in every form, and that it will not do it. */
function startLeaky(): Promise<StandIn> {
  return startStandIn({
    act: ({ headers, body }) => {
      const said = `${headers.authorization ?? ""} ${body}`;
      const token = /Bearer (.*)/.exec(headers.authorization ?? "")?.[1] ?? "";
      const forms = [said, encodeURIComponent(said), Buffer.from(token).toString("base64")];
      return { status: 400, json: { message: said, errors: forms, error: { message: said, detail: forms.join(" ") } } };
    },
    report: () => null,
  });
}

function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const basic = Buffer.from(`holdpoint:${secret}`).toString("base64");
  const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), bytes.toString("hex"), basic];
  return [...new Set([...forms, bytes.toString("base64"), bytes.toString("base64url")])];
}

/** Fails when `text` holds a planted secret, naming the place and the kind of secret alone. */
function assertClean(where: string, text: string): void {
  for (const [name, secret] of Object.entries(PLANTED)) {
    for (const form of formsOf(secret)) assert.ok(!text.includes(form), `${where} holds the ${name} secret`);
  }
}

async function start(t: TestContext) {
  const user = { id: "PHOLDPNT", email: "holdpoint@example.com" };
  const rest = { token: PLANTED.pager, users: { [user.id]: user.email } };
  const pagerduty = await startPagerduty({ routingKeys: [PLANTED.file], rest });
  const servicenow = await startServicenow({ password: PLANTED.environment });
  const operations = await startOperations({ token: PLANTED.command });
  const leaky = await startLeaky();
  const slack = await startSlack({ token: PLANTED.slack });
  const channels = { ops: slack.makeChannel("ops", true).id };
  const publicKey = APP.publicKey.export({ type: "spki", format: "pem" }).toString();
  const app = { id: "7", publicKey, permissions: { contents: "write", pull_requests: "write" } };
  const github = await startGithub({ app, files: { "deploy/cart.yaml": "replicas: 2\n" } });
  const place = { name: "shop", environment: "production", service: "cart", repository: "acme/shop" };
  const policies = writePolicies(tmpdir(), POLICIES);
  const target = { environment: "production", service: "cart", repeat: "idempotent" };
  const drain = { ...target, name: "drain", baseUrl: operations.url, path: "/drain", tokenRef: "http/command" };
  const leak = { ...target, name: "leak", baseUrl: leaky.url, path: "/leak", tokenRef: "http/command" };
  const leakFile = { ...leak, name: "leak-file", tokenRef: "http/other" };
  const leakEnv = { ...leak, name: "leak-env", tokenRef: "servicenow/password" };
  const refused = { ...drain, name: "refused", tokenRef: "http/refused" };
  const broken = { ...drain, name: "broken", tokenRef: "http/broken" };
  const database = { name: "orders", environment: "production", service: "cart", host: "127.0.0.1", tls: "off" };
  const auth = { kind: "basic", user: "holdpoint", passwordRef: "servicenow/password" };
  const server = await TestServer.create({
    policy: { path: policies },
    snapshotEvery: 100,
    credentials: {
      "servicenow/password": { env: "PLANTED_PASSWORD" },
      "http/command": { command: ["/bin/sh", "-c", 'cat "$0"', "COMMAND"], environment: ["PLANTED_PASSED"] },
      "http/broken": { command: ["/bin/sh", "-c", 'echo "$PLANTED_PASSED"; exit 9'], environment: ["PLANTED_PASSED"] },
    },
    executors: {
      pagerduty: { baseUrl: pagerduty.url, integrations: ["default"], api: { baseUrl: pagerduty.url, user } },
      servicenow: { baseUrl: servicenow.url, auth },
      http: { operations: [drain, leak, leakFile, leakEnv, refused, broken] },
      slack: { baseUrl: slack.url, channels },
      github: { baseUrl: github.url, app: { id: 7 }, repositories: [{ ...place, paths: ["deploy/"] }] },
      sql: { databases: [{ ...database, port: 1, database: "x", user: "x", passwordRef: "sql/orders" }] },
    },
  });
  t.after(async () => {
    await server.remove();
    await Promise.all([pagerduty, servicenow, operations, leaky, slack, github].map((one) => one.close()));
    rmSync(policies, { recursive: true });
  });
  server.keepSecret("pagerduty/default", PLANTED.file);
  server.keepSecret("pagerduty/api-token", PLANTED.pager);
  server.keepSecret("http/other", PLANTED.other);
  server.keepSecret("http/refused", PLANTED.refused);
  server.keepSecret("sql/orders", PLANTED.database);
  server.keepSecret("slack/token", PLANTED.slack);
  server.keepSecret("github/app-key", APP_KEY);
  server.keepSecret("for-the-command", PLANTED.command);
  const settings = join(server.dataDir, "holdpoint.yaml");
  const path = join(server.dataDir, "secrets", "for-the-command");
  writeFileSync(settings, readFileSync(settings, "utf8").replace('"COMMAND"', JSON.stringify(path)));
  const planted = { PLANTED_PASSWORD: PLANTED.environment, PLANTED_PASSED: PLANTED.passed };
  const env = { ...planted, HOLDPOINT_LOG_LEVEL: "trace" };
  await server.start({ env });
  return { server, env, pagerduty, servicenow, operations, leaky, slack, github };
}

const call = (operation: string): object => ({ operation, body: { reason: "because" } });

const PULL = { repository: "shop", title: "More", files: [{ path: "deploy/cart.yaml", content: "replicas: 4\n" }] };

const CHANGE = { shortDescription: "drain", implementationPlan: "drain", backoutPlan: "fill" };

/** Every kind of end: done, refused by a target that repeats what it was told, no secret, no target. */
const PROPOSALS: readonly (readonly [kind: string, args: object, end: string, code: string])[] = [
  ["pagerduty.trigger", { dedupKey: "one", summary: "cart is down", severity: "high" }, "succeeded", "done"],
  ["servicenow.incident.create", { shortDescription: "cart", urgency: 2, impact: 3 }, "succeeded", "done"],
  ["http.call", call("drain"), "succeeded", "done"],
  ["slack.message", { channel: "ops", text: "cart is slow" }, "succeeded", "done"],
  ["github.pull-request", PULL, "succeeded", "done"],
  ["runbook.document", { title: "Warm it", steps: [{ title: "warm" }] }, "succeeded", "recorded"],
  ["pagerduty.note", { dedupKey: "one", text: "looked" }, "succeeded", "done"],
  ["servicenow.change.create", CHANGE, "succeeded", "done"],
  ["http.call", call("leak"), "failed", "target-refused"],
  ["http.call", call("leak-file"), "failed", "target-refused"],
  ["http.call", call("leak-env"), "failed", "target-refused"],
  ["http.call", call("refused"), "failed", "credential-refused"],
  ["http.call", call("broken"), "failed", "credential-missing"],
  ["sql.migrate", { database: "orders", statements: "CREATE TABLE a (b int)" }, "refused", "target-unavailable"],
];

/** The command line has not the server's environment, and so not those secrets. */
const DOCTOR: readonly RegExp[] = [
  /^ok +target +pagerduty default answers; its credential is there/m,
  /^FAIL +target +servicenow has no credential that can be read \(credential-missing\)/m,
  /^ok +target +operation refused answers/m,
  /^FAIL +target +operation broken has no credential/m,
  /^warn +target +database orders does not answer \(unreachable\)/m,
];

type Seen = { readonly id: string; readonly status: string; readonly code: string };

async function actThroughAll(server: TestServer): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const [index, [kind, args, end, code]] of PROPOSALS.entries()) {
    const proposal = { kind, target: { environment: "production", service: "cart" }, arguments: args };
    const { body } = await server.ask("POST", "/v1/actions", { as: PROPOSER, body: proposal, key: `plant-${index}` });
    assert.ok(body.id, JSON.stringify(body));
    const seen = await eventually(`${kind} ends`, async () => {
      const action = (await server.ask("GET", `/v1/actions/${body.id}`)).body as unknown as Seen;
      return ["succeeded", "failed", "refused", "needs-attention"].includes(action.status) ? action : undefined;
    });
    assert.deepEqual([seen.status, seen.code], [end, code], `${kind} ${JSON.stringify(args)}`);
    ids.push(body.id);
  }
  return ids;
}

async function scanRecords(server: TestServer): Promise<void> {
  const reader = openSqliteReader(join(server.dataDir, "ledger.db"));
  try {
    const keys = await loadKeys(reader, server.dataDir);
    let payloads = 0;
    for (const batch of await reader.readBatches(0, 4_096)) {
      assertClean("the ledger", batch.leaves);
      for (const { seq } of batch.payloads) {
        assertClean("a payload", JSON.stringify(await readRecordedPayload(reader, keys, seq)));
        payloads++;
      }
    }
    assert.ok(payloads > PROPOSALS.length, "contents were read");
    const snapshot = await reader.latestSnapshot(Number.MAX_SAFE_INTEGER);
    assert.ok(snapshot !== null, "there is a snapshot to look into");
    assertClean("a snapshot", Buffer.from(snapshot.bytes).toString("latin1"));
  } finally {
    await reader.close();
  }
}

async function scanAnswers(server: TestServer, ids: readonly string[]): Promise<void> {
  const lists = ["actions", "incidents", "runs", "signals", "reviews", "ledger/events"].map((name) => `/v1/${name}`);
  const open = ["/metrics", "/openapi.json", "/readyz", "/v1/stage", "/v1/killswitch", "/v1/policies", "/v1/agents"];
  const own = ids.flatMap((id) => ["", "/explain", "/receipt"].map((part) => `/v1/actions/${id}${part}`));
  for (const path of [...lists, ...open, ...own]) {
    for (const as of [OWNER, PROPOSER])
      assertClean(path, JSON.stringify((await server.call("GET", path, { as })).body));
  }
  for (const id of ids.slice(8, 9)) assertClean("describe", server.holdpoint(["describe", "action", id]).text);
  const doctor = await server.holdpointBeside(["doctor"]);
  assertClean("doctor", doctor);
  for (const line of DOCTOR) assert.match(doctor, line);
}

/** Whatever lies in the data folder but what keeps secrets by design. */
function scanFiles(server: TestServer): void {
  const entries = readdirSync(server.dataDir, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const others = files.filter((path) => !path.startsWith(join(server.dataDir, "secrets")));
  assert.ok(others.some((path) => path.endsWith("views.db")));
  for (const path of others) assertClean(path.slice(server.dataDir.length), readFileSync(path, "latin1"));
}

it("no planted secret is found in ledger, payloads, snapshots, views, logs, answers, commands or files", async (t) => {
  const { server, env, pagerduty, servicenow, operations, leaky, slack, github } = await start(t);
  const ids = await actThroughAll(server);
  // They did arrive where they belong, else nothing was tried.
  assert.equal(pagerduty.incidents.length, 1);
  assert.equal(servicenow.incidents.length, 1);
  assert.equal(operations.done.length, 1);
  assert.equal(slack.channels[0]?.messages.length, 1);
  assert.equal(github.pulls.length, 1);
  assert.equal(pagerduty.worked[0]?.notes.length, 1);
  assert.equal(servicenow.changes.length, 1);
  const document = await server.call("GET", `/v1/actions/${ids[5]}/document`);
  assert.match(String(document.body), /^# Warm it\n[^]*- \[ \] \*\*1\. warm\*\*\n[^]*act_\w+: succeeded\n$/);
  assert.equal((await server.ask("GET", `/v1/actions/${ids[0]}/document`)).body.code, "document-missing");
  const bearers = leaky.received.map(({ headers }) => headers.authorization);
  assert.deepEqual(
    bearers,
    [PLANTED.command, PLANTED.other, PLANTED.environment].map((secret) => `Bearer ${secret}`),
  );
  for (let index = 0; index < 60; index++) {
    const note = {
      kind: "record.note",
      target: { environment: "production", service: "cart" },
      arguments: { text: "." },
    };
    await server.propose(note, `filler-${index}`);
  }
  await eventually("a snapshot", async () => {
    const reader = openSqliteReader(join(server.dataDir, "ledger.db"));
    const found = await reader.latestSnapshot(Number.MAX_SAFE_INTEGER);
    await reader.close();
    return found ?? undefined;
  });
  await scanAnswers(server, ids);
  await server.kill("SIGTERM");
  await server.start({ env }); // what a start says and reads is looked at too
  await scanAnswers(server, ids.slice(0, 1));
  await server.kill("SIGTERM");
  await scanRecords(server);
  scanFiles(server);
  assert.match(server.wholeLog, /"ref":"http\/broken"/, "the log tells which secret could not be had");
  assertClean("the log", server.wholeLog);
});
