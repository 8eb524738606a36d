// Steps that every route is made of: who asks, may they, is the input what the schema says.

import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import { AppError } from "../core/errors.ts";
import type { Identity } from "../wire/types/identity.ts";
import { hasScope, type ClientScope } from "../wire/types/scopes.ts";
import type { Services } from "./services.ts";
import { identifySession, sessionHolder } from "./session-cookie.ts";

/**
 * The identity behind a request; of a write synchronous for a token seen before. Throws `rate-limited` for one that reads too
 * much, and answers its reads one after the other.
 */
export function identify(services: Services, request: FastifyRequest): Identity | Promise<Identity> {
  const found = senderOf(services, request);
  return request.method === "GET" ? admitRead(services, request.query, found) : found;
}

/** A token counts before a session. */
function senderOf(services: Services, request: FastifyRequest): Identity | Promise<Identity> {
  const header = request.headers.authorization;
  if (header === undefined) {
    const identity = identifySession(services.sessions, request);
    if (identity !== undefined) return identity;
  } else if (BOUND.test(header)) return identifyBound(services, { request, header });
  return services.identity.cached(header) ?? services.identity.verify(header);
}

const BOUND = /^dpop /i;
/** Requests whose proof of possession has been used: the door and the handler ask who it is one after the other. */
const proven = new WeakSet<FastifyRequest>();

async function identifyBound(
  { identity }: Services,
  { request, header }: { readonly request: FastifyRequest; readonly header: string },
): Promise<Identity> {
  const token = await identity.verifyBound(header);
  if (proven.has(request)) return token.identity;
  const path = request.url.split("?", 1)[0] ?? "";
  await identity.checkProof({ proof: proofOf(request), method: request.method, path, token });
  proven.add(request);
  return token.identity;
}

/** The value of the `DPoP` header; two of them arrive as one that is no proof. */
export function proofOf(request: FastifyRequest): string | undefined {
  const proof = request.headers["dpop"];
  return typeof proof === "string" ? proof : proof?.join();
}

/** Who is known to be behind a request that is refused; undefined for nobody. Never throws. */
export function knownIdentity({ identity, sessions }: Services, request: FastifyRequest): Identity | undefined {
  const header = request.headers.authorization;
  if (header === undefined) return sessionHolder(sessions, request);
  // A good token without its key counts for whom it was issued to: somebody may have stolen it.
  return identity.cached(header) ?? identity.cachedBound(header);
}

export function requireScope(identity: Identity, scope: ClientScope): void {
  if (!hasScope(identity, scope)) throw new AppError("scope-insufficient", `this needs the scope ${scope}`, { scope });
}

/** How much of a page counts as one read. */
const ROWS_PER_READ = 50;

/** Whoever may read must not keep others from deciding and stopping: it is done in the same thread. */
async function admitRead(
  { admission, nowMs }: Services,
  query: unknown,
  found: Identity | Promise<Identity>,
): Promise<Identity> {
  const identity = await found;
  const rows = Number((query as { limit?: unknown }).limit ?? 0);
  const count = rows > 0 ? 1 + Math.floor(Math.min(rows, 1_000) / ROWS_PER_READ) : 1;
  admission.admit({ caller: identity.id, kind: "reads", count, nowMs: nowMs() });
  await admission.turnOf(identity.id);
  return identity;
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

/** An idempotency key as it came, bound to who sent it; null when there is none. */
export function idempotencyKey(sent: unknown, identity: Identity): string | null {
  if (sent === undefined) return null;
  if (typeof sent !== "string" || !KEY.test(sent)) {
    throw new AppError("request-invalid", "Idempotency-Key: 1 to 128 visible ASCII characters");
  }
  return `${identity.id} ${sent}`;
}
