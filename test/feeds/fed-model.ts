// A graph that feeds tell, without the thread around it: what they tell is decided and folded as there.

import { hash } from "node:crypto";
import { Answerer, type WatchedCluster } from "../../src/model/answer.ts";
import type { ModelDraft } from "../../src/model/events.ts";
import { decideChange } from "../../src/model/change.ts";
import { decideDeclared } from "../../src/model/declare.ts";
import { Graph } from "../../src/model/graph.ts";
import { withDiff } from "../../src/main/change-diff.ts";
import { runFeeds, type FedModel } from "../../src/main/model-feeds.ts";
import type { FeedStatus } from "../../src/main/model-protocol.ts";
import { changesKnown, changeView, momentOf } from "../../src/model/views.ts";
import { readGraph } from "../../src/model/reads.ts";
import { feedsConfigSchema } from "../../src/wire/schemas/feeds-config.ts";
import type { MeasuredRows } from "../../src/wire/types/measured-rows.ts";
import type { ModelChangeView, ModelGraphView } from "../../src/wire/types/model-views.ts";

export class Fed implements FedModel {
  readonly graph = new Graph();
  readonly answerer = new Answerer(this.graph);
  readonly digest = (text: string): string => hash("sha256", text).slice(0, 16);
  readonly statuses: FeedStatus[] = [];
  readonly measurements: { feed: string; environment: string; rows: MeasuredRows }[] = [];

  #apply(draft: ModelDraft | null): void {
    if (draft !== null)
      this.graph.apply({ seq: this.graph.size, time: Math.max(this.graph.time, Date.now()), ...draft });
  }

  async declare(declared: Parameters<FedModel["declare"]>[0]): Promise<void> {
    this.#apply(decideDeclared(this.graph, declared));
  }

  async change(told: Parameters<FedModel["change"]>[0], diff: string | null): Promise<void> {
    this.#apply(decideChange(this.graph, diff === null ? told : withDiff(told, diff).change));
  }

  watched(feed: string, cluster: WatchedCluster): void {
    this.answerer.watch(feed, cluster);
  }

  measured(feed: string, environment: string, rows: MeasuredRows): void {
    this.measurements.push({ feed, environment, rows });
  }

  status(status: FeedStatus): void {
    this.statuses.push(status);
  }

  view(): ModelGraphView {
    const now = Date.now() + 1_000;
    return readGraph(this.graph, { at: now, knownAt: now, from: 0, limit: 2_000 });
  }

  changes(): ModelChangeView[] {
    const { seqEnd } = momentOf(this.graph, { at: Date.now(), knownAt: Date.now() });
    return [...changesKnown(this.graph, seqEnd, () => true)].map((one) => changeView(this.graph, one, seqEnd));
  }

  edges(): string[] {
    return this.view()
      .edges.map(({ kind, from, to }) => `${from} ${kind} ${to}`)
      .toSorted();
  }

  /** Waits, bounded, until the model is as it should be. */
  async until(isSo: () => boolean): Promise<void> {
    for (let tries = 0; tries < 1_200; tries++) {
      if (isSo()) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`it never got there: ${JSON.stringify([this.edges(), this.changes(), this.statuses.at(-1)])}`);
  }
}

/** Feeds as configured, run into `model`; ends them. */
export function startFeeds(
  model: FedModel,
  { feeds, dataDir, allow }: { feeds: object; dataDir: string; allow: readonly string[] },
) {
  const stop = new AbortController();
  const data = {
    place: { dataDir, postgresUrl: null },
    ...{
      windowMs: 1_000,
      holdMs: 100,
      fadeAfterMs: 1_000,
      forgetAfterMs: 1_000,
      dayBytesMax: 1e9,
      snapshotEveryEvents: 1_000,
    },
    feeds: feedsConfigSchema.parse(feeds),
    credentials: {},
    allow,
  };
  const running = runFeeds(data, model, stop.signal);
  return async (): Promise<void> => {
    stop.abort();
    await running;
  };
}
