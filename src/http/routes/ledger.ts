// Routes of the ledger: checkpoint, tiles, events, receipts, erasure.

import { AppError } from "../../core/errors.ts";
import { documentSchema, erasureSchema, eventsQuerySchema } from "../../wire/schemas/api.ts";
import { admitWrite, identify, idOf, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";

async function readCheckpoint({ services, request, reply }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "ledger:read");
  return reply.type("text/plain; charset=utf-8").send(await services.ledger.checkpoint());
}

async function readTile({ services, request, reply }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "ledger:read");
  const path = String((request.params as Record<string, string>)["*"] ?? "").slice(0, 64);
  const bytes = await services.ledger.tile(path);
  if (bytes === null) throw new AppError("tile-not-found", "no tile at that path");
  return reply.type("application/octet-stream").send(Buffer.from(bytes));
}

async function readKeys({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "ledger:read");
  return services.ledger.keys();
}

async function readEvents({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "ledger:read");
  const { from, limit, type, subject } = parseWith(eventsQuerySchema, request.query, "query-invalid");
  return services.ledger.events({ from, limit, type: type ?? null, subject: subject ?? null });
}

async function readReceipt({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "ledger:read");
  const text = idOf(request.params);
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw new AppError("event-not-found", "an event is named by its sequence");
  }
  return services.ledger.receipt(Number(text));
}

async function erase({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "payloads:erase");
  admitWrite(services, identity);
  const { subject, retention } = parseWith(erasureSchema, request.body, "request-invalid");
  return services.ledger.erase(subject, retention, identity.id);
}

const auth = { scope: "ledger:read" };
const document = { status: 200, schema: documentSchema, what: "The document" } as const;

export const ledgerRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/ledger/checkpoint",
    operationId: "getCheckpoint",
    summary: "The signed head of the log (C2SP tlog-checkpoint).",
    auth,
    response: { status: 200, type: "text/plain", what: "A signed note" },
    errors: [],
    handle: readCheckpoint,
  },
  {
    method: "GET",
    path: "/v1/ledger/tile/*",
    operationId: "getTile",
    summary: "A Merkle tile (C2SP tlog-tiles).",
    auth,
    response: { status: 200, type: "application/octet-stream", what: "Hashes of 32 bytes" },
    errors: ["tile-not-found"],
    handle: readTile,
  },
  {
    method: "GET",
    path: "/v1/ledger/keys",
    operationId: "getLedgerKeys",
    summary: "The root's verifier key and its statements about log keys.",
    auth,
    response: document,
    errors: [],
    handle: readKeys,
  },
  {
    method: "GET",
    path: "/v1/ledger/events",
    operationId: "listEvents",
    summary: "Events in order, from a sequence on, by type and subject.",
    auth,
    query: eventsQuerySchema,
    response: document,
    errors: ["query-invalid"],
    handle: readEvents,
  },
  {
    method: "GET",
    path: "/v1/ledger/events/:id/receipt",
    operationId: "getEventReceipt",
    summary: "Offline proof that one event is in the log (DSSE, in-toto).",
    auth,
    response: document,
    errors: ["event-not-found"],
    handle: readReceipt,
  },
  {
    method: "POST",
    path: "/v1/ledger/erasures",
    operationId: "erasePayloads",
    summary: "Destroy the key of a subject's payloads; facts and proofs stay.",
    auth: { scope: "payloads:erase" },
    body: { schema: erasureSchema, type: "application/json" },
    response: document,
    errors: ["event-not-found"],
    handle: erase,
  },
];
