// The first run: settings that the server takes and that name what the script beside them makes, and the README's alerts.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { startPagerduty } from "../../examples/stand-ins/pagerduty.ts";
import { startServicenow } from "../../examples/stand-ins/servicenow.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { loadConfig } from "../../src/main/config.ts";
import { systemClock } from "../../src/main/system.ts";
import { eventually } from "../e2e/server.ts";
import { startServer } from "../http/fixture.ts";

const EXAMPLE = join(import.meta.dirname, "..", "..", "examples", "first-run");

test("the settings of the first run load, and their ports and secrets are those of its script", (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), "holdpoint-first-run-"));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  copyFileSync(join(EXAMPLE, "holdpoint.yaml"), join(dataDir, "holdpoint.yaml"));
  const { pagerduty, servicenow } = loadConfig({ HOLDPOINT_DATA: dataDir }).executors;
  assert.ok(pagerduty !== undefined && servicenow !== undefined && servicenow.auth.kind === "basic");
  const script = readFileSync(join(EXAMPLE, "prepare.sh"), "utf8");
  for (const said of [
    `stand-ins/pagerduty.ts" --port ${new URL(pagerduty.baseUrl).port}`,
    `stand-ins/servicenow.ts" --port ${new URL(servicenow.baseUrl).port}`,
    `secrets/pagerduty/${pagerduty.integrations[0]}"`,
    `secrets/${servicenow.auth.passwordRef}"`,
  ]) {
    assert.ok(script.includes(said), said);
  }
});

/** What `fire` of the README sends, in the place of its three arguments and of the time. */
function alertOfReadme(alert: string, service: string, severity: string): string {
  const readme = readFileSync(join(EXAMPLE, "..", "..", "README.md"), "utf8");
  const [, template = ""] = /--json @- <<END\n([^]*?)\n +END\n/.exec(readme) ?? [];
  const now = new Date(systemClock.nowMs()).toISOString();
  const values: Record<string, string> = { $1: alert, $2: service, $3: severity, "$(date -u +%FT%TZ)": now };
  return template.replaceAll(/\$\(.*?\)|\$\d/g, (place) => values[place] ?? place);
}

test("of the README's two alerts the first pages and opens a ticket, and about the second a person is asked", async (t) => {
  const pagerduty = await startPagerduty();
  const servicenow = await startServicenow({ password: "stand-in-password" });
  const settings = readFileSync(join(EXAMPLE, "holdpoint.yaml"), "utf8")
    .replace(/http:\S+:4701/, pagerduty.url)
    .replace(/http:\S+:4702/, servicenow.url);
  const server = await startServer({ settings });
  t.after(() => Promise.all([server.stop(), pagerduty.close(), servicenow.close()]));
  const script = readFileSync(join(EXAMPLE, "prepare.sh"), "utf8");
  for (const [, secret = "", path = ""] of script.matchAll(/printf '(.*)' > "\$data\/(.*)"/g)) {
    mkdirSync(join(server.dataDir, dirname(path)), { recursive: true, mode: 0o700 });
    writeFileSync(join(server.dataDir, path), secret, { mode: 0o600 });
  }
  const fired = /\$ fire (\S+) (\S+) (\S+) +#/g;
  const calls = [...readFileSync(join(EXAMPLE, "..", "..", "README.md"), "utf8").matchAll(fired)];
  assert.equal(calls.length, 2);
  for (const [, alert = "", service = "", severity = ""] of calls) {
    const body = alertOfReadme(alert, service, severity);
    const answer = await server.ask("/v1/signals/alertmanager", { as: `Bearer ${server.secret}`, body });
    assert.equal(answer.status, 202, answer.text);
  }
  const as = await server.bearer("ada");
  const verdicts = async (): Promise<readonly unknown[]> => {
    const { json } = await server.ask("/v1/runs", { as });
    return ((json?.["items"] ?? []) as JsonObject[]).map(({ service, verdict }) => [service, verdict]);
  };
  const wanted = [
    ["search", "held"],
    ["cart", "paged"],
  ];
  await eventually("both verdicts", async () => (isDeepStrictEqual(await verdicts(), wanted) ? true : undefined));
  assert.equal(pagerduty.events.length, 1);
  assert.equal(servicenow.incidents.length, 1);
});
