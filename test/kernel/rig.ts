// A kernel over the standard pack with a ledger in memory whose appends a test can hold back, fail or let pass.

import { hash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import type { AppError } from "../../src/core/errors.ts";
import { ClockGuard } from "../../src/kernel/clock-guard.ts";
import type { Command, CommandInputs, Reply } from "../../src/kernel/command.ts";
import type { SignalFacts } from "../../src/kernel/signal-facts.ts";
import type { ClassificationFacts, EventFacts, EventType, KernelEvent, StepStatus } from "../../src/kernel/events.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import { emptyState, type Action, type Incident, type State } from "../../src/kernel/state.ts";
import type { Engine } from "../../src/kernel/transaction.ts";
import { loadBundle } from "../../src/policy/load.ts";
import type { Answerer } from "../../src/wire/types/approvals.ts";
import type { LedgerWriter } from "../../src/wire/contracts/writer.ts";
import type { AgentRegistration } from "../../src/wire/types/agent.ts";
import type { LevelScope } from "../../src/wire/types/level.ts";
import type { Stage } from "../../src/wire/types/stage.ts";
import type { Head, UnsealedEvent } from "../../src/wire/types/event.ts";
import { registrationOf, registrationProposal, signedBy } from "./agent-registration.ts";
import { levelProposal, revokeProposal } from "./level-proposal.ts";

export const MINUTE_MS = 60_000;
const START_MS = 1_790_000_000_000;

/** Rules for kinds of the tests' own beside the standard pack. */
const TEST_POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: test }
spec:
  match: { actions: [test.*] }
  route: on-call
  rules:
    - name: free
      when: action.kind == "test.free"
      decision: allow
    - name: limited
      when: action.kind == "test.limited"
      gates: [{ rateLimit: { max: 7, per: 15m, by: [service], onFail: refuse } }]
      decision: allow
    - name: often
      when: action.kind == "test.often"
      gates: [{ rateLimit: { max: 1, per: 15m, by: [service], onFail: hold } }]
      decision: hold
    - name: turn
      when: action.kind == "test.turn"
      gates: [{ conflict: { wait: 5m } }]
      decision: allow
    - name: checked
      when: action.kind == "test.checked" || action.kind == "test.watched"
      decision: allow
    - name: frozen
      when: action.kind == "test.frozen"
      gates: [{ freeze: { zone: UTC, from: 2026-09-22, to: 2026-09-22 } }]
      decision: allow
    - name: measured
      when: action.kind == "test.measured"
      gates:
        - blastRadius: { maxTrafficShare: 0.05, onUnknown: hold }
        - networkBoundary: { zones: [shop, front], onUnknown: hold }
      decision: allow
    - name: asked
      decision: hold
---
apiVersion: holdpoint.dev/v1
kind: Verification
metadata: { name: checked }
spec:
  match: { actions: [test.checked, test.frozen] }
  settle: 10s
  every: 5s
  samples: 3
  failures: 2
  within: 2m
  checks:
    - name: front
      http: { endpoint: shop, path: /healthz }
    - name: errors
      prometheus: { endpoint: metrics, query: errors, max: 0.05 }
---
apiVersion: holdpoint.dev/v1
kind: Verification
metadata: { name: watched }
spec:
  match: { actions: [test.watched] }
  within: 1m
  onFailure: page
  checks:
    - name: front
      http: { endpoint: shop }
