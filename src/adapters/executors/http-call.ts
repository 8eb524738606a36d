// Calls over HTTP that configuration names one by one: an agent chooses among them, and never where they go or how.

import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { AppError } from "../../core/errors.ts";
import type { Clock } from "../../core/clock.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Egress } from "../../wire/contracts/egress.ts";
import type {
  ActionKind,
  ExecuteRequest,
  Executor,
  Plan,
  PlanRequest,
  Reach,
  StepOutcome,
} from "../../wire/contracts/executor.ts";
import { argumentsJsonSchema, httpCallArguments, parseArguments } from "../../wire/schemas/executor-arguments.ts";
import type { HttpConfig, HttpOperation } from "../../wire/schemas/executors-config.ts";
import { parseOrigin } from "../../wire/schemas/origin.ts";
import { IRREVERSIBLE } from "../../wire/types/approvals.ts";
import { boundTarget, boundTo, isFor } from "./bound-target.ts";
import { knownLeft } from "./known-left.ts";
import { answeredReach, missingReach } from "./reach.ts";
import { readSecret } from "./secret-reading.ts";
import { writeOutcome } from "./step-outcomes.ts";

const shared = {
  argumentsSchema: argumentsJsonSchema(httpCallArguments),
  planning: "pure",
  effect: "external",
  reversible: true,
  risks: ["configuration", "performance"],
} as const;
/** Which of the two an operation is of follows from what its configuration says of a repeat. */
const REPEATABLE: ActionKind = {
  ...shared,
  kind: "http.call",
  title: "Call a configured operation",
  repeat: "idempotent",
};
const ONCE: ActionKind = {
  ...shared,
  kind: "http.call-once",
  title: "Call a configured operation that must not be repeated",
  repeat: "neither",
};

export interface HttpParts {
  readonly config: HttpConfig;
  readonly egress: Egress;
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Keeps this log's actions apart from those of other installations at the same place. */
  readonly installation: string;
}

type Find = (name: string) => HttpOperation | undefined;

/** Offers `http.call` and `http.call-once`. Throws `config-invalid` for an unusable address. */
export function createHttpExecutor(parts: HttpParts): Executor {
  const operations = new Map(parts.config.operations.map((one) => [one.name, one]));
  for (const { baseUrl } of operations.values()) parseOrigin(baseUrl);
  const find: Find = (name) => operations.get(name);
  return {
    kinds: [REPEATABLE, ONCE],
    credentials: tokenRefsOf(parts.config),
    plan: async (request) => planCall(find, request),
    execute: (request, signal) => sendCall(parts, find, request, signal),
    // Nothing says how to ask: what may be repeated is, and the rest is for people.
    reconcile: () => Promise.resolve({ status: "unclear", detail: { code: "cannot-be-asked" } }),
    probe: (signal) => probeOperations(parts, signal),
  };
}

function tokenRefsOf({ operations }: HttpConfig): readonly string[] {
  return [...new Set(operations.map(({ tokenRef }) => tokenRef).filter((ref) => ref !== undefined))];
}

/** Nobody knows what a call would do there: only whether the place answers is asked, without a token, once for each. */
async function probeOperations(parts: HttpParts, signal: AbortSignal): Promise<readonly Reach[]> {
  const { operations } = parts.config;
  const tokens = await Promise.all(
    operations.map(async ({ tokenRef }) =>
      tokenRef === undefined ? null : readSecret(parts.credentials, tokenRef, signal),
    ),
  );
  const origins = operations.flatMap(({ baseUrl }, index) =>
    tokens[index] === undefined ? [] : [parseOrigin(baseUrl)],
  );
  const asked = [...new Set(origins)].map(async (origin) => {
    const request = { method: "GET", origin, path: "/", headers: {} } as const;
    return [origin, await parts.egress.callTo(origin)(request, signal)] as const;
  });
  const answers = new Map(await Promise.all(asked));
  return operations.map(({ name, baseUrl }, index) => {
    const target = `operation ${name}`;
    return tokens[index] === undefined
      ? missingReach(target)
      : answeredReach(target, answers.get(parseOrigin(baseUrl)));
  });
}

function planCall(find: Find, request: PlanRequest): Plan {
  const { operation: name, body } = parseArguments(httpCallArguments, request.args);
  const operation = find(name);
  if (operation === undefined || !isOffered(operation, request)) {
    throw new AppError("arguments-invalid", `the target has no operation ${name} of this kind`, { operation: name });
  }
  const { method, path, baseUrl, undo, etag, repeat, irreversible } = operation;
  const undone = undo === undefined ? undefined : find(undo);
  const inverse = undone === undefined ? null : inverseOf(request, undone);
  const terms = { target: boundTo(request.target), repeat, irreversible };
  const call = { operation: name, method, origin: parseOrigin(baseUrl), path, ...terms, ...onlyIf(request) };
  const percents = operation.phases;
  if (percents !== undefined && Object.hasOwn(body ?? {}, "percent")) {
    throw new AppError("arguments-invalid", "how much of it is done at a time is configured", { operation: name });
  }
  const bodies = percents?.map((percent) => ({ ...body, percent })) ?? [body ?? null];
  return {
    kind: request.kind,
    calls: bodies.map((one) => ({ ...call, body: one as Json })),
    diff: {
      calls: `${method} ${path}`,
      operation: name,
      body: (body ?? null) as Json,
      ...inPhases(percents),
      ...(inverse === null ? {} : { takenBack: etag ? "unless-changed-since" : "changes-since-are-not-seen" }),
    },
    ...inPhases(percents),
    inverse,
    ...(inverse === null || etag ? {} : { blind: true as const }),
    reversible: inverse !== null,
    fingerprint: null,
    ...(irreversible ? { signature: IRREVERSIBLE } : {}),
  };
}

