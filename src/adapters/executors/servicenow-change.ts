// Change control: what configuration puts under it waits until its change is approved at ServiceNow, and runs only while it is.

import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { canonicalEnvironment } from "../../core/environment.ts";
import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type {
  ActionKind,
  Awaited,
  ExecuteRequest,
  Executor,
  Plan,
  PlanRequest,
} from "../../wire/contracts/executor.ts";
import type { ChangeControl } from "../../wire/schemas/executors-config.ts";
import { ServicenowLogin, type LoginParts } from "./servicenow-login.ts";
import { jsonObjectOf, readOutcome } from "./step-outcomes.ts";

const PATH = "/api/now/table/change_request";
const FIELDS = "number,sys_id,approval,state,start_date,end_date,cmdb_ci";
const NUMBER = /^[A-Z]{2,10}\d{3,12}$/;
/** In whose name the kernel takes back what failed its checks: the end of a change does not keep anybody from that. */
const REVERTS = "system:revert";

/** Stored values: UTC, or empty where nothing is planned. */
const timeSchema = z.string().regex(/^(?:\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2})?$/);
const changeSchema = z.looseObject({
  number: z.string(),
  sys_id: z.string().regex(/^[0-9a-f]{32}$/),
  approval: z.string(),
  state: z.string(),
  start_date: timeSchema,
  end_date: timeSchema,
  /** Its sys_id, or empty. */
  cmdb_ci: z.string().default(""),
});
/** The last call of a plan under change control; null where none is needed: elsewhere, and for what the kernel takes back. */
const callSchema = z.strictObject({
  change: z.string().nullable(),
  origin: z.string(),
  path: z.literal(PATH),
  /** About which configuration items the change has to be; null where configuration names none. */
  items: z.array(z.string()).nullable().default(null),
});

export interface ChangeParts extends LoginParts {
  readonly control: ChangeControl;
}

/** `open`: it may run now. `failed`: nobody could be asked; with `afterMs`, that may pass by itself. */
type Stand =
  | { readonly kind: "open" }
  | { readonly kind: "pending" | "over"; readonly code: string }
  | { readonly kind: "failed"; readonly code: string; readonly afterMs: number | null };

/** The executor as it is for kinds under change control: their arguments name the change. Others stay as they are. */
export function underChange(inner: Executor, parts: ChangeParts): Executor {
  const changes = new Changes(parts);
  const isUnder = ({ kind }: Pick<ActionKind, "kind">): boolean => parts.control.kinds.some((one) => covers(one, kind));
  if (!inner.kinds.some(isUnder)) return inner;
  return {
    ...inner,
    kinds: inner.kinds.map((kind) => (isUnder(kind) ? withChange(kind) : kind)),
    plan: (request, signal) =>
      isUnder(request)
        ? planUnder(inner, { changes, isControlled: isUnder, request }, signal)
        : inner.plan(request, signal),
    async execute(request, signal) {
      if (!isUnder(request.plan)) return inner.execute(request, signal);
      const call = callOf(request.plan);
      // Planned before there was change control: not what anybody would approve now.
      if (call === undefined) return { status: "failed", code: "plan-invalid", detail: null };
      const stand = await changes.stand(call, signal);
      if (stand.kind === "open") return inner.execute(withoutCall(request), signal);
      return stand.kind === "failed" && stand.afterMs !== null
        ? { status: "retry", afterMs: stand.afterMs, code: stand.code, detail: null }
        : { status: "failed", code: stand.code, detail: null };
    },
    async awaited(plan, signal) {
      const call = callOf(plan);
      if (call === undefined) return inner.awaited?.(plan, signal) ?? { status: "over", code: "plan-invalid" };
      const awaited = awaitedOf(await changes.stand(call, signal));
      if (awaited.status !== "come" || inner.awaited === undefined) return awaited;
      return inner.awaited(withoutCall({ plan }).plan, signal);
    },
    reconcile: (request, signal) =>
      inner.reconcile(
        isUnder(request.plan) && callOf(request.plan) !== undefined ? withoutCall(request) : request,
        signal,
      ),
  };
}

function covers(pattern: string, kind: string): boolean {
  return pattern.endsWith(".*") ? kind.startsWith(pattern.slice(0, -1)) : pattern === kind;
}

function withChange(kind: ActionKind): ActionKind {
  const { properties } = kind.argumentsSchema as { readonly properties?: JsonObject };
  const change = { type: "string", pattern: NUMBER.source, description: "The change at ServiceNow that covers it" };
  return {
    ...kind,
    planning: "reads",
    argumentsSchema: { ...kind.argumentsSchema, properties: { ...properties, change } },
  };
}

type Kinded = { readonly kind: string };
type Planning = {
  readonly changes: Changes;
  readonly request: PlanRequest;
  readonly isControlled: (of: Kinded) => boolean;
};

function isInverse(inverse: Json): inverse is JsonObject & Kinded {
  return typeof inverse === "object" && inverse !== null && "kind" in inverse && typeof inverse["kind"] === "string";
}

/** Until it is open, the change may still become so, unless it said itself that it will not. */
function awaitedOf(stand: Stand): Awaited {
  switch (stand.kind) {
    case "open":
      return { status: "come" };
    case "over":
    case "pending":
      return { status: stand.kind, code: stand.code };
    case "failed":
      return { status: "pending", code: stand.code, afterMs: stand.afterMs ?? 0 };
  }
}

