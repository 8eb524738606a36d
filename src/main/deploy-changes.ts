// Deploys that webhooks tell of, as changes of the model: at once as they are told, and with what they moved once GitHub has said it.

import { isAppError } from "../core/errors.ts";
import { versionOf, type Deploy } from "../http/deployed.ts";
import type { Metrics } from "../http/metrics.ts";
import type { DeployService, ModelService } from "../http/services.ts";
import { nodeText } from "../wire/schemas/model.ts";
import type { DiffReader } from "../wire/contracts/diffs.ts";
import type { ModelNodeHistoryView } from "../wire/types/model-views.ts";

/** Beyond, deploys are told without their diff: the sender repeats nothing for it. */
const AT_ONCE_MAX = 8;
const TIMEOUT_MS = 15_000;
const NOTHING = { version: null, isKnown: false } as const;

interface Parts {
  readonly model: Pick<ModelService, "recordChange" | "read">;
  /** Null where no GitHub is configured. */
  readonly diffs: DiffReader | null;
  readonly log: { info(facts: object, message: string): void };
  readonly metrics: Metrics;
}

export class DeployChanges implements DeployService {
  readonly #parts: Parts;
  #atOnce = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Resolves when the deploy is recorded; its diff follows as a correction. Throws what the model throws. */
  async tell(deploy: Deploy, actor: string): Promise<void> {
    const { model } = this.#parts;
    const before = await this.#before(deploy);
    if (before.isKnown) return; // the same delivery again, which knows less of it than the model does
    await model.recordChange({ change: deploy.change, diff: null }, actor);
    void this.#follow(deploy, { base: before.version, actor }).catch((error: unknown) =>
      this.#without(deploy, isAppError(error) ? error.code : "internal"),
    );
  }

  /** The version that was there before, null where none is known; and whether this deploy itself is known already. */
  async #before({ change }: Deploy): Promise<{ readonly version: string | null; readonly isKnown: boolean }> {
    const [target] = change.targets;
    if (target === undefined) return NOTHING;
    try {
      const read = { what: "node", id: nodeText(target), at: change.at, knownAt: Number.MAX_SAFE_INTEGER } as const;
      const { changes } = (await this.#parts.model.read(read)) as ModelNodeHistoryView;
      const deploys = changes.filter(({ kind }) => kind === "deploy");
      const newest = deploys.toSorted((a, b) => b.at - a.at)[0];
      const version = newest === undefined ? null : versionOf(newest.id);
      return { version, isKnown: deploys.some(({ id }) => id === change.id) };
    } catch (error) {
      if (isAppError(error, "model-node-not-found")) return NOTHING;
      throw error;
    }
  }

  async #follow(deploy: Deploy, { base, actor }: { base: string | null; actor: string }): Promise<void> {
    const { diffs, model, log } = this.#parts;
    const { change, repository, version: head } = deploy;
    if (repository === null) return this.#without(deploy, "repository-unknown");
    if (diffs === null) return this.#without(deploy, "github-not-configured");
    if (base === null) return this.#without(deploy, "version-before-unknown");
    if (base === head) return this.#without(deploy, "same-version");
    if (this.#atOnce >= AT_ONCE_MAX) return this.#without(deploy, "too-many-at-once");
    this.#atOnce++;
    try {
      const answer = await diffs.compare({ repository, base, head }, AbortSignal.timeout(TIMEOUT_MS));
      if ("code" in answer) return this.#without(deploy, answer.code);
      const { settings, withheld, skipped } = await model.recordChange({ change, diff: answer.diff }, actor);
      const facts = { change: change.id, settings, withheld, skipped, unshown: answer.unshown };
      log.info(facts, "the model knows what a deploy moved");
    } finally {
      this.#atOnce--;
    }
  }

  #without({ change }: Deploy, code: string): void {
    this.#parts.log.info({ change: change.id, code }, "a deploy stays without what it moved");
    const help = "Deploys that the runtime model knows without their diff.";
    this.#parts.metrics.count("holdpoint_model_deploys_without_diff_total", help, { code });
  }
}
