// What is told of arguments that are found wrong only when they are planned: which they are, and nothing of what they say.

import assert from "node:assert/strict";
import { it } from "node:test";
import { createRunbookDocuments } from "../../src/adapters/executors/runbook-document.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { settle } from "../kernel/rig.ts";
import { Stage } from "./stage.ts";

it("names the arguments that an executor refused, up to a bound, and no values", async () => {
  const stage = await Stage.open();
  const executor = createRunbookDocuments();
  stage.onPlan = (args, request) => executor.plan({ ...request, args }, new AbortController().signal);
  const unknown = Object.fromEntries(["surprise", "x".repeat(99), "third", "fourth"].map((name) => [name, "hidden"]));
  const { subject } = await stage.rig.kernel.submit({
    type: "propose-action",
    actor: "agent:one",
    content: { args: { title: "", steps: ["hidden"], ...unknown } },
    input: {
      ...{ kind: "test.free", environment: "production", service: "cart", resource: null, effect: "external" },
      ...{ agentKind: "person", person: "ada", requestHash: "r".repeat(64), planHash: null, repeat: "idempotent" },
      ...{ reversible: false, idempotencyKey: null },
    },
  });
  await settle();
  assert.equal(stage.status(subject), "action.refused");
  const told = stage.rig.writer.kept.find(({ subject: of, type }) => of === subject && type === "action.refused");
  const body = told?.payload?.body as JsonObject | undefined;
  assert.equal(
    body?.["detail"],
    "the arguments do not match the action kind's schema; /title: too_small; /steps/0: invalid_type; " +
      `/: unrecognized_keys surprise, ${"x".repeat(32)}, third`,
  );
});
