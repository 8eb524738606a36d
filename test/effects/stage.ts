// The effect runner over a kernel in memory, with an outside that does what a test says: answer, refuse, hang.

import { AppError } from "../../src/core/errors.ts";
import { NO_IMAGE_VERIFIER } from "../../src/adapters/images/image-verifier.ts";
import type { Answerer } from "../../src/wire/types/approvals.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import { EmergencyBrake } from "../../src/effects/brake.ts";
import { planHashOf } from "../../src/effects/execute.ts";
import { EffectRunner } from "../../src/effects/runner.ts";
import type { Classifier } from "../../src/wire/contracts/classifier.ts";
import type {
  Awaited,
  ExecuteRequest,
  Executor,
  Plan,
  PlanRequest,
  Reconciliation,
  StepOutcome,
} from "../../src/wire/contracts/executor.ts";
import type { HealthAnswer, HealthQuestion } from "../../src/wire/contracts/health.ts";
import type { Explainer, ImpactAnswer, Relater } from "../../src/wire/contracts/predictor.ts";
import { nothingPredicted, type Prediction } from "../../src/wire/types/prediction.ts";
import type { SignalFacts } from "../../src/kernel/signal-facts.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import { signedBy } from "../kernel/agent-registration.ts";
import { bundle, Rig, settle } from "../kernel/rig.ts";

export const DONE: StepOutcome = { status: "succeeded", reference: "ref", detail: null };
const KINDS = [
  "test.free",
  "test.checked",
  "test.other",
  "test.measured",
  "pagerduty.trigger",
  "pagerduty.resolve",
  "servicenow.incident.create",
  "servicenow.incident.update",
];
export const CLASSIFICATION = {
  classification: "high",
  confidence: 0.9,
  requires_ticket: false,
  requires_paging: true,
  requires_mim: false,
  recommended_team: "sre",
};

/** Never settles: a call that ignores that it was told to end. */
export function hang(): Promise<never> {
  return new Promise(() => undefined);
}

export function planOf(args: JsonObject): Plan {
  return { kind: "test", calls: [args], diff: args, inverse: null, reversible: false, fingerprint: null };
}

