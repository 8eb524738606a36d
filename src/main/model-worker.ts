// The model's thread: unpacks and digests telemetry, folds the model's log, writes it, and answers what is asked of it.

import { createHmac, hkdfSync } from "node:crypto";
import { gunzipSync } from "node:zlib";
import os from "node:os";
import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { assert } from "../core/assert.ts";
import { AppError, isAppError } from "../core/errors.ts";
import type { SpanDelivery } from "../http/services.ts";
import { Answerer, type WatchedCluster } from "../model/answer.ts";
import { decideImpact } from "../model/impact/decide-impact.ts";
import { dueChanges, impactOf, impactOfAction } from "../model/impact/due-impacts.ts";
import type { Terms } from "../model/impact/measure.ts";
import { decideChange } from "../model/change.ts";
import { decideDeclared, type Declared } from "../model/declare.ts";
import { VERSIONS_MAX } from "../model/limits.ts";
import { decideTold, LEDGER_FEED } from "../model/tell.ts";
import type { Told } from "../model/told.ts";
import { Intake } from "../model/traces/intake.ts";
import { readSpansJson, readSpansProtobuf } from "../wire/schemas/otlp-traces.ts";
import type { TelemetrySpan } from "../wire/types/telemetry-span.ts";
import { runFeeds } from "./model-feeds.ts";
import { loadModelKeys } from "./model-keys.ts";
import { ModelLog } from "./model-log.ts";
import type { FeedStatus, ModelAnswer, ModelData, ModelReport, ModelRequest } from "./model-protocol.ts";
import type { MeasuredRows } from "../wire/types/measured-rows.ts";
import type { ImpactAnswer, ImpactAsk } from "../wire/contracts/predictor.ts";
import type { Change } from "../wire/types/model.ts";
import { withDiff } from "./change-diff.ts";
import { openReader } from "./open-store.ts";
import { systemClock, systemRandom } from "./system.ts";

const NICENESS = 10; // on Linux of this thread alone: decisions come first
const TURN_MS = 500;
/** Of its time, so much at most goes into laying the graph out before anybody asks. */
const PREPARING_PART = 0.05;
const UNPACKED_BYTES_MAX = 32 * 1024 * 1024;
const WAITING_SPANS_MAX = 600_000;
const WINDOW_NAMES_MAX = 400_000;
const DIGEST_CHARS = 16;
const SYSTEM = "system:model";
const THINNED_FIRST_S = 180 * 86_400;

type ToldChange = { readonly change: Change; readonly diff: string | null; readonly actor: string };

class ModelThread {
  readonly #log: ModelLog;
  readonly #intake: Intake;
  readonly #answerer: Answerer;
  readonly #terms: Terms;
  readonly #port: MessagePort;
  readonly #turns: NodeJS.Timeout;
  readonly #feeding = new AbortController();
  #queue: Promise<void> = Promise.resolve();
  /** Recorded with the window that ends next: what was laid out for walks stays good until then. */
  #told: Told[] = [];
  #toldMs = 0;
  #toldDropped = 0;
  /** Until when nothing is laid out again before somebody asks. */
  #preparedMs = 0;

  constructor(parts: { log: ModelLog; intake: Intake; port: MessagePort; terms: Terms }) {
    this.#log = parts.log;
    this.#intake = parts.intake;
    this.#answerer = new Answerer(parts.log.graph);
    this.#port = parts.port;
    this.#terms = parts.terms;
    this.#turns = setInterval(() => this.#inTurn(() => this.#turn()), TURN_MS);
  }

  /** Requests are answered in order: what was recorded is read by whoever asks after it. */
  take(request: ModelRequest): void {
    this.#inTurn(() => this.#answer(request));
  }

  /** Runs the feeds that are configured, until the thread is told to stop. */
  feed(data: ModelData, digest: (text: string) => string): void {
    const model = {
      digest,
      graph: this.#log.graph,
      declare: (declared: Declared, actor: string) =>
        this.#waited(async () => void (await this.#record(decideDeclared(this.#log.graph, declared), actor))),
      change: (change: Change, diff: string | null, actor: string) =>
        this.#waited(async () => void (await this.#recordChange({ change, diff, actor }))),
      watched: (feed: string, cluster: WatchedCluster) => this.#answerer.watch(feed, cluster),
      measured: (feed: string, environment: string, rows: MeasuredRows) => this.#intake.tell(feed, environment, rows),
      status: (feed: FeedStatus) => this.#report({ feed }),
    };
    void runFeeds(data, model, this.#feeding.signal).catch((error: unknown) =>
      this.#report({ problem: `feeds: ${textOf(error)}`, isFatal: false }),
    );
  }