/** Taking back what left a tag is asked for while that is still what stands there. Throws `target-moved` for what told none. */
function onlyIf(request: PlanRequest): { readonly ifMatch?: string } {
  const left = knownLeft(request);
  if (left === undefined) return {};
  if (left !== UNTOLD) return { ifMatch: left };
  throw new AppError("target-moved", "its answer had no tag: what was changed since would not be seen");
}

function inPhases(percents: readonly number[] | undefined): { readonly phases?: readonly string[] } {
  return percents === undefined ? {} : { phases: percents.map((percent) => `${percent} %`) };
}

function isOffered(operation: HttpOperation, { kind, target }: PlanRequest): boolean {
  return isFor(operation, target) && kindOf(operation.repeat) === kind;
}

function kindOf(repeat: HttpOperation["repeat"]): string {
  return repeat === "idempotent" ? REPEATABLE.kind : ONCE.kind;
}

function inverseOf({ target }: PlanRequest, { name, repeat }: HttpOperation): JsonObject {
  return { kind: kindOf(repeat), target: { ...target }, args: { operation: name } };
}

/** RFC 9110 §8.8.3; a weak one never matches in `If-Match`. */
const STRONG_TAG = /^"[\x21\x23-\x7e]{0,200}"$/;
/** What an operation left whose answer should have had a tag and had none. */
const UNTOLD = "untold";

const callSchema = z.strictObject({
  operation: z.string(),
  method: z.enum(["POST", "PATCH"]),
  origin: z.string(),
  path: z.string(),
  target: boundTarget,
  repeat: z.enum(["idempotent", "neither"]),
  irreversible: z.boolean(),
  body: z.record(z.string(), z.unknown()).nullable(),
  ifMatch: z.string().regex(STRONG_TAG).optional(),
});

async function sendCall(
  parts: HttpParts,
  find: Find,
  request: ExecuteRequest,
  outer: AbortSignal,
): Promise<StepOutcome> {
  // What is taken back, or has one phase, is one call; without a phase it is the last: all of it.
  const { phase = request.plan.calls.length } = request;
  const parsed = callSchema.safeParse(request.plan.calls[phase - 1]);
  const operation = parsed.success ? find(parsed.data.operation) : undefined;
  if (!parsed.success || operation === undefined || !isAsConfigured(parsed.data, operation, phase)) {
    return { status: "failed", code: "plan-invalid", detail: null };
  }
  const signal = AbortSignal.any([outer, AbortSignal.timeout(request.timeoutMs)]);
  const { tokenRef } = operation;
  const token = tokenRef === undefined ? null : await readSecret(parts.credentials, tokenRef, signal);
  if (token === undefined) {
    return signal.aborted
      ? { status: "retry", afterMs: 5_000, code: "aborted", detail: null }
      : { status: "failed", code: "credential-missing", detail: { secretRef: tokenRef ?? "" } };
  }
  const { method, origin, path, body, ifMatch } = parsed.data;
  const headers = {
    "content-type": "application/json",
    "idempotency-key": `"${parts.installation}:${request.idempotencyKey}"`,
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(ifMatch === undefined ? {} : { "if-match": ifMatch }),
  };
  const sent = { method, origin, path, headers, body: canonicalJson((body ?? {}) as JsonObject) };
  const answer = await parts.egress.callTo(origin)(sent, signal);
  if (answer.kind === "answered" && answer.status >= 200 && answer.status < 300) {
    const { status } = answer;
    const reference = `${parsed.data.operation}:${request.idempotencyKey}`;
    return { status: "succeeded", reference, detail: { status }, ...leftBy(operation, answer.etag) };
  }
  const isMoved = ifMatch !== undefined && answer.kind === "answered" && answer.status === 412;
  if (isMoved) return { status: "failed", code: "target-moved", detail: null };
  return writeOutcome({ answer, secrets: token === null ? [] : [token], nowMs: parts.clock.nowMs() });
}

function leftBy({ etag }: HttpOperation, tag = ""): { readonly left?: string } {
  return etag ? { left: STRONG_TAG.test(tag) ? tag : UNTOLD } : {};
}

/** The configuration may have changed since: what it does not name any more, or on other terms, is not called. */
function isAsConfigured(call: z.infer<typeof callSchema>, operation: HttpOperation, phase: number): boolean {
  const { method, path, baseUrl, repeat, irreversible, phases } = operation;
  if (phases !== undefined && call.body?.["percent"] !== phases[phase - 1]) return false;
  if (!isFor(operation, call.target) || repeat !== call.repeat || irreversible !== call.irreversible) return false;
  return method === call.method && path === call.path && parseOrigin(baseUrl) === call.origin;
}
