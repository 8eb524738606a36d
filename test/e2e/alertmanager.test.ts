// The whole way with Debian's Prometheus and Alertmanager: a rule fires, somebody is paged once, it ends, the page ends.

import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { startPagerduty } from "../../examples/stand-ins/pagerduty.ts";
import { startServicenow } from "../../examples/stand-ins/servicenow.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import type { IncidentView } from "../../src/wire/types/incident-views.ts";
import type { ActionView, RunView } from "../../src/wire/types/views.ts";
import { needsMonitoring } from "./monitoring.ts";
import { eventually, freePort, ROUTING_KEY, TestServer } from "./server.ts";

const HOLDPOINT = fileURLToPath(new URL("../../bin/holdpoint.mjs", import.meta.url));
const PASSWORD = "stand-in-password";

it(
  "an alert of a real Prometheus pages once, and its end closes the page and the incident",
  needsMonitoring,
  async (t) => {
    const { server, pagerduty, servicenow } = await startHoldpoint(t);
    const service = await startBrokenService(t);
    await startMonitoring(t, { server, target: service.address });

    const run = await eventually("a run", async () => {
      const { items } = (await server.call("GET", "/v1/runs")).body as { items: RunView[] };
      return items.find(({ verdict }) => verdict === "paged" || verdict === "held" || verdict === "failed");
    });
    assert.equal(run.verdict, "paged");
    assert.equal(run.service, "cart");
    assert.equal(run.environment, "production");
    assert.equal(run.classification?.severity, "high");
    assert.equal(run.classification.confidencePpm, 900_000);
    assert.deepEqual([...run.actions.map(({ kind }) => kind)].sort(), [
      "pagerduty.trigger",
      "servicenow.incident.create",
    ]);

    const page = await ended(server, run, "pagerduty.trigger");
    const limits = ["rateLimit:service", "rateLimit:source", "rateLimit:all"];
    assertAllowed(page, "confident-and-serious", ["duplicate:kind,signature", ...limits]);
    assertAllowed(await ended(server, run, "servicenow.incident.create"), "confident-in-production", [
      "duplicate:kind,signature",
    ]);
    assert.equal(servicenow.incidents.length, 1);
    assert.deepEqual(servicenow.complaints, []);
    assert.equal(pagerduty.incidents[0]?.status, "triggered");

    service.mend();
    await eventually("the resolve", () => pagerduty.incidents.find(({ status }) => status === "resolved"));
    const over = await eventually("the end of the incident", async () => {
      const { body } = await server.call("GET", `/v1/incidents/${run.incident}`);
      const incident = body as IncidentView;
      return incident.status === "resolved" ? incident : undefined;
    });
    assert.equal(over.resolution, "all-clear");
    assert.deepEqual(
      pagerduty.events.map((event) => event.event_action),
      ["trigger", "resolve"],
      "exactly one event opened it and one closed it, however often Alertmanager repeated itself",
    );
    assert.equal(new Set(pagerduty.events.map((event) => event.dedup_key)).size, 1);
    assert.deepEqual(pagerduty.refusals, []);

    const events = await server.events();
    assert.equal(countOf(events, "signal.quarantined"), 0, "what Alertmanager really sends is understood");
    assert.equal(countOf(events, "incident.opened"), 1);
    await assertReceiptVerifiesElsewhere(t, server, page.id);
  },
);

async function startHoldpoint(t: TestContext) {
  const pagerduty = await startPagerduty({ routingKeys: [ROUTING_KEY] });
  const servicenow = await startServicenow({ password: PASSWORD });
  const auth = { kind: "basic", user: "holdpoint", passwordRef: "servicenow/password" };
  const server = await TestServer.create({
    executors: {
      pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] },
      servicenow: { baseUrl: servicenow.url, auth },
    },
  });
  t.after(async () => {
    await server.remove();
    await pagerduty.close();
    await servicenow.close();
  });
  server.keepSecret("servicenow/password", PASSWORD);
  await server.start();
  return { server, pagerduty, servicenow };
}

/** Something to scrape that is broken until it is mended. */
async function startBrokenService(t: TestContext): Promise<{ address: string; mend(): void }> {
  let broken = 1;
  const exporter = createServer((_request, response) => {
    response.setHeader("content-type", "text/plain; version=0.0.4");
    response.end(`cart_broken ${broken}\n`);
  });
  await new Promise<void>((resolve) => exporter.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    exporter.closeAllConnections();
    exporter.close();
  });
  const { port } = exporter.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, mend: () => (broken = 0) };
}