/** The change is part of the bytes that people approve. */
async function planUnder(
  inner: Executor,
  { changes, isControlled, request }: Planning,
  signal: AbortSignal,
): Promise<Plan> {
  const { change, ...args } = request.args;
  const plan = await inner.plan({ ...request, args }, signal);
  const call = changes.callFor(request, change);
  const calls = [...plan.calls, { ...call }];
  if (call.change === null) return { ...plan, calls };
  const inverse =
    isInverse(plan.inverse) && isControlled(plan.inverse) ? coveredBy(call.change, plan.inverse) : plan.inverse;
  return {
    ...plan,
    calls,
    inverse,
    // Beside what the plan shows, which risks, images and documents are read from.
    diff: { ...(jsonObject(plan.diff) ?? { does: plan.diff }), under: call.change, configurationItems: call.items },
    awaits: true,
  };
}

function jsonObject(value: Json): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** Whoever asks for it to be taken back does so under the same change. */
function coveredBy(change: string, inverse: JsonObject): JsonObject {
  return { ...inverse, args: { ...(inverse["args"] as JsonObject), change } };
}

type ChangeCall = z.output<typeof callSchema>;

function callOf({ calls }: Plan): ChangeCall | undefined {
  const parsed = callSchema.safeParse(calls.at(-1));
  return parsed.success ? parsed.data : undefined;
}

function withoutCall<T extends Pick<ExecuteRequest, "plan">>(request: T): T {
  return { ...request, plan: { ...request.plan, calls: request.plan.calls.slice(0, -1) } };
}

class Changes {
  readonly #parts: ChangeParts;
  readonly #login: ServicenowLogin;
  readonly #clock: Clock;

  constructor(parts: ChangeParts) {
    this.#parts = parts;
    this.#login = new ServicenowLogin(parts);
    this.#clock = parts.clock;
  }

  /** What is asked before a request runs. Throws `arguments-invalid` where a change has to be named. */
  callFor({ context, target }: PlanRequest, change: Json | undefined): ChangeCall {
    const { control, origin } = this.#parts;
    const isUnder = control.environments.some((one) => canonicalEnvironment(one) === target.environment);
    if (!isUnder || context["agent"] === REVERTS) return { change: null, origin, path: PATH, items: null };
    if (typeof change !== "string" || !NUMBER.test(change)) {
      throw new AppError("arguments-invalid", "it is under change control: name the change", { places: ["/change"] });
    }
    return { change, origin, path: PATH, items: itemsOf(control, target.service) };
  }

  async stand({ change: number, origin, items }: ChangeCall, signal: AbortSignal): Promise<Stand> {
    const { control, origin: here } = this.#parts;
    if (origin !== here) return { kind: "over", code: "plan-invalid" };
    if (number === null) return { kind: "open" };
    // Planned by other rules than those of now.
    if ((items === null) !== (control.configurationItems === undefined)) return { kind: "over", code: "plan-invalid" };
    const login = await this.#login.header(signal);
    if (login.kind === "refused") return failedOf(login.outcome);
    const query = `sysparm_query=${encodeURIComponent(`number=${number}`)}&sysparm_limit=2&sysparm_fields=${FIELDS}`;
    const path = `${PATH}?${query}&sysparm_display_value=false&sysparm_exclude_reference_link=true`;
    const headers = { authorization: login.authorization };
    const answer = await this.#parts.egress({ method: "GET", origin, path, headers }, signal);
    const rows = jsonObjectOf(answer)?.["result"];
    if (answer.kind !== "answered" || answer.status !== 200 || !Array.isArray(rows)) {
      return failedOf(readOutcome({ answer, secrets: login.secrets, nowMs: this.#clock.nowMs() }));
    }
    const parsed = changeSchema.safeParse(rows[0]);
    // An instance drops a condition that its caller may not use: only the change that was asked for counts.
    if (rows.length !== 1 || !parsed.success || parsed.data.number !== number) {
      return { kind: "over", code: "change-unknown" };
    }
    if (items?.includes(parsed.data.cmdb_ci) === false) return { kind: "over", code: "change-elsewhere" };
    return this.#judge(parsed.data);
  }

  #judge({ approval, state, start_date: start, end_date: end }: z.output<typeof changeSchema>): Stand {
    const nowMs = this.#clock.nowMs();
    const isOpenState = this.#parts.control.states.includes(Number(state));
    if (!isOpenState && ENDED.has(state)) return { kind: "over", code: "change-closed" };
    if (end !== "" && nowMs >= instantOf(end)) return { kind: "over", code: "change-window" };
    if (REJECTED.has(approval)) return { kind: "over", code: "change-rejected" };
    if (approval !== "approved") return { kind: "pending", code: "change-unapproved" };
    if (!isOpenState) return { kind: "pending", code: "change-unready" };
    return start === "" || instantOf(start) <= nowMs ? { kind: "open" } : { kind: "pending", code: "change-window" };
  }
}

/** Null where configuration names none at all. Throws `arguments-invalid` where it names those of other services alone. */
function itemsOf({ configurationItems }: ChangeControl, service: string): string[] | null {
  if (configurationItems === undefined) return null;
  const items = Object.hasOwn(configurationItems, service) ? configurationItems[service] : undefined;
  if (items !== undefined) return [...items];
  throw new AppError("arguments-invalid", "no configuration item is configured for the service", { service });
}

/** Review, Closed and Canceled, and Closed Skipped of the older change process: no change runs again after them. */
const ENDED: ReadonlySet<string> = new Set(["0", "3", "4", "7"]);
const REJECTED: ReadonlySet<string> = new Set(["rejected", "cancelled", "canceled"]);

function instantOf(text: string): number {
  return Date.parse(`${text.replace(" ", "T")}Z`);
}

function failedOf(outcome: ReturnType<typeof readOutcome>): Stand {
  const code = "code" in outcome ? outcome.code : outcome.status;
  return { kind: "failed", code, afterMs: outcome.status === "retry" ? outcome.afterMs : null };
}
