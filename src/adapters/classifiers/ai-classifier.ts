// One model asked once: the prompt, the signals as data and the schema out; what it said, and what it cost, back.

import { parseStrictJson } from "../../core/strict-json.ts";
import type { Clock } from "../../core/clock.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { TokenUsage } from "../../wire/contracts/classifier.ts";
import { CLASSIFICATION_JSON_SCHEMA } from "../../wire/schemas/classification.ts";
import type { ModelConfig } from "../../wire/schemas/classifier-config.ts";
import type { Signal } from "../../wire/types/signal.ts";
import { ModelFailure, toModelFailure } from "./model-failure.ts";
import { composeMessage, type Prompt } from "./prompt.ts";
import type { OpenModel } from "./provider-models.ts";

const ANSWER_CHARS_MAX = 16_384;
const REASONING_CHARS_MAX = 16_384;
const ANSWER_DEPTH_MAX = 8;
const VERSION_CHARS_MAX = 128;

export interface ModelAnswer {
  /** JSON as the model wrote it, or the text itself where it is none. */
  readonly answer: Json;
  /** The model's own name for itself, printable ASCII; as configured where it gives none. */
  readonly version: string;
  readonly usage: TokenUsage | null;
  readonly reasoning: string;
}

/** Rejects with a ModelFailure, and with nothing else. */
export type AskModel = (signals: readonly Signal[], signal: AbortSignal) => Promise<ModelAnswer>;

export interface AskParts {
  readonly config: ModelConfig;
  readonly open: OpenModel;
  readonly prompt: Prompt;
  readonly teams: readonly string[];
  readonly clock: Clock;
}

/** One request per call: whether it is repeated is decided where the budget for that is kept. */
export function createAsk(parts: AskParts): AskModel {
  return async (signals, signal) => {
    try {
      return await ask(parts, signals, signal);
    } catch (error) {
      throw toModelFailure(error, signal, parts.clock.nowMs());
    }
  };
}

async function ask(parts: AskParts, signals: readonly Signal[], signal: AbortSignal): Promise<ModelAnswer> {
  const { config, prompt, teams } = parts;
  const said = await generate(parts, {
    instructions:
      config.provider === "openai-compatible" && !config.jsonSchema ? withSchema(prompt, teams) : prompt.text,
    prompt: composeMessage(signals, teams),
    signal,
  });
  const { finishReason, usage } = said;
  if (finishReason === "content-filter") throw new ModelFailure("refused", { usage });
  if (finishReason === "length") throw new ModelFailure("truncated", { usage });
  if (said.text.trim() === "") throw new ModelFailure("answer-empty", { usage });
  if (finishReason !== "stop") throw new ModelFailure("answer-unreadable", { usage });
  return {
    answer: readAnswer(said.text),
    version: plainName(said.modelId) || config.model,
    usage,
    reasoning: said.reasoning.slice(0, REASONING_CHARS_MAX).toWellFormed(),
  };
}

type Question = { readonly instructions: string; readonly prompt: string; readonly signal: AbortSignal };
type Said = {
  readonly text: string;
  readonly finishReason: string;
  readonly usage: TokenUsage | null;
  readonly modelId: string;
  readonly reasoning: string;
};

async function generate({ config, open, teams }: AskParts, question: Question): Promise<Said> {
  const model = await open(question.signal);
  const { generateText, jsonSchema, NoObjectGeneratedError, Output } = await import("ai");
  // The library would print what it does not like about a request.
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });
  try {
    const result = await generateText({
      model,
      instructions: question.instructions,
      prompt: question.prompt,
      output: Output.object({ name: "classification", schema: jsonSchema(schemaFor(teams)) }),
      maxOutputTokens: config.maxOutputTokens,
      ...(config.temperature === undefined ? {} : { temperature: config.temperature }),
      maxRetries: 0,
      abortSignal: question.signal,
      include: { responseBody: true },
    });
    const { text, finishReason, usage, response, reasoningText = "" } = result.finalStep;
    return { text, finishReason, usage: toUsage(usage), modelId: modelOf(response), reasoning: reasoningText };
  } catch (error) {
    if (!NoObjectGeneratedError.isInstance(error)) throw error;
    // It said something, only no JSON: that is an answer, to be recorded and rejected like any other.
    const { text = "", finishReason = "other", usage, response } = error;
    return { text, finishReason, usage: toUsage(usage), modelId: modelOf(response), reasoning: "" };
  }
}

/** The contract's schema with the installation's teams in it. */
function schemaFor(teams: readonly string[]): JsonObject {
  const { $schema: _, ...schema } = CLASSIFICATION_JSON_SCHEMA;
  const properties = schema["properties"] as JsonObject;
  const team = { ...(properties["recommended_team"] as JsonObject), enum: teams };
  return { ...schema, properties: { ...properties, recommended_team: team } };
}

function withSchema(prompt: Prompt, teams: readonly string[]): string {
  return `${prompt.text}\n# Schema of the answer\n\n${JSON.stringify(schemaFor(teams))}\n`;
}

/** What the model wrote: the value where it is JSON without doubt, else the text. Nobody repairs an answer. */
export function readAnswer(text: string): Json {
  const bounded = text.slice(0, ANSWER_CHARS_MAX);
  if (bounded.length < text.length) return bounded.toWellFormed();
  try {
    return parseStrictJson(text, ANSWER_DEPTH_MAX);
  } catch {
    return text.toWellFormed();
  }
}

/** Null unless both are counted: a count that is missing is not nothing. */
function toUsage(
  usage: { readonly inputTokens?: number | undefined; readonly outputTokens?: number | undefined } | undefined,
): TokenUsage | null {
  const [inputTokens, outputTokens] = [usage?.inputTokens, usage?.outputTokens];
  return isCount(inputTokens) && isCount(outputTokens) ? { inputTokens, outputTokens } : null;
}

function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value) && value >= 0;
}

/** Vertex names the version that answered where the SDK does not look. */
function modelOf(response: { readonly modelId?: string; readonly body?: unknown } | undefined): string {
  const version = (response?.body as { readonly modelVersion?: unknown } | undefined)?.modelVersion;
  return typeof version === "string" ? version : (response?.modelId ?? "");
}

function plainName(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, "?").slice(0, VERSION_CHARS_MAX);
}