  /** In turn; what goes wrong is for whoever asked, but an append whose end nobody knows ends the thread. */
  #waited(work: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#inTurn(async () => {
        // The log is closed by then: what is not recorded now is told again after the next start.
        if (this.#feeding.signal.aborted) return reject(new Error("the model is stopping"));
        try {
          await work();
          resolve();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(textOf(error)));
          if (!isAppError(error) || isAppError(error, "commit-unknown")) throw error;
        }
      });
    });
  }

  #inTurn(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error: unknown) => this.#problem(error));
  }

  /** A window that could not be written: nothing is known of the log's end any more. */
  #problem(error: unknown): void {
    clearInterval(this.#turns);
    this.#report({ problem: textOf(error), isFatal: true });
  }

  async #turn(): Promise<void> {
    const nowMs = systemClock.nowMs();
    this.#intake.digestDue(nowMs);
    const draft = this.#intake.closeDue(nowMs);
    if (draft !== null) await this.#log.append(draft, SYSTEM);
    if (draft !== null || nowMs - this.#toldMs >= this.#terms.windowS * 1000) await this.#recordTold();
    if (draft !== null) await this.#measureChanges(Math.floor(nowMs / 1000));
    this.#prepare(nowMs);
    await this.#thin(nowMs);
    this.#reportStatus();
  }

  /** After what was recorded since; seldom where that takes long. */
  #prepare(nowMs: number): void {
    const beganMs = systemClock.monotonicMs();
    if (beganMs < this.#preparedMs || !this.#answerer.prepare(nowMs)) return;
    const endMs = systemClock.monotonicMs();
    this.#preparedMs = endMs + (endMs - beganMs) / PREPARING_PART;
  }

  #takeTold(told: readonly Told[]): null {
    if (this.#told.length === 0) this.#toldMs = systemClock.nowMs();
    this.#told.push(...told);
    return null;
  }

  async #recordTold(): Promise<void> {
    if (this.#told.length === 0) return;
    const { draft, dropped } = decideTold(this.#log.graph, this.#told);
    this.#told = [];
    this.#toldDropped += dropped;
    if (draft !== null) await this.#log.append(draft, LEDGER_FEED);
  }

  /** Of what was measured half a year ago, and then ever more lately, one version a month stays, until there is room. */
  async #thin(nowMs: number): Promise<void> {
    const { versions } = this.#log.graph;
    for (let ageS = THINNED_FIRST_S; versions.count > VERSIONS_MAX && ageS > 86_400; ageS /= 2) {
      const before = Math.floor(nowMs / 1000 - ageS);
      await this.#log.append({ type: "model.thinned", facts: { before } }, SYSTEM);
    }
  }

  async #measureChanges(nowS: number): Promise<void> {
    const { graph } = this.#log;
    for (const due of dueChanges(graph, nowS, this.#terms)) {
      for (const draft of decideImpact(graph, { ...due, terms: this.#terms })) {
        await this.#log.append(draft, SYSTEM);
      }
    }
  }

  async #measureAction(ask: ImpactAsk): Promise<ImpactAnswer | null> {
    const { graph } = this.#log;
    const nowS = Math.floor(systemClock.nowMs() / 1000);
    const of = impactOfAction(graph, ask, { ...this.#terms, nowS });
    if (of === null) return null;
    if (of !== "known") {
      for (const draft of decideImpact(graph, { ...of, terms: this.#terms })) {
        await this.#log.append(draft, SYSTEM);
      }
    }
    const { outcome, actual } = impactOf(graph, ask.action) ?? { outcome: "no-telemetry", actual: null };
    return { outcome, actual, modelVersion: graph.size };
  }

  #reportStatus(): void {
    const { graph } = this.#log;
    const { names, versions, size } = graph;
    const { spans, waiting } = this.#intake;
    const dropped = this.#intake.dropped + this.#toldDropped;
    const counts = { events: size, nodes: names.nodeCount, edges: names.edgeCount, versions: versions.count };
    this.#report({ status: { ...counts, spans, waiting, dropped, observedUntil: graph.observedUntilAt(size) } });
  }

  async #answer(request: ModelRequest): Promise<void> {
    const { id } = request;
    let answer: ModelAnswer;
    try {
      answer = { id, ok: true, value: await this.#do(request) };
    } catch (error) {
      const code = isAppError(error) ? error.code : "internal";
      const facts = isAppError(error) ? error.facts : {};
      answer = { id, ok: false, code, message: textOf(error), facts };
    }
    this.#report(answer);
  }

  async #do(request: ModelRequest): Promise<unknown> {
    switch (request.do) {
      case "spans":
        return this.#takeSpans(request);
      case "change":
        return this.#recordChange(request);
      case "declare":
        return this.#record(decideDeclared(this.#log.graph, request.declared), request.actor);
      case "told":
        return this.#takeTold(request.told);
      case "measure":
        return this.#measureAction(request.ask);
      case "read":
        return this.#answerer.answer(request.read);
      case "stop":
        clearInterval(this.#turns);
        this.#feeding.abort();
        await this.#recordTold();
        return this.#log.close();
    }
  }

  async #recordChange({ change: told, diff, actor }: ToldChange) {
    const { change, ...left } = diff === null ? { change: told, withheld: 0, skipped: 0 } : withDiff(told, diff);
    const recorded = await this.#record(decideChange(this.#log.graph, change), actor);
    return { ...recorded, settings: change.settings.length, ...left };
  }

  async #record(
    draft: Parameters<ModelLog["append"]>[0] | null,
    actor: string,
  ): Promise<{ repeated: boolean; modelVersion: number }> {
    if (draft !== null) await this.#log.append(draft, actor);
    return { repeated: draft === null, modelVersion: this.#log.graph.size };
  }

  /** How many spans were taken. All of a delivery, or none of it. */
  #takeSpans({ bytes, isPacked, encoding }: SpanDelivery): number {
    const body = isPacked ? unpack(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const spans: TelemetrySpan[] = [];
    const take = (span: TelemetrySpan): void => void spans.push(span);
    if (encoding === "protobuf") readSpansProtobuf(body, take);
    else readSpansJson(parseJson(body), take);
    const nowMs = systemClock.nowMs();
    for (const span of spans) this.#intake.add(span, nowMs);
    return spans.length;
  }

  #report(report: ModelReport): void {
    this.#port.postMessage(report);
  }
}

function unpack(bytes: Uint8Array): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
      throw new AppError("body-too-large", "the body is too large once it is unpacked");
    }
    throw new AppError("body-malformed", "the body is not packed with gzip");
  }
}

