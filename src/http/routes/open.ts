// Routes without a token: health, metrics, the token endpoint and its discovery, the API's own description.

import { AppError } from "../../core/errors.ts";
import { documentSchema } from "../../wire/schemas/api.ts";
import { identify, proofOf } from "../request.ts";
import { PROOF_ERRORS } from "../problem.ts";
import type { Route, RouteContext } from "../route.ts";
import { tokenRequest } from "../../wire/schemas/identity.ts";

function readyz({ services }: RouteContext): unknown {
  const reason = services.notReady();
  if (reason === null) return { status: "ready", version: services.version };
  throw new AppError("not-ready", reason);
}

async function issueToken({ services, request, reply }: RouteContext): Promise<unknown> {
  const parameters = (request.body ?? {}) as Readonly<Record<string, unknown>>;
  // Behind a proxy all have one address: none of them uses up what another client may ask for.
  const caller = `${request.ip} ${services.identity.claimedClient(parameters) ?? ""}`;
  services.admission.admit({ caller, kind: "tokens", count: 1, nowMs: services.nowMs() });
  void reply.header("cache-control", "no-store");
  return services.identity.issueToken(parameters, proofOf(request));
}

/** A token gives itself up: it is refused from now on, over restarts too. */
async function revokeToken({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  services.identity.revokeToken(identity.tokenId);
  return { revoked: identity.tokenId };
}

const document = { status: 200, schema: documentSchema, what: "The document" } as const;

export const openRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/livez",
    operationId: "livez",
    summary: "The process answers.",
    auth: "none",
    response: document,
    errors: [],
    handle: () => ({ status: "live" }),
  },
  {
    method: "GET",
    path: "/readyz",
    operationId: "readyz",
    summary: "The server decides: store, policy and follower are in order.",
    auth: "none",
    response: document,
    errors: ["not-ready"],
    handle: readyz,
  },
  {
    method: "GET",
    path: "/metrics",
    operationId: "metrics",
    summary: "Metrics in the Prometheus text format.",
    auth: "none",
    response: { status: 200, type: "text/plain", what: "Metrics" },
    errors: [],
    handle: ({ services, reply }) =>
      reply.type("text/plain; version=0.0.4; charset=utf-8").send(services.metrics.render()),
  },
  {
    method: "POST",
    path: "/oauth/token",
    operationId: "issueToken",
    summary: "OAuth 2.0 client credentials with private_key_jwt; with a `DPoP` header the token is bound to its key.",
    auth: "none",
    body: { schema: tokenRequest, type: "application/x-www-form-urlencoded" },
    bodyBytesMax: 32 * 1024,
    response: { status: 200, schema: documentSchema, what: "An access token" },
    errors: ["client-invalid", "grant-type-unsupported", "scope-invalid", "rate-limited", ...PROOF_ERRORS],
    handle: issueToken,
  },
  {
    method: "POST",
    path: "/oauth/revoke-self",
    operationId: "revokeToken",
    summary: "Revoke the token that the request carries.",
    auth: { scope: "" },
    response: document,
    errors: ["overloaded"],
    handle: revokeToken,
  },
  {
    method: "GET",
    path: "/.well-known/oauth-authorization-server",
    operationId: "authorizationServerMetadata",
    summary: "Authorization server metadata (RFC 8414).",
    auth: "none",
    response: document,
    errors: [],
    handle: ({ services }) => services.identity.metadata(),
  },
  {
    method: "GET",
    path: "/jwks",
    operationId: "jwks",
    summary: "The public keys of the embedded issuer.",
    auth: "none",
    response: document,
    errors: [],
    handle: ({ services }) => services.identity.jwks(),
  },
];
