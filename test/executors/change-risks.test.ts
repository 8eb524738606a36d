// What a plan puts at risk, and which images it brings, is found in it also under change control.

import assert from "node:assert/strict";
import { test } from "node:test";
import { underChange, type ChangeParts } from "../../src/adapters/executors/servicenow-change.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { findRisks } from "../../src/policy/risks/find-risks.ts";
import { imagesIn } from "../../src/policy/risks/images-in.ts";
import type { ActionKind, Executor, Plan } from "../../src/wire/contracts/executor.ts";
import { never, planRequest, TestClock } from "./contract.ts";

const CONTAINER = "spec.template.spec.containers[cart]";
const PRIVILEGED = [
  { path: `${CONTAINER}.image`, from: "cart:1", to: "evil.example/cart:2" },
  { path: `${CONTAINER}.securityContext.privileged`, from: null, to: true },
];
const DIFFS: readonly (readonly [string, Json, readonly string[], readonly string[]])[] = [
  [
    "kubernetes.image.set",
    { changes: PRIVILEGED, declared: { differs: ["x"] }, tags: ["pci"] },
    ["drift", "privilege-widening", "regulated"],
    ["evil.example/cart:2"],
  ],
  [
    "argocd.sync",
    { unlisted: 0, changes: [{ object: "apps/Deployment cart", change: "updates", fields: PRIVILEGED }] },
    ["privilege-widening"],
    ["evil.example/cart:2"],
  ],
  [
    "sql.migrate",
    { statements: [{ number: 1, class: "privilege", findings: [{ code: "grants-to-all" }] }] },
    ["privilege-widening", "data-exposure"],
    [],
  ],
];

/** An executor that plans just that. */
function planning(kind: string, diff: Json): Executor {
  const plan: Plan = { kind, calls: [], diff, inverse: null, reversible: false, fingerprint: null };
  const kinds = [{ kind, argumentsSchema: { properties: {} } } as unknown as ActionKind];
  return { kinds, credentials: [], plan: async () => plan } as unknown as Executor;
}

const PARTS = {
  control: { environments: ["production"], kinds: ["kubernetes.*", "argocd.*", "sql.migrate"], states: [-1] },
  origin: "https://changes.example",
  clock: new TestClock(),
} as unknown as ChangeParts;

test("under change control a plan puts at risk what it does without, and brings the same images", async () => {
  for (const [kind, diff, risks, images] of DIFFS) {
    const controlled = underChange(planning(kind, diff), PARTS);
    const plan = await controlled.plan(planRequest({ kind, args: { change: "CHG0030001" } }), never);
    assert.equal((plan.diff as JsonObject)["under"], "CHG0030001");
    assert.deepEqual([...findRisks(plan).risks].toSorted(), [...risks].toSorted(), kind);
    assert.deepEqual(imagesIn(plan), images, kind);
  }
});
