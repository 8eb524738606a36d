// What Holdpoint needs of a classifier. Its answer is untrusted until `signals` has checked it.

import type { Signal } from "../types/signal.ts";

export interface ClassifierIdentity {
  readonly provider: string;
  readonly model: string;
  readonly version: string;
  /** SHA-256 of the prompt or rule file that shapes the answer. */
  readonly promptHash: string;
}

export interface Classifier {
  readonly identity: ClassifierIdentity;
  /** The raw answer, whatever it is. Throws when there is none in time. */
  classify(signals: readonly Signal[], signal: AbortSignal): Promise<unknown>;
}
