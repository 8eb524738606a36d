// What a proposal rests on: each thing that it names is there, and whoever proposes may read it.

import { AppError } from "../core/errors.ts";
import type { Identity } from "../wire/types/identity.ts";
import { hasScope, type ClientScope } from "../wire/types/scopes.ts";
import type { Services } from "./services.ts";

type Named = { readonly kind: "signal" | "run" | "incident" | "action"; readonly id: string };

const VIEWS = { signal: "signals", run: "runs", incident: "incidents", action: "actions" } as const;
const SCOPES: Readonly<Record<Named["kind"], ClientScope>> = {
  signal: "signals:read",
  run: "runs:read",
  incident: "incidents:read",
  action: "actions:read",
};

/** Their ids in order, each once. Throws `evidence-unknown` in the same words for what is not there and what is not shown. */
export async function checkEvidence(
  services: Services,
  identity: Identity,
  named: readonly Named[],
): Promise<readonly string[]> {
  await services.views.caughtUp();
  for (const one of named) {
    if (isReadable(services, identity, one)) continue;
    throw new AppError("evidence-unknown", `there is no ${one.kind} of that id to be read`, { ...one });
  }
  return [...new Set(named.map(({ id }) => id))].toSorted();
}

function isReadable({ views: { reader } }: Services, identity: Identity, { kind, id }: Named): boolean {
  const document = reader.find(VIEWS[kind], id);
  if (document === null) return false;
  const isOwn = kind === "action" && reader.find("actions", id)?.agent === identity.id;
  return isOwn || hasScope(identity, SCOPES[kind]);
}
