// Rounds of load and kill -9 on one server, and what must be true after every one of them.

import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { startPagerduty, type PagerdutyStandIn } from "../../examples/stand-ins/pagerduty.ts";
import { startServicenow, type ServicenowStandIn } from "../../examples/stand-ins/servicenow.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import { eventually, noteOf, pageOf, TestServer, writePolicies, type Proposal } from "./server.ts";

const POLICIES = `# Everything goes through at once: what is tested is what a crash leaves.
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  match: { actions: [record.note, "pagerduty.*", "servicenow.incident.*"] }
  rules:
    - name: allowed
      decision: allow
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-call }
spec: { steps: [{ roles: [on-call], within: 15m }] }
---
${readFileSync(new URL("../../policies/ladder.yaml", import.meta.url), "utf8")}`;
/** When a server under load is killed at the latest, in starts: where all is slow it gets as far as where all is fast. */
const KILL_AFTER_STARTS = 0.3;
/** How often a start is killed too, and how far into it. */
const STARTS_KILLED = 0.4;
const START_KILLED_BY = 0.6;
const PASSWORD = "stand-in-password";
/** The stand-in finishes what it began at once: no write of a killed server lands later. */
const SETTLE_MS = 200;
const VERIFY_EVERY = 10;
const SENDERS = 3;
/** How an attempt ends that triage makes again, some minutes later. */
const NOTHING: ReadonlySet<string> = new Set(["action.refused", "action.expired"]);
const ENDS: ReadonlySet<unknown> = new Set(["succeeded", "failed", "needs-attention"]);

interface Sent {
  readonly what: "alert" | "resolve" | "note" | "page";
  readonly name: string;
  readonly startsAt: string;
  /** The event that the server said it has recorded, once it has. */
  subject: string | undefined;
}

export interface KillReport {
  readonly kills: number;
  readonly acknowledged: number;
  readonly unknown: number;
  readonly pages: number;
  readonly tickets: number;
  /** Actions whose end nobody could find out: left to people rather than done twice. */
  readonly leftToPeople: number;
  /** Trigger events beyond the first of their key: repeats of one step that a crash cut, each under the same key. */
  readonly repeats: number;
}

/** Kills one server `kills` times under load, checks after each, and at the end lets it come to rest. */
export async function runKills(kills: number, name: string): Promise<KillReport> {
  const policies = writePolicies(tmpdir(), POLICIES);
  const pagerduty = await startPagerduty();
  const servicenow = await startServicenow({ password: PASSWORD });
  const auth = { kind: "basic", user: "holdpoint" };
  const open = { burst: 1_000_000, perSecond: 1_000_000 };
  const server = await TestServer.create({
    policy: { path: policies },
    executors: {
      pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] },
      servicenow: { baseUrl: servicenow.url, auth, settleMs: SETTLE_MS },
    },
    limits: { writes: open, signals: open, tokens: open },
  });
  server.keepSecret("servicenow/password", PASSWORD);
  try {
    return await new KillRounds(server, { pagerduty, servicenow }, name).run(kills);
  } finally {
    await server.remove();
    await pagerduty.close();
    await servicenow.close();
    rmSync(policies, { recursive: true });
  }
}

type Vendors = { readonly pagerduty: PagerdutyStandIn; readonly servicenow: ServicenowStandIn };

class KillRounds {
  readonly #server: TestServer;
  readonly #pagerduty: PagerdutyStandIn;
  readonly #servicenow: ServicenowStandIn;
  readonly #name: string;
  readonly #sent: Sent[] = [];
  readonly #events: LedgerEvent[] = [];
  #unknown = 0;
  #startMs = 0;
  #checked = 0;
  #rounds = 0;

  constructor(server: TestServer, vendors: Vendors, name: string) {
    this.#server = server;
    this.#pagerduty = vendors.pagerduty;
    this.#servicenow = vendors.servicenow;
    this.#name = name;
  }

  async run(kills: number): Promise<KillReport> {
    await this.#server.start();
    await this.#server.kill("SIGTERM"); // the next starts are faster
    await this.#start();
    for (let done = 0; done < kills;) {
      await this.#loadUntilKilled(Math.random() * KILL_AFTER_STARTS * this.#startMs);
      done++;
      for (; done < kills && Math.random() < STARTS_KILLED; done++) {
        await this.#killWhileStarting(Math.random() * START_KILLED_BY * this.#startMs);
      }
      await this.#start();
      await this.#checkRecord();
      this.#checkPages();
      if (++this.#rounds % VERIFY_EVERY === 0) await this.#verify();
    }
    await this.#comeToRest();
    const { events, incidents } = this.#pagerduty;
    const triggers = events.filter((event) => event.event_action === "trigger").length;
    return {
      kills,
      acknowledged: this.#sent.filter(({ subject }) => subject !== undefined).length,
      unknown: this.#unknown,
      pages: incidents.length,
      tickets: this.#servicenow.incidents.length,
      leftToPeople: this.#events.filter(({ facts }) => facts["action"] === "needs-attention").length,
      repeats: triggers - incidents.length,
    };
  }

  async #start(): Promise<void> {
    const from = performance.now();
    await this.#server.start();
    this.#startMs = performance.now() - from;
  }

