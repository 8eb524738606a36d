// The dead-man's switch with Debian's Prometheus and Alertmanager: while Holdpoint is silent, alerts reach on-call directly.

import assert from "node:assert/strict";
import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { startPagerduty, type PagerdutyStandIn } from "../../examples/stand-ins/pagerduty.ts";
import { needsMonitoring } from "./monitoring.ts";
import { eventually, freePort, ROUTING_KEY, TestServer } from "./server.ts";

const SHIPPED = join(import.meta.dirname, "../../examples/alertmanager");
const DIRECT_KEY = "fedcba9876543210fedcba9876543210";

it(
  "while Holdpoint is silent, what it would have paged about pages directly, and no longer",
  needsMonitoring,
  async (t) => {
    const { server, pager, direct } = await startHoldpoint(t);
    const prometheus = await startMonitoring(t, { server, direct });
    const alerts = async (): Promise<readonly string[]> => {
      const response = await fetch(`${prometheus}/api/v1/alerts`).catch(() => null);
      const body = (await response?.json()) as { data: { alerts: { labels: { alertname: string }; state: string }[] } };
      return body.data.alerts.flatMap(({ labels, state }) => (state === "firing" ? [labels.alertname] : []));
    };
    const quiet = async (): Promise<true | undefined> => {
      const firing = await alerts();
      const isHeard = firing.includes("Watchdog") && firing.includes("HoldpointFirstAlert");
      if (!isHeard || firing.includes("HoldpointSilent") || firing.includes("UnattendedAlert")) return undefined;
      const isBeating = (await metric(server)) > Date.now() / 1000 - 5;
      return isBeating && direct.incidents.every(({ status }) => status === "resolved") ? true : undefined;
    };

    await eventually("Holdpoint to page, and nobody else", async () =>
      pager.incidents.length === 1 ? quiet() : undefined,
    );
    const before = direct.incidents.length; // a slow machine may have begun with a silence

    await server.kill();
    await eventually("both to reach on-call", () => (open(direct).length >= 2 ? true : undefined));
    const texts = direct.events.slice(before).map(({ payload }) => payload?.summary ?? "");
    assert.ok(
      texts.some((text) => text.startsWith("HoldpointSilent ")),
      texts.join("; "),
    );
    const copy = texts.find((text) => text.startsWith("HoldpointFirstAlert "));
    assert.match(copy ?? texts.join("; "), /cart in production; Holdpoint is silent/);

    await server.start();
    await eventually("Holdpoint to be back", quiet);
    assert.deepEqual(
      pager.incidents.map(({ status }) => status),
      ["triggered"],
      "the incident that Holdpoint had paged about is the one it still has",
    );

    // It runs, answers and decides, and pages nobody: for on-call that is the same.
    const paused = await server.ask("PUT", "/v1/killswitch", { body: { mode: "pause", scope: {} }, key: "pause" });
    assert.ok(paused.status < 300, JSON.stringify(paused.body));
    const beat = (bearer: string) => server.ask("POST", "/v1/heartbeat/alertmanager", { bearer, body: {} });
    assert.equal((await beat("of another")).body.code, "source-secret-invalid");
    const answer = await beat(server.sourceSecret);
    assert.deepEqual([answer.status, answer.body.code], [503, "not-ready"]);
    assert.deepEqual([direct.refusals, pager.refusals], [[], []]);
  },
);

function open({ incidents }: PagerdutyStandIn): readonly unknown[] {
  return incidents.filter(({ status }) => status === "triggered");
}

/** When Alertmanager's last heartbeat was answered, in seconds. */
async function metric(server: TestServer): Promise<number> {
  const text = await fetch(`${server.url}/metrics`).then((response) => response.text());
  return Number(/^holdpoint_heartbeat_timestamp_seconds\{source="alertmanager"\} (\S+)$/m.exec(text)?.[1] ?? 0);
}

async function startHoldpoint(t: TestContext) {
  const pager = await startPagerduty({ routingKeys: [ROUTING_KEY] });
  const direct = await startPagerduty({ routingKeys: [DIRECT_KEY] });
  const server = await TestServer.create({
    executors: { pagerduty: { baseUrl: pager.url, integrations: ["default"] } },
  });
  t.after(async () => {
    await server.remove();
    await pager.close();
    await direct.close();
  });
  await server.start();
  return { server, pager, direct };
}

/** The shipped files, at other addresses and with shorter times; resolves with Prometheus' address. */
async function startMonitoring(t: TestContext, on: { server: TestServer; direct: PagerdutyStandIn }): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-dead-man-"));
  const [prometheus, alertmanager] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const addresses: readonly (readonly [string, string])[] = [
    ["127.0.0.1:9090", prometheus],
    ["127.0.0.1:9093", alertmanager],
    ["http://127.0.0.1:4600", on.server.url],
    ["127.0.0.1:4600", on.server.url.replace("http://", "")],
    ["https://events.pagerduty.com", on.direct.url],
  ];
  const times: readonly (readonly [string, string])[] = [
    ["scrape_interval: 5s", "scrape_interval: 1s"],
    ["evaluation_interval: 5s", "evaluation_interval: 1s"],
    ["interval: 10s", "interval: 1s"],
    ["> 90", "> 6"],
    ["for: 1m", "for: 2s"],
    ["group_wait: 5s", "group_wait: 1s"],
    ["_interval: 20s", "_interval: 1s"],
    ["_interval: 30s", "_interval: 1s"],
  ];
  const used = new Set<string>();
  for (const file of ["alertmanager.yml", "prometheus.yml", "rules.yml", "holdpoint.yml"]) {
    let text = readFileSync(join(SHIPPED, file), "utf8");
    for (const [from, to] of [...addresses, ...times]) {
      if (text.includes(from)) used.add(from);
      text = text.replaceAll(from, to);
    }
    writeFileSync(join(dir, file), text);
  }
  assert.deepEqual(
    [...addresses, ...times].map(([from]) => from).filter((from) => !used.has(from)),
    [],
  );
  writeFileSync(join(dir, "holdpoint-source-secret"), on.server.sourceSecret, { mode: 0o600 });
  writeFileSync(join(dir, "on-call-routing-key"), DIRECT_KEY, { mode: 0o600 });
  const options: SpawnOptions = { cwd: dir, stdio: ["ignore", "ignore", "pipe"] };
  const running = [
    spawn(
      "prometheus-alertmanager",
      [
        "--config.file=alertmanager.yml",
        "--storage.path=alertmanager",
        `--web.listen-address=${alertmanager}`,
        "--cluster.listen-address=",
      ],
      options,
    ),
    spawn(
      "prometheus",
      [
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=prometheus",
        `--web.listen-address=${prometheus}`,
        "--rules.alert.resend-delay=1s",
      ],
      options,
    ),
  ];
  for (const child of running) child.stderr?.resume();
  t.after(async () => {
    await Promise.all(running.map(stopped));
    rmSync(dir, { recursive: true, force: true });
  });
  return `http://${prometheus}`;
}

function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.kill("SIGKILL");
  return closed;
}
