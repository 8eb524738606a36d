// Routes of stop reports: what each brake found, what became of it, and the proof of both.

import type { Json, JsonObject } from "../../core/json.ts";
import type { EventFacts } from "../../kernel/events.ts";
import { documentSchema, listQuerySchema } from "../../wire/schemas/api.ts";
import type { ActionView, BrakeView } from "../../wire/types/views.ts";
import { listView, readView } from "../listing.ts";
import { identify, idOf, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import type { Services } from "../services.ts";

async function listReports(context: RouteContext): Promise<unknown> {
  return listView(context, { view: "brakes", scope: "killswitch:read" });
}

/** From views and ledger alone: what the brake's event lists, and how each of that stands now. */
async function readReport({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "killswitch:read");
  const brake = await readView(services, { view: "brakes", id: idOf(request.params), code: "brake-not-found" });
  const { inFlight, waiting } = await listedBy(services, brake);
  const items = [...inFlight, ...waiting].map((id) => itemOf(services, { id, brake: brake.id }));
  const { ledger } = services;
  return {
    ...brake,
    ...summaryOf(brake),
    items: items.filter((item) => item !== null),
    receipts: {
      applied: await ledger.receipt(brake.seq),
      reported: brake.report === null ? null : await ledger.receipt(brake.report.seq),
    },
  };
}

type Listed = Pick<EventFacts["brake.applied"], "inFlight" | "waiting">;

async function listedBy({ ledger }: Services, { seq }: BrakeView): Promise<Listed> {
  const { items } = await ledger.events({ from: seq, limit: 1, type: null, subject: null });
  const [event] = items as readonly JsonObject[];
  return event?.["facts"] as unknown as Listed;
}

/** In flight and not ended yet, or all of it known. */
function summaryOf({ mode, counts, report }: BrakeView): JsonObject {
  const isWhole = mode === "dry-run" || (report !== null && report.open === 0);
  return { complete: isWhole, propagationMs: report?.propagationMs ?? null, found: { ...counts } };
}

function itemOf({ views }: Services, { id, brake }: { id: string; brake: string }): Json {
  const action = views.reader.find("actions", id);
  if (action === null) return null;
  const { kind, environment, service, agent, person, status, code } = action;
  const { was, end, afterMs, clock } = stopOf(action, brake);
  const item = { id, kind, environment, service, agent, person, was, end, afterMs, clock, status, code };
  return item as unknown as Json;
}

/** An action names the newest brakes alone: of one that is no longer named only its status now is known. */
function stopOf({ stops }: ActionView, brake: string): Partial<ActionView["stops"][number]> {
  return stops.find((stop) => stop.brake === brake) ?? { was: "in-flight", end: null, afterMs: null, clock: null };
}

export const stopReportRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/killswitch/reports",
    operationId: "listStopReports",
    summary: "Brakes, applied and released, each with the sum of what it found and what became of it.",
    auth: { scope: "killswitch:read" },
    query: listQuerySchema,
    response: { status: 200, schema: documentSchema, what: "A page, newest first" },
    errors: ["query-invalid", "views-behind"],
    handle: listReports,
  },
  {
    method: "GET",
    path: "/v1/killswitch/reports/:id",
    operationId: "getStopReport",
    summary: "What a brake found, how each step in flight ended and when, and receipts of both events.",
    auth: { scope: "killswitch:read" },
    response: { status: 200, schema: documentSchema, what: "The report" },
    errors: ["brake-not-found", "views-behind"],
    handle: readReport,
  },
];
