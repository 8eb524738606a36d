// The whole system in one process from one seed: kernel, effects, ledger and a disk that fails, crashes included.

import { readdirSync, readFileSync } from "node:fs";
import { AppError } from "../../src/core/errors.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { EmergencyBrake } from "../../src/effects/brake.ts";
import { EffectRunner } from "../../src/effects/runner.ts";
import { NO_IMAGE_VERIFIER } from "../../src/adapters/images/image-verifier.ts";
import type { Command, Reply } from "../../src/kernel/command.ts";
import { ClockGuard } from "../../src/kernel/clock-guard.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import type { Engine } from "../../src/kernel/transaction.ts";
import { Sealer } from "../../src/ledger/seal.ts";
import { LogKeys, signKeyStatement } from "../../src/ledger/key-statement.ts";
import { signerFromSeed, verifierOf } from "../../src/ledger/ed25519.ts";
import { openPayload } from "../../src/ledger/payload-box.ts";
import { followLedger } from "../../src/main/brake-file.ts";
import { readLeaf } from "../../src/main/recorded-payload.ts";
import { restoreState } from "../../src/main/restore.ts";
import { loadBundle } from "../../src/policy/load.ts";
import type { ActionKind, ExecuteRequest, Plan } from "../../src/wire/contracts/executor.ts";
import type { Head } from "../../src/wire/types/event.ts";
import { STAGES } from "../../src/wire/types/stage.ts";
import { modelHealth } from "./model-health.ts";
import { registrationOf, registrationProposal } from "../kernel/agent-registration.ts";
import { rightsOf } from "../kernel/rights-proposal.ts";
import { grantSetProposal } from "../kernel/grant-set-proposal.ts";
import { levelProposal } from "../kernel/level-proposal.ts";
import { modelClassifier } from "./model-classifier.ts";
import { modelExecutor, OutsideWorld } from "./model-executor.ts";
import { modelExplainer, modelPredictor, modelRelater } from "./model-predictor.ts";
import { ModelDisk, ModelStore } from "./model-store.ts";
import { People } from "./people.ts";
import { SeededRandom } from "./seeded-random.ts";
import { Turns } from "./turns.ts";

export const TEAMS = ["sre"];
const ORIGIN = "simulation.test/one";
const START_MS = 1_790_000_000_000;
const ENGINE = "simulation/1";

const root = signerFromSeed(`${ORIGIN}/root`, new Uint8Array(32).fill(1));
const signer = signerFromSeed(ORIGIN, new Uint8Array(32).fill(2));
const statement = signKeyStatement({ logKey: verifierOf(signer).text, fromSize: 0, revokedAtSize: null }, root);
const logKeys = new LogKeys([statement], verifierOf(root));
const keyEncryptionKey = new Uint8Array(32).fill(3);

const bundle = loadSimulationBundle();
export const simulationEngine: Engine = {
  version: ENGINE,
  policy: (hash) => (hash === bundle.hash ? bundle : undefined),
};

