// A small production that lives window by window, its model, and what is measured of what is done to it.

import assert from "node:assert/strict";
import { decideChange } from "../../src/model/change.ts";
import type { ModelDraft, ModelEvent } from "../../src/model/events.ts";
import { Graph } from "../../src/model/graph.ts";
import { decideImpact, type Impacting } from "../../src/model/impact/decide-impact.ts";
import { dueChanges } from "../../src/model/impact/due-impacts.ts";
import { parseGraph, serializeGraph } from "../../src/model/snapshot.ts";
import { Intake } from "../../src/model/traces/intake.ts";
import type { ChangeKind } from "../../src/wire/types/model.ts";
import { service } from "./histories.ts";
import { chance, Request, serviceName, type Production } from "./simulated.ts";

export const BEGIN_MS = 1_790_000_000_000;
export const BEGIN_S = BEGIN_MS / 1000;
export const TERMS = { windowS: 60, holdS: 1 };
const INTAKE = {
  windowS: 60,
  holdMs: 1000,
  dayBytesMax: 1e9,
  waitingMax: 100_000,
  namesMax: 10_000,
  fadeAfterS: 9_000,
  forgetAfterS: 86_400,
};

/** s0 needs s2 always, s1 uses it and falls back, s3 is an entry that has nothing to do with any of them. */
const SHOP: Production = {
  calls: [[{ to: 2, use: 1, spread: 1 }], [{ to: 2, use: 1, spread: 0 }], [], []],
  ownFailures: [0.01, 0.01, 0.01, 0.01],
  entries: [0.4, 0.3, 0, 0.3],
};
export const TARGET = `service:production:${serviceName(2)}`;

export type Fault = { readonly of: number; readonly failing: number };

export class Life {
  graph = new Graph();
  #intake = new Intake(this.graph, INTAKE, BEGIN_MS);
  readonly #log: ModelEvent[] = [];
  #random = chance(5);
  #window = 0;
  #trace = 0;

  get nowS(): number {
    return BEGIN_S + this.#window * 60;
  }

  /** Windows of traffic in which these services fail more often. */
  pass(windows: number, faults: readonly Fault[] = [], requests = 300): void {
    const ownFailures = SHOP.ownFailures.map((own, i) => faults.find(({ of }) => of === i)?.failing ?? own);
    for (let i = 0; i < windows; i++) {
      const nowMs = BEGIN_MS + ++this.#window * 60_000;
      for (let made = 0; made < requests; made++) {
        const request = new Request({ ...SHOP, ownFailures }, this.#random, { trace: this.#trace++ });
        for (const span of request.spans) this.#intake.add(span, nowMs - 30_000);
      }
      this.record(this.#intake.closeDue(nowMs), nowMs);
    }
  }

  record(draft: ModelDraft | null, time: number): void {
    if (draft === null) return;
    const event: ModelEvent = { seq: this.graph.size, time: Math.max(time, this.graph.time), ...draft };
    this.#log.push(event);
    this.graph.apply(event);
  }

  /** Killed: what was recorded is all there is, in its log, or in a snapshot and the rest of the log. */
  kill(from: "log" | "snapshot"): void {
    if (from === "snapshot") this.graph = parseGraph(serializeGraph(this.graph));
    else {
      this.graph = new Graph();
      for (const event of this.#log) this.graph.apply(event);
    }
    this.#intake = new Intake(this.graph, INTAKE, this.nowS * 1000);
  }

  change(id: string, kind: ChangeKind = "deploy", target = 2): void {
    const of = { id, kind, at: this.nowS * 1000, targets: [service(serviceName(target))], settings: [] };
    this.record(decideChange(this.graph, of), this.nowS * 1000);
  }

  /** As the model's thread does after each window. */
  measure(): void {
    for (const due of dueChanges(this.graph, this.nowS, TERMS)) this.take(due);
  }

  take(of: Impacting): void {
    for (const draft of decideImpact(this.graph, { ...of, terms: TERMS })) {
      this.record(draft, this.nowS * 1000);
    }
  }

  get last() {
    const impact = this.graph.impacts.at(-1);
    assert.ok(impact !== undefined, "nothing was measured");
    return impact;
  }
}
