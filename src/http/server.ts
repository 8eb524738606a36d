// The server: mounts the route table, and turns every failure into a problem document and a count.

import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { AppError, isAppError } from "../core/errors.ts";
import { parseJsonBody } from "./body.ts";
import { openApiDocument } from "./openapi.ts";
import { problemOf, sendProblem } from "./problem.ts";
import type { RefusalCounter } from "./refusals.ts";
import type { Route } from "./route.ts";
import { actionRoutes } from "./routes/actions.ts";
import { controlRoutes } from "./routes/control.ts";
import { ledgerRoutes } from "./routes/ledger.ts";
import { openRoutes } from "./routes/open.ts";
import { signalRoutes } from "./routes/signals.ts";
import type { Services } from "./services.ts";

export const ROUTES: readonly Route[] = [
  ...openRoutes,
  ...signalRoutes,
  ...actionRoutes,
  ...controlRoutes,
  ...ledgerRoutes,
];

const BODY_BYTES_MAX = 256 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;

/** A server that is not listening yet. `refusals` counts what the door turned away. */
export function createServer(services: Services, refusals: RefusalCounter): FastifyInstance {
  const server = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: 65_000,
    routerOptions: { maxParamLength: 200 },
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    logger: false,
    trustProxy: false,
  });
  acceptBodies(server);
  const refuse = refuser(services, refusals);
  server.setErrorHandler((error, request, reply) => refuse(error, request, reply));
  server.setNotFoundHandler((request, reply) => refuse(unknownRoute(request), request, reply));
  server.addHook("onResponse", (request, reply, done) => {
    services.metrics.observeRequest(request.routeOptions.url ?? "unknown", reply.elapsedTime / 1000);
    done();
  });
  for (const route of ROUTES) mount(server, { services, route });
  const description = JSON.stringify(openApiDocument(ROUTES, services.version));
  server.get("/openapi.json", (_request, reply) => reply.type("application/json").send(description));
  return server;
}

/** JSON as bytes, so that its UTF-8 is checked; forms for the token endpoint only. Everything else is refused. */
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
    if (request.url.split("?")[0] !== "/oauth/token")
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
    handler: (request, reply) => handle({ services, request, reply }),
  });
}

function unknownRoute(request: FastifyRequest): AppError {
  const path = request.url.split("?")[0] ?? "";
  const known = ROUTES.some((route) => matches(route.path, path));
  return known
    ? new AppError("method-not-allowed", `${request.method} is not offered here`)
    : new AppError("route-unknown", "see /openapi.json for what there is");
}

function matches(pattern: string, path: string): boolean {
  const parts = pattern.split("/");
  const given = path.split("/");
  if (parts.at(-1) !== "*" && parts.length !== given.length) return false;
  return parts.every((part, i) => part === "*" || part.startsWith(":") || part === given[i]);
}

function refuser(services: Services, refusals: RefusalCounter) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const { code, status } = problemOf(error);
    const who = services.identity.cached(request.headers.authorization)?.id ?? "anonymous";
    refusals.count(who, code, services.nowMs());
    services.metrics.count("holdpoint_refusals_total", "Requests turned away, by problem code.", { code });
    if (status >= 500) {
      const cause = isAppError(error) ? (error.cause ?? error) : error;
      services.log.error({ err: cause, code, path: request.routeOptions.url }, "request failed");
    }
    return sendProblem(reply, error);
  };
}
