// What feeds the model by itself: each feed runs on the model's thread, and what it tells is recorded as whoever asks would.

import { isAbsolute, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { createEgress } from "../adapters/egress/egress.ts";
import { readAccess } from "../adapters/executors/kubernetes-access.ts";
import { readSecret } from "../adapters/executors/secret-reading.ts";
import { runKubernetesFeed } from "../adapters/feeds/kubernetes.ts";
import { runManifestsFeed } from "../adapters/feeds/manifests.ts";
import { runPrometheusFeed } from "../adapters/feeds/prometheus.ts";
import { redactText } from "../signals/redact.ts";
import { textAt } from "../core/json-members.ts";
import { canonicalEnvironment } from "../core/environment.ts";
import { AppError } from "../core/errors.ts";
import type { WatchedCluster } from "../model/answer.ts";
import type { Declared } from "../model/declare.ts";
import type { Graph } from "../model/graph.ts";
import { changeOfObject, missedChanges } from "../model/kubernetes/change-of-object.ts";
import { graphOfObjects, type ClusterTerms } from "../model/kubernetes/graph-of-objects.ts";
import type { Credentials } from "../wire/contracts/credentials.ts";
import type { ClusterSink, MetricsSink } from "../wire/contracts/feed.ts";
import type { PrometheusFeed } from "../wire/schemas/feeds-config.ts";
import type { ClusterObject } from "../wire/types/cluster-object.ts";
import type { MeasuredRows } from "../wire/types/measured-rows.ts";
import type { Change } from "../wire/types/model.ts";
import type { FeedStatus, ModelData } from "./model-protocol.ts";
import { openSecrets } from "./secrets.ts";
import { systemClock } from "./system.ts";

/** What feeds need of the model's thread. What is recorded resolves when it is durable. */
export interface FedModel {
  readonly graph: Graph;
  /** Stands for a text, with a key of this installation: a short secret is not found again by trying. */
  readonly digest: (text: string) => string;
  declare(declared: Declared, actor: string): Promise<void>;
  change(change: Change, diff: string | null, actor: string): Promise<void>;
  /** What a cluster is now, in more detail than the graph keeps. */
  watched(feed: string, cluster: WatchedCluster): void;
  measured(feed: string, environment: string, rows: MeasuredRows): void;
  status(status: FeedStatus): void;
}

/** Environments have one name each, however they are written. */
function termsOf({ environment, serviceLabels }: ClusterTerms): ClusterTerms {
  return { environment: canonicalEnvironment(environment), serviceLabels };
}

type Of = { readonly name: string; readonly kind: FeedStatus["kind"]; readonly terms: ClusterTerms };

/** Runs them until `signal` is aborted. */
export async function runFeeds({ feeds, place, credentials, allow }: ModelData, model: FedModel, signal: AbortSignal) {
  const egress = createEgress({ allow });
  const secrets = openSecrets({ dataDir: place.dataDir, credentials });
  const shared = { egress, sleep, digest: model.digest, nowMs: () => systemClock.nowMs() };
  const clusters = feeds.kubernetes.map((feed) => {
    const access = (within: AbortSignal) => readAccess(feed.connection, secrets, within);
    const sink = clusterSink({ name: feed.name, kind: "kubernetes", terms: termsOf(feed) }, model);
    return runKubernetesFeed({ ...shared, feed, access, sink }, signal);
  });
  const folders = feeds.manifests.map((feed) => {
    const folder = isAbsolute(feed.path) ? feed.path : join(place.dataDir, feed.path);
    return runManifestsFeed(
      { ...shared, folder, sink: clusterSink({ name: feed.name, kind: "manifests", terms: termsOf(feed) }, model) },
      signal,
    );
  });
  const servers = feeds.prometheus.map((feed) => {
    const token = (within: AbortSignal) => tokenOf(secrets, feed.tokenRef, within);
    return runPrometheusFeed({ ...shared, feed, token, sink: metricsSink(feed, model) }, signal);
  });
  await Promise.all([...clusters, ...folders, ...servers]);
}

/** What a kubelet or a probe said may hold anything. */
function redacted(object: ClusterObject): ClusterObject {
  if (object.kind !== "Event") return object;
  const message = redactText(textAt(object.body, "message"), { ipAddresses: false }).text;
  return { ...object, body: { ...object.body, message } };
}

async function tokenOf(secrets: Credentials, ref: string | undefined, signal: AbortSignal): Promise<string | null> {
  if (ref === undefined) return null;
  const token = await readSecret(secrets, ref, signal);
  if (token === undefined) throw new AppError("internal", "the token is missing or cannot be used", {});
  return token;
}

function metricsSink({ name, environment }: PrometheusFeed, model: FedModel): MetricsSink {
  let told: string | null | undefined;
  return {
    measured: (rows) => model.measured(name, canonicalEnvironment(environment), rows),
    status: (failing) => {
      if (failing !== told) model.status({ name, kind: "prometheus", failing });
      told = failing;
    },
  };
}

/** Something that was told and could not be recorded: what is told next may be. */
const NOT_RECORDED = "not-recorded";

function clusterSink({ name, kind, terms }: Of, model: FedModel): ClusterSink {
  const actor = `feed:${name}`;
  let hasLooked = false;
  let told: string | null | undefined;
  let recording: string | null = null;
  let asking: string | null = null;
  const tell = (): void => {
    const failing = asking ?? recording;
    if (failing !== told) model.status({ name, kind, failing });
    told = failing;
  };
  const recorded = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      recording = null;
    } catch (error) {
      recording = NOT_RECORDED;
      throw error;
    } finally {
      tell();
    }
  };
  return {
    objects: (objects) =>
      recorded(async () => {
        const declared = { feed: name, at: systemClock.nowMs(), ...graphOfObjects(objects, terms) };
        // Once: what happens while it looks is told as it happens, with more to say of it.
        const missed = hasLooked ? [] : missedChanges(model.graph, declared);
        await model.declare(declared, actor);
        hasLooked = true;
        // Manifests say what should be, and nothing of what is.
        if (kind === "kubernetes") model.watched(name, { objects: objects.map(redacted), terms, seenAt: declared.at });
        for (const change of missed) await model.change(change, null, actor);
      }),
    changed: ({ diff, ...moved }) =>
      recorded(async () => {
        const change = changeOfObject(moved, terms);
        if (change !== null) await model.change(change, diff, actor);
      }),
    status: (failing) => {
      asking = failing;
      tell();
    },
  };
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}
