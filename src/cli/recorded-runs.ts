// Recorded runs with their signals: from the API, newest first, or from an export with payloads, in its order.

import { createReadStream } from "node:fs";
import { parseLeaves } from "../history/leaves.ts";
import { readExport } from "../ledger/export.ts";
import {
  recordedClassificationSchema,
  recordedSignalSchema,
  type RecordedClassification,
} from "../wire/schemas/recorded-signal.ts";
import type { Signal } from "../wire/types/signal.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import { apiPath } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import type { Session } from "./session.ts";

const PAGE = 50;
/** Signals of an export that wait for their run to be classified. */
const WAITING_MAX = 100_000;

export type RecordedRun = {
  readonly run: string;
  readonly signal: string;
  /** Null when it was erased or never recorded. */
  readonly content: Signal | null;
  readonly classification: RecordedClassification;
};

/** Classified runs from the server. Throws when this client may not read contents. */
export async function* runsOfServer({ api }: Session, limit: number): AsyncGenerator<RecordedRun> {
  let cursor: string | undefined;
  for (let left = limit; left > 0;) {
    const query = { status: "classified", limit: String(Math.min(PAGE, left)), cursor };
    const page = await api.document(apiPath("v1", "runs"), query);
    for (const run of page.list("items").slice(0, left)) {
      left--;
      const classification = recordedClassificationSchema.safeParse(run.raw("classification"));
      if (!classification.success) throw new CliError(`the server's run ${run.text("id")} is malformed`);
      const signal = run.exact("signal");
      const document = await api.document(apiPath("v1", "signals", signal));
      if (!document.has("content")) {
        throw new CliError("signals come without their content: this client needs the scope payloads:read");
      }
      const content = recordedSignalSchema.safeParse(document.raw("content"));
      yield {
        run: run.exact("id"),
        signal,
        content: content.success ? content.data : null,
        classification: classification.data,
      };
    }
    cursor = page.exact("cursor");
    if (cursor === "") return;
  }
}

/** Classified runs of an export. It is read, not verified: `holdpoint verify` does that. */
export async function* runsOfExport(path: string, limit: number): AsyncGenerator<RecordedRun> {
  const stream = createReadStream(path, { highWaterMark: 1024 * 1024 });
  try {
    const source = await readExport(stream);
    const runs = new ExportedRuns();
    let left = limit;
    for await (const batch of source.batches) {
      const payloads = new Map((batch.openings ?? []).map(({ seq, payload }) => [seq, payload.body]));
      for (const event of parseLeaves(batch)) {
        const found = runs.read(event, payloads.get(event.seq));
        if (found === null) continue;
        yield found;
        if (--left === 0) return;
      }
    }
  } finally {
    stream.destroy();
  }
}

/** Joins signals, runs and classifications, which stand in this order in a log. */
class ExportedRuns {
  readonly #contents = new Map<string, Signal>();
  readonly #signals = new Map<string, string>();

  read({ type, subject, facts }: LedgerEvent, payload: unknown): RecordedRun | null {
    if (type === "signal.received") this.#keep(subject, payload);
    if (type === "run.opened" && typeof facts["signal"] === "string") this.#signals.set(subject, facts["signal"]);
    const signal = this.#signals.get(subject);
    if (signal === undefined || (type !== "run.classified" && type !== "run.unclassified")) return null;
    const content = this.#contents.get(signal) ?? null;
    this.#signals.delete(subject);
    this.#contents.delete(signal);
    if (type === "run.unclassified") return null;
    const classification = recordedClassificationSchema.parse(facts["classification"]);
    return { run: subject, signal, content, classification };
  }

  /** Most signals open no run: the oldest make room. */
  #keep(subject: string, payload: unknown): void {
    const content = recordedSignalSchema.safeParse(payload);
    if (!content.success) return;
    this.#contents.set(subject, content.data);
    if (this.#contents.size <= WAITING_MAX) return;
    for (const oldest of this.#contents.keys()) {
      this.#contents.delete(oldest);
      return;
    }
  }
}
