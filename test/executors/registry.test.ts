// Which executors there are, what they declare, and which configurations are refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_REGISTRIES } from "../../src/adapters/images/image-registries.ts";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createRecordingExecutor } from "../../src/adapters/executors/recording.ts";
import { createExecutors, indexExecutors } from "../../src/adapters/executors/registry.ts";
import { UnsettledWrites } from "../../src/adapters/executors/unsettled-writes.ts";
import { isAppError } from "../../src/core/errors.ts";
import { TRIAGE_KINDS } from "../../src/kernel/triage-kinds.ts";
import { servicenowUpdateArguments } from "../../src/wire/schemas/servicenow-arguments.ts";
import { executorsConfigSchema } from "../../src/wire/schemas/executors-config.ts";
import { parseOrigin } from "../../src/wire/schemas/origin.ts";
import { never, planRequest, TestClock } from "./contract.ts";
import { credentialsFrom } from "./fixture.ts";

const FULL = {
  pagerduty: { integrations: ["default"] },
  servicenow: { baseUrl: "https://example.service-now.com", auth: { kind: "oauth", clientId: "holdpoint" } },
};

function create(config: unknown, installation = "holdpoint.test/log"): ReturnType<typeof createExecutors> {
  const parsed = executorsConfigSchema.parse(config);
  const parts = { config: parsed, credentials: credentialsFrom({}), egress: createEgress({ allow: [] }) };
  return createExecutors({
    ...parts,
    clock: new TestClock(),
    installation,
    findSecret: () => null,
    pinImage: NO_REGISTRIES.pin,
    hidden: [],
    records: "",
  });
}

test("a full configuration offers every kind, and an empty one records notes", () => {
  assert.deepEqual([...create(FULL).keys()].sort(), [
    "pagerduty.acknowledge",
    "pagerduty.resolve",
    "pagerduty.trigger",
    "record.note",
    "runbook.document",
    "servicenow.change.create",
    "servicenow.change.update",
    "servicenow.incident.create",
    "servicenow.incident.update",
  ]);
  assert.deepEqual([...create({}).keys()], ["record.note", "runbook.document"]);
});

test("triage and executors say the same of the kinds that they share", () => {
  const executors = create(FULL);
  for (const [kind, { repeat, reversible }] of Object.entries(TRIAGE_KINDS)) {
    const declared = executors.get(kind)?.kinds.find((candidate) => candidate.kind === kind);
    if (declared === undefined) continue; // not built yet: its plan is refused as unknown
    assert.deepEqual({ repeat: declared.repeat, reversible: declared.reversible }, { repeat, reversible }, kind);
  }
});

test("two executors for one kind are refused", () => {
  const both = [createRecordingExecutor(), createRecordingExecutor()];
  assert.throws(
    () => indexExecutors(both),
    (error) => isAppError(error, "config-invalid"),
  );
});

const UNUSABLE = [
  "http://events.pagerduty.com",
  "ftp://events.pagerduty.com",
  "https://user:secret@events.pagerduty.com",
  "https://events.pagerduty.com/v2",
  "https://events.pagerduty.com/?a=b",
  "events.pagerduty.com",
  "",
];
for (const baseUrl of UNUSABLE) {
  test(`the base address "${baseUrl}" is refused`, () => {
    const config = { pagerduty: { baseUrl, integrations: ["default"] } };
    assert.throws(
      () => create(config),
      (error: unknown) => {
        assert.ok(isAppError(error, "config-invalid"));
        return !error.message.includes("secret");
      },
    );
  });
}

test("plain HTTP is for this machine only", () => {
  assert.equal(parseOrigin("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
  assert.equal(parseOrigin("http://[::1]:8080/"), "http://[::1]:8080");
  assert.equal(parseOrigin("https://events.eu.pagerduty.com"), "https://events.eu.pagerduty.com");
  assert.throws(
    () => parseOrigin("http://127.0.0.1.example.com"),
    (error) => isAppError(error, "config-invalid"),
  );
});

test("whatever a log's origin is, its actions have correlation ids that ServiceNow can hold", async () => {
  const ids = new Set<string>();
  const origins = ["holdpoint.test/log", "a^b", "JavaScript:x", "x".repeat(128), "with space", "Grüße", ""];
  for (const origin of origins) {
    const args = { shortDescription: "s", urgency: 1, impact: 1 };
    const plan = await create(FULL, origin)
      .get("servicenow.incident.create")
      ?.plan(planRequest({ kind: "servicenow.incident.create", args }), never);
    const inverse = plan?.inverse as unknown as { args: { correlationId: string } };
    assert.match(inverse.args.correlationId, /^(?!javascript:)[\w./:@+-]{1,100}$/i);
    assert.ok(servicenowUpdateArguments.safeParse(inverse.args).success);
    ids.add(inverse.args.correlationId);
  }
  assert.equal(ids.size, origins.length);
});

test("configuration with unknown members is refused", () => {
  assert.equal(
    executorsConfigSchema.safeParse({ pagerduty: { integrations: ["default"], routingKey: "x" } }).success,
    false,
  );
  assert.equal(executorsConfigSchema.safeParse({ pagerduty: { integrations: ["../x"] } }).success, false);
});

test("absence proves nothing until a write has settled, and writes that were forgotten stay unsettled", () => {
  const clock = new TestClock();
  const writes = new UnsettledWrites({ clock, settleMs: 1_000 });
  assert.equal(writes.remainingMs("before this process"), 1_000);
  clock.advance(1_000);
  assert.equal(writes.remainingMs("before this process"), 0);
  for (let i = 0; i < 10_001; i++) writes.open(`w${i}`);
  assert.equal(writes.remainingMs("w0"), 1_000, "pushed out of the map, still not trusted");
  assert.equal(writes.isOpen("w10000"), true);
  writes.settle("w10000");
  assert.equal(writes.isOpen("w10000"), false);
  clock.advance(1_000);
  assert.equal(writes.isOpen("w5"), false);
  assert.equal(writes.remainingMs("w5"), 0);
});
