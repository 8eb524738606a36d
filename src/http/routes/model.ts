// Routes of the runtime model: telemetry, changes and declarations in; the graph as of any time out.

import { AppError, isAppError } from "../../core/errors.ts";
import {
  declaredSchema,
  modelChangeSchema,
  modelDiffQuerySchema,
  modelNodeQuerySchema,
  modelQuerySchema,
} from "../../wire/schemas/model-api.ts";
import { isPlainName } from "../../core/names.ts";
import { documentSchema } from "../../wire/schemas/api.ts";
import { parseNodeText } from "../../wire/schemas/model.ts";
import type { ModelGraphView, ModelNodeHistoryView } from "../../wire/types/model-views.ts";
import type { ModelTimes } from "../../wire/types/model-reads.ts";
import type { SettingChange } from "../../wire/types/model.ts";
import { authenticateSource, DELIVERY_BYTES_MAX, isProtobuf } from "../delivery.ts";
import { admitWrite, identify, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import type { Services } from "../services.ts";
import { edgeFilter, requireKinds } from "../shown-happenings.ts";

/** Answers as OTLP servers do: the same encoding, and an empty message where all of it was taken. */
async function takeTraces({ services, request, reply }: RouteContext): Promise<unknown> {
  const source = authenticateSource(services, request);
  try {
    if (source.sourceKind !== "otlp") throw new AppError("request-invalid", "only a source of kind otlp takes traces");
    await services.model.takeSpans(spanDelivery(request));
  } catch (error) {
    const code = isAppError(error) ? error.code : "internal";
    services.metrics.count("holdpoint_deliveries_refused_total", "Deliveries that sources must mend or repeat.", {
      source: source.name,
      code,
    });
    throw error;
  }
  if (!isProtobuf(request)) return {};
  return reply.type("application/x-protobuf").send(Buffer.alloc(0));
}

function spanDelivery(request: RouteContext["request"]) {
  const bytes = request.body;
  if (!Buffer.isBuffer(bytes)) throw new AppError("body-malformed", "the body is cut");
  const packing = request.headers["content-encoding"] ?? "identity";
  if (packing !== "identity" && packing !== "gzip") {
    throw new AppError("content-type-unsupported", "OTLP may come packed with gzip alone");
  }
  const encoding = isProtobuf(request) ? "protobuf" : "json";
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (encoding === "json" && type !== "application/json") {
    throw new AppError("content-type-unsupported", "send application/x-protobuf or application/json");
  }
  return { bytes, isPacked: packing === "gzip", encoding } as const;
}

/** What is said to happen later than this is a mistake. */
const AHEAD_MAX_MS = 86_400_000;

function instantOf(at: number | undefined, nowMs: number): number {
  const instant = at ?? nowMs;
  if (instant > nowMs + AHEAD_MAX_MS) throw new AppError("request-invalid", "/at: that is more than a day ahead");
  return instant;
}

async function recordChange({ services, request, reply }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "model:write");
  const { diff = null, ...body } = parseWith(modelChangeSchema, request.body, "request-invalid");
  admitWrite(services, identity);
  refuseSecrets(services, [body.id, ...body.settings.flatMap(textsOf)]);
  const change = { ...body, at: instantOf(body.at, services.nowMs()) };
  const recorded = await services.model.recordChange({ change, diff }, identity.id);
  reply.code(recorded.repeated ? 200 : 201);
  return { id: change.id, at: change.at, ...recorded };
}

function textsOf({ key, before, after }: SettingChange): readonly string[] {
  const pairs = [before, after].filter((value) => typeof value === "string");
  // Beside its key a value is known for a secret that by itself looks like any other text.
  return [key, ...pairs, ...pairs.map((value) => `${key}=${value}`)];
}

function refuseSecrets(services: Services, texts: readonly string[]): void {
  for (const text of texts) {
    const secret = services.actions.findSecret(text);
    if (secret !== null) throw new AppError("secret-detected", `this looks like a secret (${secret})`, { secret });
  }
}

async function declare({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "model:write");
  const { id } = request.params as { id: string };
  if (!isPlainName(id) || id.length > 64) throw new AppError("request-invalid", "a feed has a plain name");
  const { at, nodes, edges } = parseWith(declaredSchema, request.body, "request-invalid");
  admitWrite(services, identity);
  const values = [...nodes, ...edges].flatMap(({ attributes }) =>
    Object.entries(attributes).map((pair) => pair.join("=")),
  );
  refuseSecrets(services, values);
  const declared = {
    feed: id,
    at: instantOf(at, services.nowMs()),
    nodes: nodes.map(({ id: node, attributes, contracts }) => ({ node, attributes, contracts })),
    edges: edges.map(({ kind, from, to, attributes, contracts }) => ({
      edge: { kind, from, to },
      attributes,
      contracts,
    })),
  };
  const { repeated, modelVersion } = await services.model.declare(declared, identity.id);
  return { feed: id, at: declared.at, repeated, modelVersion };
}

