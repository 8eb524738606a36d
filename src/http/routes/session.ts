// Routes of sessions: a person signs in to a browser by a one-time code, sees who they are, and signs out.

import { AppError } from "../../core/errors.ts";
import { documentSchema } from "../../wire/schemas/api.ts";
import { sessionSchema, signInCodeSchema, signInSchema } from "../../wire/schemas/identity.ts";
import type { Identity } from "../../wire/types/identity.ts";
import { admitWrite, identify, parseWith } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import { checkOwnOrigin, sessionCookie, sessionHolder } from "../session-cookie.ts";

async function issueCode({ services, request, reply }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  if (identity.kind !== "person") throw new AppError("people-only", "agents have no sessions");
  // Else whoever has a session for a moment could make it last.
  if (request.headers.authorization === undefined) throw new AppError("people-only", "a session opens no other one");
  admitWrite(services, identity);
  void reply.header("cache-control", "no-store");
  return services.sessions.issueCode(identity);
}

function signIn({ services, request, reply }: RouteContext): unknown {
  const { sessions, admission, nowMs } = services;
  admission.admit({ caller: `${request.ip} session`, kind: "tokens", count: 1, nowMs: nowMs() });
  checkOwnOrigin(sessions, request); // nobody is signed in as somebody else by another site
  const { code } = parseWith(signInSchema, request.body, "request-invalid");
  const before = sessionHolder(sessions, request);
  const { secret, identity } = sessions.open(code);
  if (before !== undefined) sessions.end(before.tokenId);
  const maxAgeS = Math.floor((identity.expiresAt - nowMs()) / 1000);
  void reply.header("set-cookie", sessionCookie(sessions.url, secret, maxAgeS)).header("cache-control", "no-store");
  return sessionDocument(identity);
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
  return { revoked: identity.tokenId };
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
    path: "/v1/session",
    operationId: "getSession",
    summary: "Who the request comes from.",
    auth: { scope: "" },
    response: session,
    errors: [],
    handle: readSession,
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
