// What the kernel takes triage actions for is what their executors declare, and planning one asks nobody.

import assert from "node:assert/strict";
import { it } from "node:test";
import { NO_REGISTRIES } from "../../src/adapters/images/image-registries.ts";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createExecutors } from "../../src/adapters/executors/registry.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { TRIAGE_KINDS } from "../../src/kernel/triage-kinds.ts";
import type { ActionKind, Executor } from "../../src/wire/contracts/executor.ts";
import { executorsConfigSchema } from "../../src/wire/schemas/executors-config.ts";

type Offered = { readonly executor: Executor; readonly declared: ActionKind };

/** Nobody can be asked anything: no address is allowed, and there are no secrets. */
function offered(): ReadonlyMap<string, Offered> {
  const config = executorsConfigSchema.parse({
    pagerduty: { baseUrl: "https://events.example.test", integrations: ["default"] },
    servicenow: { baseUrl: "https://now.example.test", auth: { kind: "basic", user: "holdpoint" } },
    majorIncident: { bridge: { kind: "slack" }, responders: { default: { users: ["U0ONCALL1"] } } },
  });
  const clock = { nowMs: () => 0, monotonicMs: () => 0 };
  const credentials = { secret: () => Promise.reject(new Error("no secret is needed")) };
  const parts = { config, clock, credentials: credentials as never, egress: createEgress({ allow: [] }) };
  const room = { pinImage: NO_REGISTRIES.pin, hidden: [], records: "" };
  const executors = [
    ...new Set(createExecutors({ ...parts, ...room, installation: "test", findSecret: () => null }).values()),
  ];
  const all = executors.flatMap((executor) => executor.kinds.map((declared) => ({ executor, declared })));
  return new Map(all.map((one) => [one.declared.kind, one]));
}

it("triage kinds are declared as their executors declare them", () => {
  const executors = offered();
  for (const [kind, { repeat, reversible }] of Object.entries(TRIAGE_KINDS)) {
    const declared = executors.get(kind)?.declared;
    assert.deepEqual({ repeat, reversible }, { repeat: declared?.repeat, reversible: declared?.reversible }, kind);
  }
});

/** All but the update of a ticket, which reads the record: its planning ends by its term, and what it lacks is told again. */
const ARGS: Readonly<Record<Exclude<keyof typeof TRIAGE_KINDS, "servicenow.incident.update">, JsonObject>> = {
  "pagerduty.trigger": { dedupKey: "test/inc_00000001a", summary: "cart is down", severity: "sev1", source: "cart" },
  "pagerduty.resolve": { dedupKey: "test/inc_00000001a" },
  "servicenow.incident.create": { shortDescription: "cart is down", urgency: 1, impact: 1, team: "sre" },
  "incident.declare-major": { incident: "inc_00000001a", title: "cart is down", severity: "sev1" },
};

// A triage action waits for its plan without a deadline, so that no outage costs a page: planning has to end by itself.
it("planning a triage action asks nobody, so that its plan always comes", async () => {
  const executors = offered();
  for (const [kind, args] of Object.entries(ARGS)) {
    const target = { environment: "production", service: "cart" };
    const request = { actionId: "act_00000000b", kind, target, args, context: { incident: "inc_00000001a" } };
    const plan = await executors.get(kind)?.executor.plan(request, new AbortController().signal);
    assert.equal(plan?.kind, kind);
    assert.equal(plan.fingerprint, null, "nothing of the target was read");
  }
});
