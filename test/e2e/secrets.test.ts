// Secrets that are planted wherever a credential can come from, and where none of them may ever be found again.

import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { startGithub } from "../../examples/stand-ins/github.ts";
import { startOperations } from "../../examples/stand-ins/operations.ts";
import { startPagerduty } from "../../examples/stand-ins/pagerduty.ts";
import { startServicenow } from "../../examples/stand-ins/servicenow.ts";
import { startSlack } from "../../examples/stand-ins/slack.ts";
import { KERNEL_KINDS } from "../../src/wire/schemas/kernel-kinds.ts";
import { call, LEAKING, MAJOR, POLICIES, PROPOSALS, WORKING } from "./planted-actions.ts";
import { codeFor, LOOKUP, REGISTRY_LOGIN, SPENT } from "./planted-answers.ts";
import { assertAllNamed } from "./planted-places.ts";
import { Search, streamOf } from "./planted-search.ts";
import { leakySettings, leakyVendors, majorIncidentAt, PLACE } from "./planted-settings.ts";
import { heardIn, startLeaky, type LeakyPlaces } from "./planted-systems.ts";
import { PLANTED as NAMED, SAID, secretsOf } from "./planted.ts";
import { PROPOSER, eventually, TestServer, writePolicies } from "./server.ts";

const APP = generateKeyPairSync("rsa", { modulusLength: 2048 });
const APP_KEY = APP.privateKey.export({ type: "pkcs1", format: "pem" }).toString();
const [, keyBegins = "", keyGoesOn = ""] = APP_KEY.split("\n");

const PLANTED = {
  ...NAMED,
  file: randomBytes(16).toString("hex"), // as long as a routing key is
  other: `file "${randomBytes(12).toString("base64")}"`,
  environment: `env+${randomBytes(12).toString("base64")}=&`,
  command: `cmd-${randomBytes(12).toString("hex")}`,
  refused: `no-${randomBytes(12).toString("hex")}`,
  database: `db-${randomBytes(12).toString("hex")}`,
  pager: `u+${randomBytes(12).toString("hex")}`,
  slackBot: `xoxb-${randomBytes(12).toString("hex")}`,
  keyBegins,
  keyGoesOn,
  minted: "ghs_stand-in-secret", // the beginning of every token that an App gets
  assertion: Buffer.from('{"alg":"RS256","typ":"JWT"}').toString("base64url"), // and of what it gets them for
  passed: `pass-${randomBytes(12).toString("hex")}`,
  inRepository: `repo-${randomBytes(12).toString("hex")}`,
} as const;

/** As a plan finds it that changes the file. */
const IN_REPOSITORY = `replicas: 2\npassword: ${PLANTED.inRepository}\n`;

const USER = { id: "PHOLDPNT", email: "holdpoint@example.com" };

