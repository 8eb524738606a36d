// Routes of sessions: a person signs in to a browser by a one-time code, sees who they are, and signs out.

import { AppError } from "../../core/errors.ts";
import { documentSchema } from "../../wire/schemas/api.ts";
import {
  logoutSchema,
  sessionSchema,
  signInCodeSchema,
  signInQuerySchema,
  signInSchema,
} from "../../wire/schemas/identity.ts";
import type { Identity } from "../../wire/types/identity.ts";
import { admitWrite, identify, parseWith } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import type { AdmitSession } from "../services.ts";
import { recordEnded, recordOpened } from "../session-record.ts";
import { checkOwnOrigin, pendingCookie, pendingSignIn, sessionCookie, sessionHolder } from "../session-cookie.ts";

async function issueCode({ services, request, reply }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  // Another issuer's person signs in there: what ends their session is known there alone.
  if (identity.keyThumbprint === null) throw new AppError("people-only", "sign in at your identity provider");
  if (identity.kind !== "person") throw new AppError("people-only", "agents have no sessions");
  // Else whoever has a session for a moment could make it last.
  if (request.headers.authorization === undefined) throw new AppError("people-only", "a session opens no other one");
  admitWrite(services, identity);
  void reply.header("cache-control", "no-store");
  return services.sessions.issueCode(identity);
}

async function signIn({ services, request, reply }: RouteContext): Promise<unknown> {
  const { sessions, admission, nowMs } = services;
  admission.admit({ caller: `${request.ip} session`, kind: "tokens", count: 1, nowMs: nowMs() });
  checkOwnOrigin(sessions, request); // nobody is signed in as somebody else by another site
  const { code, verifier } = parseWith(signInSchema, request.body, "request-invalid");
  const before = sessionHolder(sessions, request);
  const opened = sessions.open(code, verifier, admitSession(services));
  const { secret, identity } = opened;
  if (before !== undefined) sessions.end(before.tokenId, "replaced");
  await recordOpened(services, opened);
  const maxAgeS = Math.floor((identity.expiresAt - nowMs()) / 1000);
  void reply.header("set-cookie", sessionCookie(sessions.url, secret, maxAgeS)).header("cache-control", "no-store");
  return sessionDocument(identity);
}

/** Each is an event: nobody grows the ledger by coming and going. */
function admitSession({ admission, nowMs }: RouteContext["services"]): AdmitSession {
  return (id) => admission.admit({ caller: id, kind: "sessions", count: 1, nowMs: nowMs() });
}

const PENDING_S = 600;

function providers({ services }: RouteContext): unknown {
  const items = services.sessions.providers.map((name) => ({ name, url: `/v1/session/login?issuer=${name}` }));
  return { items };
}

/** Sends the browser to the issuer, with a note of what it was sent for that only this server reads. */
async function beginSignIn({ services, request, reply }: RouteContext): Promise<unknown> {
  const { sessions, admission, nowMs } = services;
  const { issuer, port, challenge, state } = parseWith(signInQuerySchema, request.query, "query-invalid");
  const isWaiting = port !== undefined && challenge !== undefined && state !== undefined;
  admission.admit({ caller: `${request.ip} session`, kind: "tokens", count: 1, nowMs: nowMs() });
  const { address, sealed } = await sessions.beginSignIn(issuer, isWaiting ? { port, challenge, state } : null);
  void reply.header("set-cookie", pendingCookie(sessions.url, sealed, PENDING_S)).header("cache-control", "no-store");
  return reply.redirect(address, 302);
}

async function finishSignIn({ services, request, reply }: RouteContext): Promise<unknown> {
  const { sessions, admission, nowMs } = services;
  admission.admit({ caller: `${request.ip} session`, kind: "tokens", count: 1, nowMs: nowMs() });
  const query = request.url.split("?").slice(1).join("?");
  const pending = pendingSignIn(sessions.url, request) ?? "";
  const finished = await sessions.finishSignIn(query, pending, admitSession(services));
  if ("secret" in finished) await recordOpened(services, finished);
  const cookies = [pendingCookie(sessions.url, "", 0)];
  if ("secret" in finished) {
    const maxAgeS = Math.floor((finished.identity.expiresAt - nowMs()) / 1000);
    cookies.unshift(sessionCookie(sessions.url, finished.secret, maxAgeS));
  }
  void reply.header("set-cookie", cookies).header("cache-control", "no-store").header("referrer-policy", "no-referrer");
  return reply.redirect("secret" in finished ? "/console/" : finished.address, 303);
}