`;

export const bundle = loadTestBundle();

function loadTestBundle() {
  const folder = new URL("../../policies/", import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml") && name !== "classifier-rules.yaml");
  const files = names.map((name) => ({ path: name, text: readFileSync(new URL(name, folder), "utf8") }));
  const loaded = loadBundle([...files, { path: "test.yaml", text: TEST_POLICY }]);
  if (loaded.bundle === null) throw new Error(JSON.stringify(loaded.problems));
  return loaded.bundle;
}

export const engine: Engine = { version: "test/1", policy: (asked) => (asked === bundle.hash ? bundle : undefined) };

type Append = { readonly events: readonly UnsealedEvent[]; settle(error?: Error): void };

/** Keeps what it is given; lets appends pass at once unless it is held. */
export class MemoryWriter implements LedgerWriter {
  readonly kept: UnsealedEvent[] = [];
  readonly batches: (readonly UnsealedEvent[])[] = [];
  readonly waiting: Append[] = [];
  held = false;

  append(events: readonly UnsealedEvent[]): Promise<Head> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        if (error !== undefined) return reject(error);
        this.kept.push(...events);
        this.batches.push(events);
        resolve({ size: this.kept.length, checkpoint: null });
      };
      if (this.held) this.waiting.push({ events, settle });
      else settle();
    });
  }

  /** Ends the append that waits longest. */
  end(error?: Error): void {
    const one = this.waiting.shift();
    if (one === undefined) throw new Error("no append waits");
    one.settle(error);
  }
}

/** Lets everything that can go on do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export type Answering = Partial<
  Pick<CommandInputs["answer-hold"], "decision" | "planHash" | "confirm" | "proposer" | "present"> &
    Omit<Answerer, "id">
>;

/** Who has the highest level everywhere. */
const AGENTS = ["one", "two", "three", "four", "five"].map((name) => `agent:${name}`);

export class Rig {
  readonly writer = new MemoryWriter();
  readonly fatal: AppError[] = [];
  readonly kernel: Kernel;
  readonly clock: ClockGuard;
  nowMs = START_MS;
  monotonicMs = 0;
  #deliveries = 0;
  #proposals = 0;
  /** The actions that gave the levels come before this, and are no test's business. */
  #givenBefore = 0;

  constructor(state: State = emptyState(), withEngine: Engine = engine) {
    this.clock = new ClockGuard({ nowMs: () => this.nowMs, monotonicMs: () => this.monotonicMs });
    this.kernel = new Kernel({
      state,
      engine: withEngine,
      clock: this.clock,
      writer: this.writer,
      defer: (task) => queueMicrotask(task),
      onFatal: (error) => this.fatal.push(error),
    });
  }

  /** At the highest stage, unless another is asked for, and with agents of the highest level: then policy alone decides. */
  static async open(withEngine: Engine = engine, stage: Stage = "mim-automation"): Promise<Rig> {
    // The standard pack gives the levels, whatever the test's own policy says afterwards.
    let current = engine;
    const rig = new Rig(emptyState(), { version: withEngine.version, policy: (hash) => current.policy(hash) });
    await rig.ask("open-log", { format: 1 });
    await rig.ask("start-engine", { engine: engine.version });
    await rig.ask("propose-policy", { bundleHash: bundle.hash, mode: "file", person: null, requestHash: "0" });
    const expiresAt = stage === "shadow" ? null : START_MS + TERMS.initialStageMs;
    await rig.ask("grant-stage", { stage, expiresAt, signature: "s" }, "system:kernel");
    for (const agent of AGENTS) {
      await rig.register(agent);
      await rig.grantLevel({ agent });
    }
    current = withEngine;
    rig.#givenBefore = rig.writer.kept.length;
    return rig;
  }

  /** Registers an agent, again or for the first time, as wide as it goes unless it says less. */
  async register(id: string, of: Partial<AgentRegistration> = {}): Promise<void> {
    const proposal = registrationProposal(registrationOf(id, of), "owner");
    const { subject, result } = await this.ask("propose-action", proposal, "person:owner");
    if (result === "held") await this.answer(subject, { person: "registrar", roles: ["owner"] }, "person:registrar");
  }

  /** A level that ben asks for and olga, an owner, approves; gives the id of the grant. */
  async grantLevel(of: { agent: string } & Partial<LevelScope>): Promise<string> {
    if (!this.state.agents.has(of.agent)) this.admit(of.agent);
    const scope = { expiresAt: this.nowMs + TERMS.levelMs, ...of };
    const { subject } = await this.propose(levelProposal(scope, { agentKind: "person", person: "ben" }), "person:ben");
    await this.answer(subject, { person: "olga", roles: ["owner"] }, "person:olga");
    return this.all("level.granted").at(-1)?.subject ?? "";
  }

  async revokeLevel(grant: string): Promise<string> {
    const proposal = revokeProposal(grant, { agentKind: "person", person: "ben" });
    return (await this.propose(proposal, "person:ben")).result;
  }

  get state(): Readonly<State> {
    return this.kernel.state;
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.monotonicMs += ms;
  }

  async passAndTick(ms: number): Promise<void> {
    this.pass(ms);
    await this.kernel.tick();
  }

  ask<T extends Command["type"]>(type: T, input: CommandInputs[T], actor = "system:test"): Promise<Reply> {
    return this.kernel.submit({ type, actor, input } as unknown as Command);
  }

  action(id: string): Action {
    const action = this.state.actions.get(id);
    if (action === undefined) throw new Error(`${id} is not live`);
    return action;
  }

  incident(): Incident {
    const [incident] = this.state.incidents.values();
    if (incident === undefined) throw new Error("no incident is open");
    return incident;
  }

  live(kind: string): Action | undefined {
    return [...this.state.actions.values()].find((action) => action.kind === kind);
  }

  all<T extends EventType>(type: T): readonly (Omit<KernelEvent<T>, "facts"> & { readonly facts: EventFacts[T] })[] {
    return this.writer.kept.filter(
      (event) => event.type === type && (event.seq >= this.#givenBefore || !type.startsWith("action.")),
    ) as never;
  }

  last<T extends EventType>(type: T, subject?: string): EventFacts[T] {
    const found = this.all(type).findLast((event) => subject === undefined || event.subject === subject);
    if (found === undefined) throw new Error(`no ${type}`);
    return found.facts;
  }

  typesOf(subject: string): readonly string[] {
    return this.writer.kept.filter((event) => event.subject === subject).map((event) => event.type);
  }

  signal(of: Partial<SignalFacts> = {}): Promise<Reply> {
    const status = of.status ?? "firing";
    const input: SignalFacts = {
      source: "am",
      detector: "errors",
      status,
      environment: "production",
      service: "cart",
      signature: hash("sha256", `${of.service ?? "cart"} errors`),
      // By default no two services fail the same way.
      failure: hash("sha256", `failure of ${of.service ?? "cart"}`),
      deliveryKey: `d${this.#deliveries++}:${status}`,
      claimedSeverity: "high",
      ...of,
    };
    return this.ask("receive-signal", input, `source:${input.source}`);
  }

  /** The answer of a classifier to the run that waits longest. */
  classify(of: Partial<ClassificationFacts> = {}): Promise<Reply> {
    const [run] = this.state.runs.keys();
    if (run === undefined) throw new Error("no run waits");
    const classification: ClassificationFacts = {
      severity: "high",
      confidencePpm: 900_000,
      requiresTicket: false,
      requiresPaging: true,
      requiresMim: false,
      team: "sre",
      ...of,
    };
    const classifier = { provider: "rules", model: "r", modelVersion: "1", promptHash: "p", answerHash: "a" };
    return this.ask("classify-run", { run, classification, classifier, code: "", problems: [] });
  }

  plan(id: string): Promise<Reply> {
    return this.ask("plan-action", { action: id, planHash: hash("sha256", id), code: "" });
  }

  /** A page from the signal to its plan; gives its id. */
  async page(of: Partial<SignalFacts> = {}): Promise<string> {
    await this.signal(of);
    await this.classify();
    const [id] = [...this.state.actions.values()]
      .filter(({ kind, planHash }) => kind === "pagerduty.trigger" && planHash === null)
      .map((action) => action.id);
    if (id === undefined) throw new Error("no page was proposed");
    await this.plan(id);
    return id;
  }

  /** An agent put where its registration would have put it: policies of tests have no rule for registrations. */
  admit(id: string, of: Partial<AgentRegistration> = {}): void {
    const began = { parents: [], registeredAt: this.nowMs, action: "act_000000000", status: "active" } as const;
    const counts = { volume: [], refusals: { minute: 0, count: 0 }, forgottenUntil: 0 };
    this.state.agents.set(id, { ...registrationOf(id, of), ...began, ...counts });
  }

  /** As an agent, which is known when it has not been; a `jti` of its own unless a key is given. */
  propose(of: Partial<CommandInputs["propose-action"]> = {}, actor = "agent:one"): Promise<Reply> {
    const isAgent = (of.agentKind ?? "agent") === "agent";
    if (isAgent && !this.state.agents.has(actor)) this.admit(actor);
    const requestHash = of.requestHash ?? hash("sha256", `${of.kind ?? "test.asked"} ${this.kernel.state.nextSeq}`);
    const input: CommandInputs["propose-action"] = {
      kind: "test.asked",
      environment: "production",
      service: "cart",
      resource: null,
      agentKind: "agent",
      person: "owner",
      requestHash,
      planHash: hash("sha256", "plan"),
      repeat: "idempotent",
      effect: "external",
      reversible: false,
      ...(isAgent ? { signed: signedBy(actor, this.nowMs) } : {}),
      ...of,
      idempotencyKey: of.idempotencyKey ?? (isAgent ? `${actor} jti-${this.#proposals++}` : null),
    };
    return this.ask("propose-action", input, actor);
  }

  /** As those who answered before are still registered, unless `present` says otherwise. */
  answer(id: string, of: Answering = {}, actor = "person:ada"): Promise<Reply> {
    const action = this.state.actions.get(id);
    const { decision = "approve", planHash = action?.planHash ?? "" } = of;
    const { kind = "person", person = "ada", roles = ["on-call"], owner = null, models = [] } = of;
    const { proposer = { owner: null, models: [] }, present = action?.hold?.approvals ?? [] } = of;
    const answerer = { id: actor, kind, person, roles, owner, models };
    const typed = of.confirm === undefined ? {} : { confirm: of.confirm };
    return this.ask("answer-hold", { action: id, decision, planHash, answerer, proposer, present, ...typed }, actor);
  }

  withdraw(id: string, person: string | null, actor: string): Promise<Reply> {
    return this.ask("withdraw-approval", { action: id, person }, actor);
  }

  /** Those who approved it are still registered, unless `present` says otherwise. */
  begin(id: string, present?: readonly Answerer[]): Promise<Reply> {
    const approvals = this.state.actions.get(id)?.consent?.approvals;
    return this.ask("begin-step", { action: id, present: present ?? approvals ?? [] });
  }

  finish(id: string, status: StepStatus, afterMs = 0): Promise<Reply> {
    return this.ask("finish-step", { action: id, attempt: this.action(id).attempt, status, code: "test", afterMs });
  }

  reconcile(id: string, status: "happened" | "absent" | "partial" | "unclear", afterMs = 0): Promise<Reply> {
    return this.ask("reconcile-step", { action: id, attempt: this.action(id).attempt, status, afterMs });
  }
}