async function startMonitoring(t: TestContext, on: { server: TestServer; target: string }): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-monitoring-"));
  const [prometheus, alertmanager] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  writeFileSync(join(dir, "source-secret"), on.server.sourceSecret, { mode: 0o600 });
  writeFileSync(join(dir, "alertmanager.yml"), alertmanagerConfig(`${on.server.url}/v1/signals/alertmanager`));
  writeFileSync(join(dir, "prometheus.yml"), prometheusConfig(on.target, alertmanager));
  writeFileSync(join(dir, "rules.yml"), RULES);
  const running = [
    spawn(
      "prometheus-alertmanager",
      [
        "--config.file=alertmanager.yml",
        "--storage.path=alertmanager",
        `--web.listen-address=${alertmanager}`,
        "--cluster.listen-address=",
      ],
      { cwd: dir, stdio: ["ignore", "ignore", "pipe"] },
    ),
    spawn(
      "prometheus",
      [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=prometheus",
        `--web.listen-address=${prometheus}`,
        "--rules.alert.resend-delay=1s",
      ],
      { cwd: dir, stdio: ["ignore", "ignore", "pipe"] },
    ),
  ];
  for (const child of running) child.stderr?.resume();
  t.after(async () => {
    await Promise.all(running.map(stopped));
    rmSync(dir, { recursive: true, force: true });
  });
}

function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.kill("SIGKILL");
  return closed;
}

function alertmanagerConfig(url: string): string {
  return JSON.stringify({
    route: {
      receiver: "holdpoint",
      group_by: ["environment", "service", "alertname"],
      group_wait: "1s",
      group_interval: "1s",
      repeat_interval: "2s",
    },
    receivers: [
      {
        name: "holdpoint",
        webhook_configs: [
          {
            url,
            send_resolved: true,
            max_alerts: 500,
            http_config: { authorization: { type: "Bearer", credentials_file: "source-secret" } },
          },
        ],
      },
    ],
  });
}

function prometheusConfig(target: string, alertmanager: string): string {
  return JSON.stringify({
    global: { scrape_interval: "1s", evaluation_interval: "1s", external_labels: { environment: "production" } },
    rule_files: ["rules.yml"],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [alertmanager] }] }] },
    scrape_configs: [{ job_name: "cart", static_configs: [{ targets: [target] }] }],
  });
}

const RULES = `
groups:
  - name: cart
    rules:
      - alert: CartBroken
        expr: cart_broken == 1
        labels: { service: cart, severity: critical, team: sre }
        annotations: { summary: "Nobody can pay", runbook_url: "https://runbooks.example.com/cart" }
`;

async function ended(server: TestServer, run: RunView, kind: string): Promise<ActionView> {
  const id = run.actions.find((action) => action.kind === kind)?.id ?? "";
  return eventually(`the end of ${kind}`, async () => {
    const action = (await server.call("GET", `/v1/actions/${id}`)).body as ActionView;
    return action.endedAt === null ? undefined : action;
  });
}

function assertAllowed(action: ActionView, rule: string, gates: readonly string[]): void {
  assert.equal(action.status, "succeeded", JSON.stringify(action));
  assert.equal(action.evaluation?.decision, "allow");
  const verdicts = action.evaluation.verdicts;
  assert.ok(verdicts.every(({ verdict }) => verdict === "pass"));
  const names = verdicts.map(({ gate }) => gate).join(" ");
  for (const part of [rule, ...gates]) assert.ok(names.includes(part), `${part} is among ${names}`);
}

function countOf(events: readonly LedgerEvent[], type: string): number {
  return events.filter((event) => event.type === type).length;
}

/** Another machine has the receipt and the root's public key, and nothing else. */
async function assertReceiptVerifiesElsewhere(t: TestContext, server: TestServer, action: string): Promise<void> {
  const elsewhere = mkdtempSync(join(tmpdir(), "holdpoint-elsewhere-"));
  t.after(() => rmSync(elsewhere, { recursive: true }));
  const { status, body } = await server.call("GET", `/v1/actions/${action}/receipt`);
  assert.equal(status, 200);
  writeFileSync(join(elsewhere, "receipt.json"), JSON.stringify(body));
  copyFileSync(join(server.dataDir, "root.pub"), join(elsewhere, "root.pub"));
  await server.kill();
  mkdirSync(join(elsewhere, "config"));
  const env = { PATH: process.env["PATH"], HOME: elsewhere, HOLDPOINT_CONFIG: join(elsewhere, "config") };
  const args = [HOLDPOINT, "verify", "receipt.json", "--receipt", "--root", "root.pub", "-o", "json"];
  const verified = spawnSync(process.execPath, args, { cwd: elsewhere, env, encoding: "utf8" });
  assert.equal(verified.status, 0, verified.stdout + verified.stderr);
  const { ok, event } = JSON.parse(verified.stdout) as { ok: boolean; event: LedgerEvent };
  assert.equal(ok, true);
  assert.equal(event.subject, action);
  assert.equal(event.type, "step.finished");
  assert.ok(!existsSync(join(elsewhere, ".holdpoint")), "nothing was looked for or made besides");
}
