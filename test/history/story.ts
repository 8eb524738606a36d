// A ledger that grows command by command, and the views of it.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import type { Command, CommandInputs } from "../../src/kernel/command.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import { parseLeaves } from "../../src/history/leaves.ts";
import type { ViewStore } from "../../src/wire/contracts/views.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import { engineWith } from "./fixed-policy.ts";
import { follow } from "./following.ts";
import { Recorder, RecordedStore } from "./recorder.ts";

export const BUNDLE = hash("sha256", "bundle");
export const CLASSIFIER = { provider: "rules", model: "r", modelVersion: "1", promptHash: "p", answerHash: "a" };

const UNOWNED = { owner: null, models: [] } as const;

export class Story extends Recorder {
  constructor() {
    super(engineWith("e1", [BUNDLE]));
    this.do("open-log", { format: 1 });
    this.do("start-engine", { engine: "e1" });
    this.do("propose-policy", { bundleHash: BUNDLE, mode: "file", person: null, requestHash: "r" }, "person:ada");
    const expiresAt = this.nowMs + TERMS.initialStageMs;
    this.do("grant-stage", { stage: "mim-automation", expiresAt, signature: "s" });
  }

  do<T extends Command["type"]>(type: T, input: CommandInputs[T], actor = "system:kernel"): string {
    this.nowMs += 1_000;
    const reply = this.submit({ type, actor, input } as unknown as Command);
    assert.ok(reply !== null, `${type} is accepted`);
    return reply.subject;
  }

  signal(deliveryKey: string, over: Partial<CommandInputs["receive-signal"]> = {}): string {
    const input = {
      source: "am",
      detector: "prometheus:Errors",
      status: "firing",
      environment: "production",
      service: "cart",
      signature: "sig",
      failure: `${over.service ?? "cart"} errors`,
      deliveryKey,
      claimedSeverity: "high",
      ...over,
    } as const;
    return this.do("receive-signal", input, "source:am");
  }

  setStage(operand: string): string {
    const own = { kind: "stage.set", environment: "holdpoint", service: "holdpoint", resource: null } as const;
    const by = { agentKind: "person", person: "bob", requestHash: operand, planHash: operand } as const;
    const how = { repeat: "idempotent", effect: "kernel", reversible: true, idempotencyKey: null } as const;
    return this.do("propose-action", { ...own, ...by, ...how, operand }, "person:bob");
  }

  /** Classifies the one waiting run. */
  classify(confidencePpm: number, wants: { page?: boolean; ticket?: boolean; mim?: boolean }): string {
    const run = [...this.state.runs.keys()][0] ?? "";
    const classification = {
      severity: "high",
      confidencePpm,
      requiresTicket: wants.ticket ?? false,
      requiresPaging: wants.page ?? false,
      requiresMim: wants.mim ?? false,
      team: "shop",
    } as const;
    return this.do("classify-run", { run, classification, classifier: CLASSIFIER, code: "", problems: [] });
  }

  /** Plans every action that waits for a plan; their ids. */
  plan(): readonly string[] {
    const waiting = [...this.state.actions.values()].filter(({ planHash }) => planHash === null);
    for (const { id } of waiting) this.do("plan-action", { action: id, planHash: `plan-${id}`, code: "" });
    return waiting.map(({ id }) => id);
  }

  execute(action: string, status: "succeeded" | "failed" = "succeeded"): void {
    this.do("begin-step", { action, present: this.state.actions.get(action)?.consent?.approvals ?? [] });
    this.do("finish-step", { action, attempt: 1, status, code: "http-202", afterMs: 0 });
  }

  answer(action: string, decision: "approve" | "deny"): void {
    const planHash = this.state.actions.get(action)?.planHash ?? "";
    const answerer = {
      id: "person:bob",
      kind: "person",
      person: "p-bob",
      roles: ["sre", "admin"],
      ...UNOWNED,
    } as const;
    this.do("answer-hold", { action, decision, planHash, answerer, proposer: UNOWNED, present: [] }, "person:bob");
  }

  events(): readonly LedgerEvent[] {
    return this.batches(100).flatMap(parseLeaves);
  }

  async views(): Promise<ViewStore> {
    const store = new RecordedStore();
    store.batches.push(...this.batches(2));
    const { follower, views } = await follow(store, { engine: engineWith("e1", [BUNDLE]) });
    await follower.catchUp();
    assert.equal(follower.status().mismatched, 0);
    return views;
  }
}
