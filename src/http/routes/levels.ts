// Routes of the levels of agents: read alone. They are granted and revoked by actions.

import { documentSchema, listQuerySchema, pageSchema } from "../../wire/schemas/api.ts";
import { listView, readView } from "../listing.ts";
import { identify, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";

async function readLevel({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "agents:read");
  const { id = "" } = request.params as { id?: string };
  return readView(services, { view: "levels", id: id.slice(0, 128), code: "level-not-found" });
}

export const levelRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/levels",
    operationId: "listLevels",
    summary: "Grants of level: to which agent, for what, until when, by which action; also those that ended.",
    auth: { scope: "agents:read" },
    query: listQuerySchema,
    response: { status: 200, schema: pageSchema, what: "One page" },
    errors: ["query-invalid", "views-behind"],
    handle: (context) => listView(context, { view: "levels", scope: "agents:read" }),
  },
  {
    method: "GET",
    path: "/v1/levels/:id",
    operationId: "getLevel",
    summary: "One grant of level.",
    auth: { scope: "agents:read" },
    response: { status: 200, schema: documentSchema, what: "The document" },
    errors: ["level-not-found", "views-behind"],
    handle: readLevel,
  },
];
