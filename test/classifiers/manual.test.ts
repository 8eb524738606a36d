// docs/classifiers.md: its examples load, cover every provider and reach what they say; its tables have every code and setting.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { originsOf } from "../../src/adapters/classifiers/endpoints.ts";
import { classifierConfigSchema, type ModelConfig } from "../../src/wire/schemas/classifier-config.ts";

const manual = readFileSync(new URL("../../docs/classifiers.md", import.meta.url), "utf8");
const examples = [...manual.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = ""]) => {
  return classifierConfigSchema.parse((parse(text) as { classifier: unknown }).classifier);
});
const room = new URL("../../src/adapters/classifiers/", import.meta.url);
const code = readdirSync(room)
  .map((name) => readFileSync(new URL(name, room), "utf8"))
  .join("\n");

test("every example loads, and there is one for every provider", () => {
  const shown = new Map<string, ModelConfig>();
  for (const model of examples.flatMap(({ chain, candidates }) => [...chain, ...candidates])) {
    assert.ok(originsOf(model).length > 0);
    shown.set(model.provider, model);
  }
  const providers = new Set(
    [...code.matchAll(/case "([a-z-]+)":\n\s+return (?:\(\) => open|vertexModel)/g)].map((m) => m[1]),
  );
  assert.equal(providers.size, 5);
  assert.deepEqual(new Set(shown.keys()), providers);
});

test("what the examples call a default is one", () => {
  const [bedrock, azure, vertex] = ["bedrock", "azure", "vertex"].map((provider) => {
    return examples.flatMap(({ chain }) => chain).find((model) => model.provider === provider);
  });
  for (const [model, auth] of [
    [bedrock, { kind: "keys", sessionTokenRef: "bedrock/session-token" }],
    [azure, { kind: "key" }],
    [vertex, { kind: "service-account" }],
  ] as const) {
    assert.ok(model !== undefined);
    assert.deepEqual(classifierConfigSchema.parse({ chain: [{ ...model, auth }] }).chain, [model]);
  }
  const bare = classifierConfigSchema.parse({ chain: [{ provider: "anthropic", model: "m" }] });
  const [model] = bare.chain;
  assert.ok(model !== undefined && model.provider === "anthropic");
  const { retries, circuit } = model;
  for (const said of [
    `\`fallback\` | \`${bare.fallback}\``,
    `\`onRejected\` | \`${bare.onRejected}\``,
    `\`timeoutMs\` | \`${bare.timeoutMs}\``,
    `\`maxOutputTokens\` (${model.maxOutputTokens};`,
    `retries: { burst: ${retries.burst}, perMinute: ${retries.perMinute} }`,
    `circuit: { failures: ${circuit.failures}, openMs: ${circuit.openMs} }`,
    `apiKeyRef: ${model.apiKeyRef} # the default`,
  ]) {
    assert.ok(manual.includes(said), said);
  }
});

test("every code with which a classifier can be passed over is in the manual, and no other", () => {
  const union = /type FailureCode =([^;]+);/.exec(code)?.[1] ?? "";
  const inCode = new Set([...union.matchAll(/"([a-z-]+)"/g)].map((match) => match[1]));
  // Of the chain itself.
  for (const [, word] of code.matchAll(/passedOf\(member, "([a-z-]+)"\)/g)) inCode.add(word);
  const table = manual.slice(manual.indexOf("| code | |"));
  const inManual = new Set([...table.matchAll(/`([a-z-]+)`(?=[^|]*\|)/g)].map((match) => match[1]));
  assert.deepEqual(inManual, inCode);
});
