// Reads from views: they wait until the views hold what was durable when the question came.

import { AppError, type ErrorCode } from "../core/errors.ts";
import type { ViewPage } from "../wire/contracts/views.ts";
import { listQuerySchema } from "../wire/schemas/api.ts";
import type { ClientScope } from "../wire/types/scopes.ts";
import type { ViewDocuments, ViewName } from "../wire/types/views.ts";
import { listOfIncident } from "./of-incident.ts";
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
  const { limit, cursor, correlationId, ...rest } = parseWith(listQuerySchema, request.query, "query-invalid");
  await services.views.caughtUp();
  const filters = Object.fromEntries(
    Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const { reader } = services.views;
  if (correlationId !== undefined) {
    // An action without an incident, and an incident or a storm itself, are known by their own id; the rest by theirs.
    if (!/^(inc|stm)_/.test(correlationId) || of.view === "incidents" || of.view === "storms") {
      return { items: onlyOne(reader.find(of.view, correlationId), { ...filters, id: correlationId }), cursor: null };
    }
    if (filters["incident"] !== undefined && filters["incident"] !== correlationId) return { items: [], cursor: null };
    filters["incident"] = correlationId;
  }
  const query = { filters, cursor: cursor ?? null, limit };
  const isOfIncident = filters["incident"] !== undefined;
  const { items, next } = isOfIncident ? listOfIncident(reader, of.view, query) : reader.list(of.view, query);
  return { items, cursor: next };
}

/** The document, unless it has another correlation id or does not match. */
function onlyOne<T extends object>(document: T | null, filters: Readonly<Record<string, string>>): readonly T[] {
  if (document === null) return [];
  const members = { correlationId: filters["id"], ...document } as Readonly<Record<string, unknown>>;
  const isMeant = Object.entries({ ...filters, correlationId: filters["id"] }).every(
    ([name, value]) => members[name] === value,
  );
  return isMeant ? [document] : [];
}
