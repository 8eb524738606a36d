// Local servers that speak each provider's protocol: they check every request, and answer as they are told.

import { createHash, createHmac, createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { startStandIn, type Received, type Reply, type StandIn } from "../../examples/stand-ins/stand-in.ts";
import type { ModelConfig } from "../../src/wire/schemas/classifier-config.ts";

/** What a model says; the protocol around it is the stand-in's. */
export interface Saying {
  readonly text: string;
  readonly end?: "stop" | "length" | "refused";
  readonly reasoning?: string;
}

/** Requests that break the provider's protocol, in words. */
export type Complaints = string[];

type Protocol = {
  readonly check: (request: Received) => readonly (string | false)[];
  readonly reply: (saying: Saying, request: Received) => unknown;
};

export interface ModelStandIn extends StandIn {
  readonly complaints: Complaints;
  say(saying: Saying): void;
  /** Changes every answer of the model from now on; the protocol around it is then whatever comes of it. */
  distort(change: (reply: unknown) => unknown): void;
}

export const ANSWER = {
  classification: "high",
  confidence: 0.91,
  requires_ticket: true,
  requires_paging: true,
  requires_mim: false,
  recommended_team: "sre",
} as const;

const serviceAccount = generateKeyPairSync("rsa", { modulusLength: 2048 });

export const SECRETS: Readonly<Record<string, string>> = {
  "anthropic/api-key": "sk-ant-0123456789",
  "bedrock/access-key-id": "AKIDEXAMPLE",
  "bedrock/secret-access-key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  "bedrock/session-token": "session-token-0123456789",
  "bedrock/token": "bedrock-api-key-0123456789",
  "azure/api-key": "azure-0123456789",
  "azure/token": "entra-0123456789",
  "vertex/token": "ya29.0123456789",
  "vertex/service-account": JSON.stringify({
    type: "service_account",
    client_email: "holdpoint@project.iam.gserviceaccount.com",
    private_key: serviceAccount.privateKey.export({ type: "pkcs8", format: "pem" }),
    private_key_id: "key-1",
    token_uri: "https://elsewhere.example/token",
  }),
  "vllm/api-key": "vllm-0123456789",
};

type Parsed = Record<string, unknown>;

function bodyOf({ body }: Received): Parsed {
  return JSON.parse(body) as Parsed;
}

/** The question reached the model: the prompt, the signals as data, the schema with the teams. */
function carriesQuestion({ body }: Received): readonly (string | false)[] {
  return [
    !body.includes("You classify signals") && "the prompt is missing",
    !body.includes("<signals>") && "the signals are missing",
    !body.includes('"recommended_team"') && "the schema is missing",
    !body.includes('"stream":true') ? false : "streaming is on",
  ];
}

const anthropic: Protocol = {
  check: (request) => [
    request.path !== "/v1/messages" && `path ${request.path}`,
    request.headers["x-api-key"] !== SECRETS["anthropic/api-key"] && "x-api-key",
    request.headers["anthropic-version"] !== "2023-06-01" && "anthropic-version",
    bodyOf(request)["model"] !== "claude-test" && "model",
    bodyOf(request)["max_tokens"] !== 1_024 && "max_tokens",
  ],
  reply: ({ text, end = "stop", reasoning }, request) => ({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-test-20260901",
    content: [
      ...(reasoning === undefined ? [] : [{ type: "thinking", thinking: reasoning, signature: "s" }]),
      ...anthropicContent(text, bodyOf(request)),
    ],
    stop_reason: { stop: anthropicStop(bodyOf(request)), length: "max_tokens", refused: "refusal" }[end],
    stop_sequence: null,
    usage: { input_tokens: 321, output_tokens: 45 },
  }),
};

/** Older models give structured answers as the input of a tool; what is no JSON cannot be one. */
function anthropicContent(text: string, body: Parsed): readonly unknown[] {
  if (body["tools"] === undefined) return [{ type: "text", text }];
  const { name } = (body["tools"] as { name: string }[])[0] ?? { name: "json" };
  try {
    return [{ type: "tool_use", id: "tool_1", name, input: JSON.parse(text) as unknown }];
  } catch {
    return [{ type: "text", text }];
  }
}

function anthropicStop(body: Parsed): string {
  return body["tools"] === undefined ? "end_turn" : "tool_use";
}

const bedrock: Protocol = {
  check: (request) => [
    !/^\/model\/[^/]+\/converse$/.test(request.path) && `path ${request.path}`,
    !decodeURIComponent(request.path).includes("amazon.nova-test-v1:0") && "model in the path",
    !isSignedBy(request) && `authorization ${request.headers.authorization}`,
  ],
  reply: ({ text, end = "stop" }, request) => ({
    output: { message: { role: "assistant", content: bedrockContent(text, bodyOf(request)) } },
    stopReason: {
      stop: bodyOf(request)["toolConfig"] === undefined ? "end_turn" : "tool_use",
      length: "max_tokens",
      refused: "content_filtered",
    }[end],
    usage: { inputTokens: 321, outputTokens: 45, totalTokens: 366 },
    metrics: { latencyMs: 5 },
  }),
};

function bedrockContent(text: string, body: Parsed): readonly unknown[] {
  if (body["toolConfig"] === undefined) return [{ text }];
  try {
    return [{ toolUse: { toolUseId: "t1", name: "json", input: JSON.parse(text) as unknown } }];
  } catch {
    return [{ text }];
  }
}

/** AWS Signature Version 4, computed again from what arrived; or the bearer token. */
function isSignedBy(request: Received): boolean {
  const { authorization = "" } = request.headers;
  if (authorization === `Bearer ${SECRETS["bedrock/token"]}`) return true;
  const parts =
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/(\d{8})\/eu-central-1\/bedrock\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    );
  if (parts === null) return false;
  const [, day = "", names = "", signature = ""] = parts;
  const headers = names.split(";").map((name) => `${name}:${String(request.headers[name]).trim()}\n`);
  const canonical = [
    "POST",
    // Every segment is encoded twice, except for S3.
    request.path
      .split("/")
      .map((segment) => encodeURIComponent(segment))
      .join("/"),
    "",
    headers.join(""),
    names,
    createHash("sha256").update(request.body).digest("hex"),
  ].join("\n");
  const scope = `${day}/eu-central-1/bedrock/aws4_request`;
  const time = String(request.headers["x-amz-date"]);
  const hashed = createHash("sha256").update(canonical).digest("hex");
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
  const secret = `AWS4${SECRETS["bedrock/secret-access-key"]}`;
  const key = [day, "eu-central-1", "bedrock", "aws4_request"].reduce<string | Buffer>(hmac, secret);
  return hmac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hashed}`).toString("hex") === signature;
}

function openaiReply({ text, end = "stop", reasoning }: Saying): unknown {
  const finish = { stop: "stop", length: "length", refused: "content_filter" }[end];
  const message = { role: "assistant", content: text, ...(reasoning ? { reasoning_content: reasoning } : {}) };
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_790_000_000,
    model: "gpt-test-2026-09-01",
    choices: [{ index: 0, message, finish_reason: finish }],
    usage: { prompt_tokens: 321, completion_tokens: 45, total_tokens: 366 },
  };
}

function hasJsonSchema(request: Received): boolean {
  const format = bodyOf(request)["response_format"] as { type?: string; json_schema?: { schema?: unknown } };
  return format?.type === "json_schema" && format.json_schema?.schema !== undefined;
}

const azure: Protocol = {
  check: (request) => [
    request.path !== "/openai/chat/completions" && `path ${request.path}`,
    request.headers["api-key"] !== SECRETS["azure/api-key"] &&
      request.headers.authorization !== `Bearer ${SECRETS["azure/token"]}` &&
      "api-key",
    bodyOf(request)["model"] !== "deployment-test" && "model",
    !hasJsonSchema(request) && "response_format",
  ],
  reply: openaiReply,
};

const compatible: Protocol = {
  check: (request) => [
    request.path !== "/v1/chat/completions" && `path ${request.path}`,
    request.headers.authorization !== `Bearer ${SECRETS["vllm/api-key"]}` && "authorization",
    bodyOf(request)["model"] !== "llama-test" && "model",
    !hasJsonSchema(request) && "response_format",
  ],
  reply: openaiReply,
};

const VERTEX_TOKEN = "ya29.from-service-account";

const vertex: Protocol = {
  check: (request) =>
    request.path === "/token"
      ? [!isAssertion(request) && "assertion"]
      : [
          request.path !==
            "/v1beta1/projects/p/locations/europe-west4/publishers/google/models/gemini-test:generateContent" &&
            `path ${request.path}`,
          ![`Bearer ${SECRETS["vertex/token"]}`, `Bearer ${VERTEX_TOKEN}`].includes(
            request.headers.authorization ?? "",
          ) && "authorization",
          request.headers["x-goog-api-key"] !== undefined && "x-goog-api-key",
          (bodyOf(request)["generationConfig"] as Parsed)["responseMimeType"] !== "application/json" &&
            "responseMimeType",
        ],
  reply: ({ text, end = "stop", reasoning }, request) =>
    request.path === "/token"
      ? { access_token: VERTEX_TOKEN, expires_in: 3_599, token_type: "Bearer" }
      : {
          candidates: [
            {
              content: {
                role: "model",
                parts: [...(reasoning === undefined ? [] : [{ text: reasoning, thought: true }]), { text }],
              },
              finishReason: { stop: "STOP", length: "MAX_TOKENS", refused: "SAFETY" }[end],
            },
          ],
          usageMetadata: { promptTokenCount: 321, candidatesTokenCount: 45, totalTokenCount: 366 },
          modelVersion: "gemini-test-001",
        },
};

/** RFC 7523, checked with the public half of the key. */
function isAssertion({ body }: Received): boolean {
  const form = new URLSearchParams(body);
  const [header = "", claims = "", signature = ""] = (form.get("assertion") ?? "").split(".");
  const { iss, aud } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { iss: string; aud: string };
  const signed = verify(
    "sha256",
    Buffer.from(`${header}.${claims}`),
    createPublicKey(serviceAccount.publicKey.export({ type: "spki", format: "pem" })),
    Buffer.from(signature, "base64url"),
  );
  const grant = form.get("grant_type") === "urn:ietf:params:oauth:grant-type:jwt-bearer";
  return signed && grant && iss.startsWith("holdpoint@") && aud.endsWith("/token");
}

/** Each way of reaching each provider: the protocol, and the configuration for a server at `url`. */
export const PROVIDERS: readonly {
  readonly name: string;
  readonly protocol: Protocol;
  readonly version: string;
  readonly config: (url: string) => Record<string, unknown> & { readonly provider: ModelConfig["provider"] };
}[] = [
  {
    name: "Anthropic",
    protocol: anthropic,
    version: "claude-test-20260901",
    config: (url) => ({ provider: "anthropic", model: "claude-test", baseUrl: `${url}/v1` }),
  },
  {
    name: "Bedrock with keys",
    protocol: bedrock,
    version: "amazon.nova-test-v1:0",
    config: (url) => ({
      provider: "bedrock",
      model: "amazon.nova-test-v1:0",
      region: "eu-central-1",
      baseUrl: url,
      auth: { kind: "keys", sessionTokenRef: "bedrock/session-token" },
    }),
  },
  {
    name: "Bedrock with a bearer token",
    protocol: bedrock,
    version: "amazon.nova-test-v1:0",
    config: (url) => ({
      provider: "bedrock",
      model: "amazon.nova-test-v1:0",
      region: "eu-central-1",
      baseUrl: url,
      auth: { kind: "bearer" },
    }),
  },
  {
    name: "Azure OpenAI with a key",
    protocol: azure,
    version: "gpt-test-2026-09-01",
    config: (url) => ({
      provider: "azure",
      model: "deployment-test",
      baseUrl: `${url}/openai`,
      auth: { kind: "key" },
    }),
  },
  {
    name: "Azure OpenAI with an Entra token",
    protocol: azure,
    version: "gpt-test-2026-09-01",
    config: (url) => ({
      provider: "azure",
      model: "deployment-test",
      baseUrl: `${url}/openai`,
      auth: { kind: "bearer" },
    }),
  },
  {
    name: "Vertex with a token",
    protocol: vertex,
    version: "gemini-test-001",
    config: (url) => vertexConfig(url, { kind: "bearer" }),
  },
  {
    name: "Vertex with a service account",
    protocol: vertex,
    version: "gemini-test-001",
    config: (url) => vertexConfig(url, { kind: "service-account", tokenUrl: `${url}/token` }),
  },
  {
    name: "an OpenAI-compatible server",
    protocol: compatible,
    version: "gpt-test-2026-09-01",
    config: (url) => ({
      provider: "openai-compatible",
      model: "llama-test",
      baseUrl: `${url}/v1`,
      apiKeyRef: "vllm/api-key",
    }),
  },
];

function vertexConfig(url: string, auth: object) {
  const baseUrl = `${url}/v1beta1/projects/p/locations/europe-west4/publishers/google`;
  const place = { project: "p", location: "europe-west4" };
  return { provider: "vertex" as const, model: "gemini-test", ...place, baseUrl, auth };
}

export type Provider = (typeof PROVIDERS)[number];

export async function startModel({ protocol }: Provider): Promise<ModelStandIn> {
  const complaints: Complaints = [];
  let saying: Saying = { text: JSON.stringify(ANSWER) };
  let change = (reply: unknown): unknown => reply;
  const act = (request: Received): Reply => {
    const question = request.path === "/token" ? [] : carriesQuestion(request);
    complaints.push(...[...protocol.check(request), ...question].filter((complaint) => complaint !== false));
    const reply = protocol.reply(saying, request);
    return { status: 200, json: request.path === "/token" ? reply : change(reply) };
  };
  const standIn = await startStandIn({ act, report: () => complaints });
  return {
    ...standIn,
    received: standIn.received,
    complaints,
    say: (next) => (saying = next),
    distort: (next) => (change = next),
  };
}
