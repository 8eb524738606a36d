// Reads from views: they wait until the views hold what was durable when the question came.

import { AppError, type ErrorCode } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { listQuerySchema } from "../wire/schemas/api.ts";
import type { ClientScope } from "../wire/types/scopes.ts";
import { identify, parseWith, requireScope } from "./request.ts";
import type { RouteContext } from "./route.ts";
import type { ListPage, Services, ViewKind } from "./services.ts";

export async function readView(
  services: Services,
  of: { kind: ViewKind; id: string; code: ErrorCode },
): Promise<JsonObject> {
  await services.views.caughtUp();
  const document = services.views.get(of.kind, of.id);
  if (document === null) throw new AppError(of.code, `no ${of.kind} of that id`, { id: of.id });
  return document;
}

export async function listView(context: RouteContext, of: { kind: ViewKind; scope: ClientScope }): Promise<ListPage> {
  const { services, request } = context;
  requireScope(await identify(services, request), of.scope);
  const { limit, cursor, ...rest } = parseWith(listQuerySchema, request.query, "query-invalid");
  await services.views.caughtUp();
  const filters = Object.fromEntries(
    Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return services.views.list(of.kind, { filters, cursor: cursor ?? null, limit });
}
