// The settings of exports: what stops a start, and what may be reached.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { loadConfig } from "../../src/main/config.ts";
import { allowedOrigins } from "../../src/main/egress.ts";
import { checkExports } from "../../src/main/exports-check.ts";
import { DeliveryThread } from "../../src/main/delivery-thread.ts";

function configured(t: TestContext, exports: object) {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-exports-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, "holdpoint.yaml"), JSON.stringify({ exports }));
  return loadConfig({ HOLDPOINT_DATA: dir, HOME: "/nonexistent" });
}

it("nothing is exported by default, and every receiver that is named is on the allow-list", (t) => {
  assert.deepEqual(configured(t, {}).exports, {});
  const origins = allowedOrigins(
    configured(t, {
      splunk: { kind: "splunk-hec", baseUrl: "https://splunk.example:8088" },
      aws: { kind: "cloudwatch", region: "eu-west-1", logGroup: "/holdpoint", logStream: "records" },
      otel: { kind: "otlp", baseUrl: "http://127.0.0.1:4318" },
      siem: { kind: "ocsf-https", baseUrl: "https://siem.example", path: "/ingest?source=holdpoint" },
      audit: { kind: "ocsf-file" },
    }),
  );
  assert.deepEqual(origins, [
    "https://splunk.example:8088",
    "https://logs.eu-west-1.amazonaws.com",
    "http://127.0.0.1:4318",
    "https://siem.example",
  ]);
});

for (const [what, exports, place] of [
  ["an unknown kind", { x: { kind: "carrier-pigeon" } }, "exports/x/kind"],
  ["a receiver without an address", { x: { kind: "splunk-hec" } }, "exports/x/baseUrl"],
  ["a token instead of its reference", { x: { kind: "splunk-hec", baseUrl: "https://s", token: "t" } }, "token"],
  [
    "a log group that is none",
    { x: { kind: "cloudwatch", region: "eu-west-1", logGroup: "a b", logStream: "s" } },
    "logGroup",
  ],
  [
    "a region that is another host",
    { x: { kind: "cloudwatch", region: "evil.example/", logGroup: "a", logStream: "s" } },
    "region",
  ],
  ["contents of another word", { x: { kind: "ocsf-file", content: "some" } }, "exports/x/content"],
  ["a name with a path in it", { "../x": { kind: "ocsf-file" } }, "exports"],
  [
    "a path to another host",
    { x: { kind: "ocsf-https", baseUrl: "https://s", path: "//evil.example/" } },
    "exports/x/path",
  ],
  [
    "more exporters than run",
    Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`x${n}`, { kind: "ocsf-file" }])),
    "at most 8",
  ],
] as const) {
  it(`${what} stops the start and is named`, (t) => {
    assert.throws(
      () => configured(t, exports),
      (error: Error & { code?: string }) => error.code === "config-invalid" && error.message.includes(place),
    );
  });
}

it("what stands in an export's way is said without sending anything: address, secret, its permissions", async (t) => {
  const config = configured(t, {
    http: { kind: "splunk-hec", baseUrl: "http://splunk.example:8088" },
    audit: { kind: "ocsf-file" },
    aws: { kind: "cloudwatch", region: "eu-west-1", logGroup: "g", logStream: "s" },
    otel: { kind: "otlp", baseUrl: "https://otel.example", authorizationRef: "otel/authorization" },
  });
  mkdirSync(join(config.dataDir, "secrets/otel"), { recursive: true });
  writeFileSync(join(config.dataDir, "secrets/otel/authorization"), "Bearer abc", { mode: 0o644 });
  const problems = (await checkExports(config)).map(({ name, problem }) => `${name}: ${problem}`);
  for (const [index, words] of [
    /http: .*only https/,
    /audit: null/,
    /aws: .*aws\/credentials/,
    /otel: .*others/,
  ].entries()) {
    assert.match(problems[index] ?? "", words);
  }
});

it("plain HTTP to another machine stops the start: a token goes with it", (t) => {
  const config = configured(t, { x: { kind: "splunk-hec", baseUrl: "http://splunk.example:8088" } });
  assert.throws(() => allowedOrigins(config), { code: "config-invalid" });
});

it("a thread that cannot read the ledger shows as failing, ends nothing else, and stops when asked", async (t) => {
  const { dataDir, exports: exporters } = configured(t, { audit: { kind: "ocsf-file" } });
  const problems: unknown[] = [];
  const changed = await new Promise<string | null>((resolve) => {
    const data = { place: { dataDir, postgresUrl: null }, exporters, allow: [] };
    const module = new URL("../../src/main/exports-worker.ts", import.meta.url);
    const client = new DeliveryThread(
      { name: "exports", module, data, receivers: Object.keys(exporters) },
      {
        onChange: (_name, failing) => {
          assert.equal(client.statuses()[0]?.failures, 1);
          void client.stop().then(() => resolve(failing));
        },
        onProblem: (error) => void problems.push(error),
      },
    );
  });
  assert.equal(changed, "thread-ended");
  assert.equal(problems.length, 1);
});
