// Routes of how people answer holds: read alone, by ids alone.

import { documentSchema, listQuerySchema, pageSchema } from "../../wire/schemas/api.ts";
import { listView, readView } from "../listing.ts";
import { identify, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";

/** What was decided is with each person: a page of them would be too much. */
async function listApprovers(context: RouteContext): Promise<unknown> {
  const { items, cursor } = await listView(context, { view: "approvers", scope: "actions:read" });
  return { items: items.map(({ recent: _recent, ...approver }) => approver), cursor };
}

async function readApprover({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "actions:read");
  const { person } = request.params as { person?: string };
  const id = (person ?? "").slice(0, 128);
  return readView(services, { view: "approvers", id, code: "approver-not-found" });
}

export const approverRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/approvers",
    operationId: "listApprovers",
    summary: "People who approve or deny, whoever began last first; `flagged` where it looks like rubber-stamping.",
    auth: { scope: "actions:read" },
    query: listQuerySchema,
    response: { status: 200, schema: pageSchema, what: "One page" },
    errors: ["query-invalid", "views-behind"],
    handle: listApprovers,
  },
  {
    method: "GET",
    path: "/v1/approvers/:person",
    operationId: "getApprover",
    summary: "How one person decides, with their last decisions, at most a hundred.",
    auth: { scope: "actions:read" },
    response: { status: 200, schema: documentSchema, what: "The document" },
    errors: ["approver-not-found", "views-behind"],
    handle: readApprover,
  },
];
