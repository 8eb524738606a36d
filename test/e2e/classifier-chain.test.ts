// A whole server with a model in front of the rules: what is recorded when it answers, talks nonsense, and is gone.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { startPagerduty } from "../../examples/stand-ins/pagerduty.ts";
import type { ActionView, RunView } from "../../src/wire/types/views.ts";
import { ANSWER, PROVIDERS, SECRETS, startModel, type Provider } from "../classifiers/model-stand-ins.ts";
import { eventually, ROUTING_KEY, TestServer } from "./server.ts";

const compatible = PROVIDERS.find(({ name }) => name.startsWith("an OpenAI")) as Provider;
const PROMPT = readFileSync(new URL("../../policies/classifier-prompt.md", import.meta.url), "utf8");

it("a model's answer pages, its nonsense goes to a person, and without it the rules answer", async (t) => {
  const [pagerduty, model] = [await startPagerduty({ routingKeys: [ROUTING_KEY] }), await startModel(compatible)];
  t.after(() => pagerduty.close());
  t.after(() => model.close());
  const server = await TestServer.create({
    executors: { pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] } },
    classifier: { chain: [compatible.config(model.url)] },
  });
  t.after(() => server.remove());
  server.keepSecret("vllm/api-key", SECRETS["vllm/api-key"] ?? "");
  await server.start();
  const runOf = async (service: string): Promise<RunView> => {
    await server.send([{ service, startsAt: new Date().toISOString() }]);
    return eventually(`a run of ${service}`, async () => {
      const { items } = (await server.call("GET", `/v1/runs?service=${service}`)).body as { items: RunView[] };
      return items.find(({ verdict }) => verdict === "paged" || verdict === "held");
    });
  };
  const contentOf = async ({ id }: RunView): Promise<Record<string, unknown>> => {
    const { body } = await server.call("GET", `/v1/runs/${id}`);
    return (body as { content: Record<string, unknown> }).content;
  };

  model.say({ text: JSON.stringify(ANSWER), reasoning: "One request in twenty fails." });
  const answered = await runOf("cart");
  assert.equal(answered.verdict, "paged");
  const { answerHash, ...classifier } = answered.classifier ?? { answerHash: "" };
  assert.match(answerHash, /^[0-9a-f]{64}$/);
  assert.deepEqual(classifier, {
    provider: "openai-compatible",
    model: "llama-test",
    modelVersion: "gpt-test-2026-09-01",
    promptHash: hash("sha256", PROMPT),
    inputTokens: 321,
    outputTokens: 45,
  });
  const said = await contentOf(answered);
  assert.equal(said["reasoning"], "One request in twenty fails.");

  model.say({ text: JSON.stringify({ ...ANSWER, confidence: "very" }) });
  const rejected = await runOf("checkout");
  assert.deepEqual([rejected.verdict, rejected.status, rejected.code], ["held", "unclassified", "answer-rejected"]);
  assert.deepEqual(rejected.problems, ["confidence-invalid"]);
  assert.equal(rejected.classifier?.provider, "openai-compatible", "who said it is on record");
  assert.ok(String((await contentOf(rejected))["answer"]).includes("very"), "and so is what it said");
  const { items } = (await server.call("GET", "/v1/actions?service=checkout")).body as { items: ActionView[] };
  assert.deepEqual(
    items.map(({ kind, status }) => `${kind} ${status}`),
    ["pagerduty.trigger held", "servicenow.incident.create refused"],
    "without tickets the review is that of a page",
  );

  await model.close();
  const fallen = await runOf("search");
  assert.deepEqual([fallen.verdict, fallen.classifier?.provider], ["paged", "rules"]);
  const passed = (await contentOf(fallen))["passedOver"];
  assert.deepEqual(passed, [{ provider: "openai-compatible", model: "llama-test", code: "unreachable" }]);
  const metrics = await fetch(`${server.url}/metrics`).then((response) => response.text());
  assert.match(metrics, /holdpoint_classifier_passed_over_total\{[^}]*code="unreachable"[^}]*\} 1/);
  assert.equal(pagerduty.incidents.length, 2);
});
