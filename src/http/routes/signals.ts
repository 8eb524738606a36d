// Routes of signals, incidents and runs: a source's webhook in, documents out.

import { z } from "zod";
import { AppError, isAppError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Reply } from "../../kernel/command.ts";
import type { SourceIdentity } from "../../wire/types/identity.ts";
import type { NormalizedSignal, Signal } from "../../wire/types/signal.ts";
import { documentSchema, listQuerySchema, pageSchema } from "../../wire/schemas/api.ts";
import { alertmanagerSchema, isTruncated } from "../../wire/schemas/alertmanager.ts";
import { cloudEventSchema } from "../../wire/schemas/cloudevents.ts";
import { partialSuccess, siftOtlp, type Sifted } from "../../wire/schemas/otlp-partial.ts";
import { otlpToProtobuf } from "../../wire/schemas/otlp-protobuf.ts";
import { otlpLogsSchema, otlpMetricsSchema } from "../../wire/schemas/otlp.ts";
import {
  authenticateSource,
  deliveredBytes,
  deliveredValue,
  DELIVERY_BYTES_MAX,
  isProtobuf,
  type Telemetry,
} from "../delivery.ts";
import { deployOf } from "../deployed.ts";
import { listView, readView } from "../listing.ts";
import { identify, idOf, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import { shownIncident } from "../remembered.ts";
import type { Services } from "../services.ts";

type Replies = readonly { subject: string; result: string; repeated: boolean }[];
type Taken = { readonly replies: Replies; readonly left: Omit<Sifted, "body"> };

async function receive(context: RouteContext, telemetry: Telemetry | null): Promise<Taken> {
  const { services, request } = context;
  const source = authenticateSource(services, request);
  try {
    return await take(context, { source, telemetry });
  } catch (error) {
    const code = isAppError(error) ? error.code : "internal";
    const help = "Deliveries that sources must mend or repeat.";
    services.metrics.count("holdpoint_deliveries_refused_total", help, { source: source.name, code });
    throw error;
  }
}

const ALL_TAKEN = { rejected: 0, problem: "" };

type From = { readonly source: SourceIdentity; readonly telemetry: Telemetry | null };

/** All alerts of one delivery are decided in one turn and share a commit; the answer comes when they are durable. */
async function take({ services, request }: RouteContext, { source, telemetry }: From): Promise<Taken> {
  if (telemetry !== null && source.sourceKind !== "otlp") {
    throw new AppError("request-invalid", "only a source of kind otlp takes telemetry");
  }
  const receivedAtMs = services.nowMs();
  const { headers } = request;
  const bytes = await deliveredBytes(request, source);
  const json = (): unknown => deliveredValue(bytes, { request, kind: source.sourceKind, telemetry });
  await services.identity.prove(source, { bytes, json, headers, receivedAtMs });
  const { body, ...left } = telemetry === null ? { ...ALL_TAKEN, body: json() } : siftOtlp(json(), telemetry);
  if (left.rejected > 0) {
    const help = "Deliveries of which malformed records were left out.";
    services.metrics.count("holdpoint_deliveries_partial_total", help, { source: source.name });
  }
  const normalized = services.signals.normalize(source, { body, headers, telemetry }, receivedAtMs);
  if (source.sourceKind === "alertmanager" && isTruncated(body)) {
    const help = "Deliveries from which the source left alerts out.";
    services.metrics.count("holdpoint_deliveries_truncated_total", help, { source: source.name });
  }
  const count = Math.max(1, normalized.length);
  services.admission.admit({ caller: source.id, kind: "signals", count, nowMs: receivedAtMs });
  const replies = await settleAll(normalized.map((one) => submitSignal(services, { source, one })));
  await tellModel(services, { source, normalized });
  for (const one of replies)
    services.metrics.count("holdpoint_signals_total", "Signals by what became of them.", {
      source: source.name,
      result: one.result,
    });
  return { replies, left };
}

/** The signals are durable by then: that the model cannot be told loses nobody's alert. */
async function tellModel(
  services: Services,
  { source, normalized }: { source: SourceIdentity; normalized: readonly NormalizedSignal[] },
): Promise<void> {
  for (const one of normalized) {
    const deploy = one.kind === "signal" ? deployOf(one.signal) : null;
    if (deploy === null) continue;
    try {
      await services.deploys.tell(deploy, source.id);
    } catch (error) {
      const code = isAppError(error) ? error.code : "internal";
      services.log.error({ source: source.name, code }, "a deploy could not be told to the model");
      const help = "Deploys that the runtime model could not be told.";
      services.metrics.count("holdpoint_model_deploys_lost_total", help, { source: source.name, code });
    }
  }
}

async function receiveWebhook(context: RouteContext): Promise<unknown> {
  const { replies } = await receive(context, null);
  context.reply.code(202);
  return { signals: replies.map(({ subject, result, repeated }) => ({ id: subject, result, repeated })) };
}

/** As OTLP servers answer: the same encoding, and an empty message where all of it was taken. */
function receiveTelemetry(telemetry: Telemetry) {
  return async (context: RouteContext): Promise<unknown> => {
    const { left } = await receive(context, telemetry);
    const answer = partialSuccess(left, telemetry);
    if (!isProtobuf(context.request)) return answer;
    return context.reply.type("application/x-protobuf").send(Buffer.from(otlpToProtobuf(answer, telemetry)));
  };
}

function submitSignal(
  services: Services,
  { source, one }: { source: SourceIdentity; one: NormalizedSignal },
): Promise<Reply> {
  switch (one.kind) {
    case "quarantined": {
      const { reason, deliveryKey, excerpt } = one.quarantined;
      const input = { source: source.name, reason, deliveryKey };
      return services.submit({ type: "quarantine-signal", actor: source.id, input, content: { excerpt } });
    }
    case "tracked": {
      const { key, ...tracked } = one.tracked;
      const input = { ...tracked, source: source.name };
      return services.submit({ type: "note-incident", actor: source.id, input, content: { key } });
    }
    case "signal":
      return submitOne(services, { source, signal: one.signal });
  }
}

function submitOne(services: Services, { source, signal }: { source: SourceIdentity; signal: Signal }): Promise<Reply> {
  const { detector, status, environment, service, signature, failure, deliveryKey } = signal;
  const { claimedSeverity, nature, derived, dated, endless, startedAt, endedAt } = signal;
  const input = {
    source: source.name,
    detector,
    status,
    environment,
    service,
    signature,
    failure,
    deliveryKey,
    claimedSeverity,
    occurredAt: status === "resolved" ? (endedAt ?? startedAt) : startedAt,
    ...(nature === undefined ? {} : { nature }),
    ...(derived === undefined ? {} : { derived }),
    ...(dated === undefined ? {} : { dated }),
    ...(endless === undefined ? {} : { endless }),
  };
  return services.submit({ type: "receive-signal", actor: source.id, input, content: signal as unknown as Json });
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
  return { ...document, ...(await contentAt(services, document.contentSeq)) };
}

/** A run with what the classifier said, for those who may read contents. */
async function readRun({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "runs:read");
  const document = await readView(services, { view: "runs", id: idOf(request.params), code: "run-not-found" });
  if (document.contentSeq === null || !identity.scopes.includes("payloads:read")) return document;
  return { ...document, ...(await contentAt(services, document.contentSeq)) };
}

/** The payload, or the code that says why it cannot be read; nothing where there never was one. */
async function contentAt(services: Services, seq: number): Promise<{ readonly content?: Json }> {
  try {
    return { content: await services.ledger.payload(seq) };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return error.code === "event-not-found" ? {} : { content: { code: error.code } };
  }
}

const LISTED = [
  { name: "Signal", view: "signals", scope: "signals:read", code: "signal-not-found" },
  { name: "Incident", view: "incidents", scope: "incidents:read", code: "incident-not-found" },
  { name: "Storm", view: "storms", scope: "incidents:read", code: "storm-not-found" },
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
      handle: LISTERS[of.view] ?? ((context) => listView(context, { view: of.view, scope: of.scope })),
    },
    {
      method: "GET",
      path: `/v1/${of.view}/:id`,
      operationId: `get${of.name}`,
      summary: `One ${of.name.toLowerCase()}.`,
      auth: { scope: of.scope },
      response: { status: 200, schema: documentSchema, what: "The document" },
      errors: [of.code, "views-behind"],
      handle: READERS[of.view] ?? ((context) => readOne(context, of)),
    },
  ];
}

