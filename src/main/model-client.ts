// The main thread's end of the model's thread: bounded in what waits, and gone without harm to anything else.

import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import type { Logger } from "pino";
import { AppError, isAppError, ERRORS, type ErrorCode } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { Metrics } from "../http/metrics.ts";
import type { ChangeRecorded, ModelRecorded, ModelService, SpanDelivery } from "../http/services.ts";
import { measurableAtS } from "../model/impact/measure.ts";
import type { Declared } from "../model/declare.ts";
import type { Told } from "../model/told.ts";
import type {
  Explainer,
  ExplanationAsk,
  ImpactAnswer,
  ImpactAsk,
  PredictionAsk,
  Predictor,
  RelationAsk,
  Relater,
} from "../wire/contracts/predictor.ts";
import { nodeText } from "../wire/schemas/model.ts";
import type { ModelRead } from "../wire/types/model-reads.ts";
import type { Change } from "../wire/types/model.ts";
import type { ServiceState, ServiceStateAsk, ServiceStateReader } from "../wire/contracts/health.ts";
import type { Explained } from "../wire/types/explanation.ts";
import type { Prediction } from "../wire/types/prediction.ts";
import type { Relations } from "../wire/types/relation.ts";
import type { Config } from "./config.ts";
import { allowedOrigins } from "./egress.ts";
import { modelPath } from "./model-log.ts";
import type { FeedStatus, ModelAnswer, ModelAsk, ModelData, ModelReport, ModelStatus } from "./model-protocol.ts";
import { systemClock } from "./system.ts";

/** Deliveries that wait for the thread: a collector keeps what it is told to send again. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
const WAITING_MAX = 512;
const RETRY_AFTER_S = 2;
const SNAPSHOT_EVERY_EVENTS = 5_000;

type Pending = { readonly resolve: (value: unknown) => void; readonly reject: (error: AppError) => void };

export type ModelHooks = {
  readonly onProblem: (message: string, isFatal: boolean) => void;
  /** Told when a feed begins to fail, fails for another reason, or is well (again). */
  readonly onFeed: (feed: FeedStatus) => void;
};

export class ModelClient implements ModelService, Predictor, Relater, Explainer, ServiceStateReader {
  readonly #data: ModelData;
  readonly #hooks: ModelHooks;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #lastId = 0;
  #waitingBytes = 0;
  #gone: string | null = null;
  status: ModelStatus | null = null;
  readonly feeds = new Map<string, FeedStatus>();

  /** The thread starts now where the model has a log or feeds, and else when it is first asked for anything. */
  constructor(data: ModelData, hooks: ModelHooks) {
    this.#data = data;
    this.#hooks = hooks;
    const isFed = Object.values(data.feeds).some((feeds) => feeds.length > 0);
    if (isFed || existsSync(modelPath(data.place.dataDir))) this.#start();
  }

