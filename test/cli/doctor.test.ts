// `doctor` on what verifications depend on: the places that they may ask, and those that nobody configured.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Reach } from "../../src/wire/contracts/executor.ts";
import { openTerminal, temporaryFolder } from "./terminal.ts";

const VERIFICATION = `apiVersion: holdpoint.dev/v1
kind: Verification
metadata: { name: shop-is-well }
spec:
  match: { actions: [sql.migrate] }
  within: 1m
  checks:
    - name: front
      http: { endpoint: shop }
    - name: rows
      sql: { database: shop, query: select true }
    - name: pods
      rollout: { cluster: main, namespace: shop, workload: deployment/shop }
`;

const NONE = { endpoints: [], databases: [], clusters: [] };

test("doctor names the checks of verifications that ask what is not configured", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir, server: "http://127.0.0.1:1" });
  const doctor = async (healthPlaces: { readonly [of in keyof typeof NONE]: readonly string[] }): Promise<string> => {
    const readLocalConfiguration = () => ({ policyDir: dir, executors: [], healthPlaces });
    const readPolicyFolder = () => [{ path: "verify.yaml", text: VERIFICATION }];
    return (await terminal(["doctor"], { local: { readLocalConfiguration, readPolicyFolder } })).out;
  };
  const found = await doctor({ ...NONE, databases: ["shop"] });
  assert.match(
    found,
    /^FAIL {2}verification +shop-is-well \(verify.yaml:\d+\) asks the endpoint shop in front, which/m,
  );
  assert.match(found, /^FAIL {2}verification .* asks the cluster main in pods, .*\n +next: see docs\/policy\.md/m);
  assert.doesNotMatch(found, /database shop/);
  assert.doesNotMatch(
    await doctor({ endpoints: ["shop"], databases: ["shop"], clusters: ["main"] }),
    /FAIL {2}verification/,
  );
});

test("doctor says of each place that verifications may ask whether it is there and takes its secret", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir, server: "http://127.0.0.1:1" });
  const reached: readonly Reach[] = [
    { target: "endpoint shop", status: "missing", code: "credential-missing" },
    { target: "endpoint metrics", status: "away", code: "unreachable" },
    { target: "database shop", status: "ready", code: "" },
  ];
  const { out } = await terminal(["doctor"], { local: { probeHealth: async () => reached } });
  assert.match(out, /^FAIL {2}health +endpoint shop has no credential that can be read \(credential-missing\)$/m);
  assert.match(out, /^warn {2}health +endpoint metrics does not answer \(unreachable\)$/m);
  assert.match(out, /^ok {4}health +database shop answers/m);
});
