// Deploys that GitHub and Argo CD tell of: with what they moved where GitHub says it, and without where nobody can.

import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import type { ModelChangeView } from "../../src/wire/types/model-views.ts";
import { metric, startServer } from "./fixture.ts";
import { openSender, type Sender } from "./senders.ts";

const [OLD, NEW, NEXT] = ["a", "b", "c"].map((char) => char.repeat(40)) as [string, string, string];
const SECRET = "sk_live_" + "51H8xQ2eZvKYlo2C0dJk3vN7tR9w";
const PATCH = `@@ -1,3 +1,3 @@\n redis:\n-  timeout: 500ms\n+  timeout: 50ms\n-  apiKey: none\n+  apiKey: ${SECRET}`;

let github: Server;
const asked: { readonly url: string; readonly authorization: string | undefined }[] = [];
let server: Awaited<ReturnType<typeof startServer>>;
let reader: string;
let senders: { readonly github: Sender; readonly argocd: Sender };

before(async () => {
  github = createServer((request, response) => {
    asked.push({ url: request.url ?? "", authorization: request.headers.authorization });
    // As https://docs.github.com/en/rest/commits/commits#compare-two-commits shows it.
    const files = [
      { filename: "config.yaml", status: "modified", additions: 2, deletions: 2, patch: PATCH },
      { filename: "logo.png", status: "modified", additions: 0, deletions: 0 },
    ];
    const isKnown = request.url === `/repos/acme/cart/compare/${OLD}...${NEW}`;
    response.writeHead(isKnown ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(isKnown ? { status: "ahead", ahead_by: 1, files } : { message: "Not Found" }));
  });
  await new Promise<void>((resolve) => github.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(github.address() as AddressInfo).port}`;
  const repository = {
    name: "cart",
    environment: "production",
    service: "cart",
    repository: "acme/cart",
    paths: ["deploy/"],
  };
  server = await startServer({
    settings: JSON.stringify({ executors: { github: { baseUrl, repositories: [repository] } } }),
  });
  keepToken();
  senders = { github: openSender(server, "github"), argocd: openSender(server, "argocd") };
  reader = await server.bearer("ada");
  await new Promise((resolve) => setTimeout(resolve, 1100)); // sources are looked at again within a second
});
after(async () => {
  await server.stop();
  github.closeAllConnections();
  github.close();
});

const tokenPath = (): string => join(server.dataDir, "secrets", "github", "token");

function keepToken(): void {
  mkdirSync(dirname(tokenPath()), { recursive: true, mode: 0o700 });
  writeFileSync(tokenPath(), "github_pat_x", { mode: 0o600 });
}

let ids = 0;

async function deployed(service: string, sha: string, minutesAgo: number): Promise<void> {
  const at = new Date(Date.now() - minutesAgo * 60_000).toISOString();
  const payload = {
    action: "created",
    deployment: { id: ++ids, sha, ref: "main", task: "deploy", environment: "production", created_at: at },
    deployment_status: { id: ids, state: "success", environment: "production", created_at: at },
    repository: { id: 1, name: service, full_name: `acme/${service}`, html_url: `https://github.com/acme/${service}` },
  };
  const sender = senders.github;
  const { status, text } = await sender.send(sender.bytesOf(payload), {
    headers: { "x-github-event": "deployment_status" },
  });
  assert.equal(status, 202, text);
}

async function synced(revision: string, repository: string): Promise<void> {
  const at = new Date().toISOString();
  const sync = {
    app: "cart",
    project: "shop",
    service: "cart",
    environment: "staging",
    phase: "Succeeded",
    health: "Healthy",
  };
  const payload = { ...sync, revision, repository, startedAt: at, finishedAt: at, url: "https://argocd.example.org" };
  const { status, text } = await senders.argocd.send(senders.argocd.bytesOf(payload));
  assert.equal(status, 202, text);
}

async function changesOf(node: string): Promise<readonly ModelChangeView[]> {
  const { json } = await server.ask(`/v1/model/nodes/${node}`, { as: reader });
  return (json?.["changes"] ?? []) as unknown as readonly ModelChangeView[];
}

async function until<T>(what: string, read: () => Promise<T | undefined>): Promise<T> {
  for (let tries = 0; tries < 2_000; tries++) {
    const found = await read();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(what);
}

const without = (code: string): Promise<number> =>
  metric(server, `holdpoint_model_deploys_without_diff_total{code="${code}"}`);
const told = (code: string) => until(code, async () => ((await without(code)) > 0 ? true : undefined));

test("a deploy has the settings that moved since the one before it, as the repository compares them, and no secrets", async () => {
  await deployed("cart", OLD, 9);
  await told("version-before-unknown");
  assert.equal(asked.length, 0);
  await deployed("cart", NEW, 5);
  const change = await until("the diff", async () =>
    (await changesOf("service:production:cart")).find(({ id, code }) => id.includes(NEW) && code !== null),
  );
  assert.deepEqual(change.settings, [{ key: "redis.timeout", before: 500, after: 50, unit: "ms" }]);
  assert.deepEqual(asked.splice(0), [
    { url: `/repos/acme/cart/compare/${OLD}...${NEW}`, authorization: "Bearer github_pat_x" },
  ]);
  const all = await changesOf("service:production:cart");
  assert.ok(!JSON.stringify(all).includes(SECRET));
  assert.equal(all.length, 2, "a correction is no second change");
});

test("a deploy that nobody can compare stays without, is counted by why, and is told all the same", async () => {
  await deployed("cart", NEXT, 3);
  await told("target-not-found");
  rmSync(tokenPath());
  await deployed("cart", "d".repeat(40), 1);
  const [newest] = await changesOf("service:production:cart");
  assert.ok(newest?.id.includes("d".repeat(40)) === true, "recorded before anybody was asked");
  assert.deepEqual([newest.settings, newest.code], [[], null]);
  await told("credential-missing");
  await deployed("search", OLD, 9);
  await deployed("search", NEW, 1);
  await told("repository-not-configured");
  keepToken();
});

test("Argo CD names the repository, and a template of before does not", async () => {
  asked.splice(0);
  await synced(OLD, "git@github.com:acme/cart.git");
  await new Promise((resolve) => setTimeout(resolve, 1_000)); // versions of one second are one moment
  await synced(NEW, "https://github.com/acme/cart.git");
  await until("the diff", async () =>
    (await changesOf("service:staging:cart")).find(({ id, code }) => id.includes(NEW) && code !== null),
  );
  await synced(NEXT, "");
  await told("repository-unknown");
});
