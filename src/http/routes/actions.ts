// Routes of actions: propose, read, cancel, explain, prove.

import { AppError, isAppError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import {
  batchAnswerSchema,
  batchSchema,
  cancelSchema,
  decisionSchema,
  documentSchema,
  listQuerySchema,
  pageSchema,
  proposalSchema,
  revertSchema,
} from "../../wire/schemas/api.ts";
import { KERNEL_DOMAINS } from "../../wire/schemas/kernel-kinds.ts";
import { domainsOf, type RiskDomain } from "../../wire/types/risk.ts";
import type { Identity } from "../../wire/types/identity.ts";
import { hasEnded } from "../../kernel/state.ts";
import type { ActionView } from "../../wire/types/views.ts";
import { hasScope } from "../../wire/types/scopes.ts";
import { listView, NOTHING, readView } from "../listing.ts";
import { waitFor, waitMsOf } from "../action-waits.ts";
import { decisionOf } from "../decision.ts";
import { proposeBatch } from "../propose-batch.ts";
import { propose, proposeAs } from "../propose.ts";
import { admitWrite, identify, idOf, parseWith, requireScope } from "../request.ts";
import { revertOf } from "../revert.ts";
import type { Route, RouteContext } from "../route.ts";
import type { Services } from "../services.ts";

async function cancelAction({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  const action = idOf(request.params);
  if (!hasScope(identity, "actions:cancel") && !(await isOwn(services, { identity, action }))) {
    throw new AppError("scope-insufficient", "this needs the scope actions:cancel", { scope: "actions:cancel" });
  }
  parseWith(cancelSchema, request.body ?? {}, "request-invalid");
  admitWrite(services, identity);
  const input = { action, code: "cancelled-by-request" };
  try {
    return decisionOf(await services.submit({ type: "cancel-action", actor: identity.id, input }));
  } catch (error) {
    // Looked for only now: what is to be stopped waits for no view.
    if (!isAppError(error, "action-not-cancellable") || (await findAction(services, action)) !== null) throw error;
    throw new AppError("action-not-found", NOTHING, { id: action });
  }
}

/** Decided by policy like any proposal, and needs the scope to propose what takes the action back. */
async function revertAction(context: RouteContext): Promise<unknown> {
  const { services, request } = context;
  const identity = await identify(services, request);
  const { reason } = parseWith(revertSchema, request.body, "request-invalid");
  const action = await readVisible(services, { identity, id: idOf(request.params) });
  const { body, undoing } = await revertOf(services, { identity, action, reason });
  return proposeAs(identity, context, body, undoing);
}

/** Whoever proposed an action may take it back. */
async function isOwn(services: Services, of: { identity: Identity; action: string }): Promise<boolean> {
  return (await findAction(services, of.action))?.agent === of.identity.id;
}

async function findAction({ views }: Services, id: string): Promise<ActionView | null> {
  await views.caughtUp();
  return views.reader.find("actions", id);
}

/** One action with its timeline and, for those who may read contents, what was proposed and planned, for those who may read contents. */
async function readAction(context: RouteContext): Promise<unknown> {
  const { services, request, reply } = context;
  const identity = await identify(services, request);
  const found = await readVisible(services, { identity, id: idOf(request.params) });
  const waitMs = waitMsOf(request, reply);
  const isThere = ({ status }: ActionView): boolean => hasEnded(status);
  const document = waitMs === 0 ? found : await waitFor(services, { id: found.id, isThere, waitMs });
  const { events: _events, eventsOmitted: timelineOmitted, ...shown } = document;
  const timeline = await services.ledger.timeline(document);
  const read = { ...shown, ...domainsIn(services, document), timeline, timelineOmitted };
  const isReader = hasScope(identity, "payloads:read");
  if (!isReader && document.agent !== identity.id) return read;
  const content = await contentOf(services, document);
  if (!isReader || document.labels.length === 0) return { ...read, content };
  return { ...read, content, labels: await withReasons(services, document.labels) };
}

/** Which risk domains it bears on, and which what takes it back: nobody is asked about that again where its checks fail. */
function domainsIn(services: Services, { kind, effect, findings, undoneBy }: ActionView) {
  const ofKind = (name: string): readonly RiskDomain[] => services.actions.kinds.get(name)?.risks ?? [];
  const own = effect === "kernel" ? KERNEL_DOMAINS : ofKind(kind);
  return { domains: domainsOf(own, findings), undoDomains: undoneBy === null ? [] : ofKind(undoneBy) };
}

async function withReasons(services: Services, labels: ActionView["labels"]): Promise<unknown> {
  return Promise.all(
    labels.map(async (label) => ({ ...label, ...((await payloadOf(services, label.seq)) as { reason?: string }) })),
  );
}

/** Nothing where it was erased. */
async function payloadOf(services: Services, seq: number): Promise<Json> {
  return services.ledger.payload(seq).catch((error: unknown) => {
    if (isAppError(error, "payload-erased")) return {};
    throw error;
  });
}

/** Why no plan could be made is told with the refusal, where there is more to tell than its code. */
function refusedSeq({ status, planHash, events }: ActionView): number | null {
  return status === "refused" && planHash === null ? (events.at(-1) ?? null) : null;
}

/** The event that holds the plan by which it would be taken back, as a dry run found it. */
function inversePlanSeq({ inverseCheck }: ActionView): number | null {
  return inverseCheck?.result === "planned" ? inverseCheck.seq : null;
}

/** What was proposed, what was planned and what a step did; a part that was erased, or never there, says so by its code. */
async function contentOf(services: Services, document: ActionView): Promise<Json> {
  const content: Record<string, Json> = {};
  const { contentSeq, planSeq, stepEnd } = document;
  const stepSeq = stepEnd?.seq ?? null;
  const refused = refusedSeq(document);
  for (const seq of new Set([contentSeq, planSeq, refused, inversePlanSeq(document), stepSeq])) {
    if (seq === null) continue;
    try {
      const said = await services.ledger.payload(seq);
      Object.assign(content, seq === stepSeq ? { outcome: outcomeOf(seq, said) } : said);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (seq === refused && error.code === "event-not-found") continue;
      content["missing"] = error.code;
    }
  }
  return content;
}

/** How it left its target is for whoever plans its revert, and nothing to read. */
function outcomeOf(seq: number, said: Json): Json {
  const { reference = null, detail = null } = (said ?? {}) as { readonly reference?: Json; readonly detail?: Json };
  return { seq, reference, detail };
}

/** Agents see their own actions; reading all of them is a scope. */
async function readVisible(services: Services, of: { identity: Identity; id: string }): Promise<ActionView> {
  const document = await readView(services, { view: "actions", id: of.id, code: "action-not-found" });
  if (document.agent !== of.identity.id && !hasScope(of.identity, "actions:read")) {
    // In the words for what does not exist: nobody learns here which ids do.
    throw new AppError("action-not-found", NOTHING, { id: of.id });
  }
  return document;
}

/** The runbook that an action is: Markdown, for whoever may read its content. */
async function readDocument({ services, request, reply }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  const action = await readVisible(services, { identity, id: idOf(request.params) });
  if (action.agent !== identity.id) requireScope(identity, "payloads:read");
  const content = action.planSeq === null ? null : await services.ledger.payload(action.planSeq);
  const { markdown } = (content as { plan?: { diff?: { markdown?: unknown } } } | null)?.plan?.diff ?? {};
  if (action.kind !== "runbook.document" || typeof markdown !== "string") {
    throw new AppError("document-missing", "the action is no runbook", { action: action.id });
  }
  const text = `${markdown}\n---\n${action.id}: ${action.status}\n`;
  return reply.type("text/markdown; charset=utf-8").header("content-disposition", "attachment").send(text);
}

async function explainAction({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  const document = await readVisible(services, { identity, id: idOf(request.params) });
  return services.ledger.explain(document);
}

async function receiptOf({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  const document = await readVisible(services, { identity, id: idOf(request.params) });
  return services.ledger.receipt(document.statusSeq);
}

const BATCH_BYTES_MAX = 1_048_576;

const read = { status: 200, schema: documentSchema, what: "The document" } as const;
const decided = { status: 200, schema: decisionSchema, what: "What happened to the action" } as const;

export const actionRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/actions",
    operationId: "proposeAction",
    summary:
      "Propose an action. Answers 200 when it is decided, 202 while a plan, a person or its execution is awaited.",
    auth: { scope: "actions:propose:<kind>" },
    body: { schema: proposalSchema, type: "application/json" },
    response: { ...decided, also: { status: 202, what: "It waits for a plan, a person or its execution" } },
    errors: [
      "request-invalid",
      "action-kind-unknown",
      "arguments-invalid",
      "secret-detected",
      "name-suspicious",
      "window-invalid",
      "evidence-unknown",
      "idempotency-conflict",
      "rate-limited",
      "overloaded",
      "commit-unknown",
    ],
    handle: (context) => propose(context, context.request.body),
  },
  {
    method: "POST",
    path: "/v1/actions/batch",
    operationId: "proposeActions",
    summary: "Propose up to 32 actions, each judged and answered by itself, in order.",
    auth: { scope: "actions:propose:<kind>" },
    body: { schema: batchSchema, type: "application/json" },
    bodyBytesMax: BATCH_BYTES_MAX,
    response: { status: 200, schema: batchAnswerSchema, what: "What became of each, in its place" },
    errors: ["request-invalid"],
    handle: proposeBatch,
  },
  {
    method: "GET",
    path: "/v1/actions",
    operationId: "listActions",
    summary: "List actions, the newest first.",
    auth: { scope: "actions:read" },
    query: listQuerySchema,
    response: { status: 200, schema: pageSchema, what: "One page" },
    errors: ["query-invalid", "views-behind"],
    handle: (context) => listView(context, { view: "actions", scope: "actions:read" }),
  },
  {
    method: "GET",
    path: "/v1/actions/:id",
    operationId: "getAction",
    summary: "One action with its timeline, verdicts and, for those who may read it, its content.",
    auth: { scope: "actions:read" },
    response: read,
    errors: ["action-not-found", "views-behind"],
    handle: readAction,
  },
  {
    method: "GET",
    path: "/v1/actions/:id/explain",
    operationId: "explainAction",
    summary: "Who approved the agent's authority, what constrained the action, how the decision was reached.",
    auth: { scope: "actions:read" },
    response: read,
    errors: ["action-not-found"],
    handle: explainAction,
  },
  {
    method: "GET",
    path: "/v1/actions/:id/document",
    operationId: "getDocument",
    summary: "A `runbook.document` as Markdown with boxes to check, and how the action stands.",
    auth: { scope: "actions:read" },
    response: { status: 200, type: "text/markdown", what: "The runbook" },
    errors: ["action-not-found", "document-missing", "payload-erased", "views-behind"],
    handle: readDocument,
  },
  {
    method: "GET",
    path: "/v1/actions/:id/receipt",
    operationId: "getReceipt",
    summary: "Offline proof that the event which brought the action to its status is in the ledger (DSSE, in-toto).",
    auth: { scope: "actions:read" },
    response: read,
    errors: ["action-not-found", "event-not-found"],
    handle: receiptOf,
  },
  {
    method: "POST",
    path: "/v1/actions/:id/cancel",
    operationId: "cancelAction",
    summary: "Take back an action of which no step has started.",
    auth: { scope: "actions:cancel" },
    body: { schema: cancelSchema, type: "application/json" },
    response: decided,
    errors: ["action-not-cancellable", "action-not-found"],
    handle: cancelAction,
  },
  {
    method: "POST",
    path: "/v1/actions/:id/revert",
    operationId: "revertAction",
    summary: "Propose the recorded inverse of a finished action, as an action of its own that policy decides.",
    auth: { scope: "actions:propose:<kind>" },
    body: { schema: revertSchema, type: "application/json" },
    response: { ...decided, also: { status: 202, what: "It waits for a plan, a person or its execution" } },
    errors: [
      "action-not-found",
      "action-not-revertible",
      "people-only",
      "payload-erased",
      "action-kind-unknown",
      "idempotency-conflict",
      "rate-limited",
    ],
    handle: revertAction,
  },
];