async function start(t: TestContext) {
  const rest = { token: PLANTED.pager, users: { [USER.id]: USER.email } };
  const pagerduty = await startPagerduty({ routingKeys: [PLANTED.file], rest });
  const servicenow = await startServicenow({ password: PLANTED.environment });
  const operations = await startOperations({ token: PLANTED.command });
  const leaky = await startLeaky();
  const slack = await startSlack({ token: PLANTED.slackBot });
  const bridge = await startSlack({ token: SAID.bridge });
  const said = [SAID.bridge, Buffer.from(SAID.bridge).toString("base64")].join(" ");
  bridge.refuse("conversations.create", `you said Bearer ${said}`);
  const publicKey = APP.publicKey.export({ type: "spki", format: "pem" }).toString();
  const app = { id: "7", publicKey, permissions: { contents: "write", pull_requests: "write" } };
  const github = await startGithub({ app, files: { "deploy/cart.yaml": IN_REPOSITORY } });
  const standIns = { pagerduty, servicenow, operations, slack, bridge, github };
  const urls = Object.fromEntries(Object.entries(standIns).map(([name, { url }]) => [name, url]));
  const policies = writePolicies(tmpdir(), POLICIES);
  t.after(async () => {
    await Promise.all([leaky, ...Object.values(standIns)].map((one) => one.close()));
    rmSync(policies, { recursive: true });
  });
  const channel = slack.makeChannel("ops", true).id;
  const [first, second] = settingsAt(leaky, { urls, channel, policies });
  const server = await TestServer.create(first);
  t.after(() => server.remove());
  const own = {
    "pagerduty/default": PLANTED.file,
    "pagerduty/api-token": PLANTED.pager,
    "http/other": PLANTED.other,
    "http/refused": PLANTED.refused,
    "sql/orders": PLANTED.database,
    "slack/token": PLANTED.slackBot,
    "github/app-key": APP_KEY,
    "for-the-command": PLANTED.command,
  };
  for (const [ref, secret] of Object.entries({ ...own, ...secretsOf(leaky.url) })) server.keepSecret(ref, secret);
  const configure = (settings: object): void => {
    const path = JSON.stringify(join(server.dataDir, "secrets", "for-the-command"));
    writeFileSync(join(server.dataDir, "holdpoint.yaml"), JSON.stringify(settings).replace('"COMMAND"', path));
  };
  configure(first);
  const planted = { PLANTED_PASSWORD: PLANTED.environment, PLANTED_PASSED: PLANTED.passed };
  const env = { ...planted, HOLDPOINT_LOG_LEVEL: "trace" };
  await server.start({ env });
  return { server, env, leaky, ...standIns, becomeLeaky: () => configure(second) };
}

type Places = { readonly urls: Readonly<Record<string, string>>; readonly channel: string; readonly policies: string };

/** What vendors are reached as, first at systems that work, then at those that repeat. */
function settingsAt(leaky: LeakyPlaces, { urls, channel, policies }: Places): readonly [object, object] {
  const http = operationsAt(urls["operations"] ?? "", leaky.url);
  const settings = (way: "first" | "second", vendors: object): object => {
    const { executors, ...others } = leakySettings(leaky, way);
    const all = { ...executors, ...http, ...vendors };
    return { ...others, ...SOURCES, policy: { path: policies }, snapshotEvery: 100, executors: all };
  };
  return [settings("first", vendorsAt(urls, channel)), settings("second", leakyVendors(leaky, USER))];
}

/** Where secrets come from that are no files. */
const SOURCES = {
  credentials: {
    "servicenow/password": { env: "PLANTED_PASSWORD" },
    "http/command": { command: ["/bin/sh", "-c", 'cat "$0"', "COMMAND"], environment: ["PLANTED_PASSED"] },
    "http/broken": { command: ["/bin/sh", "-c", 'echo "$PLANTED_PASSED"; exit 9'], environment: ["PLANTED_PASSED"] },
  },
} as const;

function operationsAt(url: string, leaky: string) {
  const target = { ...PLACE, repeat: "idempotent" };
  const drain = { ...target, name: "drain", baseUrl: url, path: "/drain", tokenRef: "http/command" };
  const leak = { ...target, name: "leak", baseUrl: leaky, path: "/leak", tokenRef: "http/command" };
  return {
    http: {
      operations: [
        drain,
        leak,
        { ...leak, name: "leak-file", tokenRef: "http/other" },
        { ...leak, name: "leak-env", tokenRef: "servicenow/password" },
        { ...leak, name: "leak-once", tokenRef: "http/other", repeat: "neither" },
        { ...drain, name: "refused", tokenRef: "http/refused" },
        { ...drain, name: "broken", tokenRef: "http/broken" },
        { ...drain, name: "checked", service: "checked" },
      ],
    },
  };
}

