// The server: mounts the route table, and turns every failure into a problem document and a count.

import { callbackify } from "node:util";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { AppError, isAppError, type ErrorCode } from "../core/errors.ts";
import { parseJsonBody } from "./body.ts";
import { mountConsole, type ConsoleFiles } from "./console-files.ts";
import { answerBrokenRequest, endSilentConnections, guardConnections } from "./connections.ts";
import { openApiDocument } from "./openapi.ts";
import { problemOf, sendProblem } from "./problem.ts";
import { identify, knownIdentity } from "./request.ts";
import type { Route } from "./route.ts";
import { accessRequestRoutes } from "./routes/access-requests.ts";
import { accessRoutes } from "./routes/access.ts";
import { actionRoutes } from "./routes/actions.ts";
import { agentRoutes } from "./routes/agents.ts";
import { approvalRoutes } from "./routes/approvals.ts";
import { grantRoutes } from "./routes/grants.ts";
import { labelRoutes } from "./routes/labels.ts";
import { levelRoutes } from "./routes/levels.ts";
import { approverRoutes } from "./routes/approvers.ts";
import { controlRoutes } from "./routes/control.ts";
import { heartbeatRoutes } from "./routes/heartbeat.ts";
import { incidentCommandRoutes } from "./routes/incident-command.ts";
import { incidentExplanationRoutes } from "./routes/incident-explanation.ts";
import { incidentMemoryRoutes } from "./routes/incident-memory.ts";
import { incidentRoutes } from "./routes/incidents.ts";
import { ledgerRoutes } from "./routes/ledger.ts";
import { modelCausesRoutes } from "./routes/model-causes.ts";
import { modelPredictRoutes } from "./routes/model-predict.ts";
import { modelRoutes } from "./routes/model.ts";
import { openRoutes } from "./routes/open.ts";
import { kindRoutes } from "./routes/kinds.ts";
import { KERNEL_KINDS } from "../wire/schemas/kernel-kinds.ts";
import { authenticateSource } from "./delivery.ts";
import { slackRoutes } from "./routes/slack.ts";
import { signalRoutes } from "./routes/signals.ts";
import { sessionRoutes } from "./routes/session.ts";
import { rightsRoutes } from "./routes/rights.ts";
import { silenceRoutes } from "./routes/silences.ts";
import { stopReportRoutes } from "./routes/stop-reports.ts";
import { stageRoutes } from "./routes/stage.ts";
import { streamRoutes } from "./routes/stream.ts";
import type { Services } from "./services.ts";

export const ROUTES: readonly Route[] = [
  ...openRoutes,
  ...sessionRoutes,
  ...signalRoutes,
  ...heartbeatRoutes,
  ...actionRoutes,
  ...kindRoutes,
  ...slackRoutes,
  ...accessRoutes,
  ...accessRequestRoutes,
  ...agentRoutes,
  ...rightsRoutes,
  ...approvalRoutes,
  ...labelRoutes,
  ...approverRoutes,
  ...grantRoutes,
  ...levelRoutes,
  ...controlRoutes,
  ...stopReportRoutes,
  ...incidentCommandRoutes,
  ...incidentRoutes,
  ...incidentExplanationRoutes,
  ...incidentMemoryRoutes,
  ...silenceRoutes,
  ...stageRoutes,
  ...modelRoutes,
  ...modelCausesRoutes,
  ...modelPredictRoutes,
  ...ledgerRoutes,
  ...streamRoutes,
];

const BODY_BYTES_MAX = 256 * 1024;
/** A longer body is read only from somebody known: reading it costs more than turning it away. */
const UNKNOWN_BODY_BYTES_MAX = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** How often Node looks for requests that are too slow: they live that much longer. */
const SLOW_CHECK_MS = 2_000;
/** They say that there is too much to do: a line for each would add to it. The metric counts them. */
const UNLOGGED: ReadonlySet<ErrorCode> = new Set(["overloaded", "not-ready", "views-behind"]);

/** A server that is not listening yet. */
export function createServer(services: Services, consoleFiles: ConsoleFiles): FastifyInstance {
  const count = services.refused;
  const refuse = refuser(services);
  const server = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: SLOW_CHECK_MS,
    },
    keepAliveTimeout: 65_000,
    routerOptions: { maxParamLength: 200 },
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    logger: false,
    trustProxy: false,
    // While it stops, what still arrives on an open connection is answered as ever, and the connection ends.
    return503OnClosing: false,
    frameworkErrors: (error, request, reply) => void refuse(error, request, reply),
    clientErrorHandler: (error, socket) =>
      answerBrokenRequest(error, socket, (refusal) => count("anonymous", refusal.code)),
  });
  guardConnections(server, services.metrics, (refusal) => count("anonymous", refusal.code));
  // Later than the rest, so that a slow request gets its answer.
  endSilentConnections(server, { silentMs: REQUEST_TIMEOUT_MS + 3 * SLOW_CHECK_MS, everyMs: SLOW_CHECK_MS });
  acceptBodies(server);
  server.setErrorHandler((error, request, reply) => refuse(error, request, reply));
  const routes = [...ROUTES, descriptionRoute(services)];
  server.setNotFoundHandler((request, reply) => refuse(unknownRoute(routes, request, reply), request, reply));
  server.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "unknown";
    // A stream lasts as long as its reader likes: its time would say nothing about the server's.
    if (route !== "/v1/stream") services.metrics.observeRequest(route, reply.elapsedTime / 1000);
    done();
  });
  server.addHook("preClose", (done) => {
    services.live.close();
    services.waits.close();
    done();
  });
  mountConsole(server, consoleFiles);
  for (const route of routes) if (!isRaw(route)) mount(server, { services, route });
  void server.register(async (scope) => {
    acceptBytes(scope);
    for (const route of routes) if (isRaw(route)) mount(scope, { services, route });
  });
  return server;
}

