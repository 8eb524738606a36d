// What every executor must do, run on each of them: planning, arguments, one step. No secret in anything it says.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import type { Received, StandIn } from "../../examples/stand-ins/stand-in.ts";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { Clock } from "../../src/core/clock.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { Json, JsonObject } from "../../src/core/json.ts";
import type {
  ActionKind,
  ExecuteRequest,
  Executor,
  Plan,
  PlanRequest,
  Target,
} from "../../src/wire/contracts/executor.ts";
import { EXECUTOR_KINDS } from "../../src/wire/types/executor-kinds.ts";

export class TestClock implements Clock {
  #offsetMs = 1_790_000_000_000;
  nowMs(): number {
    return this.#offsetMs;
  }
  monotonicMs(): number {
    return this.#offsetMs;
  }
  advance(ms: number): void {
    this.#offsetMs += ms;
  }
}

export type Owner = Pick<Target, "environment" | "service">;

/** One executor before one fresh target. */
export interface Stage {
  readonly clock: TestClock;
  readonly kind: string;
  readonly args: JsonObject;
  /** A new executor over the same target, as after a restart. */
  build(): Executor;
  /** The same without any secret. */
  buildWithoutSecrets(): Executor;
  /** The same places, which configuration gives to this target; absent where it gives them to none. */
  buildFor?(target: Owner): Executor;
  /** How often the world was changed by the action. */
  effects(): number | Promise<number>;
  /** What the target found wrong with the requests. */
  complaints(): readonly string[];
  readonly standIn: StandIn | undefined;
  /** The requests that change something; failures are aimed at them. */
  readonly write: { readonly method: string; readonly path: string };
  readonly secrets: readonly string[];
  /** The question that tries the credential without an effect, for failures to be aimed at; absent where there is none. */
  readonly probe?: { readonly method: string; readonly path: string };
  /** What asking a target without a stand-in finds. */
  readonly reach?: "ready";
  close(): Promise<void>;
}

export interface Subject {
  readonly name: string;
  start(): Promise<Stage>;
}

const ACTION = "act_00000000c";
export const never = new AbortController().signal;

export function planRequest(stage: Pick<Stage, "kind" | "args">, actionId = ACTION): PlanRequest {
  return {
    actionId,
    kind: stage.kind,
    target: { environment: "production", service: "cart" },
    args: stage.args,
    context: { action: actionId, agent: "system:triage", incident: "inc_000000002", run: "run_000000003" },
  };
}

export function executeRequest(plan: Plan, timeoutMs = 30_000): ExecuteRequest {
  const justification = { decision: "allow", verdicts: [{ gate: "pager/serious", verdict: "pass", code: "ok" }] };
  const key = { idempotencyKey: ACTION, unsettled: false };
  return { plan, grantId: "grt_00000000d", ...key, justification, timeoutMs };
}

