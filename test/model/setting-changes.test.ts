// Diffs read as typed changes of settings, and what a change of each kind of setting can do.

import assert from "node:assert/strict";
import { test } from "node:test";
import { findCodeTrait } from "../../src/model/diffs/code-traits.ts";
import { countSkipped, parseDiff } from "../../src/model/diffs/parse-diff.ts";
import { readChangeDiff } from "../../src/model/diffs/read-change-diff.ts";
import { findSettingChanges } from "../../src/model/diffs/setting-changes.ts";
import { harmOf, isAside, roleOf } from "../../src/model/diffs/setting-roles.ts";
import type { SettingChange } from "../../src/wire/types/model.ts";

const settingsOf = (diff: string): readonly SettingChange[] => findSettingChanges(parseDiff(diff, ["a.yaml"]));

const onlySetting = (before: string, after: string): SettingChange => {
  const [change, ...rest] = settingsOf(`--- a/f\n+++ b/f\n@@ -1,1 +1,1 @@\n-${before}\n+${after}\n`);
  assert.ok(change, `${before} to ${after}`);
  assert.deepEqual(rest, []);
  return change;
};

test("a setting is read with its place, its values and its unit, in whatever language it is written", () => {
  const rows: readonly (readonly [string, string, SettingChange])[] = [
    ["  timeoutMs: 40,", "  timeoutMs: 16,", { key: "timeoutMs", before: 40, after: 16, unit: "ms" }],
    ["timeout: 20ms", "timeout: 4ms", { key: "timeout", before: 20, after: 4, unit: "ms" }],
    ["memory: 512Mi", "memory: 256Mi", { key: "memory", before: 536_870_912, after: 268_435_456, unit: "bytes" }],
    [
      "cacheTtlSeconds: 900",
      "cacheTtlSeconds: 30",
      { key: "cacheTtlSeconds", before: 900_000, after: 30_000, unit: "ms" },
    ],
    [
      "\tdefaultPoolSize = 17",
      "\tdefaultPoolSize = 8",
      { key: "defaultPoolSize", before: 17, after: 8, unit: "count" },
    ],
    ["const maxConns = 50", "const maxConns = 10", { key: "maxConns", before: 50, after: 10, unit: "count" }],
    [
      "\tBackoff: 100 * time.Millisecond,",
      "\tBackoff: 2 * time.Second,",
      { key: "Backoff", before: 100, after: 2000, unit: "ms" },
    ],
    [
      "public static final int POOL = 8;",
      "public static final int POOL = 4;",
      { key: "POOL", before: 8, after: 4, unit: "count" },
    ],
    [
      "client.keepalive.enabled = true",
      "client.keepalive.enabled = false",
      { key: "client.keepalive.enabled", before: true, after: false, unit: null },
    ],
    ["level: info", "level: debug", { key: "level", before: "info", after: "debug", unit: null }],
    ["maxEntries: 20000", "maxEntries: 0 # 0 = no cap", { key: "maxEntries", before: 20_000, after: 0, unit: "count" }],
  ];
  for (const [before, after, expected] of rows) assert.deepEqual(onlySetting(before, after), expected, before);
});

test("the block that a setting stands in is part of its name", () => {
  const diff =
    "@@ -1,5 +1,5 @@ spec:\n   clients:\n     geo:\n       endpoint: geo:8080\n-      poolSize: 6\n+      poolSize: 1\n       healthCheck: true\n";
  assert.deepEqual(settingsOf(diff), [{ key: "clients.geo.poolSize", before: 6, after: 1, unit: "count" }]);
});

test("a line that moved or was written otherwise is no change of a setting", () => {
  assert.deepEqual(settingsOf("@@ -1,1 +1,1 @@\n-  timeoutMs: 40\n+    timeoutMs:   40\n"), []);
  assert.deepEqual(settingsOf("@@ -1,1 +1,1 @@\n-  timeoutMs: 40\n context\n+  timeoutMs: 16\n"), []);
});

test("YAML, JSON, properties and environment files are read alike, with what is new and what is gone", () => {
  const diff = `diff --git a/deploy/cart.yaml b/deploy/cart.yaml
--- a/deploy/cart.yaml
+++ b/deploy/cart.yaml
@@ -10,9 +10,9 @@ spec:
         env:
         - name: REDIS_TIMEOUT_SECONDS
-          value: "5"
+          value: "1"
         - name: UPSTREAM
-          value: http://payments:8080 # the old one
+          value: http://payments-v2:8080 # the new one
         resources:
           limits:
-            memory: 512Mi
+            memory: 256Mi
--- a/config/app.json
+++ b/config/app.json
@@ -1,4 +1,4 @@
   "pool": {
-    "maxSize": 40,
+    "maxSize": 8,
+    "idle": 2
   }
--- a/config/app.properties
+++ b/config/app.properties
@@ -1,2 +1,2 @@
-client.retries = 2
+client.retries = 5
-client.old = true
--- a/.env
+++ b/.env
@@ -1 +1 @@
-CACHE_TTL_SECONDS=900
+CACHE_TTL_SECONDS=30
--- a/src/cart.ts
+++ b/src/cart.ts
@@ -1 +1,2 @@
+  const local = 7;
+  let total = 0;
`;
  const { settings, code } = readChangeDiff(diff);
  const rows = settings.map(({ key, before, after, unit }) => [key, before, after, unit]);
  assert.deepEqual(rows, [
    ["REDIS_TIMEOUT_SECONDS", 5000, 1000, "ms"],
    ["UPSTREAM", "http://payments:8080", "http://payments-v2:8080", null],
    ["resources.limits.memory", 536_870_912, 268_435_456, "bytes"],
    ["pool.maxSize", 40, 8, "count"],
    ["pool.idle", null, 2, "count"],
    ["client.retries", 2, 5, "count"],
    ["client.old", true, null, null],
    ["CACHE_TTL_SECONDS", 900_000, 30_000, "ms"],
  ]);
  assert.ok(code.weight < 0.5, code.trait);
});

