// Routes of signals, incidents and runs: a source's webhook in, documents out.

import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Reply } from "../../kernel/command.ts";
import type { SourceIdentity } from "../../wire/types/identity.ts";
import type { NormalizedSignal } from "../../wire/types/signal.ts";
import { documentSchema, listQuerySchema, pageSchema } from "../../wire/schemas/api.ts";
import { alertmanagerSchema } from "../../wire/schemas/alertmanager.ts";
import { listView, readView } from "../listing.ts";
import { identify, idOf, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import type { Services } from "../services.ts";

const WEBHOOK_BYTES_MAX = 4 * 1024 * 1024;

/** All alerts of one delivery are decided in one turn and share a commit; the answer comes when they are durable. */
async function receiveWebhook({ services, request, reply }: RouteContext): Promise<unknown> {
  const source = authenticateSource(services, request);
  const receivedAtMs = services.nowMs();
  const normalized = services.signals.normalize(source, request.body, receivedAtMs);
  const count = Math.max(1, normalized.length);
  services.admission.admit({ caller: source.id, kind: "signals", count, nowMs: receivedAtMs });
  const replies = await settleAll(normalized.map((one) => submitSignal(services, { source, one })));
  for (const one of replies)
    services.metrics.count("holdpoint_signals_total", "Signals by what became of them.", {
      source: source.name,
      result: one.result,
    });
  reply.code(202);
  return { signals: replies.map(({ subject, result, repeated }) => ({ id: subject, result, repeated })) };
}

/** Throws `source-unknown` or `source-secret-invalid`. */
export function authenticateSource(services: Services, request: RouteContext["request"]): SourceIdentity {
  const header = request.headers["x-holdpoint-source-secret"];
  return services.identity.source(idOf(request.params), {
    authorization: request.headers.authorization,
    sourceSecret: typeof header === "string" ? header : undefined,
  });
}

function submitSignal(
  services: Services,
  { source, one }: { source: SourceIdentity; one: NormalizedSignal },
): Promise<Reply> {
  if (one.kind === "quarantined") {
    const { reason, deliveryKey, excerpt } = one.quarantined;
    const input = { source: source.name, reason, deliveryKey };
    return services.submit({ type: "quarantine-signal", actor: source.id, input, content: { excerpt } });
  }
  const { detector, status, environment, service, signature, deliveryKey, claimedSeverity } = one.signal;
  const input = {
    source: source.name,
    detector,
    status,
    environment,
    service,
    signature,
    deliveryKey,
    claimedSeverity,
  };
  return services.submit({ type: "receive-signal", actor: source.id, input, content: one.signal as unknown as Json });
}

/** One alert that is not accepted makes the whole delivery fail: the sender repeats it, and known ones stay known. */
async function settleAll(pending: readonly Promise<Reply>[]): Promise<readonly Reply[]> {
  const results = await Promise.allSettled(pending);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined)
    throw failed.reason instanceof Error ? failed.reason : new AppError("internal", "a signal failed");
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

/** A signal with its normalized content, for those who may read contents. */
async function readSignal({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "signals:read");
  const document = await readView(services, { view: "signals", id: idOf(request.params), code: "signal-not-found" });
  if (!identity.scopes.includes("payloads:read")) return document;
  return { ...document, content: await payloadOrCode(services, document.contentSeq) };
}

async function payloadOrCode(services: Services, seq: number): Promise<Json> {
  try {
    return await services.ledger.payload(seq);
  } catch (error) {
    if (error instanceof AppError) return { code: error.code } satisfies JsonObject;
    throw error;
  }
}

const LISTED = [
  { name: "Signal", view: "signals", scope: "signals:read", code: "signal-not-found" },
  { name: "Incident", view: "incidents", scope: "incidents:read", code: "incident-not-found" },
  { name: "Run", view: "runs", scope: "runs:read", code: "run-not-found" },
] as const;

function listRoutes(of: (typeof LISTED)[number]): readonly Route[] {
  return [
    {
      method: "GET",
      path: `/v1/${of.view}`,
      operationId: `list${of.name}s`,
      summary: `List ${of.view}, the newest first.`,
      auth: { scope: of.scope },
      query: listQuerySchema,
      response: { status: 200, schema: pageSchema, what: "One page" },
      errors: ["query-invalid", "views-behind"],
      handle: (context) => listView(context, { view: of.view, scope: of.scope }),
    },
    {
      method: "GET",
      path: `/v1/${of.view}/:id`,
      operationId: `get${of.name}`,
      summary: `One ${of.name.toLowerCase()}.`,
      auth: { scope: of.scope },
      response: { status: 200, schema: documentSchema, what: "The document" },
      errors: [of.code, "views-behind"],
      handle: of.view === "signals" ? readSignal : (context) => readOne(context, of),
    },
  ];
}

async function readOne({ services, request }: RouteContext, of: (typeof LISTED)[number]): Promise<unknown> {
  requireScope(await identify(services, request), of.scope);
  return readView(services, { view: of.view, id: idOf(request.params), code: of.code });
}

export const signalRoutes: readonly Route[] = [
  {
    method: "POST",
    // OpenAPI takes paths that differ in a parameter's name for one, so the source is an id as well.
    path: "/v1/signals/:id",
    operationId: "receiveSignals",
    summary: "What a source sends (Alertmanager webhook v4); the id is its name. Answers when every alert is durable.",
    auth: "source",
    body: { schema: alertmanagerSchema, type: "application/json" },
    bodyBytesMax: WEBHOOK_BYTES_MAX,
    response: { status: 202, schema: documentSchema, what: "What became of each alert" },
    errors: [
      "source-unknown",
      "source-secret-invalid",
      "request-invalid",
      "body-malformed",
      "body-too-large",
      "overloaded",
      "commit-unknown",
    ],
    handle: receiveWebhook,
  },
  ...LISTED.flatMap(listRoutes),
];
