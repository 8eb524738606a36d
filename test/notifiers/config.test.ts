// The settings of notifiers: what stops a start, what may be reached, and what is said of it without telling anybody.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { parse } from "yaml";
import { receiversIn } from "../../src/cli/deliveries-health.ts";
import { loadConfig } from "../../src/main/config.ts";
import { allowedOrigins } from "../../src/main/egress.ts";
import { checkNotifiers } from "../../src/main/notifiers-check.ts";

function configured(t: TestContext, notifiers: object) {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-notifiers-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, "holdpoint.yaml"), JSON.stringify({ notifiers }));
  return loadConfig({ HOLDPOINT_DATA: dir, HOME: "/nonexistent" });
}

const HOOK = { kind: "webhook", baseUrl: "https://hooks.example", secretRef: "hook/secret" };

it("nobody is told by default, and every way that is named is on the allow-list", (t) => {
  assert.deepEqual(configured(t, {}).notifiers, {});
  assert.deepEqual(allowedOrigins(configured(t, { hook: HOOK })), ["https://hooks.example"]);
});

it("the manual's examples are a configuration", (t) => {
  const manual = readFileSync(new URL("../../docs/notifiers.md", import.meta.url), "utf8");
  const blocks = [...manual.matchAll(/^```yaml\n(notifiers:\n[\s\S]*?)^```/gm)].map(([, text = ""]) => text);
  const examples = blocks.map((text) => (parse(text) as { notifiers: object }).notifiers);
  const { notifiers } = configured(t, Object.assign({}, ...examples) as object);
  assert.deepEqual(
    Object.values(notifiers).map(({ kind }) => kind),
    ["webhook", "email", "slack"],
  );
});

for (const [what, notifiers, place] of [
  ["an unknown kind", { x: { kind: "carrier-pigeon" } }, "notifiers/x/kind"],
  ["a secret instead of its reference", { x: { ...HOOK, secret: "whsec_x" } }, "secret"],
  ["a fallback that is not there", { x: { ...HOOK, fallback: "y" } }, "fallback"],
  ["a notifier that stands in for itself", { x: { ...HOOK, fallback: "x" } }, "fallback"],
  ["a kind of notification that is none", { x: { ...HOOK, tells: ["hold.hoped"] } }, "notifiers/x/tells"],
  ["a name with a path in it", { "../x": HOOK }, "notifiers"],
  ["a path to another host", { x: { ...HOOK, path: "//evil.example/" } }, "notifiers/x/path"],
  [
    "a Slack user who is none",
    { x: { kind: "slack", channel: "C0123456789", people: { ada: "person:ada" } } },
    "people",
  ],
  [
    "an agent that answers",
    { x: { kind: "slack", channel: "C0123456789", people: { U0123456789: "agent:a" } } },
    "people",
  ],
  ["more than run", Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`x${n}`, HOOK])), "at most 16"],
] as const) {
  it(`${what} stops the start and is named`, (t) => {
    assert.throws(
      () => configured(t, notifiers),
      (error: Error & { code?: string }) => error.code === "config-invalid" && error.message.includes(place),
    );
  });
}

it("what stands in a notifier's way is said without telling anybody: address, secret, its permissions", async (t) => {
  const config = configured(t, {
    http: { ...HOOK, baseUrl: "http://hooks.example" },
    missing: HOOK,
    open: { ...HOOK, secretRef: "hook/open" },
  });
  mkdirSync(join(config.dataDir, "secrets/hook"), { recursive: true });
  writeFileSync(join(config.dataDir, "secrets/hook/open"), "whsec_abc", { mode: 0o644 });
  const problems = (await checkNotifiers(config)).map(({ name, problem }) => `${name}: ${problem}`);
  for (const [index, words] of [/http: .*only https/, /missing: .*hook\/secret/, /open: .*others/].entries()) {
    assert.match(problems[index] ?? "", words);
  }
});

it("doctor reads exporters and notifiers of one name apart, and passes over what no server of ours says", () => {
  const metrics = [
    'holdpoint_export_lag_events{exporter="x"} 3',
    'holdpoint_notifier_lag_events{notifier="x"} 5',
    'holdpoint_notifier_failing{notifier="x"} 1',
    'holdpoint_notifier_failures_total{notifier="x"} 7',
    'holdpoint_notifier_fallbacks_total{notifier="x"} 2',
    'holdpoint_notifier_lag_events{notifier="\u001b[2J"} 5',
  ].join("\n");
  assert.deepEqual(receiversIn(metrics), [
    { kind: "export", name: "x", lag: 3, failures: 0, fallbacks: 0, isFailing: false },
    { kind: "notifier", name: "x", lag: 5, failures: 7, fallbacks: 2, isFailing: true },
  ]);
});
