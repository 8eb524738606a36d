// AuthZEN Access Request and Approval Profile, draft 1: requests of what was denied for want of an approval. A request is a
// proposal that nobody carries out but who asked for it.

import { canonicalJson } from "../../core/canonical-json.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { accessRequestSchema, accessTaskSchema, type AccessCall } from "../../wire/schemas/access.ts";
import type { ClientScope } from "../../wire/types/scopes.ts";
import { boundCall, callHash, placeOf, type Placed } from "../access-calls.ts";
import { approvalOf, begin, instant, isRequestable, statusOf, type Asking } from "../access-decisions.ts";
import { admitWrite, idempotencyKey, idOf, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import type { Services } from "../services.ts";

/** What a requester's clock may be behind. */
const SKEW_MS = 30_000;
const REASON_CHARS_MAX = 4_000;

async function requestAccess(context: RouteContext): Promise<unknown> {
  const { request, reply } = context;
  const { services, identity } = await begin(context);
  const body = parseWith(accessRequestSchema, request.body, "request-invalid");
  admitWrite(services, identity);
  const placed = checkPlace(services, body);
  requireScope(identity, `actions:propose:${placed.kind}` as ClientScope);
  const { call, denial } = checkBinding({ services, identity }, body);
  const { business_justification: justification } = body.context ?? {};
  const reason = typeof justification === "string" ? justification.slice(0, REASON_CHARS_MAX) : null;
  const secret = services.actions.findSecret(`${reason ?? ""}\n${canonicalJson(call)}`);
  if (secret !== null) throw new AppError("secret-detected", "leave the secret out", { kind: secret });
  const planHash = callHash(call);
  const { kind, target } = placed;
  const answer = await services
    .submit({
      type: "propose-action",
      actor: identity.id,
      input: {
        kind,
        environment: target.environment,
        service: target.service,
        resource: target.resource ?? null,
        agentKind: identity.kind,
        person: identity.person,
        ...(identity.actsFor === undefined ? {} : { actsFor: identity.actsFor }),
        requestHash: planHash,
        planHash,
        repeat: "idempotent",
        effect: "none",
        reversible: false,
        // The same denial asked for twice is one request.
        idempotencyKey:
          idempotencyKey(request.headers["idempotency-key"], identity) ?? `${identity.id} ${denial.evaluation}`,
      },
      content: {
        args: call,
        // What is approved is the call itself: whoever asked makes it.
        plan: { kind, calls: [call], diff: call, fingerprint: null, inverse: null, reversible: false },
        reason,
        evaluation: denial.evaluation,
      },
    })
    .catch((error: unknown) => {
      if (!isAppError(error, "idempotency-conflict")) throw error;
      throw new AppError("access-request-duplicate", error.message);
    });
  const task = await taskOf(services, answer.subject);
  const isOver = (task["task"] as JsonObject)["status"] !== "pending";
  void reply.header("location", statusEndpoint(services, answer.subject)).code(isOver ? 201 : 202);
  return task;
}

function checkPlace(services: Services, call: AccessCall): Placed {
  const placed = placeOf(call);
  if (!("problem" in placed) && isRequestable(services, placed)) return placed;
  throw new AppError("access-not-requestable", "Holdpoint carries this out itself: propose it at /v1/actions");
}

type Bound = { readonly call: JsonObject; readonly denial: { readonly evaluation: string } };

/** The call that was denied, as it was denied. Throws what the profile names. */
function checkBinding(
  { services, identity }: Asking,
  body: AccessCall & {
    readonly denial: { readonly binding_token: string; readonly evaluation_id?: string | undefined };
  },
): Bound {
  const denial = services.access.open(body.denial.binding_token);
  const isNamed = body.denial.evaluation_id === undefined || body.denial.evaluation_id === denial?.evaluation;
  if (denial === null || denial.caller !== identity.id || !isNamed) {
    throw new AppError("access-binding-invalid", "the binding token is not one that this caller was given");
  }
  if (services.nowMs() > denial.expiresAt + SKEW_MS) {
    throw new AppError("access-denial-expired", "evaluate again, and request that denial");
  }
  const call = boundCall(body, denial.context);
  if (callHash(call) !== denial.call) {
    throw new AppError("access-binding-invalid", "subject, action, resource or context differ from what was denied");
  }
  return { call, denial };
}

function statusEndpoint(services: Services, action: string): string {
  return `${services.sessions.url}/access/v1/requests/${services.access.handle("arq", action)}`;
}

async function taskOf(services: Services, id: string): Promise<JsonObject> {
  await services.views.caughtUp();
  const action = services.views.reader.find("actions", id);
  if (action === null) throw new AppError("access-task-unknown", "no such access request");
  const status = statusOf(action);
  const endpoint = statusEndpoint(services, id);
  const { hold, code } = action;
  const task = {
    id: services.access.handle("arq", id),
    status,
    status_endpoint: endpoint,
    ...(hold === null ? {} : { expires_at: instant(hold.deadline), progress: { current_step: hold.step + 1 } }),
    ...(status === "pending" ? { links: { cancel: `${endpoint}/cancel` } } : {}),
    ...(status === "pending" || code === null ? {} : { reason: code }),
  };
  if (status !== "approved") return { task };
  return { task, result: { mode: "reevaluate", approval: approvalOf(services, action) } };
}

/** The action behind a handle, for whoever requested it: in the words for what does not exist to everybody else. */
async function ownTask({ services, identity }: Asking, handle: string): Promise<string> {
  const id = services.access.actionOf("arq", handle);
  if (id !== null) {
    await services.views.caughtUp();
    if (services.views.reader.find("actions", id)?.agent === identity.id) return id;
  }
  throw new AppError("access-task-unknown", "no such access request");
}

async function readTask(context: RouteContext): Promise<unknown> {
  const asking = await begin(context);
  const task = await taskOf(asking.services, await ownTask(asking, handleOf(context)));
  if ((task["task"] as JsonObject)["status"] === "pending") void context.reply.header("retry-after", "5");
  return task;
}

async function cancelTask(context: RouteContext): Promise<unknown> {
  const asking = await begin(context);
  const { services, identity } = asking;
  const id = await ownTask(asking, handleOf(context));
  admitWrite(services, identity);
  const input = { action: id, code: "cancelled-by-request" };
  await services.submit({ type: "cancel-action", actor: identity.id, input }).catch((error: unknown) => {
    if (!isAppError(error, "action-not-cancellable")) throw error;
    throw new AppError("access-task-state", error.message);
  });
  return taskOf(services, id);
}

function handleOf({ request }: RouteContext): string {
  return idOf(request.params);
}

const task = {
  status: 200,
  schema: accessTaskSchema,
  what: "The request, and once it is approved its approval",
} as const;

export const accessRequestRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/access/v1/requests",
    operationId: "requestAccess",
    summary: "Request what was denied for want of an approval (AuthZEN Access Request and Approval Profile, draft 1).",
    auth: { scope: "actions:propose:<kind>" },
    body: { schema: accessRequestSchema, type: "application/json" },
    response: { ...task, status: 202, also: { status: 201, what: "It was decided at once" } },
    errors: [
      "request-invalid",
      "access-not-requestable",
      "access-denial-expired",
      "access-binding-invalid",
      "access-request-duplicate",
      "secret-detected",
      "rate-limited",
    ],
    handle: requestAccess,
  },
  {
    method: "GET",
    path: "/access/v1/requests/:id",
    operationId: "getAccessRequest",
    summary: "How an access request stands; once approved, the approval to evaluate again with.",
    auth: { scope: "" },
    response: task,
    errors: ["access-task-unknown", "views-behind"],
    handle: readTask,
  },
  {
    method: "POST",
    path: "/access/v1/requests/:id/cancel",
    operationId: "cancelAccessRequest",
    summary: "Take an access request back.",
    auth: { scope: "" },
    response: task,
    errors: ["access-task-unknown", "access-task-state"],
    handle: cancelTask,
  },
];
