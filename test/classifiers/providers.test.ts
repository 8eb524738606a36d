// Each provider over the wire: what is asked is what its protocol wants, and every way to fail has its code.

import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import fc from "fast-check";
import { checkClassification } from "../../src/signals/check-classification.ts";
import { ask, askedOf, PROMPT, SIGNAL, stageOf, TEAMS, type Stage } from "./model-stage.ts";
import { ANSWER, PROVIDERS, startModel, type ModelStandIn, type Provider } from "./model-stand-ins.ts";

async function open(provider: Provider, t: TestContext, more: object = {}): Promise<Stage & { model: ModelStandIn }> {
  const model = await startModel(provider);
  t.after(() => model.close());
  const config = { ...provider.config(model.url), retries: { burst: 0 }, ...more };
  return { ...stageOf({ config }), model };
}

for (const provider of PROVIDERS) {
  describe(provider.name, () => {
    test("is asked as its protocol says, and its answer comes with who gave it and what it cost", async (t) => {
      const { classifier, model } = await open(provider, t);
      const result = await ask(classifier);
      assert.deepEqual(model.complaints, []);
      assert.ok(typeof result !== "string", JSON.stringify(result));
      assert.deepEqual(result.answer, ANSWER);
      assert.deepEqual(result.by, { ...classifier.identity, version: provider.version });
      assert.equal(result.by.promptHash, PROMPT.hash);
      assert.deepEqual(result.usage, { inputTokens: 321, outputTokens: 45 });
      assert.ok(checkClassification(result.answer, { teams: TEAMS }).ok);
    });

    test("gets the allow-listed fields of a signal and nothing else of it", async (t) => {
      const { classifier, model } = await open(provider, t);
      await ask(classifier);
      const sent = model.received.map(({ body }) => body).join("\n");
      for (const kept of [SIGNAL.title, SIGNAL.summary, "HighErrorRate"]) assert.ok(sent.includes(kept), kept);
      const left = [SIGNAL.pointers[0], SIGNAL.deliveryKey, SIGNAL.signature, SIGNAL.correlationIds[0]];
      for (const text of left) assert.ok(!sent.includes(text ?? ""), text);
    });

    test("says what is no JSON, no object, or of another shape: it is an answer, and it is rejected", async (t) => {
      const { classifier, model } = await open(provider, t);
      const texts = [
        "I would page somebody.",
        '{"classification":"high"}',
        JSON.stringify({ ...ANSWER, note: "and delete everything" }),
        JSON.stringify({ ...ANSWER, confidence: 2 }),
        JSON.stringify({ ...ANSWER, recommended_team: "nobody" }),
        JSON.stringify({ ...ANSWER, requires_mim: true }),
        "[]",
        "null",
        "-0",
        '"sev1"',
        `[${JSON.stringify(ANSWER)}]`,
        `{"answer":${JSON.stringify(ANSWER)}}`,
        "{".repeat(20) + '"a":1' + "}".repeat(20),
        `{"a":${"[".repeat(500)}${"]".repeat(500)}}`,
        JSON.stringify({ ...ANSWER, classification: "sev0" }),
        JSON.stringify({ ...ANSWER, confidence: "0.91" }),
        JSON.stringify(ANSWER).replace("0.91", "1e999"),
        JSON.stringify(ANSWER).replace("{", '{"__proto__":{"classification":"sev1"},'),
        JSON.stringify({ ...ANSWER, requires_ticket: false, requires_paging: false }),
      ];
      for (const text of texts) {
        model.say({ text });
        const result = await ask(classifier);
        const rejected = typeof result === "string" || !checkClassification(result.answer, { teams: TEAMS }).ok;
        assert.ok(rejected, text);
      }
    });

    test("refuses, or is cut off at its limit: no answer, whatever it wrote before", async (t) => {
      const { classifier, model } = await open(provider, t);
      model.say({ text: JSON.stringify(ANSWER), end: "refused" });
      assert.equal(await ask(classifier), "refused");
      model.say({ text: JSON.stringify(ANSWER), end: "length" });
      assert.equal(await ask(classifier), "truncated");
    });

    test("fails in every way that a server can fail", async (t) => {
      const { classifier, model, expire } = await open(provider, t, { circuit: { failures: 100 } });
      const codes = {
        "status-500": "provider-error",
        "status-400": "request-refused",
        "status-401": "credential-refused",
        "rate-limit": "rate-limited",
        redirect: "request-refused",
        drop: "connection-lost",
        "cut-short": "connection-lost",
        huge: "answer-too-large",
        garbage: "answer-unreadable",
        hang: "timeout",
        stall: "timeout",
      } as const;
      await ask(classifier);
      // A token that is refused is fetched anew: it is the call to the model that fails, each time.
      const path = model.received.at(-1)?.path ?? "";
      for (const [mode, code] of Object.entries(codes)) {
        model.fail({ mode: mode as keyof typeof codes, path });
        const asked = ask(classifier);
        if (code === "timeout") void askedOf(model, model.received.length + 1).then(expire);
        assert.equal(await asked, code, mode);
      }
      model.fail({ mode: "slow", path });
      assert.notEqual(typeof (await ask(classifier)), "string", "what is slow and in time is an answer");
    });

    test("is not called without its secret", async (t) => {
      const model = await startModel(provider);
      t.after(() => model.close());
      const { classifier } = stageOf({ config: provider.config(model.url), secrets: {} });
      const result = await ask(classifier);
      assert.equal(result, "credential-missing");
      assert.deepEqual(model.received, []);
    });
  });
}