export class Stage {
  readonly rig: Rig;
  readonly calls: ExecuteRequest[] = [];
  readonly problems: string[] = [];
  readonly executors = new Map<string, Executor>();
  readonly erased = new Set<number>();
  /** Every term that is running: a test ends them, no clock does. */
  readonly #terms: AbortController[] = [];
  readonly brake = new EmergencyBrake({ monotonicMs: () => this.rig.monotonicMs, timeout: () => this.#term() });
  runner: EffectRunner;
  onPlan: (args: JsonObject, request: PlanRequest) => Promise<Plan> = async (args) => planOf(args);
  onExecute: (request: ExecuteRequest, signal: AbortSignal) => Promise<StepOutcome> = async () => DONE;
  onAwaited: (plan: Plan) => Promise<Awaited> = async () => ({ status: "come" });
  onReconcile: () => Promise<Reconciliation> = async () => ({ status: "absent", detail: null });
  onHealth: (question: HealthQuestion) => Promise<HealthAnswer> = async () => ({ result: "pass", evidence: {} });
  onMeasure: () => Promise<ImpactAnswer | null> = async () => null;
  onPredict: () => Promise<Prediction> = async () => nothingPredicted("unmeasured");
  onRelate: Relater["relate"] = async () => ({ modelVersion: 0, relations: [] });
  onExplain: Explainer["explain"] = async () => null;
  onClassify: () => Promise<unknown> = async () => CLASSIFICATION;
  /** Who is registered when a step begins. */
  registered: readonly Answerer[] = [];
  tampered: ((body: JsonObject) => JsonObject) | null = null;

  readonly event = async (seq: number): Promise<LedgerEvent> => {
    const event = this.rig.writer.kept[seq];
    if (event === undefined) throw new AppError("event-not-found", "no event");
    return event;
  };

  private constructor(rig: Rig) {
    this.rig = rig;
    this.runner = this.newRunner();
  }

  static async open(): Promise<Stage> {
    const stage = new Stage(await Rig.open());
    stage.rig.admit("agent:one");
    return stage;
  }

  /** What a restart makes: a runner that knows nothing of the one before. */
  newRunner(): EffectRunner {
    const executor: Executor = {
      kinds: KINDS.map((kind) => ({ kind }) as never),
      credentials: [],
      probe: () => Promise.resolve([]),
      plan: (request) => this.onPlan(request.args, request),
      awaited: (plan) => this.onAwaited(plan),
      execute: (request, signal) => {
        this.calls.push(request);
        return this.onExecute(request, signal);
      },
      reconcile: () => this.onReconcile(),
    };
    for (const kind of KINDS) this.executors.set(kind, executor);
    const by = { provider: "test", model: "m", version: "1", promptHash: "p" };
    const classifier: Classifier = {
      identity: by,
      classify: async () => ({ answer: await this.onClassify(), by, usage: null, reasoning: "", passedOver: [] }),
    };
    return new EffectRunner({
      kernel: this.rig.kernel,
      brake: this.brake,
      payloads: { payload: (seq) => this.#payload(seq), event: this.event },
      executors: this.executors,
      classifier,
      registered: () => this.registered,
      origin: "test",
      tickets: { prefix: "test", resolvedState: 6, closeCode: "Resolved by caller" },
      teams: ["sre"],
      classifyTimeout: () => this.#term(),
      health: { ask: (question) => this.onHealth(question) },
      checksOf: (hash, name) =>
        hash === bundle.hash ? bundle.verifications.find((one) => one.name === name)?.checks : undefined,
      predictor: { predictAction: () => this.onPredict(), measureAction: () => this.onMeasure() },
      images: NO_IMAGE_VERIFIER,
      budgets: { covers: () => false, ask: () => Promise.resolve(null) },
      predictTimeout: () => this.#term(),
      relater: { relate: (ask) => this.onRelate(ask) },
      explainer: { explain: (ask) => this.onExplain(ask) },
      explainTimeout: () => this.#term(),
      relateTimeout: () => this.#term(),
      probeTimeout: () => this.#term(),
      planTimeoutMs: 1,
      stepTimeoutMs: 1,
      nowMs: () => this.rig.nowMs,
      laneMax: 32,
      onProblem: (_work, error) => this.problems.push(error instanceof AppError ? error.code : String(error)),
    });
  }

  #term(): AbortSignal {
    const controller = new AbortController();
    this.#terms.push(controller);
    return controller.signal;
  }

  async #payload(seq: number): Promise<Json> {
    if (this.erased.has(seq)) throw new AppError("payload-erased", "it was erased");
    const body = this.rig.writer.kept[seq]?.payload?.body;
    if (body === undefined) throw new AppError("event-not-found", "no payload");
    return this.tampered === null ? body : this.tampered(body as JsonObject);
  }

  /** All terms are over, and what hangs on them goes on. */
  async endTerms(): Promise<void> {
    for (const term of this.#terms.splice(0)) term.abort();
    await settle();
  }

  /** A granted action with its plan on record. */
  async grant(repeat: "idempotent" | "conditional" | "neither" = "idempotent"): Promise<string> {
    const args = { number: this.rig.state.nextSeq };
    const plan = planOf(args);
    const reply = await this.rig.kernel.submit({
      type: "propose-action",
      actor: "agent:one",
      input: {
        kind: "test.free",
        environment: "production",
        service: "cart",
        resource: null,
        agentKind: "agent",
        person: "owner",
        requestHash: planHashOf(plan),
        planHash: planHashOf(plan),
        repeat,
        effect: "external",
        reversible: false,
        idempotencyKey: `agent:one ${this.rig.state.nextSeq}`,
        signed: signedBy("agent:one", this.rig.nowMs),
      },
      content: { args, plan: plan as unknown as Json },
    });
    return reply.subject;
  }

  async signal(deliveryKey = "a:firing", of: Partial<SignalFacts> = {}): Promise<string> {
    const input = {
      source: "am",
      detector: "errors",
      status: "firing",
      environment: "production",
      service: "cart",
      signature: "s".repeat(64),
      failure: "f".repeat(64),
      deliveryKey,
      claimedSeverity: "high",
      ...of,
    } as const;
    const content = { title: "cart fails", summary: "all of it", pointers: [], component: null };
    const reply = await this.rig.kernel.submit({ type: "receive-signal", actor: "source:am", input, content });
    return reply.subject;
  }

  status(id: string): string {
    return this.rig.state.actions.get(id)?.status ?? this.rig.typesOf(id).at(-1) ?? "";
  }
}