/** Everything that an executor said goes through here, and none of it may hold a secret. */
export class Listener {
  readonly #secrets: readonly string[];
  constructor(stage: Stage) {
    this.#secrets = stage.secrets.flatMap((secret) => [secret, Buffer.from(secret).toString("base64")]);
  }
  hear<T>(said: T): T {
    const text = said instanceof Error ? `${said.message} ${said.stack} ${JSON.stringify(said)}` : JSON.stringify(said);
    for (const secret of this.#secrets) assert.ok(!text.includes(secret), "a secret was said");
    return said;
  }
}

interface Opened {
  readonly stage: Stage;
  readonly executor: Executor;
  readonly plan: Plan;
  readonly listener: Listener;
}

/** A stage, an executor and a plan; what they say is scanned for secrets. */
export async function opened(subject: Subject, t: TestContext): Promise<Opened> {
  const stage = await subject.start();
  t.after(() => stage.close());
  const executor = stage.build();
  const listener = new Listener(stage);
  const plan = listener.hear(await executor.plan(planRequest(stage), never));
  return { stage, executor, plan, listener };
}

export function kindOf(executor: Executor, kind: string): ActionKind {
  const found = executor.kinds.find((candidate) => candidate.kind === kind);
  assert.ok(found !== undefined, "the stage's kind is offered");
  return found;
}

/** Registers the whole contract for one executor. */
export function executorContract(subject: Subject): void {
  testPlanning(subject);
  testArguments(subject);
  testExecution(subject);
  testBinding(subject);
  testProbe(subject);
}

/** Requests that planning may make: what changes something is a cluster's own dry run. */
function assertWithoutEffect(asked: readonly Received[]): void {
  const isLogin = /^\/oauth_token\.do$|\/access_tokens$/;
  const writes = asked.filter(({ method, path }) => method !== "GET" && !isLogin.test(path));
  assert.ok(writes.every(({ query }) => query.get("dryRun") === "All"));
}

function testPlanning(subject: Subject): void {
  test(`${subject.name}: the same request has the same plan, and planning writes nothing`, async (t) => {
    const { stage, executor, plan } = await opened(subject, t);
    for (const { kind } of executor.kinds)
      assert.ok(EXECUTOR_KINDS.has(kind), `${kind} is known also where it is not configured`);
    const again = await stage.build().plan(planRequest(stage), never);
    assert.equal(canonicalJson(again as unknown as Json), canonicalJson(plan as unknown as Json));
    const asked = stage.standIn?.received ?? [];
    if (kindOf(executor, stage.kind).planning === "pure") assert.deepEqual(asked, []);
    assertWithoutEffect(asked);
    assert.equal(await stage.effects(), 0);
  });

  test(`${subject.name}: a reversible plan names an inverse that can be planned after it ran`, async (t) => {
    const { stage, executor, plan } = await opened(subject, t);
    assert.equal(plan.reversible, plan.inverse !== null);
    if (plan.inverse !== null) {
      const outcome = await executor.execute(executeRequest(plan), never);
      assert.ok(outcome.status === "succeeded", JSON.stringify(outcome));
      const inverse = plan.inverse as unknown as PlanRequest;
      await dryRun({ stage, executor, left: outcome.left, inverse });
      await unseen({ stage, executor, left: outcome.left, inverse }, plan);
      const undo = await executor.plan(
        { ...planRequest(stage, "act_00000000z"), kind: inverse.kind, args: inverse.args },
        never,
      );
      const undone = await executor.execute({ ...executeRequest(undo), idempotencyKey: "act_00000000z" }, never);
      assert.equal(undone.status, "succeeded");
    }
  });
}

type Tried = Pick<Opened, "stage" | "executor"> & { readonly inverse: PlanRequest; readonly left: string | undefined };

/** As effects try it once the action is done: it would go, and nothing has changed by trying. */
async function dryRun({ stage, executor, left, inverse: { kind, args } }: Tried): Promise<void> {
  const [effects, asked] = [await stage.effects(), stage.standIn?.received.length ?? 0];
  const request = { ...planRequest(stage, `${ACTION}-inverse`), kind, args, context: { inverseOf: ACTION } };
  await executor.plan(left === undefined ? request : { ...request, left }, never);
  assertWithoutEffect(stage.standIn?.received.slice(asked) ?? []);
  assert.equal(await stage.effects(), effects);
}

/** Nobody saw how it was left: whoever would compare with that takes nothing back. */
async function unseen({ stage, executor, left, inverse: { kind, args } }: Tried, { blind }: Plan): Promise<void> {
  if (blind === true) return; // it is planned without the question
  const planned = executor.plan({ ...planRequest(stage, "act_00000000y"), kind, args, left: null }, never);
  if (left === undefined) await planned;
  else await assert.rejects(planned, { code: "target-moved" });
}

function testArguments(subject: Subject): void {
  test(`${subject.name}: the published schema accepts what can be planned and refuses unknown arguments`, async (t) => {
    const { stage, executor } = await opened(subject, t);
    const validate = new Ajv2020({ strict: false }).compile(kindOf(executor, stage.kind).argumentsSchema);
    assert.ok(validate(stage.args), JSON.stringify(validate.errors));
    const odd = { ...stage.args, surprise: "hunter2-surprise" };
    assert.equal(validate(odd), false);
    await assert.rejects(executor.plan({ ...planRequest(stage), args: odd }, never), (error: unknown) => {
      assert.ok(isAppError(error, "arguments-invalid"));
      assert.ok(!JSON.stringify([error.message, error.facts]).includes("hunter2"), "values are not repeated");
      return true;
    });
  });

  test(`${subject.name}: arbitrary arguments are planned or refused, and nothing else`, async (t) => {
    const { stage, executor } = await opened(subject, t);
    const pure = executor.kinds.filter((kind) => kind.planning === "pure");
    if (pure.length === 0) return; // the others ask their targets
    const text = fc.oneof(fc.string({ maxLength: 30 }), fc.string({ unit: "binary", maxLength: 30 }));
    const strange = fc.oneof(
      text,
      fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
      fc.constantFrom("\ud800", "a\nb", "\0"),
    );
    const changes = fc.dictionary(fc.constantFrom(...Object.keys(stage.args), "x", "__proto__"), strange, {
      maxKeys: 3,
    });
    const property = fc.asyncProperty(fc.constantFrom(...pure), changes, async (kind, change) => {
      const args = { ...stage.args, ...(change as JsonObject) };
      try {
        const plan = await executor.plan({ ...planRequest(stage), kind: kind.kind, args }, never);
        canonicalJson(plan as unknown as Json);
      } catch (error) {
        assert.ok(isAppError(error, "arguments-invalid"), String(error));
      }
    });
    await fc.assert(property, { numRuns: 150 });
  });
}

function testExecution(subject: Subject): void {
  test(`${subject.name}: a step runs once, and says so with a reference`, async (t) => {
    const { stage, executor, plan, listener } = await opened(subject, t);
    const outcome = listener.hear(await executor.execute(executeRequest(plan), never));
    assert.equal(outcome.status, "succeeded", JSON.stringify(outcome));
    assert.ok(outcome.status === "succeeded" && outcome.reference.length > 0);
    assert.equal(await stage.effects(), 1);
    assert.deepEqual(stage.complaints(), []);
  });

  test(`${subject.name}: a step that was stopped before it began had no effect and can be tried again`, async (t) => {
    const { stage, executor, plan } = await opened(subject, t);
    const stopped = AbortSignal.abort(new Error("stopped"));
    const outcome = await executor.execute(executeRequest(plan), stopped);
    assert.notEqual(outcome.status, "succeeded");
    assert.notEqual(outcome.status, "unknown");
    assert.equal(await stage.effects(), 0);
  });
}

const OTHERS: readonly Owner[] = [
  { environment: "staging", service: "cart" },
  { environment: "production", service: "payments" },
];

function testBinding(subject: Subject): void {
  test(`${subject.name}: what was given to another target since is not begun, and can be asked about`, async (t) => {
    const { stage, executor, plan } = await opened(subject, t);
    if (stage.buildFor === undefined) return;
    const invalid = { status: "failed", code: "plan-invalid", detail: null };
    const asked = stage.standIn?.received.length;
    for (const owner of OTHERS) {
      const outcome = await stage.buildFor(owner).execute(executeRequest(plan), never);
      assert.deepEqual(outcome, invalid, owner.environment);
    }
    const calls = plan.calls.map((call) => {
      const { target: _, ...before } = call as JsonObject;
      return before;
    });
    assert.deepEqual(await executor.execute(executeRequest({ ...plan, calls }), never), invalid, "named no target");
    assert.equal(stage.standIn?.received.length, asked, "nothing is called");
    assert.equal(await stage.effects(), 0);
    const outcome = await executor.execute(executeRequest(plan), never);
    assert.equal(outcome.status, "succeeded", JSON.stringify(outcome));
    const found = await stage.build().reconcile(executeRequest(plan), never);
    for (const owner of OTHERS) {
      assert.deepEqual(await stage.buildFor(owner).reconcile(executeRequest(plan), never), found);
    }
    assert.deepEqual(await stage.build().reconcile(executeRequest({ ...plan, calls }), never), found);
  });
}

const RISKS = new Set(["configuration", "performance", "security", "compliance"]);

function testProbe(subject: Subject): void {
  test(`${subject.name}: it says which secrets it needs and what it puts at risk, and asking its targets changes nothing`, async (t) => {
    const stage = await subject.start();
    t.after(() => stage.close());
    const executor = stage.build();
    const listener = new Listener(stage);
    assert.ok(executor.kinds.every(({ risks }) => risks.every((risk) => RISKS.has(risk))));
    assert.equal(executor.credentials.length > 0, stage.secrets.length > 0);
    const before = await stage.effects();
    const found = listener.hear(await executor.probe(never));
    assert.equal(found.length > 0, stage.standIn !== undefined || stage.reach !== undefined);
    const good = stage.reach ?? (stage.probe === undefined ? "reached" : "ready");
    for (const { target, status } of found) assert.equal(status, good, target);
    assert.equal(await stage.effects(), before);
    // Where it is not tried, the place may well complain that nobody says who asks.
    if (stage.probe !== undefined) assert.deepEqual(stage.complaints(), []);
  });
}
