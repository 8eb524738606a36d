// The consult of a classifier: normalized signals in, a checked classification or a reason out.

import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { isAppError } from "../core/errors.ts";
import { seqFromId } from "../core/ids.ts";
import type { Json } from "../core/json.ts";
import type { ClassifierFacts, CommandInputs } from "../kernel/command.ts";
import type { ClassificationFacts } from "../kernel/events.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { checkClassification } from "../signals/check-classification.ts";
import type { Classifier } from "../wire/contracts/classifier.ts";
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
  const input = await consult(parts, { run: runId, signal: run.signal });
  await parts.kernel.submit({
    type: "classify-run",
    actor: `classifier:${parts.classifier.identity.provider}`,
    input: input.facts,
    content: input.content,
  });
}

type Consulted = { readonly facts: CommandInputs["classify-run"]; readonly content: Json };

async function consult(parts: ClassifyParts, of: { run: string; signal: string }): Promise<Consulted> {
  const seq = seqFromId("sig", of.signal) ?? -1;
  let signal: Signal;
  try {
    signal = (await parts.payloads.payload(seq)) as unknown as Signal;
  } catch (error) {
    if (!isAppError(error, "payload-erased")) throw error; // read again by the next sweep
    return rejected(of.run, { code: "payload-erased", problems: [], answer: null });
  }
  let answer: unknown;
  try {
    const timeUp = parts.classifyTimeout();
    answer = await untilAborted(timeUp, parts.classifier.classify([signal], timeUp));
  } catch {
    return rejected(of.run, { code: "classifier-failed", problems: [], answer: null });
  }
  const checked = checkClassification(answer, { teams: parts.teams });
  if (!checked.ok) return rejected(of.run, { code: "answer-rejected", problems: checked.problems, answer });
  const text = canonicalJson(checked.classification as unknown as Json);
  const facts = {
    run: of.run,
    classification: toFacts(checked.classification),
    classifier: identityFacts(parts.classifier, hash("sha256", text)),
    code: "",
    problems: [],
  };
  return { facts, content: { answer: text } };
}

type Rejected = { readonly code: string; readonly problems: readonly string[]; readonly answer: unknown };

function rejected(run: string, { code, problems, answer }: Rejected): Consulted {
  const facts = { run, classification: null, classifier: null, code, problems: problems.slice(0, 16) };
  return { facts, content: { answer: boundedText(answer) } };
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

function identityFacts(classifier: Classifier, answerHash: string): ClassifierFacts {
  const { provider, model, version, promptHash } = classifier.identity;
  return { provider, model, modelVersion: version, promptHash, answerHash };
}