async function listIncidents(context: RouteContext): Promise<unknown> {
  const { items, cursor } = await listView(context, { view: "incidents", scope: "incidents:read" });
  const shown = shownIncident(context.services, await identify(context.services, context.request));
  return { items: items.map(shown), cursor };
}

async function readIncident({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "incidents:read");
  const asked = { view: "incidents", id: idOf(request.params), code: "incident-not-found" } as const;
  return shownIncident(services, identity)(await readView(services, asked));
}

const READERS: Partial<Record<string, Route["handle"]>> = {
  signals: readSignal,
  runs: readRun,
  incidents: readIncident,
};
const LISTERS: Partial<Record<string, Route["handle"]>> = { incidents: listIncidents };

async function readOne({ services, request }: RouteContext, of: (typeof LISTED)[number]): Promise<unknown> {
  requireScope(await identify(services, request), of.scope);
  return readView(services, { view: of.view, id: idOf(request.params), code: of.code });
}

const DELIVERY_ERRORS = [
  "source-unknown",
  "source-secret-invalid",
  "request-invalid",
  "body-malformed",
  "body-too-large",
  "content-type-unsupported",
  "target-unavailable",
  "overloaded",
  "commit-unknown",
] as const;

const telemetryRoutes: readonly Route[] = (["logs", "metrics"] as const).map((telemetry) => ({
  method: "POST",
  path: `/v1/signals/:id/v1/${telemetry}`,
  operationId: telemetry === "logs" ? "receiveLogs" : "receiveMetrics",
  summary: `OpenTelemetry ${telemetry} over OTLP/HTTP, as JSON or protobuf; the source's address is the exporter's endpoint.`,
  auth: "source",
  body: { schema: telemetry === "logs" ? otlpLogsSchema : otlpMetricsSchema, type: "application/json" },
  bodyBytesMax: DELIVERY_BYTES_MAX,
  response: { status: 200, schema: documentSchema, what: "Taken, but for what `partialSuccess` counts" },
  errors: DELIVERY_ERRORS,
  handle: receiveTelemetry(telemetry),
}));