test("lines made to be slow to match are read to their end", () => {
  const lines = [
    "a: " + " ".repeat(480) + "x",
    "a" + " ".repeat(480) + "x",
    "a(".repeat(240),
    "a".repeat(490),
    "a:".repeat(200),
  ];
  const diff = `+++ b/x.yaml\n${Array.from({ length: 1_500 }, (_, i) => `${i % 2 ? "+" : "-"}${lines[i % 5]}`).join("\n")}`;
  assert.ok(readChangeDiff(diff).settings.length <= 1);
});

test("harm is the direction that hurts, in doublings; relief, and what no request passes, has none", () => {
  const harm = (key: string, before: SettingChange["before"], after: SettingChange["after"]): number =>
    harmOf({ key, before, after, unit: null });
  assert.equal(harm("timeoutMs", 40, 10), 2);
  assert.equal(harm("timeoutMs", 10, 40), 0);
  assert.equal(harm("maxRetries", 1, 4), 2);
  assert.equal(harm("maxRetries", 1, 0), 0);
  assert.equal(harm("poolSize", 6, 0), 2);
  assert.equal(harm("dedupe.maxEntries", 20_000, 0), 2);
  assert.equal(harm("keepAlive", true, false), 1);
  assert.equal(harm("title", "a", "b"), 0);
  assert.deepEqual(["cacheTtlSeconds", "readTimeout", "maxConnections", "limits.memory"].map(roleOf), [
    "ttl",
    "timeout",
    "pool",
    "memory",
  ]);
  assert.ok(isAside("adminServer.timeoutMs", new Set()));
  assert.ok(!isAside("clients.session-store.timeoutMs", new Set(["session-store"])));
});

test("code that no longer does something is told from code that is only written otherwise", () => {
  const weigh = (file: string, diff: string): number => findCodeTrait(parseDiff(diff, [file])).weight;
  assert.equal(weigh("a.go", "@@ -1 +1 @@\n-\tc.mu.Lock()\n-\tdefer c.mu.Unlock()\n \tc.n++\n"), 1);
  assert.equal(weigh("a.go", '@@ -1 +1 @@\n-\tif r.User == nil {\n-\t\treturn ""\n-\t}\n \treturn r.User.Name\n'), 0.9);
  assert.equal(weigh("a.go", "@@ -1 +1 @@\n+for _, id := range ids {\n+\titem := db.QueryRow(id)\n+}\n"), 0.9);
  assert.ok(weigh("a.go", '@@ -1 +1 @@\n-log.Printf("%d", n)\n+logger.Info("handled", n)\n') < 0.4);
  assert.equal(weigh("docs/a.md", "@@ -1 +1 @@\n-Lock()\n+Read it.\n"), 0);
  assert.equal(weigh("a_test.go", "@@ -1 +1 @@\n-\tc.mu.Lock()\n"), 0);
});

test("hostile diffs are read in bounded time and give what they give", () => {
  assert.deepEqual(settingsOf("-".repeat(100_000)), []);
  // A line of that length is nobody's setting.
  assert.deepEqual(settingsOf(`-${"a".repeat(50_000)}: 1\n+${"a".repeat(50_000)}: 2\n`), []);
  assert.deepEqual(settingsOf(`${"- x: 1\n".repeat(50_000)}`), []);
});

test("changed lines that are too long, or too many, are not read, and how many is said", () => {
  const long = `timeout: 1 # ${"x".repeat(600)}`;
  const diff = `--- a/${"p".repeat(600)}\n+++ b/a.yaml\n@@ -1,2 +1,2 @@\n-${long}\n+${long}\n ${long}\n-timeout: 500ms\n+timeout: 50ms\n`;
  const { settings, skipped } = readChangeDiff(diff);
  assert.deepEqual([settings.map(({ key }) => key), skipped], [["timeout"], 2]);
  assert.equal(countSkipped(`${"+a: 1\n".repeat(20_000)}+a: 2\n-a: 1`), 2);
  assert.equal(countSkipped(""), 0);
});
