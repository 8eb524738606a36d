// Maintenance silences: asked for by an action that people approve, ended by anybody who works on incidents.

import type { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { instantFromRfc3339 } from "../../core/rfc3339.ts";
import {
  decisionSchema,
  documentSchema,
  listQuerySchema,
  pageSchema,
  silenceEndSchema,
  silenceSchema,
} from "../../wire/schemas/api.ts";
import { listView, readView } from "../listing.ts";
import { admitWrite, identify, idOf, parseWith, requireScope } from "../request.ts";
import { propose } from "../propose.ts";
import type { Route, RouteContext } from "../route.ts";

const SELF = { environment: "holdpoint", service: "holdpoint" } as const;

async function createSilence(context: RouteContext): Promise<unknown> {
  const { services, request } = context;
  requireScope(await identify(services, request), "actions:propose:silence.create");
  const body = parseWith(silenceSchema, request.body, "request-invalid");
  const { reason } = body;
  const args = silenceArguments(body, services.nowMs());
  return propose(context, { kind: "silence.create", target: SELF, arguments: args, reason });
}

const MINUTE_MS = 60_000;

/** From now on where it names no start, to the minute where it names no end. Throws `request-invalid`. */
function silenceArguments(body: z.output<typeof silenceSchema>, nowMs: number): Record<string, string> {
  const { environment, service, signature, minutes } = body;
  const startsAt = body.startsAt ?? new Date(nowMs).toISOString();
  if ((body.endsAt === undefined) === (minutes === undefined)) {
    throw new AppError("request-invalid", "say when it ends: one of endsAt and minutes");
  }
  const beginsMs = instantFromRfc3339(startsAt) ?? nowMs;
  const endsAt = body.endsAt ?? new Date(beginsMs + (minutes ?? 0) * MINUTE_MS).toISOString();
  return {
    endsAt,
    environment,
    startsAt,
    ...(service === undefined ? {} : { service }),
    ...(signature === undefined ? {} : { signature }),
  };
}

async function endSilence({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "incidents:write");
  const body = parseWith(silenceEndSchema, request.body ?? {}, "request-invalid");
  admitWrite(services, identity);
  const input = { silence: idOf(request.params) };
  const content = { reason: body.reason ?? null };
  const { subject, repeated } = await services.submit({ type: "end-silence", actor: identity.id, input, content });
  return { id: subject, repeated, href: `/v1/silences/${subject}` };
}

async function readSilence({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "incidents:read");
  return readView(services, { view: "silences", id: idOf(request.params), code: "silence-not-found" });
}

const document = { status: 200, schema: documentSchema, what: "The document" } as const;

export const silenceRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/silences",
    operationId: "listSilences",
    summary: "List silences, the newest first; one that stands is in force from `startsAt` on.",
    auth: { scope: "incidents:read" },
    query: listQuerySchema,
    response: { status: 200, schema: pageSchema, what: "One page" },
    errors: ["query-invalid", "views-behind"],
    handle: (context) => listView(context, { view: "silences", scope: "incidents:read" }),
  },
  {
    method: "POST",
    path: "/v1/silences",
    operationId: "createSilence",
    summary:
      "Ask to keep alerts of an environment, a service or one failure quiet for a time: an action that waits for approval.",
    auth: { scope: "actions:propose:silence.create" },
    body: { schema: silenceSchema, type: "application/json" },
    response: {
      status: 200,
      schema: decisionSchema,
      what: "What happened to the action",
      also: { status: 202, what: "It waits for a person" },
    },
    errors: [
      "request-invalid",
      "arguments-invalid",
      "name-suspicious",
      "secret-detected",
      "idempotency-conflict",
      "overloaded",
    ],
    handle: createSilence,
  },
  {
    method: "GET",
    path: "/v1/silences/:id",
    operationId: "getSilence",
    summary: "One silence, with how many signals it kept quiet.",
    auth: { scope: "incidents:read" },
    response: document,
    errors: ["silence-not-found", "views-behind"],
    handle: readSilence,
  },
  {
    method: "POST",
    path: "/v1/silences/:id/end",
    operationId: "endSilence",
    summary: "End a silence at once; what still fires of it is triaged. Nobody has to approve it.",
    auth: { scope: "incidents:write" },
    body: { schema: silenceEndSchema, type: "application/json" },
    response: { ...document, what: "The silence that has ended" },
    errors: ["silence-not-found", "commit-unknown"],
    handle: endSilence,
  },
];
