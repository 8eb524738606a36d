// Live updates as server-sent events.

import { AppError } from "../../core/errors.ts";
import { LiveEvents } from "../live-events.ts";
import { identify } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";

const SEQUENCE = /^(0|[1-9][0-9]{0,15})$/;

async function openStream({ services, request, reply }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  if (!LiveEvents.mayRead(identity)) throw new AppError("scope-insufficient", "this needs a scope that reads events");
  const check = async (): Promise<unknown> => identify(services, request);
  services.live.open({ identity, response: reply.raw, after: lastSeen(request.headers["last-event-id"]), check });
  return reply.hijack();
}

/** Where a reader was when its stream broke (WHATWG HTML, section 9.2.4). */
function lastSeen(header: unknown): number | null {
  if (header === undefined || header === "") return null;
  if (typeof header !== "string" || !SEQUENCE.test(header)) {
    throw new AppError("request-invalid", "Last-Event-ID: the sequence of an event");
  }
  return Number(header);
}

export const streamRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/stream",
    operationId: "streamEvents",
    summary:
      "Server-sent events: sequence, time, type and subject of each durable event that the identity may read. " +
      "`Last-Event-ID` goes on where a reader was; `gap` names what is no longer kept.",
    auth: { scope: "" },
    response: { status: 200, type: "text/event-stream", what: "Events until either side ends it" },
    errors: ["request-invalid", "scope-insufficient", "rate-limited", "overloaded"],
    handle: openStream,
  },
];
