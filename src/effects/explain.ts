// The consult of the runtime model about an incident that has ended: what explains it.

import { isAppError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Explainer } from "../wire/contracts/predictor.ts";
import type { Explained } from "../wire/types/explanation.ts";
import { untilAborted } from "./abandon.ts";

export type ExplainParts = {
  readonly kernel: Kernel;
  readonly explainer: Explainer;
  /** The time for one answer, from now. Nobody waits for it. */
  readonly explainTimeout: () => AbortSignal;
};

/** Incidents about which the model had nothing to say: it is not asked about them again, in this process. */
const PASSED_MAX = 4_096;

export class IncidentExplainer {
  readonly #parts: ExplainParts;
  readonly #passed = new Set<string>();

  constructor(parts: ExplainParts) {
    this.#parts = parts;
  }

  async explain(id: string): Promise<void> {
    const { kernel } = this.#parts;
    const ended = kernel.state.resolved.get(id);
    if (ended === undefined || this.#passed.has(`${id} ${ended.resolvedAt}`)) return;
    const told = await this.#ask(ended.incident);
    if (told === null) return this.#pass(`${id} ${ended.resolvedAt}`);
    const { explanation, evidence } = told;
    const content = { evidence: evidence as Json };
    try {
      await kernel.submit({
        type: "explain-incident",
        actor: "system:effects",
        input: { incident: id, explanation },
        content,
      });
    } catch (error) {
      // The kernel takes nothing now (its clock, its load): the next sweep asks again.
      if (!isAppError(error)) throw error;
    }
  }

  /** Null also for a model that is gone or slow: an incident is whole without it. */
  async #ask(incident: { environment: string; service: string; openedAt: number }): Promise<Explained | null> {
    const { environment, service, openedAt: at } = incident;
    const timeUp = this.#parts.explainTimeout();
    try {
      return await untilAborted(timeUp, this.#parts.explainer.explain({ environment, service, at }));
    } catch {
      return null;
    }
  }

  #pass(incident: string): void {
    if (this.#passed.size >= PASSED_MAX) this.#passed.clear();
    this.#passed.add(incident);
  }
}