function vendorsAt(urls: Readonly<Record<string, string>>, channel: string) {
  const at = (name: string) => ({ baseUrl: urls[name] });
  const auth = { kind: "basic", user: "holdpoint", passwordRef: "servicenow/password" };
  const repository = { ...PLACE, name: "shop", repository: "acme/shop", paths: ["deploy/"] };
  const database = { name: "orders", ...PLACE, host: "127.0.0.1", tls: "off", port: 1, database: "x", user: "x" };
  return {
    pagerduty: {
      ...at("pagerduty"),
      integrations: ["default"],
      api: { ...at("pagerduty"), tokenRef: "pagerduty/api-token", user: USER },
    },
    servicenow: { ...at("servicenow"), auth },
    majorIncident: majorIncidentAt(urls["bridge"]),
    slack: { ...at("slack"), tokenRef: "slack/token", channels: { ops: channel } },
    github: { ...at("github"), app: { id: 7, privateKeyRef: "github/app-key" }, repositories: [repository] },
    sql: { databases: [{ ...database, passwordRef: "sql/orders" }] },
  };
}

/** The command line has not the server's environment, and so not those secrets. */
const DOCTOR: readonly RegExp[] = [
  /^ok +target +pagerduty default answers; its credential is there/m,
  /^FAIL +target +servicenow has no credential that can be read \(credential-missing\)/m,
  /^ok +target +operation refused answers/m,
  /^FAIL +target +operation broken has no credential/m,
  /^warn +target +database orders does not answer \(unreachable\)/m,
];

type Seen = { readonly id: string; readonly status: string; readonly code: string };

const ENDED: ReadonlySet<string> = new Set(["succeeded", "failed", "refused", "reverted", "needs-attention"]);

async function propose(server: TestServer, [kind, args]: readonly [string, object], service = "cart") {
  const proposal = { kind, target: { environment: "production", service }, arguments: args };
  const key = `${kind}-${randomBytes(6).toString("hex")}`;
  const { body } = await server.ask("POST", "/v1/actions", { as: PROPOSER, body: proposal, key });
  assert.ok(body.id, `${kind}: ${JSON.stringify(body)}`);
  return body.id;
}

/** Told to programs, which have no network: what they did says that they were told. */
const OF_PROGRAMS: ReadonlySet<string> = new Set(["tofu", "runbook"]);

/** What is asked again and again has been asked. */
const TRIED: ReadonlySet<string> = new Set([...ENDED, "retrying"]);

async function endOf(server: TestServer, id: string, ends = ENDED): Promise<Seen> {
  let last: object | undefined;
  const look = async (): Promise<Seen | undefined> => {
    const action = (await server.ask("GET", `/v1/actions/${id}`)).body as unknown as Seen & { readonly kind: string };
    last = { kind: action.kind, status: action.status, code: action.code };
    return ends.has(action.status) ? action : undefined;
  };
  return eventually(`${id} ends`, look).catch((cause: unknown) => {
    throw new Error(`${JSON.stringify(last)} has not ended`, { cause });
  });
}

async function actThroughAll(server: TestServer): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const [kind, args, end, code] of PROPOSALS) {
    const id = await propose(server, [kind, args]);
    const seen = await endOf(server, id);
    assert.deepEqual([seen.status, seen.code], [end, code], `${kind} ${JSON.stringify(args)}`);
    ids.push(id);
  }
  return ids;
}

/** One of every kind that is offered, none of which goes where something outside is asked. */
async function actOnLeaky(server: TestServer): Promise<void> {
  type Kind = { readonly kind: string; readonly credentials: readonly string[] };
  const { items } = (await server.call("GET", "/v1/kinds")).body as { items: readonly Kind[] };
  const told = items.find(({ kind }) => kind === "pagerduty.note")?.credentials ?? [];
  assert.ok(told.includes("pagerduty/leaky-api"), "what a kind needs is told by reference");
  const known = new Set([...LEAKING.map(([kind]) => kind), ...KERNEL_KINDS.keys(), ...WORKING]);
  assert.deepEqual(
    items.map(({ kind }) => kind).filter((kind) => !known.has(kind)),
    [],
    "kinds that nothing is tried of",
  );
  const ids = await Promise.all(LEAKING.map((one) => propose(server, one)));
  for (const [index, id] of ids.entries()) {
    const [kind] = LEAKING[index] ?? [""];
    const { status, code } = await endOf(server, id, WORKING.has(kind) ? ENDED : TRIED);
    assert.equal(status === "succeeded", WORKING.has(kind), `${kind} is ${status}: ${code}`);
    assert.ok(
      !["arguments-invalid", "policy-refused", "credential-missing"].includes(code),
      `${kind} was not tried: ${code}`,
    );
  }
}