  /** How many spans were taken. Throws `overloaded` while too much waits. */
  async takeSpans(delivery: SpanDelivery): Promise<number> {
    const size = delivery.bytes.byteLength;
    if (this.#waitingBytes + size > WAITING_BYTES_MAX || this.#pending.size >= WAITING_MAX) {
      throw new AppError("overloaded", "the model has more telemetry than it can take", { retryAfterS: RETRY_AFTER_S });
    }
    this.#waitingBytes += size;
    try {
      return (await this.#ask({ do: "spans", ...delivery })) as number;
    } finally {
      this.#waitingBytes -= size;
    }
  }

  recordChange(told: { change: Change; diff: string | null }, actor: string): Promise<ChangeRecorded> {
    return this.#ask({ do: "change", ...told, actor }) as Promise<ChangeRecorded>;
  }

  declare(declared: Declared, actor: string): Promise<ModelRecorded> {
    return this.#ask({ do: "declare", declared, actor }) as Promise<ModelRecorded>;
  }

  get isRunning(): boolean {
    return this.#worker !== null && this.#gone === null;
  }

  /** What the ledger tells. Where the thread goes before it is recorded, the next start tells it again. */
  tell(told: readonly Told[]): void {
    this.#ask({ do: "told", told }).catch(() => undefined);
  }

  read(read: ModelRead): Promise<object> {
    return this.#ask({ do: "read", read }) as Promise<object>;
  }

  measureAction(ask: ImpactAsk): Promise<ImpactAnswer | null> {
    return this.#ask({ do: "measure", ask }) as Promise<ImpactAnswer | null>;
  }

  /** As of now. A model that has no log yet is not begun for it: nothing is known. */
  predictAction({ kind, environment, service }: PredictionAsk): Promise<Prediction> {
    const target = nodeText({ kind: "service", environment, name: service });
    if (this.#worker === null) return Promise.reject(new AppError("model-node-not-found", "the model has no log yet"));
    const now = systemClock.nowMs();
    const terms = { windowS: Math.ceil(this.#data.windowMs / 1000), holdS: Math.ceil(this.#data.holdMs / 1000) };
    const measurableAfterMs = (measurableAtS({ toS: 0 }, terms) + 1) * 1000;
    return this.#ask({
      do: "read",
      read: { what: "action", target, kind, measurableAfterMs, at: now, knownAt: now },
    }) as Promise<Prediction>;
  }

  /** As of now: what was done is counted from the first window on in which none of it was still waiting. */
  stateOf({ environment, service, beforeMs, stepMs, doneMs }: ServiceStateAsk): Promise<ServiceState> {
    if (this.#worker === null) return Promise.reject(new AppError("model-node-not-found", "the model has no log yet"));
    const node = nodeText({ kind: "service", environment, name: service });
    const sinceS = Math.ceil((doneMs + this.#data.holdMs) / 1000);
    const windowS = Math.ceil(this.#data.windowMs / 1000);
    const [beforeS, stepS] = [Math.floor(beforeMs / 1000), Math.floor(stepMs / 1000)];
    const read: ModelRead = { what: "state", node, beforeS, stepS, sinceS, windowS };
    return this.#ask({ do: "read", read }) as Promise<ServiceState>;
  }

  /** As of now; nothing where the model has no log yet. */
  relate({ environment, services }: RelationAsk): Promise<Relations> {
    if (this.#worker === null) return Promise.resolve({ modelVersion: 0, relations: [] });
    const now = systemClock.nowMs();
    const read: ModelRead = { what: "relations", environment, services, at: now, knownAt: now };
    return this.#ask({ do: "read", read }) as Promise<Relations>;
  }

  /** With all that is known by now. */
  async explain({ environment, service, at }: ExplanationAsk): Promise<Explained | null> {
    if (this.#worker === null) return null;
    const node = nodeText({ kind: "service", environment, name: service });
    const read: ModelRead = { what: "explanation", node, at, knownAt: systemClock.nowMs() };
    try {
      return (await this.#ask({ do: "read", read })) as Explained;
    } catch (error) {
      if (isAppError(error, "model-node-not-found")) return null;
      throw error;
    }
  }

  /** Resolves when what was recorded is closed properly. */
  async stop(): Promise<void> {
    if (this.#worker === null) return;
    if (this.#gone === null) await this.#ask({ do: "stop" }).catch(() => undefined);
    this.#lose("the server is stopping");
    await this.#worker.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL("./model-worker.ts", import.meta.url), { name: "model", workerData: this.#data });
    worker.on("message", (report: ModelReport) => this.#take(report));
    worker.on("error", (error) => this.#fail(String(error)));
    worker.on("exit", () => this.#lose("the model's thread ended"));
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #ask(ask: ModelAsk): Promise<unknown> {
    if (this.#gone !== null) return Promise.reject(unavailable(this.#gone));
    const worker = this.#worker ?? this.#start();
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      worker.postMessage({ id, ...ask });
    });
  }

  #take(report: ModelReport): void {
    if ("status" in report) this.status = report.status;
    else if ("feed" in report) this.#tellFeed(report.feed);
    else if ("problem" in report) {
      if (report.isFatal) this.#fail(report.problem);
      else this.#hooks.onProblem(report.problem, false);
    } else this.#settle(report);
  }

  #tellFeed(feed: FeedStatus): void {
    this.feeds.set(feed.name, feed);
    this.#hooks.onFeed(feed);
  }

  #settle(answer: ModelAnswer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (answer.ok) pending?.resolve(answer.value);
    else pending?.reject(new AppError(toCode(answer.code), answer.message, answer.facts as JsonObject));
  }

  #fail(message: string): void {
    if (this.#gone === null) this.#hooks.onProblem(message, true);
    this.#lose(message);
  }

  #lose(why: string): void {
    this.#gone ??= why;
    for (const { reject } of this.#pending.values()) reject(unavailable(why));
    this.#pending.clear();
  }
}

function unavailable(why: string): AppError {
  return new AppError("model-unavailable", why);
}

function toCode(code: string): ErrorCode {
  return Object.hasOwn(ERRORS, code) ? (code as ErrorCode) : "internal";
}

/** The model of this installation; its thread may not run yet. */
export function startModel(config: Config, log: Logger): ModelClient {
  const { dataDir, postgresUrl, model, credentials } = config;
  const data: ModelData = {
    place: { dataDir, postgresUrl },
    windowMs: model.windowSeconds * 1000,
    holdMs: model.holdSeconds * 1000,
    fadeAfterMs: model.fadeAfterMinutes * 60_000,
    forgetAfterMs: model.forgetAfterHours * 3_600_000,
    dayBytesMax: model.mebibytesPerDay * 1024 * 1024,
    snapshotEveryEvents: SNAPSHOT_EVERY_EVENTS,
    feeds: model.feeds,
    credentials,
    allow: allowedOrigins(config),
  };
  return new ModelClient(data, {
    onFeed: ({ name, failing }) => {
      if (failing === null) log.info({ feed: name }, "the model is fed");
      else log.warn({ feed: name, failing }, "a feed of the model does not get what it asks for");
    },
    onProblem: (message, isFatal) => {
      if (isFatal) log.error({ message }, "the runtime model is off");
      else log.warn({ message }, "the runtime model has a problem");
    },
  });
}

/** What the model says of itself, from its last report. */
export function addModelMetrics(model: ModelClient, metrics: Metrics): void {
  const gauges: readonly [string, string, (status: ModelStatus) => number][] = [
    ["holdpoint_model_events", "Events of the model's log.", ({ events }) => events],
    ["holdpoint_model_nodes", "Nodes that the model has ever known.", ({ nodes }) => nodes],
    ["holdpoint_model_edges", "Edges that the model has ever known.", ({ edges }) => edges],
    ["holdpoint_model_versions", "Versions of nodes and edges.", ({ versions }) => versions],
    ["holdpoint_model_spans", "Spans taken since the start.", ({ spans }) => spans],
    ["holdpoint_model_spans_waiting", "Spans that wait for the rest of their trace.", ({ waiting }) => waiting],
    ["holdpoint_model_dropped", "Spans and names that there was no room for.", ({ dropped }) => dropped],
    [
      "holdpoint_model_observed_timestamp_seconds",
      "The end of the last window of telemetry.",
      ({ observedUntil }) => observedUntil,
    ],
  ];
  for (const [name, help, of] of gauges) {
    metrics.gauge({ name, help, read: () => (model.status === null ? 0 : of(model.status)) });
  }
  const read = () =>
    [...model.feeds.values()].map(({ name, kind, failing }) => ({
      labels: { feed: name, kind, code: failing ?? "" },
      value: failing === null ? 0 : 1,
    }));
  const help = "1 while a feed of the model does not get what it asks for.";
  metrics.family({ name: "holdpoint_model_feed_failing", type: "gauge", help, read });
}
