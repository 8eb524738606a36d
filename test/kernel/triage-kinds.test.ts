// What the kernel takes triage actions for is what their executors declare.

import assert from "node:assert/strict";
import { it } from "node:test";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createExecutors } from "../../src/adapters/executors/registry.ts";
import { TRIAGE_KINDS } from "../../src/kernel/triage-kinds.ts";
import { executorsConfigSchema } from "../../src/wire/schemas/executors-config.ts";

it("triage kinds are declared as their executors declare them", () => {
  const config = executorsConfigSchema.parse({
    pagerduty: { baseUrl: "https://events.example.test", integrations: ["default"] },
    servicenow: { baseUrl: "https://now.example.test", auth: { kind: "basic", user: "holdpoint" } },
  });
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  const credentials = { secret: () => Promise.reject(new Error("no secret is needed")) };
  const parts = { config, clock, credentials: credentials as never, egress: createEgress({ allow: [] }) };
  const executors = createExecutors({ ...parts, installation: "test" });
  const offered = new Map([...new Set(executors.values())].flatMap(({ kinds }) => kinds).map((one) => [one.kind, one]));
  const missing = Object.keys(TRIAGE_KINDS).filter((kind) => !offered.has(kind));
  assert.deepEqual(missing, ["incident.declare-major"], "no executor of this release declares major incidents");
  for (const [kind, { repeat, reversible }] of Object.entries(TRIAGE_KINDS)) {
    const declared = offered.get(kind);
    if (declared === undefined) continue;
    assert.deepEqual({ repeat, reversible }, { repeat: declared.repeat, reversible: declared.reversible }, kind);
    assert.equal(declared.planning, "pure", kind);
  }
});