/** Everything else that is told a secret: models, health checks, notifiers, an issuer. */
async function moveTheRest(server: TestServer): Promise<void> {
  await server.send([{ service: "checkout", startsAt: new Date().toISOString() }]);
  await propose(server, ["record.note", { text: "who may?" }], "asked");
  assert.notEqual(
    (await endOf(server, await propose(server, ["http.call", call("checked")], "checked"), TRIED)).status,
    "succeeded",
  );
  const silence = { environment: "staging", minutes: 5, reason: "tried" };
  assert.ok((await server.call("POST", "/v1/silences", { body: silence, key: "quiet" })).status < 300);
  for (const mode of ["pause", "run"]) {
    const body = { mode, scope: { service: "nothing-at-all" }, reason: "tried" };
    assert.ok((await server.call("PUT", "/v1/killswitch", { body, key: mode })).status < 300);
  }
}

type WayIn = { readonly status: number; readonly headers: Headers; readonly text: string };

/** Signs in at the issuer, which gives the browser the code that `code` makes of the nonce. */
async function signIn({ url }: TestServer, code: (nonce: string) => string): Promise<WayIn> {
  const begun = await fetch(`${url}/v1/session/login`, { redirect: "manual" });
  const address = new URL(begun.headers.get("location") ?? "");
  const query = new URLSearchParams({
    code: code(address.searchParams.get("nonce") ?? ""),
    state: address.searchParams.get("state") ?? "",
  });
  const headers = { cookie: cookiesOf(begun.headers) };
  const ended = await fetch(`${url}/v1/session/callback?${query.toString()}`, { headers, redirect: "manual" });
  const text = `${address.href} ${JSON.stringify([...ended.headers])} ${await ended.text()}`;
  return { status: ended.status, headers: ended.headers, text };
}

function cookiesOf(headers: Headers): string {
  return headers
    .getSetCookie()
    .map((one) => one.split(";")[0])
    .join("; ");
}

