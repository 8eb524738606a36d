// A GitHub App: its key signs for it alone, and each token is for one repository and what is done there.

import assert from "node:assert/strict";
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { test, type TestContext } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { Executor, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { executeRequest, never, planRequest, TestClock } from "./contract.ts";
import { buildExecutor } from "./fixture.ts";
import { APP_KEY, githubStage, PULL_ARGS, type GithubSetup, type GithubStage } from "./github-stage.ts";

const SHOP = { repositories: ["shop"] };
const READS = { contents: "read", pull_requests: "read" };
const CHANGES = { contents: "write", pull_requests: "write" };

async function staged(t: TestContext, setup: Partial<GithubSetup> = {}): Promise<GithubStage> {
  const stage = await githubStage("github.pull-request", { login: "app", ...setup });
  t.after(() => stage.close());
  return stage;
}

async function act(executor: Executor, kind: string, args: JsonObject, action?: string): Promise<StepOutcome> {
  const plan = await executor.plan(planRequest({ kind, args }, action), never);
  return executor.execute(executeRequest(plan), never);
}

const asked = ({ github }: GithubStage): readonly object[] => github.app?.asked ?? [];

test("a plan can only read, a step writes where it has to, and a token is kept until it ends", async (t) => {
  const stage = await staged(t);
  const executor = stage.build();
  assert.equal((await act(executor, "github.pull-request", PULL_ARGS)).status, "succeeded");
  assert.deepEqual(asked(stage), [
    { ...SHOP, permissions: READS },
    { ...SHOP, permissions: CHANGES },
  ]);
  const start = { repository: "shop", workflow: "deploy" };
  const started = await act(executor, "github.dispatch", start);
  assert.deepEqual(started, { status: "succeeded", reference: "acme/shop/deploy.yaml#0", detail: { run: 0 } });
  const sent = stage.github.received.find(({ path }) => path.endsWith("/dispatches"));
  assert.deepEqual(JSON.parse(sent?.body ?? ""), { ref: "main", inputs: {} }, "an Enterprise Server names no run");
  assert.deepEqual(asked(stage).slice(2), [
    { ...SHOP, permissions: { contents: "read" } },
    { ...SHOP, permissions: { contents: "read", actions: "write" } },
  ]);
  await act(executor, "github.dispatch", start);
  assert.equal(asked(stage).length, 4, "both are kept");
  stage.clock.advance(3_540_000);
  await act(executor, "github.dispatch", start);
  assert.equal(asked(stage).length, 6, "a minute before their end both are new");
  assert.deepEqual(stage.github.complaints, []);
});

test("what may not be done with a token is not done, whatever its App may do", async (t) => {
  const stage = await staged(t);
  await stage.build().probe(never);
  const { authorization } = stage.github.received.at(-1)?.headers ?? {};
  const url = `${stage.github.url}/api/v3/repos/acme/shop`;
  const headers = { authorization: authorization ?? "", "content-type": "application/json" };
  assert.equal((await fetch(url, { headers })).status, 200);
  const body = JSON.stringify({ ref: "refs/heads/mine", sha: stage.github.branches.get("main") });
  assert.equal((await fetch(`${url}/git/refs`, { method: "POST", headers, body })).status, 403);
});

test("a token that was revoked before its time is replaced, and the work is done once", async (t) => {
  const stage = await staged(t);
  const executor = stage.build();
  const plan = await executor.plan(planRequest(stage), never);
  await executor.execute(executeRequest(plan), never);
  stage.github.app?.revokeTokens();
  assert.equal((await executor.execute(executeRequest(plan), never)).status, "succeeded");
  assert.equal(asked(stage).length, 3);
  assert.equal(stage.effects(), 1);
});

test("an App that was not given enough, and a key that is not its own or none at all, change nothing and say so", async (t) => {
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const curve = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const pem = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();
  const setups: readonly (readonly [Partial<GithubSetup>, string, object])[] = [
    [{ granted: { contents: "read", pull_requests: "read" } }, "credential-refused", { cause: "permission-missing" }],
    [{ installation: "none" }, "credential-refused", { cause: "app-not-installed" }],
    [{ installation: "suspended" }, "credential-refused", { cause: "installation-suspended" }],
    [{ key: pem(other) }, "credential-refused", {}],
    [{ key: pem(curve) }, "credential-missing", { secretRef: "github/app-key" }],
    [{ key: "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n" }, "credential-missing", { secretRef: "github/app-key" }],
  ];
  const good = await staged(t);
  const plan = await good.build().plan(planRequest(good), never);
  for (const [setup, code, detail] of setups) {
    const stage = await staged(t, setup);
    const text = JSON.stringify(plan).replaceAll(good.github.url, stage.github.url);
    const outcome = await stage.build().execute(executeRequest(JSON.parse(text) as typeof plan), never);
    assert.ok(outcome.status === "failed" && outcome.code === code, JSON.stringify(outcome));
    assert.deepEqual(outcome.detail ?? {}, detail);
    assert.deepEqual([...stage.github.branches.keys()], ["main"]);
  }
});

test("the stand-in lets in no assertion that GitHub would turn away", async (t) => {
  const stage = await staged(t);
  const nowS = Math.floor(stage.clock.nowMs() / 1_000);
  const good = { iss: "Iv23liHoldpoint", iat: nowS, exp: nowS + 600 };
  const ask = async (header: object, claims: object): Promise<number> => {
    const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
    const signed = `${input}.${sign("sha256", Buffer.from(input), APP_KEY).toString("base64url")}`;
    const url = `${stage.github.url}/api/v3/repos/acme/shop/installation`;
    return (await fetch(url, { headers: { authorization: `Bearer ${signed}` } })).status;
  };
  const header = { alg: "RS256", typ: "JWT" };
  assert.equal(await ask(header, good), 200);
  assert.equal(await ask({ alg: "none" }, good), 401);
  for (const odd of [{ iss: "another" }, { iat: nowS + 1 }, { exp: nowS }, { exp: nowS + 601 }, { exp: null }]) {
    assert.equal(await ask(header, { ...good, ...odd }), 401, JSON.stringify(odd));
  }
});

test("an Enterprise Server is named with its path, an App by its client id or number, and nothing beside", async (t) => {
  const stage = await staged(t);
  const place = {
    name: "shop",
    environment: "production",
    service: "cart",
    repository: "acme/shop",
    paths: ["deploy/"],
  };
  const build = (baseUrl: string, app: object): Executor =>
    buildExecutor({
      kind: "github.merge",
      config: { github: { baseUrl, app, repositories: [place] } },
      clock: new TestClock(),
    });
  for (const path of ["/api/v4", "/api/v3/repos", "/enterprise"]) {
    assert.throws(
      () => build(`${stage.github.url}${path}`, { id: 7 }),
      (error) => isAppError(error, "config-invalid"),
    );
  }
  assert.throws(
    () => build("http://ghe.example.com/api/v3", { id: 7 }),
    (error) => isAppError(error, "config-invalid"),
  );
  for (const id of ["", "a b", 0, 1.5]) assert.throws(() => build(stage.github.url, { id }));
  assert.deepEqual(build("https://ghe.example.com/api/v3/", { id: 12345 }).credentials, ["github/app-key"]);
});
