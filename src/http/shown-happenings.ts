// What of the model's happenings somebody may see: incidents, actions and policies are the ledger's, and read by its scopes.

import { parseNodeText } from "../wire/schemas/model.ts";
import type { Identity } from "../wire/types/identity.ts";
import type { NodeKind } from "../wire/types/model.ts";
import { hasScope, type ClientScope } from "../wire/types/scopes.ts";
import { rememberedBy } from "./remembered.ts";
import { requireScope } from "./request.ts";
import type { Services } from "./services.ts";

const SCOPES: Partial<Record<NodeKind, ClientScope>> = {
  incident: "incidents:read",
  action: "actions:read",
  policy: "policies:read",
};

/** Throws `scope-insufficient` for a kind of node that is not the caller's to read. */
export function requireKinds(identity: Identity, kinds: readonly NodeKind[]): void {
  for (const kind of kinds) {
    const scope = SCOPES[kind];
    if (scope !== undefined) requireScope(identity, scope);
  }
}

type End = { readonly kind: string; readonly from: string; readonly to: string };

/** Whether an edge may be shown: both of its ends, and what explained an incident where that is remembered for the caller. */
export function edgeFilter(services: Services, identity: Identity): (edge: End) => boolean {
  const isRemembered = rememberedBy(services, identity);
  const isShown = (id: string): boolean => {
    const scope = SCOPES[parseNodeText(id)?.kind ?? "service"];
    return scope === undefined || hasScope(identity, scope);
  };
  return ({ kind, from, to }) => {
    if (!isShown(from) || !isShown(to)) return false;
    const ends = [parseNodeText(from), parseNodeText(to)];
    if (kind !== "caused" || ends[1]?.kind !== "incident") return true;
    const incident = services.views.reader.find("incidents", ends[1].name);
    const isNamed = ends[0]?.kind === "service" && incident?.services.includes(ends[0].name) === true;
    return isNamed || (incident !== null && isRemembered(incident));
  };
}