/** With the right secret a code is exchanged, and somebody is there. */
async function enter(server: TestServer): Promise<string> {
  const { status, headers, text } = await signIn(server, codeFor);
  assert.equal(status, 303, text);
  const session = await fetch(`${server.url}/v1/session`, { headers: { cookie: cookiesOf(headers) } });
  const who = await session.text();
  assert.match(who, /"identity":"person:ada-/);
  return `${text} ${who}`;
}

async function pressButton({ url }: TestServer): Promise<string> {
  const headers = { "x-slack-signature": "v0=00", "x-slack-request-timestamp": String(Math.floor(Date.now() / 1000)) };
  return (await fetch(`${url}/v1/slack/interactions`, { method: "POST", headers, body: "payload=%7B%7D" })).text();
}

it("every place of the configuration that can name a secret has one planted", () => {
  const nowhere = { url: "http://127.0.0.1:1", postgresPort: 1, mailPort: 1, folder: "/" };
  assertAllNamed(...settingsAt(nowhere, { urls: {}, channel: "C0123ABCD", policies: "/" }));
});

/** They did arrive where they belong, else nothing was tried. */
function assertArrived({
  pagerduty,
  servicenow,
  operations,
  slack,
  bridge,
  github,
  leaky,
}: Awaited<ReturnType<typeof start>>): void {
  assert.equal(pagerduty.incidents.length, 1);
  assert.equal(pagerduty.worked[0]?.notes.length, 1);
  assert.equal(servicenow.incidents.length, 2);
  assert.equal(servicenow.changes.length, 1);
  assert.equal(operations.done.length, 1);
  assert.equal(slack.channels[0]?.messages.length, 1);
  assert.equal(bridge.channels[0]?.messages.length, 1);
  assert.ok(bridge.received.filter(({ path }) => path === "/api/conversations.create").length > 1, "refused once");
  assert.equal(github.pulls.length, 1);
  assert.equal(github.filesOf("main")["deploy/cart.yaml"], IN_REPOSITORY);
  const leaked = leaky.received.filter(({ path }) => path === "/leak");
  assert.deepEqual(
    leaked.map(({ headers }) => headers.authorization),
    [PLANTED.command, PLANTED.other, PLANTED.environment].map((secret) => `Bearer ${secret}`),
  );
  const asked = leaky.received.filter(({ path }) => path === LOOKUP);
  assert.deepEqual(
    asked.map(({ headers }) => headers.authorization),
    [undefined, REGISTRY_LOGIN],
  );
}

it("no planted secret is found in ledger, payloads, snapshots, views, logs, answers, commands or files", async (t) => {
  const search = new Search(PLANTED);
  const places = await start(t);
  const { server, env, leaky, bridge, becomeLeaky } = places;
  const major = await propose(server, MAJOR);
  const ids = await actThroughAll(server);
  search.assertClean("signing in", await enter(server));
  assert.equal((await endOf(server, major)).status, "succeeded");
  assertArrived(places);
  const document = await server.call("GET", `/v1/actions/${ids[5]}/document`);
  assert.match(String(document.body), /^# Warm it\n[^]*- \[ \] \*\*1\. warm\*\*\n[^]*act_\w+: succeeded\n$/);
  assert.equal((await server.ask("GET", `/v1/actions/${ids[0]}/document`)).body.code, "document-missing");
  const doctor = await server.holdpointBeside(["doctor"]);
  for (const line of DOCTOR) assert.match(doctor, line);
  search.assertClean("doctor", doctor);
  await server.send([{ service: "cart", startsAt: new Date().toISOString() }]);
  await eventually("the last model was asked", () => (leaky.heard().includes(SAID.vllm) ? true : undefined));
  for (let index = 0; index < 60; index++) await propose(server, ["record.note", { text: "." }]);
  await eventually("a snapshot", () => search.hasSnapshot(server.dataDir));
  await server.kill("SIGTERM");

  becomeLeaky();
  await server.start({ env }); // what a start says and reads is looked at too
  const stream = await streamOf(server);
  await Promise.all([actOnLeaky(server), moveTheRest(server)]);
  for (const code of ["c0de", SPENT]) {
    const refused = await signIn(server, () => code);
    assert.equal(refused.status, 401, "nobody is signed in");
    search.assertClean("signing in", refused.text);
  }
  search.assertClean("a button", await pressButton(server));
  const untold = (): readonly string[] => {
    const heard = leaky.heard() + heardIn(bridge.received);
    const told = Object.entries(SAID).filter(([name, secret]) => OF_PROGRAMS.has(name) || heard.includes(secret));
    return Object.keys(SAID).filter((name) => told.every(([one]) => one !== name));
  };
  await eventually("everybody was told", () => (untold().length === 0 ? true : undefined)).catch((error: unknown) => {
    assert.deepEqual(untold(), [], String(error));
  });
  const applied = readFileSync(join(leaky.folder, "work", "terraform.tfstate"), "utf8");
  assert.match(applied, /"serial":8/, "the program had what its state is locked with");
  assert.deepEqual(await search.scanAnswers(server), [], "reads that answered nothing");
  search.assertClean("describe", server.holdpoint(["describe", "action", ids[8] ?? ""]).text);
  search.assertClean("doctor of the leaky", await server.holdpointBeside(["doctor"]));
  await server.kill("SIGTERM");
  search.assertClean("the stream", await stream.whole);
  await search.scanRecords(server.dataDir);
  search.scanFiles(server.dataDir);
  assert.match(server.wholeLog, /"ref":"http\/broken"/, "the log tells which secret could not be had");
  assert.match(server.wholeLog, / an error in the response body: invalid_grant"/, "and why nobody was signed in");
  search.assertClean("the log", server.wholeLog);
  search.assertClean("what it prints", server.printed);
});
