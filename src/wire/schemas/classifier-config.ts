// Configuration of the classifiers: which models are asked, in which order, within which limits, with which secrets.

import { z } from "zod";
import { secretRefSchema } from "./credentials-config.ts";

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const modelSchema = z.string().regex(/^[\w.:/@-]{1,256}$/);
/** One DNS label, or a name without any separator: it becomes part of a host or a path. */
const labelSchema = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
const addressSchema = z.string().max(256);
const moneySchema = z.number().min(0).max(1_000_000);

/** What may be used per model, since the start of the process; hours and days are those of UTC. */
const limitsSchema = z.strictObject({
  requestsPerHour: z.int().min(1).optional(),
  tokensPerHour: z.int().min(1).optional(),
  tokensPerDay: z.int().min(1).optional(),
  /** In the currency of `price`. */
  spendPerHour: moneySchema.optional(),
  spendPerDay: moneySchema.optional(),
});
export type ModelLimits = z.output<typeof limitsSchema>;

const common = {
  /** How `classify --replay` calls it; the provider's name unless given. */
  name: nameSchema.optional(),
  model: modelSchema,
  maxOutputTokens: z.int().min(64).max(32_768).default(1_024),
  /** Absent: the provider's own; some models refuse any. */
  temperature: z.number().min(0).max(2).optional(),
  limits: limitsSchema.prefault({}),
  /** Per million tokens, in any one currency. */
  price: z.strictObject({ input: moneySchema, output: moneySchema }).default({ input: 0, output: 0 }),
  retries: z
    .strictObject({
      /** Retries that may come at once, of all calls together. */
      burst: z.int().min(0).max(100).default(4),
      perMinute: z.number().min(0).max(600).default(4),
    })
    .prefault({}),
  circuit: z
    .strictObject({
      /** Failures in a row after which the model is left alone. */
      failures: z.int().min(1).max(100).default(5),
      /** How long, before one call tries it again. */
      openMs: z.int().min(1_000).max(3_600_000).default(30_000),
    })
    .prefault({}),
};

const anthropicSchema = z.strictObject({
  provider: z.literal("anthropic"),
  ...common,
  baseUrl: addressSchema.default("https://api.anthropic.com/v1"),
  apiKeyRef: secretRefSchema.default("anthropic/api-key"),
});

const bedrockSchema = z.strictObject({
  provider: z.literal("bedrock"),
  ...common,
  region: labelSchema,
  /** Absent: the region's own endpoint. */
  baseUrl: addressSchema.optional(),
  auth: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("keys"),
      accessKeyIdRef: secretRefSchema.default("bedrock/access-key-id"),
      secretAccessKeyRef: secretRefSchema.default("bedrock/secret-access-key"),
      /** For temporary credentials. */
      sessionTokenRef: secretRefSchema.optional(),
    }),
    z.strictObject({ kind: z.literal("bearer"), tokenRef: secretRefSchema.default("bedrock/token") }),
  ]),
});

const azureSchema = z.strictObject({
  provider: z.literal("azure"),
  ...common,
  /** `https://NAME.openai.azure.com/openai`; `model` is the deployment. */
  baseUrl: addressSchema,
  apiVersion: z
    .string()
    .regex(/^[\w.-]{1,32}$/)
    .default("v1"),
  /** The older addresses: `/deployments/NAME/chat/completions`. */
  deploymentUrls: z.boolean().default(false),
  auth: z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("key"), apiKeyRef: secretRefSchema.default("azure/api-key") }),
    /** An access token of Microsoft Entra; whoever renews it writes the file anew. */
    z.strictObject({ kind: z.literal("bearer"), tokenRef: secretRefSchema.default("azure/token") }),
  ]),
});

const vertexSchema = z.strictObject({
  provider: z.literal("vertex"),
  ...common,
  project: z.string().regex(/^[a-z0-9:.-]{1,128}$/),
  location: labelSchema,
  /** Absent: the location's own endpoint. */
  baseUrl: addressSchema.optional(),
  auth: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("service-account"),
      /** The key file of a service account (JSON). */
      keyRef: secretRefSchema.default("vertex/service-account"),
      tokenUrl: addressSchema.default("https://oauth2.googleapis.com/token"),
    }),
    /** An access token; whoever renews it writes the file anew. */
    z.strictObject({ kind: z.literal("bearer"), tokenRef: secretRefSchema.default("vertex/token") }),
  ]),
});

const openaiCompatibleSchema = z.strictObject({
  provider: z.literal("openai-compatible"),
  ...common,
  /** With its path: `https://vllm.example.com/v1`. */
  baseUrl: addressSchema,
  /** Absent: no Authorization header is sent. */
  apiKeyRef: secretRefSchema.optional(),
  /** False for servers that know `json_object` alone: then the schema stands in the prompt. */
  jsonSchema: z.boolean().default(true),
});

const modelConfigSchema = z.discriminatedUnion("provider", [
  anthropicSchema,
  bedrockSchema,
  azureSchema,
  vertexSchema,
  openaiCompatibleSchema,
]);
export type ModelConfig = z.output<typeof modelConfigSchema>;

/** How long the kernel waits for a classification (TERMS.classificationMs), less a margin for everything around it. */
const CONSULT_MS_MAX = 55_000;
const CHAIN_MAX = 5;

export const classifierConfigSchema = z
  .strictObject({
    rules: z.string().optional(),
    prompt: z.string().optional(),
    /** For each classifier of the chain, retries included. */
    timeoutMs: z.int().min(100).max(30_000).default(10_000),
    /** Models in the order they are asked: the next when one gives no answer. None: the rules answer. */
    chain: z.array(modelConfigSchema).max(CHAIN_MAX).default([]),
    /** Who answers after the last model: the rules, or a person. */
    fallback: z.enum(["rules", "review"]).default("rules"),
    /** What follows an answer that was given and cannot be used: a person looks, or the next classifier is asked. */
    onRejected: z.enum(["review", "next"]).default("review"),
    /** Models that are never asked about production: `classify --replay` compares them. */
    candidates: z.array(modelConfigSchema).max(32).default([]),
  })
  .refine(({ timeoutMs, chain }) => timeoutMs * chain.length <= CONSULT_MS_MAX, {
    message: `the chain may take at most ${CONSULT_MS_MAX} ms in all (timeoutMs for each model)`,
    path: ["timeoutMs"],
  })
  .refine(
    ({ chain, candidates }) => new Set([...chain, ...candidates].map(nameOf)).size === chain.length + candidates.length,
    {
      message: "two models have the same name: give them a `name`",
      path: ["chain"],
    },
  )
  .refine(({ chain, candidates }) => [...chain, ...candidates].every((model) => nameOf(model) !== "rules"), {
    message: "`rules` is the name of the rules classifier",
    path: ["chain"],
  });

/** What a model is called in messages and by `classify --replay`. */
export function nameOf({ name, provider }: Pick<ModelConfig, "name" | "provider">): string {
  return name ?? provider;
}
