// What Holdpoint needs of a classifier. Its answer is untrusted until `signals` has checked it.

import type { Signal } from "../types/signal.ts";

export interface ClassifierIdentity {
  readonly provider: string;
  readonly model: string;
  /** As the provider answered it, where it does; else as configured. */
  readonly version: string;
  /** SHA-256 of the prompt or rule file that shapes the answer. */
  readonly promptHash: string;
}

export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** One that was asked, or was due to be asked, and gave no answer that could be used. */
export interface PassedOver {
  readonly provider: string;
  readonly model: string;
  /** See docs/classifiers.md for the codes. */
  readonly code: string;
}

export interface ClassifierAnswer {
  /** Raw, whatever it is. */
  readonly answer: unknown;
  readonly by: ClassifierIdentity;
  /** Null when nothing was counted, as for rules. */
  readonly usage: TokenUsage | null;
  /** What the model said about its reasons, where it does; bounded, empty otherwise. */
  readonly reasoning: string;
  readonly passedOver: readonly PassedOver[];
}

export interface Classifier {
  /** Who is asked first. */
  readonly identity: ClassifierIdentity;
  /** Rejects when there is no answer in time: with a NoClassification where it is known why. */
  classify(signals: readonly Signal[], signal: AbortSignal): Promise<ClassifierAnswer>;
}

/** Nobody answered. */
export class NoClassification extends Error {
  readonly passedOver: readonly PassedOver[];

  constructor(passedOver: readonly PassedOver[]) {
    super(`no classifier answered: ${passedOver.map(({ provider, code }) => `${provider} ${code}`).join(", ")}`);
    this.passedOver = passedOver;
  }
}
