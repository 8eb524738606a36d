// The consult of a classifier: normalized signals in, a checked classification or a reason out.

import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { isAppError } from "../core/errors.ts";
import { seqFromId } from "../core/ids.ts";
import type { Json } from "../core/json.ts";
import type { ClassifierFacts, CommandInputs } from "../kernel/command.ts";
import type { ClassificationFacts } from "../kernel/events.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { checkClassification, type CheckedClassification } from "../signals/check-classification.ts";
import { NoClassification, type Classifier, type ClassifierAnswer } from "../wire/contracts/classifier.ts";
import type { PayloadReader } from "../wire/contracts/writer.ts";
import type { Classification } from "../wire/types/classification.ts";
import type { Signal } from "../wire/types/signal.ts";
import { untilAborted } from "./abandon.ts";

export type ClassifyParts = {
  readonly kernel: Kernel;
  readonly payloads: PayloadReader;
  readonly classifier: Classifier;
  /** Teams a classification may recommend. */
  readonly teams: readonly string[];
  /** Ends a consult whose time is up. */
  readonly classifyTimeout: () => AbortSignal;
};

const ANSWER_TEXT_MAX = 8_192;

/** Asks the classifier about a run's signal and submits what came of it; every way to fail leads to human review. */
export async function classifyRun(parts: ClassifyParts, runId: string): Promise<void> {
  const run = parts.kernel.state.runs.get(runId);
  if (run === undefined) return;
  const { facts, content, by } = await consult(parts, { run: runId, signal: run.signal });
  await parts.kernel.submit({ type: "classify-run", actor: `classifier:${by}`, input: facts, content });
}

type Consulted = {
  readonly facts: CommandInputs["classify-run"];
  readonly content: Json;
  /** The provider that answered, or was asked first. */
  readonly by: string;
};

async function consult(parts: ClassifyParts, of: { run: string; signal: string }): Promise<Consulted> {
  const by = parts.classifier.identity.provider;
  const seq = seqFromId("sig", of.signal) ?? -1;
  let signal: Signal;
  try {
    signal = (await parts.payloads.payload(seq)) as unknown as Signal;
  } catch (error) {
    if (!isAppError(error, "payload-erased")) throw error; // read again by the next sweep
    return { by, facts: withoutAnswer(of.run, "payload-erased"), content: contentOf("", null) };
  }
  let answered: ClassifierAnswer;
  try {
    const timeUp = parts.classifyTimeout();
    answered = await untilAborted(timeUp, parts.classifier.classify([signal], timeUp));
  } catch (error) {
    const passedOver = error instanceof NoClassification ? error.passedOver : [];
    return { by, facts: withoutAnswer(of.run, "classifier-failed"), content: contentOf("", { passedOver }) };
  }
  return judge(of.run, answered, checkClassification(answered.answer, { teams: parts.teams }));
}

/** Whoever answered is recorded with the answer, believed or not. */
function judge(run: string, answered: ClassifierAnswer, checked: CheckedClassification): Consulted {
  const by = answered.by.provider;
  const text = checked.ok ? canonicalJson(checked.classification as unknown as Json) : boundedText(answered.answer);
  const classifier = classifierFacts(answered, hash("sha256", text));
  const content = contentOf(text, answered);
  if (!checked.ok) {
    const problems = checked.problems.slice(0, 16);
    return { by, content, facts: { run, classification: null, classifier, code: "answer-rejected", problems } };
  }
  const classification = toFacts(checked.classification);
  return { by, content, facts: { run, classification, classifier, code: "", problems: [] } };
}

function withoutAnswer(run: string, code: string): CommandInputs["classify-run"] {
  return { run, classification: null, classifier: null, code, problems: [] };
}

function contentOf(answer: string, said: Partial<Pick<ClassifierAnswer, "reasoning" | "passedOver">> | null): Json {
  const { reasoning = "", passedOver = [] } = said ?? {};
  return {
    answer,
    ...(reasoning === "" ? {} : { reasoning }),
    ...(passedOver.length === 0 ? {} : { passedOver: passedOver.map((one) => ({ ...one })) }),
  };
}

/** What a classifier really said, as text for the record: bounded, and harmless whatever it is. */
function boundedText(answer: unknown): string {
  try {
    return (JSON.stringify(answer) ?? "").slice(0, ANSWER_TEXT_MAX).toWellFormed();
  } catch {
    return "";
  }
}

function toFacts(classification: Classification): ClassificationFacts {
  return {
    severity: classification.classification,
    confidencePpm: Math.floor(classification.confidence * 1_000_000),
    requiresTicket: classification.requires_ticket,
    requiresPaging: classification.requires_paging,
    requiresMim: classification.requires_mim,
    team: classification.recommended_team,
  };
}

function classifierFacts({ by, usage }: ClassifierAnswer, answerHash: string): ClassifierFacts {
  const { provider, model, version, promptHash } = by;
  return { provider, model, modelVersion: version, promptHash, answerHash, ...usage };
}