async function readModel({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "model:read");
  const query = parseWith(modelQuerySchema, request.query, "query-invalid");
  const { environment, kind: kinds, limit } = query;
  requireKinds(identity, kinds ?? []);
  const around = query.around === undefined ? undefined : { id: query.around, depth: query.depth };
  // Pages of one reading are of one moment.
  const [from, at, knownAt] = query.cursor?.split(".").map(Number) ?? [];
  const times = { at: at ?? query.at, knownAt: knownAt ?? query.knownAt };
  const read = {
    what: "graph",
    ...timesOf(services, times),
    environment,
    kinds,
    around,
    from: from ?? 0,
    limit,
  } as const;
  const page = (await services.model.read(read)) as ModelGraphView;
  const cursor = page.cursor === null ? null : `${page.cursor}.${read.at}.${read.knownAt}`;
  return { ...page, edges: page.edges.filter(edgeFilter(services, identity)), cursor };
}

function timesOf(
  services: Services,
  { at, knownAt }: { at?: number | undefined; knownAt?: number | undefined },
): ModelTimes {
  const nowMs = services.nowMs();
  return { at: at ?? nowMs, knownAt: knownAt ?? nowMs };
}

async function readNode({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "model:read");
  const query = parseWith(modelNodeQuerySchema, request.query, "query-invalid");
  const { id } = request.params as { id: string };
  const kind = parseNodeText(id)?.kind;
  requireKinds(identity, kind === undefined ? [] : [kind]);
  const read = { what: "node", id: id.slice(0, 400), ...timesOf(services, query) } as const;
  const node = (await services.model.read(read)) as ModelNodeHistoryView;
  const isShown = edgeFilter(services, identity);
  const edges = node.edges.filter(isShown);
  return { ...node, edges, history: node.history.filter(({ edge }) => edge === null || isShown(edge)) };
}

async function readDiff({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "model:read");
  const query = parseWith(modelDiffQuerySchema, request.query, "query-invalid");
  const to = timesOf(services, { at: query.to, knownAt: query.knownAt });
  const from = { at: query.from, knownAt: query.fromKnownAt ?? to.knownAt };
  return services.model.read({ what: "diff", from, to, environment: query.environment });
}

const document = { status: 200, schema: documentSchema, what: "The document" } as const;
const read = { auth: { scope: "model:read" }, response: document } as const;

export const modelRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/traces",
    operationId: "receiveTraces",
    summary: "OpenTelemetry traces over OTLP/HTTP, JSON or protobuf, plain or gzip: read for structure, never kept.",
    auth: "source",
    body: { schema: documentSchema, type: "application/json" },
    bodyBytesMax: DELIVERY_BYTES_MAX,
    response: { status: 200, what: "All of it was taken" },
    errors: ["source-unknown", "source-secret-invalid", "overloaded", "model-unavailable"],
    handle: takeTraces,
  },
  {
    method: "POST",
    path: "/v1/model/changes",
    operationId: "recordChange",
    summary:
      "Tell the model of a deploy, a configuration change or a flag: what it was made to, and which settings it moved; a diff says so too.",
    auth: { scope: "model:write" },
    body: { schema: modelChangeSchema, type: "application/json" },
    bodyBytesMax: DELIVERY_BYTES_MAX,
    response: {
      status: 201,
      schema: documentSchema,
      what: "It is recorded",
      also: { status: 200, what: "It was known already" },
    },
    errors: ["secret-detected", "model-full", "model-unavailable"],
    handle: recordChange,
  },
  {
    method: "PUT",
    path: "/v1/model/declared/:id",
    operationId: "declareModel",
    summary:
      "Say all that one feed declares: services, dependencies, contracts. What it declared before and does not now, ends.",
    auth: { scope: "model:write" },
    body: { schema: declaredSchema, type: "application/json" },
    bodyBytesMax: DELIVERY_BYTES_MAX,
    response: { ...document, what: "What is recorded" },
    errors: ["secret-detected", "model-full", "model-unavailable"],
    handle: declare,
  },
  {
    method: "GET",
    path: "/v1/model",
    operationId: "readModel",
    summary: "The graph as it was at `at`, as it was known at `knownAt`: nodes, with the edges that begin at them.",
    ...read,
    query: modelQuerySchema,
    errors: ["query-invalid", "model-node-not-found", "model-unavailable"],
    handle: readModel,
  },
  {
    method: "GET",
    path: "/v1/model/diff",
    operationId: "diffModel",
    summary: "What appeared, ended or changed between two moments, and the changes that were made between them.",
    ...read,
    query: modelDiffQuerySchema,
    errors: ["query-invalid", "model-unavailable"],
    handle: readDiff,
  },
  {
    method: "GET",
    path: "/v1/model/nodes/:id",
    operationId: "readModelNode",
    summary: "One node at a moment, the edges at it, and all that was ever known of them by then.",
    ...read,
    query: modelNodeQuerySchema,
    errors: ["query-invalid", "model-node-not-found", "model-unavailable"],
    handle: readNode,
  },
];