  async #loadUntilKilled(delayMs: number): Promise<void> {
    await this.#server.token("person:deployer");
    let killed = false;
    const senders = Array.from({ length: SENDERS }, async (_, sender) => {
      for (let i = sender; !killed; i++) await this.#sendSomething(i);
    });
    await sleep(delayMs);
    const ended = this.#server.kill();
    killed = true;
    assert.equal((await ended).signal, "SIGKILL", this.#server.log);
    await Promise.all(senders);
  }

  async #killWhileStarting(delayMs: number): Promise<void> {
    const starting = this.#server.start().catch(() => undefined); // it was killed: nobody expects it to be ready
    await sleep(delayMs);
    await this.#server.kill();
    await starting;
  }

  /** Something new, or something whose fate a crash left open: asked again exactly as a sender would. */
  async #sendSomething(turn: number): Promise<void> {
    const open = turn % 2 === 0 ? this.#sent.find(({ subject }) => subject === undefined) : undefined;
    const sent = open ?? this.#newSent();
    const answer = await this.#send(sent);
    if (answer !== undefined) sent.subject = answer;
    else this.#unknown += 1;
  }

  #send(sent: Sent): Promise<string | undefined> {
    return sent.what === "alert" || sent.what === "resolve" ? this.#sendAlert(sent) : this.#propose(sent);
  }

  #newSent(): Sent {
    const number = this.#sent.length;
    const over = number % 5 === 4 ? this.#alertToResolve() : undefined;
    const what = (["alert", "page", "alert", "note", "alert"] as const)[number % 5] ?? "note";
    const fresh = { what, name: `${this.#name}-${number}`, startsAt: new Date().toISOString(), subject: undefined };
    const sent: Sent = over === undefined ? fresh : { ...over, what: "resolve", subject: undefined };
    this.#sent.push(sent);
    return sent;
  }

  /** The newest accepted alert that still fires: its page may be under way. */
  #alertToResolve(): Sent | undefined {
    const resolved = this.#resolved();
    return this.#sent.findLast(({ what, name, subject }) => {
      return what === "alert" && subject !== undefined && !resolved.has(name);
    });
  }

  #resolved(): ReadonlySet<string> {
    return new Set(this.#sent.filter(({ what }) => what === "resolve").map(({ name }) => name));
  }

  async #sendAlert({ what, name, startsAt }: Sent): Promise<string | undefined> {
    const { status, body } = await this.#server.send([
      { service: name, startsAt, status: what === "resolve" ? "resolved" : "firing" },
    ]);
    if (status === 0) return undefined;
    assert.equal(status, 202, JSON.stringify(body));
    return body.signals[0]?.id;
  }

  async #propose({ what, name }: Sent): Promise<string | undefined> {
    const proposal: Proposal = what === "note" ? noteOf(name) : pageOf(name);
    const { status, body } = await this.#server.propose(proposal, name);
    if (status === 0 || body.code === "views-behind") return undefined; // asked again, under the same key
    assert.ok(status === 200 || status === 202, JSON.stringify(body));
    return body.id;
  }

  /** Whatever was acknowledged is on record, and nothing is there twice. */
  async #checkRecord(): Promise<void> {
    this.#events.push(...(await this.#server.events(this.#events.length)));
    const begun = new Map<string, LedgerEvent>();
    const [deliveries, requests] = [new Map<unknown, string>(), new Map<unknown, string>()];
    const nothing = new Set<string>();
    for (const event of this.#events) {
      if (NOTHING.has(event.type) || event.facts["action"] === "failed") nothing.add(event.subject);
      if (event.type !== "signal.received" && event.type !== "action.proposed") continue;
      begun.set(event.subject, event);
      const isSignal = event.type === "signal.received";
      const seen = isSignal ? deliveries : requests;
      const key = isSignal ? event.facts["deliveryKey"] : event.facts["requestHash"];
      const before = seen.get(key);
      assert.ok(before === undefined || nothing.has(before), `event ${event.seq} is the second of its kind`);
      seen.set(key, event.subject);
    }
    for (const { what, name, subject } of this.#sent) {
      if (subject === undefined) continue;
      const event = begun.get(subject);
      assert.ok(event !== undefined, `${what} ${name} was acknowledged as ${subject} and is not on record`);
      if (what === "alert" || what === "resolve") assert.equal(event.facts["service"], name);
    }
  }

  /** One page for one incident or proposal; a trigger only ever after its durable step, and as often as steps began. */
  #checkPages(): void {
    const steps = new Map<string, number>();
    for (const { type, subject } of this.#events) {
      if (type === "step.started") steps.set(subject, (steps.get(subject) ?? 0) + 1);
    }
    // The events at hand may be older than the newest calls: only earlier calls are compared.
    const { events, incidents } = this.#pagerduty;
    const keys = incidents.map(({ dedupKey }) => dedupKey);
    assert.equal(new Set(keys).size, keys.length, "an incident was paged for twice");
    const tickets = this.#servicenow.incidents.map((ticket) => ticket["correlation_id"]);
    assert.equal(new Set(tickets).size, tickets.length, "an action opened two tickets");
    const calls = new Map<string, number>();
    for (const event of events.slice(0, this.#checked)) {
      if (event.event_action !== "trigger") continue;
      const action = actionBehind(event.payload?.custom_details);
      calls.set(action, (calls.get(action) ?? 0) + 1);
    }
    for (const [action, count] of calls) {
      assert.ok(count <= (steps.get(action) ?? 0), `${action} called ${count} times, steps ${steps.get(action) ?? 0}`);
    }
    this.#checked = events.length;
  }

  async #verify(): Promise<void> {
    const { ok, findings, payloads } = await this.#server.verify();
    assert.ok(ok, JSON.stringify(findings));
    assert.ok(payloads.opened > 0);
  }

  /** Everything that was sent gets its answer, its verdict and its one page. */
  async #comeToRest(): Promise<void> {
    for (const sent of this.#sent) {
      if (sent.subject !== undefined) continue;
      sent.subject = await eventually(`an answer to ${sent.name}`, () => this.#send(sent));
    }
    try {
      await eventually("an end of every run and action", async () => {
        await this.#checkRecord();
        return this.#unfinished().size === 0 ? true : undefined;
      });
    } catch (error) {
      const open = this.#unfinished();
      const lines = this.#events
        .filter(({ subject }) => open.has(subject))
        .map(({ seq, time, subject, type, facts }) => {
          const { kind, action, status, code, attempt } = facts;
          return JSON.stringify({ seq, time, subject, type, kind, action, status, code, attempt });
        });
      throw new Error(`${open.size} have not ended:\n${lines.slice(-60).join("\n")}`, { cause: error });
    }
    this.#checkOutcomes();
    await this.#server.kill("SIGTERM");
    this.#events.push(...(await this.#server.events(this.#events.length)));
    this.#checked = this.#pagerduty.events.length;
    this.#checkPages();
    await this.#verify();
  }

  /** What still fires has its one open page; what is over has none that is open. */
  #checkOutcomes(): void {
    const { events, incidents } = this.#pagerduty;
    const keys = new Map<string, string>();
    for (const { dedup_key: key, payload } of events) {
      if (key.includes("/stm_")) continue; // so many services at once are a storm, which has a page of its own
      const service = payload?.custom_details?.["service"];
      if (typeof service === "string") keys.set(service === "cart" ? key : service, key);
    }
    const resolved = this.#resolved();
    for (const { what, name } of this.#sent) {
      if (what === "note" || what === "resolve") continue;
      const status = incidents.find(({ dedupKey }) => dedupKey === keys.get(name))?.status;
      if (resolved.has(name)) assert.notEqual(status, "triggered", `${name} is over, and its page is open`);
      else assert.equal(status, "triggered", `${name} fires, and nobody was paged`);
    }
  }

  /** Runs without a classification and actions without an end. */
  #unfinished(): ReadonlySet<string> {
    const open = new Set<string>();
    for (const { type, subject, facts } of this.#events) {
      if (type === "action.granted" && typeof facts["completed"] === "string") open.delete(subject);
      if (type === "run.opened" || type === "action.proposed") open.add(subject);
      if (/^run\.(un)?classified$|^action\.(completed|refused|suppressed|expired|cancelled)$/.test(type)) {
        open.delete(subject);
      }
      const ended = ENDS.has(facts["action"]);
      if (/^step\.(finished|reconciled)$/.test(type) && ended) open.delete(subject);
    }
    return open;
  }
}

/** The action that a page says it comes from: every one carries its justification. */
function actionBehind(details: Readonly<Record<string, unknown>> | undefined): string {
  const holdpoint = details?.["holdpoint"] as { justification?: { action?: string } } | undefined;
  assert.ok(
    holdpoint?.justification?.action !== undefined,
    `a page without a justification: ${JSON.stringify(details)}`,
  );
  return holdpoint.justification.action;
}
