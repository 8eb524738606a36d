// What PagerDuty gets: the approved bytes, the secret only on the wire, and events that its published schema accepts.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { Ajv } from "ajv";
import fc from "fast-check";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import type { Plan } from "../../src/wire/contracts/executor.ts";
import { executeRequest, never, planRequest, TestClock } from "./contract.ts";
import { buildExecutor, pagerdutyStage, ROUTING_KEY, TRIGGER_ARGS, type PagerdutyStage } from "./fixture.ts";

const SCHEMA = new URL("../../../shared/vectors/pagerduty/events-v2.json", import.meta.url);

type Event = { readonly payload?: { readonly custom_details: JsonObject } & JsonObject } & JsonObject;

function received(stage: PagerdutyStage, index = 0): Event {
  return JSON.parse(stage.pagerduty.received[index]?.body ?? "null") as Event;
}

async function staged(t: TestContext, kind = "pagerduty.trigger"): Promise<PagerdutyStage> {
  const stage = await pagerdutyStage(kind);
  t.after(() => stage.close());
  return stage;
}

/** The request body schema that PagerDuty publishes for `/enqueue`. */
function publishedCheck(): (body: unknown) => readonly string[] {
  const document = JSON.parse(readFileSync(SCHEMA, "utf8")) as JsonObject & { components: { schemas: JsonObject } };
  const ajv = new Ajv({ strict: false, allErrors: true, formats: { url: true, "date-time": true } });
  ajv.addSchema({ $id: "pagerduty", components: document.components });
  type Path = { post: { requestBody: { content: { "application/json": { schema: JsonObject } } } } };
  const paths = document["paths"] as unknown as Readonly<Record<string, Path>>;
  const schema = paths["/enqueue"]?.post.requestBody.content["application/json"].schema;
  const text = JSON.stringify(schema).replaceAll('"#/components', '"pagerduty#/components');
  const validate = ajv.compile(JSON.parse(text) as JsonObject);
  return (body) =>
    validate(body) ? [] : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

test("the plan is the whole request, with a reference in the place of the routing key", async (t) => {
  const stage = await staged(t);
  const plan = await stage.build().plan(planRequest(stage), never);
  assert.deepEqual(plan, {
    kind: "pagerduty.trigger",
    calls: [
      {
        method: "POST",
        origin: stage.pagerduty.url,
        path: "/v2/enqueue",
        body: {
          routing_key: { secretRef: "pagerduty/default" },
          event_action: "trigger",
          dedup_key: "holdpoint.test/log:inc_000000002",
          client: "Holdpoint",
          payload: {
            summary: "cart: error rate above 5 %",
            severity: "error",
            source: "cart (production)",
            component: "checkout",
            custom_details: {
              signals: ["sig_000000001"],
              classification: { severity: "high", confidencePpm: 910_000 },
              environment: "production",
              service: "cart",
              action: "act_00000000c",
              agent: "system:triage",
              incident: "inc_000000002",
              run: "run_000000003",
              holdpoint: null,
            },
          },
        },
      },
    ],
    diff: {
      alert: "holdpoint.test/log:inc_000000002",
      integration: "default",
      becomes: "triggered",
      takenBack: "changes-since-are-not-seen",
    },
    inverse: {
      kind: "pagerduty.resolve",
      target: { environment: "production", service: "cart" },
      args: { dedupKey: "holdpoint.test/log:inc_000000002", integration: "default" },
    },
    reversible: true,
    blind: true,
    fingerprint: null,
  });
});

test("what is sent is the plan, with the routing key and the justification in their places and nothing else", async (t) => {
  const stage = await staged(t);
  const executor = stage.build();
  const plan = await executor.plan(planRequest(stage), never);
  const request = executeRequest(plan);
  await executor.execute(request, never);
  const sent = received(stage);
  const holdpoint = sent.payload?.custom_details["holdpoint"];
  assert.deepEqual(holdpoint, { grant: request.grantId, justification: request.justification });
  assert.equal(sent["routing_key"], ROUTING_KEY);
  const details = { ...sent.payload?.custom_details, holdpoint: null };
  const back = {
    ...sent,
    routing_key: { secretRef: "pagerduty/default" },
    payload: { ...sent.payload, custom_details: details },
  };
  const [call] = plan.calls as readonly { readonly body: Json }[];
  assert.equal(canonicalJson(back as Json), canonicalJson(call?.body ?? null));
});

test("trigger, acknowledge and resolve follow one alert by its dedup key", async (t) => {
  const stage = await staged(t);
  const executor = stage.build();
  const dedupKey = TRIGGER_ARGS["dedupKey"] ?? "";
  const statuses: string[] = [];
  for (const kind of ["pagerduty.trigger", "pagerduty.acknowledge", "pagerduty.resolve"]) {
    const args = kind === "pagerduty.trigger" ? TRIGGER_ARGS : { dedupKey };
    const plan = await executor.plan(planRequest({ kind, args }), never);
    const outcome = await executor.execute(executeRequest(plan), never);
    assert.deepEqual(outcome, { status: "succeeded", reference: dedupKey, detail: { status: 202 } });
    statuses.push(stage.pagerduty.incidents[0]?.status ?? "none");
  }
  assert.deepEqual(statuses, ["triggered", "acknowledged", "resolved"]);
});

test("each of our severities has PagerDuty's word", async (t) => {
  const stage = await staged(t);
  const words: unknown[] = [];
  for (const severity of ["low", "medium", "high", "sev1"]) {
    const plan = await stage.build().plan(planRequest({ ...stage, args: { ...TRIGGER_ARGS, severity } }), never);
    words.push((plan.calls[0] as unknown as { body: { payload: { severity: string } } }).body.payload.severity);
  }
  assert.deepEqual(words, ["info", "warning", "error", "critical"]);
});

test("an integration that is not configured is refused when planned", async (t) => {
  const stage = await staged(t);
  const args = { ...TRIGGER_ARGS, integration: "somebody-else" };
  await assert.rejects(stage.build().plan(planRequest({ ...stage, args }), never), (error) =>
    isAppError(error, "arguments-invalid"),
  );
  const config = { pagerduty: { baseUrl: stage.pagerduty.url, integrations: ["checkout"] } };
  const without = buildExecutor({ kind: stage.kind, config, clock: new TestClock() });
  await assert.rejects(without.plan(planRequest(stage), never), (error) => isAppError(error, "arguments-invalid"));
});

test("a service with an integration of its own name uses it", async (t) => {
  const stage = await staged(t);
  const config = { pagerduty: { baseUrl: stage.pagerduty.url, integrations: ["default", "cart"] } };
  const plan = await buildExecutor({ kind: stage.kind, config, clock: new TestClock() }).plan(
    planRequest(stage),
    never,
  );
  assert.deepEqual((plan.diff as JsonObject)["integration"], "cart");
});

test("a plan that names another secret does not get it", async (t) => {
  const stage = await staged(t);
  const config = { pagerduty: { baseUrl: stage.pagerduty.url, integrations: ["default"] } };
  const secrets = { "pagerduty/default": ROUTING_KEY, "servicenow/password": "x".repeat(32) };
  const executor = buildExecutor({ kind: stage.kind, config, clock: new TestClock(), secrets });
  const plan = await executor.plan(planRequest(stage), never);
  const other = JSON.parse(JSON.stringify(plan).replace("pagerduty/default", "servicenow/password")) as Plan;
  const outcome = await executor.execute(executeRequest(other), never);
  assert.ok(outcome.status === "failed" && outcome.code === "credential-missing");
  assert.deepEqual(stage.pagerduty.received, []);
});

test("a target that repeats the secret in its error does not get it into the outcome", async (t) => {
  const check = (body: unknown): readonly string[] => {
    const { routing_key: key } = body as { routing_key: string };
    return [`no integration has ${key}`, `or ${Buffer.from(key).toString("base64")}`, `${"pad ".repeat(65)}${key}`];
  };
  const stage = await pagerdutyStage("pagerduty.trigger", check);
  t.after(() => stage.close());
  const executor = stage.build();
  const outcome = await executor.execute(executeRequest(await executor.plan(planRequest(stage), never)), never);
  assert.ok(outcome.status === "failed" && outcome.code === "target-refused");
  const said = JSON.stringify(outcome);
  assert.ok(said.includes("no integration has [secret]"), said);
  assert.ok(!said.includes(ROUTING_KEY.slice(0, 8)), said);
});

test("a context or justification that is too large is left out, and the page still goes out", async (t) => {
  const stage = await staged(t);
  const executor = stage.build();
  const context = { run: "run_000000003", notes: "n".repeat(20_000) };
  const plan = await executor.plan({ ...planRequest(stage), context }, never);
  const outcome = await executor.execute(
    { ...executeRequest(plan), justification: { verdicts: "v".repeat(9_000) } },
    never,
  );
  assert.equal(outcome.status, "succeeded");
  const details = received(stage).payload?.custom_details;
  assert.equal(details?.["context"], "omitted: too large");
  assert.deepEqual(details?.["holdpoint"], { grant: "grt_00000000d", justification: "omitted: too large" });
});

test("a target that refuses the credential is quoted in nothing", async (t) => {
  const stage = await staged(t);
  stage.pagerduty.fail({ mode: "status-401" });
  const outcome = await stage
    .build()
    .execute(executeRequest(await stage.build().plan(planRequest(stage), never)), never);
  assert.deepEqual(outcome, { status: "failed", code: "credential-refused", detail: { status: 401 } });
});

test("a secret that could end a header line is none", async (t) => {
  const stage = await staged(t);
  const config = { pagerduty: { baseUrl: stage.pagerduty.url, integrations: ["default"] } };
  for (const secret of [`${ROUTING_KEY}\n`, "a\r\nb: c", "", "k".repeat(4_097)]) {
    const secrets = { "pagerduty/default": secret };
    const executor = buildExecutor({ kind: stage.kind, config, clock: new TestClock(), secrets });
    const outcome = await executor.execute(executeRequest(await executor.plan(planRequest(stage), never)), never);
    assert.ok(outcome.status === "failed" && outcome.code === "credential-missing");
  }
});

test("an answer that is not declared as JSON is not read as one", async (t) => {
  const stage = await staged(t);
  const executor = stage.build();
  const plan = await executor.plan(planRequest(stage), never);
  stage.pagerduty.fail({ mode: "wrong-type" });
  const outcome = await executor.execute(executeRequest(plan), never);
  assert.deepEqual(outcome, { status: "unknown", code: "answer-unexpected", detail: { status: 202 } });
});

test("an answer about another alert is not taken for ours", async (t) => {
  const stage = await staged(t);
  const executor = stage.build();
  const plan = await executor.plan(planRequest(stage), never);
  stage.pagerduty.fail({ mode: "wrong-key" });
  const outcome = await executor.execute(executeRequest(plan), never);
  assert.deepEqual(outcome, { status: "unknown", code: "answer-unexpected", detail: { status: 202 } });
});

test("PagerDuty's rules and published schema accept every event that can be planned", async (t) => {
  const hasSchema = existsSync(SCHEMA);
  if (!hasSchema) t.diagnostic("the published schema is not here: only the stand-in's own rules are checked");
  const stage = await pagerdutyStage("pagerduty.trigger", hasSchema ? publishedCheck() : undefined);
  t.after(() => stage.close());
  const executor = stage.build();
  const line = (charsMax: number): fc.Arbitrary<string> =>
    fc.string({ unit: "grapheme", minLength: 1, maxLength: charsMax });
  const args = fc.record(
    {
      dedupKey: line(260),
      summary: fc.oneof(line(1_030), fc.constant("s".repeat(1_024))),
      severity: fc.constantFrom("low", "medium", "high", "sev1"),
      source: line(260),
      component: line(260),
      class: line(20),
      group: line(20),
      details: fc.dictionary(line(10), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 4 }),
    },
    { requiredKeys: ["dedupKey", "summary", "severity"] },
  );
  let sent = 0;
  const property = fc.asyncProperty(args, async (arbitrary) => {
    let plan: Plan;
    try {
      plan = await executor.plan(planRequest({ ...stage, args: arbitrary as JsonObject }), never);
    } catch (error) {
      return assert.ok(isAppError(error, "arguments-invalid"), String(error));
    }
    sent += 1;
    const outcome = await executor.execute(executeRequest(plan), never);
    assert.equal(outcome.status, "succeeded", stage.pagerduty.refusals.join("; "));
  });
  await fc.assert(property, { numRuns: 100 });
  assert.ok(sent > 10, "enough of them were planned");
  for (const kind of ["pagerduty.acknowledge", "pagerduty.resolve"]) {
    const plan = await executor.plan(planRequest({ kind, args: { dedupKey: "k" } }), never);
    assert.equal((await executor.execute(executeRequest(plan), never)).status, "succeeded");
  }
});
