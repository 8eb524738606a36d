// The cookie of a session: how it is set and read, and what a browser must show with it before it changes anything.

import type { FastifyRequest } from "fastify";
import { AppError } from "../core/errors.ts";
import type { Identity } from "../wire/types/identity.ts";
import type { SessionService } from "./services.ts";

const SESSION = "holdpoint_session";
const PENDING = "holdpoint_login";
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** Behind https no other host, subdomain or plain connection can set or replace a cookie so named (RFC 6265bis). */
function nameFor(url: string, name: string): string {
  return url.startsWith("https:") ? `__Host-${name}` : name;
}

/** `Set-Cookie` for a secret; an empty one takes the cookie away. */
export function sessionCookie(url: string, secret: string, maxAgeS: number): string {
  return cookie(url, { name: SESSION, value: secret, maxAgeS, sameSite: "Strict" });
}

/** As `sessionCookie`, for a sign-in under way: the browser comes back with it from another site. */
export function pendingCookie(url: string, sealed: string, maxAgeS: number): string {
  return cookie(url, { name: PENDING, value: sealed, maxAgeS, sameSite: "Lax" });
}

type Cookie = { readonly name: string; readonly value: string; readonly maxAgeS: number; readonly sameSite: string };

function cookie(url: string, { name, value, maxAgeS, sameSite }: Cookie): string {
  const secure = url.startsWith("https:") ? "; Secure" : "";
  return `${nameFor(url, name)}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=${sameSite}${secure}`;
}

/** The values of a cookie that the request carries. */
function valuesOf(name: string, header: string): readonly string[] {
  const pairs = header.split(";").map((pair) => pair.trim());
  return pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
}

/** The secret that the request carries, undefined when it carries none. Throws `session-invalid` for two. */
function secretOf(url: string, header: string): string | undefined {
  const values = valuesOf(nameFor(url, SESSION), header);
  if (values.length > 1) throw new AppError("session-invalid", "the request carries two sessions");
  return values[0];
}

/** What the browser brings back of the sign-in that it began; undefined unless it is one. */
export function pendingSignIn(url: string, { headers }: FastifyRequest): string | undefined {
  const values = valuesOf(nameFor(url, PENDING), headers.cookie ?? "");
  return values.length === 1 ? values[0] : undefined;
}

/**
 * The identity of the session that the request carries, undefined when it carries none. Throws `session-invalid`; for a
 * write also `csrf-refused`.
 */
export function identifySession(sessions: SessionService, request: FastifyRequest): Identity | undefined {
  const secret = secretOf(sessions.url, request.headers.cookie ?? "");
  if (secret === undefined) return undefined;
  // A stream that is left open is nobody at the keyboard.
  const identity = sessions.find(secret, { isUse: request.routeOptions.url !== "/v1/stream" });
  if (identity === undefined) throw new AppError("session-invalid", "sign in again: holdpoint login --web");
  if (!SAFE_METHODS.has(request.method)) checkOwnOrigin(sessions, request);
  return identity;
}

/** Who is behind the session, for counting what was refused; never throws. */
export function sessionHolder(sessions: SessionService, request: FastifyRequest): Identity | undefined {
  try {
    const secret = secretOf(sessions.url, request.headers.cookie ?? "");
    return secret === undefined ? undefined : sessions.find(secret, { isUse: false });
  } catch {
    return undefined;
  }
}

/**
 * Another site cannot set the header without a preflight, which is never answered, and cannot choose its `Origin`. Throws
 * `csrf-refused`.
 */
export function checkOwnOrigin({ url }: SessionService, { headers }: FastifyRequest): void {
  if (headers["x-holdpoint-csrf"] !== "1") throw new AppError("csrf-refused", "send x-holdpoint-csrf: 1");
  if (!ownOrigins(url).includes(headers.origin ?? "")) {
    throw new AppError("csrf-refused", `Origin must be ${url}; HOLDPOINT_URL says where this server is found`);
  }
}

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** This machine has three names for itself, and people type any of them. */
function ownOrigins(url: string): readonly string[] {
  const { protocol, hostname, port, origin } = new URL(url);
  if (!LOOPBACK.includes(hostname)) return [origin];
  return LOOPBACK.map((name) => new URL(`${protocol}//${name}:${port}`).origin);
}
