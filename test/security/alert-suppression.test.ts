// One source against another: what a source sends never takes away the page that another one is owed.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command, Reply } from "../../src/kernel/command.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import { incidentKey } from "../../src/kernel/state.ts";
import type { Incident } from "../../src/kernel/state.ts";
import { Recorder } from "../history/recorder.ts";
import { loadPack } from "../policy/pack.ts";

const PLACE = { environment: "production", service: "cart", signature: "a".repeat(64), failure: "f".repeat(64) };
const MINUTE_MS = 60_000;
const FIRING_TRACKED = 1_000; // of one incident

type Sent = {
  readonly source: string;
  readonly name: string;
  readonly status?: "firing" | "resolved";
  readonly claimed?: string;
};

class Alerts {
  readonly recorder: Recorder;

  constructor() {
    const pack = loadPack();
    this.recorder = new Recorder({ version: "test", policy: () => pack });
    const input = { bundleHash: pack.hash, mode: "file", person: null, requestHash: pack.hash } as const;
    this.#submit({ type: "propose-policy", actor: "system:kernel", input });
    const expiresAt = this.recorder.nowMs + TERMS.initialStageMs;
    const grant = { stage: "mim-automation", expiresAt, signature: "s" } as const;
    this.#submit({ type: "grant-stage", actor: "system:kernel", input: grant });
  }

  #submit(command: Command): Reply {
    const reply = this.recorder.submit(command);
    assert.ok(reply !== null, command.type);
    return reply;
  }

  send({ source, name, status = "firing", claimed = "high" }: Sent): Reply {
    const deliveryKey = `${source}-${name}:${status}`;
    const facts = { ...PLACE, source, detector: "prometheus:x", status, deliveryKey, claimedSeverity: claimed };
    return this.#submit({ type: "receive-signal", actor: `source:${source}`, input: facts });
  }

  /** Answers every run that waits; `confidencePpm` decides between a page and a hold. */
  classify(confidencePpm: number, wants: { page: boolean }): void {
    for (const run of this.recorder.state.runs.keys()) {
      const severity = wants.page ? "high" : "medium";
      const needs = { requiresTicket: !wants.page, requiresPaging: wants.page, requiresMim: false };
      const classification = { severity, confidencePpm, ...needs, team: "sre" } as const;
      const classifier = { provider: "p", model: "m", modelVersion: "1", promptHash: "", answerHash: "" };
      const input = { run, classification, classifier, code: "", problems: [] };
      this.#submit({ type: "classify-run", actor: "classifier:test", input });
    }
    for (const [action, { status, planHash }] of this.recorder.state.actions) {
      if (status !== "evaluating" || planHash !== null) continue;
      this.#submit({ type: "plan-action", actor: "system:effects", input: { action, planHash: action, code: "" } });
    }
  }

  /** Carries out what is granted. */
  execute(): void {
    for (const { id: action, status } of this.recorder.state.actions.values()) {
      if (status !== "granted") continue;
      this.#submit({ type: "begin-step", actor: "system:effects", input: { action } });
      const input = { action, attempt: 1, status: "succeeded", code: "done", afterMs: 0 } as const;
      this.#submit({ type: "finish-step", actor: "system:effects", input });
    }
  }

  tick(): void {
    this.#submit({ type: "tick", actor: "system:kernel", input: {} });
  }

  page(): void {
    this.classify(900_000, { page: true });
    this.execute();
  }

  get incident(): Incident | undefined {
    const id = this.recorder.state.incidentByKey.get(incidentKey(PLACE));
    return id === undefined ? undefined : this.recorder.state.incidents.get(id);
  }

  count(type: string, kind?: string): number {
    const events = this.recorder.groups.flat().filter((event) => event.type === type);
    return events.filter(({ facts }) => kind === undefined || facts["kind"] === kind).length;
  }

  held(): readonly string[] {
    return [...this.recorder.state.actions.values()].flatMap(({ status, kind }) => (status === "held" ? [kind] : []));
  }
}

test("who fills the list of what fires cannot end the incident of another source, nor its page", () => {
  const alerts = new Alerts();
  for (let i = 0; i < FIRING_TRACKED; i++) alerts.send({ source: "mallory", name: `m${i}`, claimed: "low" });
  alerts.send({ source: "alice", name: "real" });
  alerts.page();
  assert.notEqual(alerts.incident?.page ?? null, null);
  for (let i = 0; i < FIRING_TRACKED; i++) alerts.send({ source: "mallory", name: `m${i}`, status: "resolved" });
  assert.notEqual(alerts.incident, undefined, "what the other source saw still fires");
  assert.equal(alerts.count("action.proposed", "pagerduty.resolve"), 0);
});

test("a decoy that was paged and resolved takes no page from another source", () => {
  const alerts = new Alerts();
  alerts.send({ source: "mallory", name: "decoy" });
  alerts.page();
  alerts.send({ source: "mallory", name: "decoy", status: "resolved" });
  assert.equal(alerts.count("incident.resolved"), 1);
  alerts.send({ source: "alice", name: "real" });
  alerts.page();
  assert.equal(alerts.count("action.suppressed"), 0);
  assert.notEqual(alerts.incident?.page, null);
});

test("decoys that come and go delay another's page by half an hour at most: it is paged though nobody repeats it", () => {
  const alerts = new Alerts();
  for (const name of ["decoy", "again"]) {
    alerts.send({ source: "mallory", name });
    alerts.page();
    alerts.send({ source: "mallory", name, status: "resolved" });
  }
  alerts.send({ source: "alice", name: "real" });
  alerts.page();
  assert.equal(alerts.count("action.suppressed"), 1, "a failure that comes and goes is a duplicate of its second page");
  assert.equal(alerts.incident?.page, null);
  alerts.recorder.nowMs += 36 * MINUTE_MS;
  alerts.tick();
  alerts.page();
  assert.notEqual(alerts.incident?.page, null);
});

test("a page of its own incident settles it: repeated deliveries are known", () => {
  const alerts = new Alerts();
  alerts.send({ source: "alice", name: "real" });
  alerts.page();
  alerts.recorder.nowMs += 31 * MINUTE_MS;
  assert.equal(alerts.send({ source: "alice", name: "real" }).result, "known");
});

test("a review about a ticket makes way for one about a page", () => {
  const alerts = new Alerts();
  alerts.send({ source: "mallory", name: "odd", claimed: "none" });
  alerts.classify(500_000, { page: false });
  assert.deepEqual(alerts.held(), ["servicenow.incident.create"]);
  alerts.send({ source: "alice", name: "real" });
  alerts.classify(750_000, { page: true });
  assert.deepEqual(alerts.held(), ["pagerduty.trigger"]);
  alerts.send({ source: "carol", name: "other", claimed: "none" });
  alerts.classify(500_000, { page: false });
  assert.deepEqual(alerts.held(), ["pagerduty.trigger"], "and not the other way round");
});