/** Each protocol once: what stands around an answer does not depend on how one signs in. */
const PROTOCOLS = PROVIDERS.filter(
  ({ protocol }, index) => PROVIDERS.findIndex((one) => one.protocol === protocol) === index,
);

/** Valid JSON, and nonsense wherever it stands. */
const NONSENSE: readonly unknown[] = [
  null,
  true,
  -1,
  0.5,
  1e308,
  "",
  "\u202e\u0000<script>",
  "x".repeat(200_000),
  [],
  [[]],
  {},
  { __proto__: null, constructor: { name: 1 }, toString: 1 },
];

/** `value` with what stands at one of its places, counted in depth, made nonsense; at none when there are fewer. */
function spoiled(value: unknown, place: { left: number }, nonsense: unknown): unknown {
  if (place.left-- === 0) return nonsense;
  if (Array.isArray(value)) return value.map((item) => spoiled(item, place, nonsense));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, spoiled(member, place, nonsense)]));
}

function answerOf(name: string): unknown {
  return (ANSWER as Readonly<Record<string, unknown>>)[name];
}

for (const provider of PROTOCOLS) {
  test(`${provider.name}: what is absurd around the answer makes no answer of it, and no count that limits rest on`, async (t) => {
    const { classifier, model } = await open(provider, t, { circuit: { failures: 100 } });
    let answered = 0;
    const spoil = fc.record({ left: fc.nat(24), nonsense: fc.constantFrom(...NONSENSE) });
    const property = fc.asyncProperty(spoil, async ({ left, nonsense }) => {
      model.distort((reply) => spoiled(reply, { left }, nonsense));
      const result = await ask(classifier);
      if (typeof result === "string") return assert.match(result, /^[a-z-]+$/);
      answered++;
      const { inputTokens = 0, outputTokens = 0 } = result.usage ?? {};
      for (const count of [inputTokens, outputTokens]) assert.ok(Number.isSafeInteger(count) && count >= 0);
      assert.match(result.by.version, /^[\x21-\x7e]{1,128}$/);
      assert.ok(typeof result.reasoning === "string" && result.reasoning.length <= 16_384);
      const checked = checkClassification(result.answer, { teams: TEAMS });
      if (!checked.ok) return undefined;
      // What stands in the answer's own place is what the model said: 0.5 is a confidence.
      const other = (Object.entries(result.answer as object) as [string, unknown][]).filter(
        ([name, said]) => said !== answerOf(name),
      );
      assert.ok(other.length === 0 || (other.length === 1 && other[0]?.[1] === nonsense), JSON.stringify(other));
    });
    await fc.assert(property, { numRuns: 60 });
    assert.ok(answered > 0, "some of it does not touch the answer");
  });
}

test("models of Anthropic answer by the schema or by a tool, as each knows, and both are read alike", async (t) => {
  const anthropic = PROVIDERS.find(({ name }) => name === "Anthropic") as Provider;
  for (const [name, member] of [
    ["claude-sonnet-4-5", "output_config"],
    ["claude-3-haiku-20240307", "tools"],
  ] as const) {
    const { classifier, model } = await open(anthropic, t, { model: name });
    const result = await ask(classifier);
    assert.ok(typeof result !== "string", JSON.stringify(result));
    assert.deepEqual(result.answer, ANSWER);
    assert.ok(member in (JSON.parse(model.received[0]?.body ?? "") as object), name);
  }
});

test("what the environment and the machine know is not used", async (t) => {
  const names = ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID"];
  const more = [
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AZURE_API_KEY",
    "GOOGLE_VERTEX_API_KEY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
  ];
  for (const name of [...names, ...more]) {
    const before = process.env[name];
    process.env[name] = name.endsWith("URL") || name.endsWith("PROXY") ? "http://127.0.0.1:9" : "from-the-environment";
    t.after(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)));
  }
  for (const provider of PROVIDERS) {
    const { classifier, model } = await open(provider, t);
    const result = await ask(classifier);
    assert.ok(typeof result !== "string", `${provider.name}: ${JSON.stringify(result)}`);
    assert.deepEqual(model.complaints, [], provider.name);
    assert.ok(!JSON.stringify(model.received).includes("from-the-environment"), provider.name);
  }
});

test("the model's reasoning comes with its answer where the provider gives it", async (t) => {
  for (const name of ["Vertex with a token", "an OpenAI-compatible server"]) {
    const provider = PROVIDERS.find((one) => one.name === name) as Provider;
    const { classifier, model } = await open(provider, t);
    model.say({ text: JSON.stringify(ANSWER), reasoning: "Many requests fail." });
    const result = await ask(classifier);
    assert.ok(typeof result !== "string", JSON.stringify(result));
    assert.equal(result.reasoning, "Many requests fail.", name);
  }
});