export const signalRoutes: readonly Route[] = [
  {
    method: "POST",
    // OpenAPI takes paths that differ in a parameter's name for one, so the source is an id as well.
    path: "/v1/signals/:id",
    operationId: "receiveSignals",
    summary: "What a source sends, in its vendor's own form; the id is its name. Answers when every alert is durable.",
    auth: "source",
    body: { schema: z.union([alertmanagerSchema, z.json()]), type: "application/json" },
    bodyBytesMax: DELIVERY_BYTES_MAX,
    response: { status: 202, schema: documentSchema, what: "What became of each alert" },
    errors: DELIVERY_ERRORS,
    handle: receiveWebhook,
  },
  {
    method: "POST",
    path: "/v1/signals",
    operationId: "receiveEvent",
    summary: "A CloudEvent 1.0; X-Holdpoint-Source, or else the secret itself, says which source sends it.",
    auth: "source",
    body: { schema: cloudEventSchema, type: "application/cloudevents+json" },
    bodyBytesMax: DELIVERY_BYTES_MAX,
    response: { status: 202, schema: documentSchema, what: "What became of each alert" },
    errors: DELIVERY_ERRORS,
    handle: receiveWebhook,
  },
  ...telemetryRoutes,
  ...LISTED.flatMap(listRoutes),
];
