// `classify --replay`: recorded signals asked again, from the server and from an export; and what doctor says of classifiers.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { createRulesClassifier } from "../../src/adapters/classifiers/rules.ts";
import { checkClassifiers } from "../../src/main/classifier-check.ts";
import { loadConfig } from "../../src/main/config.ts";
import { NoClassification } from "../../src/wire/contracts/classifier.ts";
import { startServer, type RunningServer } from "./running-server.ts";
import { temporaryFolder, type Outcome, type RunOptions } from "./terminal.ts";

const TEAMS = ["platform", "sre", "database", "network", "security"];

/** Another opinion: checkout is worse than its alerts say, everything else as they say it. */
const OTHER_RULES = `
apiVersion: holdpoint.dev/v1
kind: ClassifierRules
metadata: { name: other, version: "1" }
spec:
  rules:
    - name: checkout
      when: { service: [checkout] }
      answer: { classification: sev1, confidence: 0.9, ticket: true, page: true }
    - name: serious
      when: { claimedSeverity: [high] }
      answer: { classification: high, confidence: 0.9, ticket: true, page: true }
  otherwise: { classification: low, confidence: 0.5 }
`;
const openClassifier: NonNullable<RunOptions["openClassifier"]> = (name) => {
  if (name === "silent") {
    const classifier = createRulesClassifier(OTHER_RULES, { teams: TEAMS });
    const classify = () =>
      Promise.reject(new NoClassification([{ provider: "silent", model: "m", code: "rate-limited" }]));
    return { classifier: { ...classifier, classify }, teams: TEAMS };
  }
  return { classifier: createRulesClassifier(OTHER_RULES, { teams: TEAMS }), teams: TEAMS };
};

type Report = {
  readonly runs: number;
  readonly compared: number;
  readonly agreed: number;
  readonly agreement: number | null;
  readonly bySeverity: Record<string, Record<string, number>>;
  readonly notCompared: Record<string, number>;
  readonly differences: readonly {
    readonly title: string;
    readonly recorded: { readonly severity: string };
    readonly now: { readonly severity: string };
  }[];
};