/** Only names are read of it, each by itself: a member that comes twice changes nothing that is kept. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    throw new AppError("body-malformed", "the body is not valid JSON");
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function main(port: MessagePort): Promise<void> {
  const data = workerData as ModelData;
  try {
    const ledger = await openReader(data.place);
    const keys = await loadModelKeys(ledger, data.place.dataDir);
    await ledger.close();
    const log = await ModelLog.open({
      dataDir: data.place.dataDir,
      keys,
      clock: systemClock,
      random: systemRandom,
      snapshotEveryEvents: data.snapshotEveryEvents,
      onSnapshotProblem: (size, cause) =>
        port.postMessage({ problem: `snapshot at ${size}: ${textOf(cause)}`, isFatal: false } satisfies ModelReport),
    });
    const terms = {
      windowS: Math.ceil(data.windowMs / 1000),
      holdMs: data.holdMs,
      fadeAfterS: Math.ceil(data.fadeAfterMs / 1000),
      forgetAfterS: Math.ceil(data.forgetAfterMs / 1000),
      dayBytesMax: data.dayBytesMax,
      waitingMax: WAITING_SPANS_MAX,
      namesMax: WINDOW_NAMES_MAX,
    };
    const measuring = { windowS: terms.windowS, holdS: Math.ceil(data.holdMs / 1000) };
    const thread = new ModelThread({
      log,
      intake: new Intake(log.graph, terms, systemClock.nowMs()),
      port,
      terms: measuring,
    });
    // A key of its own, that whoever reads the model's log does not have.
    const key = new Uint8Array(hkdfSync("sha256", keys.keyEncryptionKey, "", "model digests", 32));
    thread.feed(data, (text) => createHmac("sha256", key).update(text).digest("hex").slice(0, DIGEST_CHARS));
    port.on("message", (request: ModelRequest) => thread.take(request));
  } catch (error) {
    port.postMessage({ problem: textOf(error), isFatal: true } satisfies ModelReport);
  }
}

assert(parentPort !== null, "the model runs as a worker thread");
if (os.platform() === "linux") os.setPriority(NICENESS);
await main(parentPort);
