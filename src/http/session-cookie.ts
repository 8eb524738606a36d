// The cookie of a session: how it is set and read, and what a browser must show with it before it changes anything.

import type { FastifyRequest } from "fastify";
import { AppError } from "../core/errors.ts";
import type { Identity } from "../wire/types/identity.ts";
import type { SessionService } from "./services.ts";

const NAME = "holdpoint_session";
/** Behind https no other host, subdomain or plain connection can set or replace the cookie (RFC 6265bis). */
const SECURE_NAME = `__Host-${NAME}`;
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

function nameFor(url: string): string {
  return url.startsWith("https:") ? SECURE_NAME : NAME;
}

/** `Set-Cookie` for a secret; an empty one takes the cookie away. */
export function sessionCookie(url: string, secret: string, maxAgeS: number): string {
  const secure = url.startsWith("https:") ? "; Secure" : "";
  return `${nameFor(url)}=${secret}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Strict${secure}`;
}

/** The secret that the request carries, undefined when it carries none. Throws `session-invalid` for two. */
function secretOf(url: string, header: string): string | undefined {
  const prefix = `${nameFor(url)}=`;
  const values = header
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(prefix));
  if (values.length > 1) throw new AppError("session-invalid", "the request carries two sessions");
  return values[0]?.slice(prefix.length);
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