describe("classify --replay", () => {
  let server: RunningServer;
  const cleanups: (() => unknown)[] = [];
  const run = (argv: string, options: RunOptions = {}): Promise<Outcome> =>
    server.terminal(argv.split(" "), { openClassifier, ...options });

  before(async () => {
    server = await startServer({ after: (cleanup) => void cleanups.unshift(cleanup as () => unknown) });
    const secret = join(server.dir, "source.secret");
    const added = await run(`source add am --kind alertmanager --secret-file ${secret}`);
    assert.equal(added.code, 0, added.err);
    const bearer = readFileSync(secret, "utf8").trim();
    for (const service of ["cart", "checkout", "search"]) await alert(service, bearer);
    const runs = async (): Promise<number> =>
      (JSON.parse((await run("get runs --status classified -o json")).out) as { items: unknown[] }).items.length;
    while ((await runs()) < 3) await setTimeout(50);
  });
  after(async () => {
    for (const cleanup of cleanups) await cleanup();
  });

  async function alert(service: string, bearer: string): Promise<void> {
    const alerts = [
      {
        status: "firing",
        labels: { alertname: "HighErrorRate", environment: "production", service, severity: "critical" },
        annotations: { summary: `Error ratio of ${service} is high` },
        startsAt: new Date().toISOString(),
        endsAt: "0001-01-01T00:00:00Z",
        generatorURL: "http://prometheus.example:9090/graph",
        fingerprint: service.padEnd(16, "0").slice(0, 16),
      },
    ];
    const group = { groupKey: "{}", truncatedAlerts: 0, receiver: "holdpoint", groupLabels: {}, commonLabels: {} };
    const rest = { commonAnnotations: {}, externalURL: "http://alertmanager.example:9093" };
    const body = JSON.stringify({ version: "4", status: "firing", ...group, ...rest, alerts });
    const headers = { authorization: `Bearer ${bearer}`, "content-type": "application/json" };
    // A server looks at its sources' files once a second.
    while ((await fetch(`${server.url}/v1/signals/am`, { method: "POST", headers, body })).status !== 202)
      await setTimeout(50);
  }

  test("compares with the record by severity and lists what differs", async () => {
    const { code, out, err } = await run("classify --replay --with other -o json");
    assert.equal(code, 0, err);
    const report = JSON.parse(out) as Report;
    assert.deepEqual([report.runs, report.compared, report.agreed], [3, 3, 2]);
    assert.equal(report.bySeverity["high"]?.["high"], 2);
    assert.equal(report.bySeverity["high"]?.["sev1"], 1);
    const [difference] = report.differences.filter(({ now }) => now.severity === "sev1");
    assert.ok(difference?.title.includes("checkout") === true, JSON.stringify(report.differences));
    assert.equal(difference.recorded.severity, "high");
  });

  test("says the same of an export with payloads, and compares nothing of one without", async () => {
    const [whole, bare] = [join(server.dir, "whole.export"), join(server.dir, "bare.export")];
    assert.equal((await run(`export --payloads ${whole}`)).code, 0);
    assert.equal((await run(`export ${bare}`)).code, 0);
    const fromServer = JSON.parse((await run("classify --replay --with other -o json")).out) as Report;
    const fromExport = JSON.parse(
      (await run(`classify --replay --with other --export ${whole} -o json`)).out,
    ) as Report;
    assert.deepEqual(fromExport, { ...fromServer, differences: fromServer.differences.toReversed() });
    const nothing = JSON.parse((await run(`classify --replay --with other --export ${bare} -o json`)).out) as Report;
    assert.deepEqual([nothing.compared, nothing.agreement, nothing.notCompared], [0, null, { "payload-erased": 3 }]);
  });

  test("prints a table for people, and goes no further than its limit", async () => {
    const { out } = await run("classify --replay --with other");
    for (const part of ["Same severity 2 (66 %)", "Recorded (down) and now (across)", "sev1 0.9 ticket page"]) {
      assert.ok(out.includes(part), out);
    }
    assert.equal((JSON.parse((await run("classify --replay --with other --limit 2 -o json")).out) as Report).runs, 2);
  });

  test("counts what was not answered by its code", async () => {
    const report = JSON.parse((await run("classify --replay --with silent -o json")).out) as Report;
    assert.deepEqual([report.compared, report.notCompared], [0, { "rate-limited": 3 }]);
  });

  test("is refused without contents, and where it is not said what and with whom", async () => {
    const argv = "client add agent:reader --kind agent --scope runs:read --scope signals:read";
    assert.equal((await run(argv)).code, 0);
    while ((await run("--client agent:reader token")).code !== 0) await setTimeout(50);
    const { code, err } = await run("--client agent:reader classify --replay --with other");
    assert.equal(code, 1);
    assert.match(err, /payloads:read/);
    for (const usage of ["classify", "classify --replay", "classify --replay --with other --limit 0"]) {
      assert.equal((await run(usage)).code, 2, usage);
    }
  });

  test("doctor names the classifiers that can be asked", async () => {
    assert.match((await run("doctor")).out, /ok {4}classifiers {3}rules\n/);
  });
});

test("what stands in a classifier's way is said without asking it: secret, its permissions, prompt, rules", async (t) => {
  const dataDir = temporaryFolder(t);
  const problems = async (classifier: object): Promise<readonly (string | null)[]> => {
    writeFileSync(join(dataDir, "holdpoint.yaml"), JSON.stringify({ classifier }));
    const config = loadConfig({ HOLDPOINT_DATA: dataDir, HOLDPOINT_CONFIG: temporaryFolder(t) });
    return (await checkClassifiers(config)).map(({ problem }) => problem);
  };
  const chain = [{ provider: "anthropic", model: "claude-test" }];
  assert.match((await problems({ chain }))[0] ?? "", /there is no secret anthropic\/api-key/);
  const path = join(dataDir, "secrets/anthropic/api-key");
  mkdirSync(join(dataDir, "secrets/anthropic"), { recursive: true });
  writeFileSync(path, "sk-ant", { mode: 0o644 });
  assert.match((await problems({ chain }))[0] ?? "", /others may read/);
  chmodSync(path, 0o600);
  assert.deepEqual(await problems({ chain }), [null, null]);
  assert.match((await problems({ chain, prompt: "none.md" }))[0] ?? "", /none\.md/);
  assert.match((await problems({ rules: "none.yaml" })).at(-1) ?? "", /none\.yaml/);
  const local = { provider: "openai-compatible", model: "m", baseUrl: "http://models.example/v1" };
  assert.match((await problems({ chain: [local] }))[0] ?? "", /only https leaves this machine/);
});