/** The standard pack as it is shipped, and rules for the model's kinds. */
function loadSimulationBundle() {
  const folder = new URL("../../policies/", import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml") && name !== "classifier-rules.yaml");
  const files = names.map((name) => ({ path: name, text: readFileSync(new URL(name, folder), "utf8") }));
  files.push({ path: "model.yaml", text: readFileSync(new URL("model-policy.yaml", import.meta.url), "utf8") });
  const loaded = loadBundle(files);
  if (loaded.bundle === null) throw new Error(JSON.stringify(loaded.problems));
  return loaded.bundle;
}

/** One run of the program: what a crash ends. */
export type Process = { readonly kernel: Kernel; readonly runner: EffectRunner; readonly brake: EmergencyBrake };

export type WorldHooks = {
  /** A call reached the outside: the moment at which everything about it must be in order. */
  readonly onCall: (world: World, request: ExecuteRequest, kind: ActionKind) => void;
  /** And the moment at which it takes effect there. */
  readonly onEffect: (world: World, request: ExecuteRequest) => void;
};

export class World {
  readonly random: SeededRandom;
  readonly turns: Turns;
  readonly disk = new ModelDisk();
  readonly outside = new OutsideWorld();
  readonly people = new People();
  readonly #hooks: WorldHooks;
  /** Chances of store failures per write; none while the world comes to rest. */
  failing = true;
  nowMs = START_MS;
  monotonicMs = 0;
  crashes = 0;
  process: Process | null = null;
  /** Payloads whose keys are destroyed, by sequence. */
  readonly erased = new Set<number>();
  /** The terms of all calls: they are over when enough time has passed, and not before. */
  #terms: AbortController[] = [];
  #dead = false;

  constructor(seed: number, hooks: WorldHooks) {
    this.random = new SeededRandom(seed);
    this.turns = new Turns(this.random);
    this.#hooks = hooks;
  }

  /** Starts the program on what the disk holds. A start may fail or crash like everything else; then there is none. */
  async start(): Promise<void> {
    this.#dead = false;
    const store = new ModelStore(this.disk, {
      schedule: (label, run) => this.turns.take(label, run),
      random: this.random,
      ...(this.failing ? { rates: FAILURES } : {}),
    });
    const starting = this.#boot(store).then(
      (process) => (this.#dead ? null : process),
      () => null,
    );
    let settled = false;
    void starting.then((process) => {
      settled = true;
      if (!this.#dead) this.process = process;
    });
    while (!settled && !this.#dead) await this.turn();
  }

  async #boot(store: ModelStore): Promise<Process> {
    const sealer = await Sealer.resume(store, logKeys, { signer, random: this.random, keyEncryptionKey });
    const state = await restoreState({
      store,
      logKeys,
      checkSnapshot: () => undefined,
      onSnapshotProblem: () => undefined,
    });
    const clock = new ClockGuard({ nowMs: () => this.nowMs, monotonicMs: () => this.monotonicMs });
    let appended: Promise<unknown> = Promise.resolve();
    const kernel = new Kernel({
      state,
      engine: simulationEngine,
      clock,
      defer: (task) => void this.turns.take("write", task),
      onFatal: () => this.crash(),
      writer: {
        // In order, and nothing after one that failed.
        append: (events) => {
          const append = async (): Promise<Head> => {
            const batch = sealer.seal(events);
            await store.append(batch);
            return { size: batch.firstSeq + batch.count, checkpoint: batch.checkpoint };
          };
          const done = appended.then(append);
          appended = done;
          return done;
        },
      },
    });
    const actor = "system:kernel";
    if (state.nextSeq === 0) await kernel.submit({ type: "open-log", actor, input: { format: 1 } });
    await kernel.submit({ type: "start-engine", actor, input: { engine: ENGINE } });
    const input = { bundleHash: bundle.hash, mode: "file" as const, person: null, requestHash: bundle.hash };
    await kernel.submit({ type: "propose-policy", actor, input });
    // Mostly high enough that something happens; a start after the first one changes nothing.
    const stage =
      this.random.below(4) === 0 ? (STAGES[this.random.below(STAGES.length)] ?? "shadow") : "mim-automation";
    const expiresAt = stage === "shadow" ? null : kernel.state.time + TERMS.initialStageMs;
    await kernel.submit({ type: "grant-stage", actor, input: { stage, expiresAt, signature: "s" } });
    const holders = [rightsOf("person:owner", { roles: ["owner"] })];
    await kernel.submit({ type: "install-rights", actor, input: { holders, recovery: false } });
    if (kernel.state.agents.size === 0) {
      await registerAgents(kernel);
      await giveLevels(kernel);
      if (this.random.below(2) === 0) await giveGrantSets(kernel);
    }
    return this.#startEffects(kernel, store);
  }

  #startEffects(kernel: Kernel, store: ModelStore): Process {
    const brake = new EmergencyBrake({ monotonicMs: () => this.monotonicMs, timeout: () => this.#term() });
    const onCall = (request: ExecuteRequest, kind: ActionKind): void => this.#hooks.onCall(this, request, kind);
    const onEffect = (request: ExecuteRequest): void => this.#hooks.onEffect(this, request);
    const executor = modelExecutor({ world: this.outside, random: this.random, turns: this.turns, onCall, onEffect });
    const payload = async (seq: number) => {
      if (this.erased.has(seq)) throw new AppError("payload-erased", "its key is destroyed");
      const body = openPayload(await readLeaf(store, seq), await store.readPayload(seq), ORIGIN, keyEncryptionKey);
      return this.random.below(20) === 0 ? withAnotherPlan(body) : body;
    };
    const runner = new EffectRunner({
      kernel,
      brake,
      payloads: { payload, event: async (seq) => (await readLeaf(store, seq)).event },
      executors: new Map(executor.kinds.map(({ kind }) => [kind, executor])),
      classifier: modelClassifier(this.random, this.turns),
      registered: (ids) => this.people.registered(ids),
      origin: ORIGIN,
      tickets: { prefix: ORIGIN, resolvedState: 6, closeCode: "Resolved by caller" },
      teams: TEAMS,
      health: modelHealth(this.random, this.turns),
      checksOf: (hash, name) =>
        hash === bundle.hash ? bundle.verifications.find((one) => one.name === name)?.checks : undefined,
      predictor: modelPredictor(this.random, this.turns),
      images: NO_IMAGE_VERIFIER,
      budgets: { covers: () => false, ask: () => Promise.resolve(null) },
      predictTimeout: () => this.#term(),
      relater: modelRelater(this.random, this.turns),
      explainer: modelExplainer(this.random, this.turns),
      explainTimeout: () => this.#term(),
      relateTimeout: () => this.#term(),
      probeTimeout: () => this.#term(),
      classifyTimeout: () => this.#term(),
      planTimeoutMs: 0,
      stepTimeoutMs: 0,
      nowMs: () => this.nowMs,
      laneMax: 32,
      onProblem: () => undefined,
    });
    followLedger({ brake, kernel });
    runner.sweep();
    return { kernel, runner, brake };
  }

  #term(): AbortSignal {
    const controller = new AbortController();
    this.#terms.push(controller);
    return controller.signal;
  }

  /** The time of every call under way is up. */
  endTerms(): void {
    for (const term of this.#terms.splice(0)) term.abort();
  }

  /** The process is gone between any two steps; the disk keeps what it keeps. */
  crash(): void {
    this.#dead = true;
    this.process = null;
    this.#terms = [];
    this.turns.drop();
    this.disk.crash(this.random);
    this.crashes++;
  }

  /** One waiting step goes, and all that follows from it without waiting again. */
  async turn(): Promise<boolean> {
    const went = this.turns.next();
    await settle();
    return went;
  }

  /** Submits as the edge does; null for what was refused or never answered. */
  ask(command: Command): Promise<Reply | null> {
    const kernel = this.process?.kernel;
    if (kernel === undefined) return Promise.resolve(null);
    return kernel.submit(command).catch(() => null);
  }
}

/** What a store might hand over in the place of what was written: it would do more, and be taken back by something else. */
function withAnotherPlan(body: Json): Json {
  const { plan } = body as { readonly plan?: JsonObject & Plan };
  if (plan === undefined) return body;
  const inverse = plan.inverse === null ? null : { ...(plan.inverse as JsonObject), args: { number: 99 } };
  return { ...(body as JsonObject), plan: { ...plan, calls: [...plan.calls, "more"], inverse } };
}

/** Those that propose from the start. */
export const AGENTS = [
  { id: "agent:one", person: null },
  { id: "agent:two", person: "ada" },
] as const;

async function registerAgents(kernel: Kernel): Promise<void> {
  for (const { id } of AGENTS) {
    const input = registrationProposal(registrationOf(id), "owner");
    const { subject } = await kernel.submit({ type: "propose-action", actor: "person:owner", input });
    const planHash = kernel.state.actions.get(subject)?.planHash ?? "";
    const who = { id: "person:registrar", kind: "person", person: "registrar", roles: ["owner"] } as const;
    const answerer = { ...who, owner: null, models: [] };
    const proposer = { owner: null, models: [] };
    const answer = { action: subject, decision: "approve", planHash, answerer, proposer, present: [] } as const;
    await kernel.submit({ type: "answer-hold", actor: "person:registrar", input: answer });
  }
}

const BEN = { id: "person:ben", kind: "person", person: "ben", roles: ["owner"], owner: null, models: [] } as const;

/** Mostly high enough that something happens; a crash before it is durable leaves agents with none. */
async function giveLevels(kernel: Kernel): Promise<void> {
  for (const { id: agent } of AGENTS) {
    const scope = { agent, expiresAt: kernel.state.time + TERMS.levelMs };
    const input = levelProposal(scope, { agentKind: "person", person: "ada" });
    const { subject } = await kernel.submit({ type: "propose-action", actor: "person:ada", input });
    const answer = { action: subject, decision: "approve", planHash: input.planHash ?? "" } as const;
    const who = { answerer: BEN, present: [], proposer: { owner: null, models: [] } };
    await kernel.submit({ type: "answer-hold", actor: BEN.id, input: { ...answer, ...who } });
  }
}

const CID = { ...BEN, id: "person:cid", person: "cid", roles: ["on-call", "dba", "sre"] } as const;

/** Enough that agents go ahead where people would be asked, and meet there. */
async function giveGrantSets(kernel: Kernel): Promise<void> {
  for (const { id: agent } of AGENTS) {
    const scope = { agent, count: 6, expiresAt: kernel.state.time + 30 * 60_000 };
    const input = grantSetProposal(scope, { agentKind: "person", person: "ada" });
    const { subject } = await kernel.submit({ type: "propose-action", actor: "person:ada", input });
    const answer = { action: subject, decision: "approve", planHash: input.planHash ?? "" } as const;
    const who = { answerer: CID, present: [], proposer: { owner: null, models: [] } };
    await kernel.submit({ type: "answer-hold", actor: CID.id, input: { ...answer, ...who } });
  }
}

const FAILURES = {
  "failed-kept": 0.01,
  "failed-lost": 0.01,
  "failed-torn": 0.01,
  "answer-lost": 0.01,
  full: 0.005,
  "read-only": 0.005,
  slow: 0.05,
} as const;

/** Lets every promise that can go on do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
