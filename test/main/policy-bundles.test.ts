// What the start says of policies: checks that ask what is not configured are named.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { warnOfMissingPlaces } from "../../src/main/policy-bundles.ts";
import { loadBundle } from "../../src/policy/load.ts";

const VERIFICATION = `apiVersion: holdpoint.dev/v1
kind: Verification
metadata: { name: shop-is-well }
spec:
  match: { actions: [sql.migrate] }
  within: 1m
  checks: [{ name: front, http: { endpoint: shop } }]
`;

test("the log names the checks that ask what is not configured, and nothing when there are none", () => {
  const { bundle } = loadBundle([{ path: "verify.yaml", text: VERIFICATION }]);
  const warned = (endpoints: readonly string[]): readonly string[] => {
    const lines: string[] = [];
    const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
    warnOfMissingPlaces(bundle ?? undefined, { endpoints, databases: [], clusters: [] }, log);
    return lines;
  };
  const { missing } = JSON.parse(warned([])[0] ?? "{}") as { missing: readonly unknown[] };
  const [one] = missing as readonly { verification: string; check: string; place: string }[];
  assert.deepEqual([one?.verification, one?.check, one?.place], ["shop-is-well", "front", "endpoint shop"]);
  assert.deepEqual(warned(["shop"]), []);
});
