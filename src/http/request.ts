// Steps that every route is made of: who asks, may they, is the input what the schema says.

import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import { AppError } from "../core/errors.ts";
import type { Identity } from "../wire/types/identity.ts";
import { hasScope, type ClientScope } from "../wire/types/scopes.ts";
import type { Services } from "./services.ts";
import { identifySession, sessionHolder } from "./session-cookie.ts";

/** The identity behind a request; synchronous for a token seen before. A token counts before a session. */
export function identify(services: Services, request: FastifyRequest): Identity | Promise<Identity> {
  const header = request.headers.authorization;
  if (header === undefined) {
    const identity = identifySession(services.sessions, request);
    if (identity !== undefined) return identity;
  }
  return services.identity.cached(header) ?? services.identity.verify(header);
}

/** Who is known to be behind a request that is refused; undefined for nobody. Never throws. */
export function knownIdentity({ identity, sessions }: Services, request: FastifyRequest): Identity | undefined {
  const header = request.headers.authorization;
  return header === undefined ? sessionHolder(sessions, request) : identity.cached(header);
}

export function requireScope(identity: Identity, scope: ClientScope): void {
  if (!hasScope(identity, scope)) throw new AppError("scope-insufficient", `this needs the scope ${scope}`, { scope });
}

/** Every write of an identity counts, refused ones too; what takes long to judge counts as several. */
export function admitWrite(services: Services, identity: Identity, count = 1): void {
  services.admission.admit({ caller: identity.id, kind: "writes", count, nowMs: services.nowMs() });
}

export function idOf(params: unknown): string {
  const { id } = params as { id?: string };
  return (id ?? "").slice(0, 64);
}

/** The input as its schema gives it; the first problem is named with its place. */
export function parseWith<S extends z.ZodType>(
  schema: S,
  value: unknown,
  code: "request-invalid" | "query-invalid",
): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const pointer = (issue?.path ?? []).map((part) => `/${String(part).slice(0, 64)}`).join("");
  throw new AppError(code, `${pointer === "" ? "the value" : pointer}: ${(issue?.message ?? "invalid").slice(0, 200)}`);
}

const KEY = /^[\x21-\x7e]{1,128}$/;

/** The Idempotency-Key header, bound to who sent it; null when there is none. */
export function idempotencyKey(request: FastifyRequest, identity: Identity): string | null {
  const header = request.headers["idempotency-key"];
  if (header === undefined) return null;
  if (typeof header !== "string" || !KEY.test(header)) {
    throw new AppError("request-invalid", "Idempotency-Key: 1 to 128 visible ASCII characters");
  }
  return `${identity.id} ${header}`;
}