function isRaw({ auth, isRaw: asBytes }: Route): boolean {
  return auth === "source" || asBytes === true;
}

/** What sources sign are bytes, under whatever name of a type: they are read where the source is known. */
function acceptBytes(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
}

/** The description, which describes itself too; made when somebody asks, as it takes a tenth of a start. */
function descriptionRoute({ version, actions }: Services): Route {
  let text: string | undefined;
  const describe = (): string => {
    const kinds = [...actions.kinds.values(), ...KERNEL_KINDS.values()];
    return JSON.stringify(openApiDocument([...ROUTES, route], { version, kinds }));
  };
  const route: Route = {
    method: "GET",
    path: "/openapi.json",
    operationId: "getDescription",
    summary: "This description.",
    auth: "none",
    response: { status: 200, what: "An OpenAPI 3.1 description" },
    errors: [],
    handle: ({ reply }) => reply.type("application/json").send((text ??= describe())),
  };
  return route;
}

/** Whose bodies are forms because their standards say so. */
const FORMS: ReadonlySet<string> = new Set(["/oauth/token", "/v1/session/backchannel-logout"]);

/** JSON as bytes, so that its UTF-8 is checked; forms for these alone. Everything else is refused. */
function acceptBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => {
    try {
      done(null, parseJsonBody(body as Buffer));
    } catch (error) {
      done(error as Error);
    }
  });
  server.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (request, body, done) => {
    if (!FORMS.has(request.url.split("?")[0] ?? ""))
      return done(new AppError("content-type-unsupported", "send application/json"));
    done(null, parseForm(String(body)));
  });
}

/** Each parameter once (RFC 6749 section 3.2); a repeated one stays an array, which the schema refuses. */
function parseForm(text: string): Record<string, string | string[]> {
  const form = Object.create(null) as Record<string, string | string[]>;
  for (const [name, value] of new URLSearchParams(text)) {
    const before = form[name];
    form[name] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return form;
}

function mount(server: FastifyInstance, { services, route }: { services: Services; route: Route }): void {
  const { method, path, handle, bodyBytesMax } = route;
  server.route({
    method,
    url: path,
    ...(bodyBytesMax === undefined ? {} : { bodyLimit: bodyBytesMax }),
    ...(method === "GET" || route.auth === "none" ? {} : { onRequest: doorkeeper(services, route) }),
    handler: (request, reply) => handle({ services, request, reply }),
  });
}

/** Before the body is read. The handler asks again, which is one look-up. */
function doorkeeper(services: Services, { auth }: Route) {
  const look = callbackify(async (request: FastifyRequest): Promise<void> => {
    if (auth === "source") authenticateSource(services, request);
    else await identify(services, request);
  });
  return (request: FastifyRequest, _reply: FastifyReply, done: (error?: Error) => void): void => {
    const isShort = Number(request.headers["content-length"]) <= UNKNOWN_BODY_BYTES_MAX;
    if (isShort && auth !== "source") done();
    else look(request, (error) => (error === null ? done() : done(error)));
  };
}

function unknownRoute(routes: readonly Route[], request: FastifyRequest, reply: FastifyReply): AppError {
  const path = request.url.split("?")[0] ?? "";
  const methods = routes.filter((route) => matches(route.path, path)).map(({ method }) => method);
  if (methods.length === 0) return new AppError("route-unknown", "see /openapi.json for what there is");
  void reply.header("allow", methods.join(", "));
  return new AppError("method-not-allowed", `${request.method} is not offered here`);
}

function matches(pattern: string, path: string): boolean {
  const parts = pattern.split("/");
  const given = path.split("/");
  if (parts.at(-1) !== "*" && parts.length !== given.length) return false;
  return parts.every((part, i) => part === "*" || part.startsWith(":") || part === given[i]);
}

function refuser(services: Services) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const { code, status } = problemOf(error);
    const who = services.sessions.turnedAway(error) ?? knownIdentity(services, request)?.id;
    services.refused(who ?? "anonymous", code);
    if (status >= 500 && !UNLOGGED.has(code)) {
      const cause = isAppError(error) ? (error.cause ?? error) : error;
      services.log.error({ err: cause, code, path: request.routeOptions.url }, "request failed");
    }
    return sendProblem(reply, error);
  };
}
