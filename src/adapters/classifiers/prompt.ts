// What a model is asked: the prompt file as it is, and the allow-listed fields of signals as data between marks.

import { hash } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import type { Signal } from "../../wire/types/signal.ts";

const PROMPT_BYTES_MAX = 64 * 1024;
const SIGNALS_MAX = 16;
const TEXT_CHARS_MAX = 1_000;
const LABELS_MAX = 32;
const LABEL_CHARS_MAX = 256;

export interface Prompt {
  readonly text: string;
  /** SHA-256 of the file, lower-case hex. */
  readonly hash: string;
}

/** Throws `config-invalid` for an empty prompt, and for one of more than 64 KiB. */
export function createPrompt(text: string): Prompt {
  if (text.trim() === "") throw new AppError("config-invalid", "the classifier's prompt is empty");
  if (Buffer.byteLength(text) > PROMPT_BYTES_MAX) {
    throw new AppError("config-invalid", "the classifier's prompt is larger than 64 KiB");
  }
  return { text, hash: hash("sha256", text) };
}

/**
 * The message that carries the signals. Only the fields named here leave: no addresses of logs, no ids of deliveries. No
 * text in them can end the data, because `<` is never written as itself.
 */
export function composeMessage(signals: readonly Signal[], teams: readonly string[]): string {
  const data = { teams, signals: signals.slice(0, SIGNALS_MAX).map(toData) };
  return `<signals>\n${JSON.stringify(data).replaceAll("<", "\\u003c")}\n</signals>`;
}

const OWN_BYTES_PER_TOKEN_MIN = 2;
/** The schema, and what a provider puts around a question. */
const ENVELOPE_TOKENS = 1_536;

/**
 * The most tokens that a question can come to. The prompt is text of our own; what others wrote into signals is counted
 * by its bytes, of which no tokenizer makes more tokens than there are.
 */
export function mostTokensOf(prompt: Prompt, message: string): number {
  const own = Math.ceil(Buffer.byteLength(prompt.text) / OWN_BYTES_PER_TOKEN_MIN);
  return own + Buffer.byteLength(message) + ENVELOPE_TOKENS;
}

function toData(signal: Signal): object {
  const { source, detector, status, environment, service, component, claimedSeverity, impactEstimate } = signal;
  const labels = Object.entries(signal.labels).slice(0, LABELS_MAX);
  return {
    source,
    detector: cut(detector, LABEL_CHARS_MAX),
    status,
    environment,
    service,
    component: component === null ? null : cut(component, LABEL_CHARS_MAX),
    claimedSeverity,
    impactEstimate,
    startedAt: instant(signal.startedAt),
    endedAt: signal.endedAt === null ? null : instant(signal.endedAt),
    title: cut(signal.title, TEXT_CHARS_MAX),
    summary: cut(signal.summary, TEXT_CHARS_MAX),
    labels: Object.fromEntries(
      labels.map(([name, value]) => [cut(name, LABEL_CHARS_MAX), cut(value, LABEL_CHARS_MAX)]),
    ),
  };
}

function cut(text: string, charsMax: number): string {
  return text.slice(0, charsMax).toWellFormed();
}

function instant(ms: number): string | null {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : null;
}
