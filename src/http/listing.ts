// Reads from views: they wait until the views hold what was durable when the question came.

import { AppError, type ErrorCode } from "../core/errors.ts";
import type { ViewPage } from "../wire/contracts/views.ts";
import { listQuerySchema } from "../wire/schemas/api.ts";
import type { ClientScope } from "../wire/types/scopes.ts";
import type { ViewDocuments, ViewName } from "../wire/types/views.ts";
import { identify, parseWith, requireScope } from "./request.ts";
import type { RouteContext } from "./route.ts";
import type { Services } from "./services.ts";

type Wanted<V extends ViewName> = { readonly view: V; readonly id: string; readonly code: ErrorCode };

/** The detail for an id that names nothing that the caller may see. */
export const NOTHING = "nothing of that id";

export async function readView<V extends ViewName>(services: Services, of: Wanted<V>): Promise<ViewDocuments[V]> {
  await services.views.caughtUp();
  const document = services.views.reader.find(of.view, of.id);
  if (document === null) throw new AppError(of.code, NOTHING, { id: of.id });
  return document;
}

type Listed<V extends ViewName> = { readonly view: V; readonly scope: ClientScope };

export async function listView<V extends ViewName>(
  context: RouteContext,
  of: Listed<V>,
): Promise<{ items: ViewPage<ViewDocuments[V]>["items"]; cursor: string | null }> {
  const { services, request } = context;
  requireScope(await identify(services, request), of.scope);
  const { limit, cursor, ...rest } = parseWith(listQuerySchema, request.query, "query-invalid");
  await services.views.caughtUp();
  const filters = Object.fromEntries(
    Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const { items, next } = services.views.reader.list(of.view, { filters, cursor: cursor ?? null, limit });
  return { items, cursor: next };
}