async function readSession({ services, request, reply }: RouteContext): Promise<unknown> {
  void reply.header("cache-control", "no-store");
  return sessionDocument(await identify(services, request));
}

function sessionDocument({ id, person, roles, scopes, expiresAt }: Identity): unknown {
  return { identity: id, person, roles, scopes, expiresAt };
}

/** Gives up what the request carries, session or token. */
async function signOut({ services, request, reply }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  services.identity.revokeToken(identity.tokenId);
  void reply.header("set-cookie", sessionCookie(services.sessions.url, "", 0));
  await recordEnded(services);
  return { revoked: identity.tokenId };
}

/** From the issuer's own server, not from a browser: the token says who, and its signature that it is so. */
async function logoutAtIssuer({ services, request, reply }: RouteContext): Promise<unknown> {
  const { sessions, admission, nowMs } = services;
  admission.admit({ caller: `${request.ip} logout`, kind: "tokens", count: 1, nowMs: nowMs() });
  void reply.header("cache-control", "no-store");
  const { logout_token: token } = parseWith(logoutSchema, request.body, "request-invalid");
  await sessions.endAtIssuer(token);
  await recordEnded(services);
  return {};
}

const session = { status: 200, schema: sessionSchema, what: "Who is signed in" } as const;

export const sessionRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/session/codes",
    operationId: "issueSignInCode",
    summary: "A one-time code that signs this person in to a browser, within ten minutes.",
    auth: { scope: "" },
    response: { status: 200, schema: signInCodeSchema, what: "The code, and the address that has it" },
    errors: ["people-only", "rate-limited", "overloaded"],
    handle: issueCode,
  },
  {
    method: "POST",
    path: "/v1/session",
    operationId: "signIn",
    summary: "Sign in to a browser with a one-time code; sets the session's cookie.",
    auth: "none",
    body: { schema: signInSchema, type: "application/json" },
    response: session,
    errors: ["code-invalid", "csrf-refused", "rate-limited", "overloaded", "store-unavailable"],
    handle: signIn,
  },
  {
    method: "GET",
    path: "/v1/session/providers",
    operationId: "listSignInProviders",
    summary: "The identity providers at which people sign in.",
    auth: "none",
    response: { status: 200, schema: documentSchema, what: "Their names, and where each begins" },
    errors: [],
    handle: providers,
  },
  {
    method: "GET",
    path: "/v1/session/login",
    operationId: "beginSignIn",
    summary: "Sign in at an identity provider: sends the browser there.",
    auth: "none",
    query: signInQuerySchema,
    response: { status: 302, what: "To the identity provider" },
    errors: ["query-invalid", "sign-in-invalid", "issuer-unreachable", "rate-limited"],
    handle: beginSignIn,
  },
  {
    method: "GET",
    path: "/v1/session/callback",
    operationId: "finishSignIn",
    summary: "Where the identity provider sends the browser back to: opens the session.",
    auth: "none",
    response: { status: 303, what: "To the console, with the session's cookie" },
    errors: [
      "sign-in-invalid",
      "sign-in-refused",
      "code-invalid",
      "issuer-unreachable",
      "rate-limited",
      "overloaded",
      "store-unavailable",
    ],
    handle: finishSignIn,
  },
  {
    method: "GET",
    path: "/v1/session",
    operationId: "getSession",
    summary: "Who the request comes from.",
    auth: { scope: "" },
    response: session,
    errors: [],
    handle: readSession,
  },
  {
    method: "POST",
    path: "/v1/session/backchannel-logout",
    operationId: "backchannelLogout",
    summary: "An identity provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0).",
    auth: "none",
    body: { schema: logoutSchema, type: "application/x-www-form-urlencoded" },
    bodyBytesMax: 16 * 1024,
    response: { status: 200, schema: documentSchema, what: "Their sessions have ended" },
    errors: ["logout-token-invalid", "issuer-unreachable", "rate-limited", "overloaded", "store-unavailable"],
    handle: logoutAtIssuer,
  },
  {
    method: "DELETE",
    path: "/v1/session",
    operationId: "signOut",
    summary: "Sign out: the session, or the token, that the request carries ends at once.",
    auth: { scope: "" },
    response: { status: 200, schema: documentSchema, what: "What has ended" },
    errors: ["overloaded", "store-unavailable"],
    handle: signOut,
  },
];
