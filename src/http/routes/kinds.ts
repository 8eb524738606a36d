// Routes of action kinds: what may be proposed here, with the arguments that each takes and what it may put at risk.

import { documentSchema } from "../../wire/schemas/api.ts";
import { KERNEL_DOMAINS, KERNEL_KINDS } from "../../wire/schemas/kernel-kinds.ts";
import { identify, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";

async function listKinds({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "actions:read");
  const own = [...KERNEL_KINDS.values()].map(({ kind, argumentsSchema }) => ({
    kind,
    title: `Carried out by Holdpoint itself: ${kind}`,
    argumentsSchema,
    repeat: "idempotent",
    planning: "pure",
    effect: "kernel",
    reversible: true,
    risks: KERNEL_DOMAINS,
    credentials: [],
  }));
  const { actions } = services;
  const offered = [...actions.kinds.values()].map((one) => ({ ...one, credentials: actions.credentialsOf(one.kind) }));
  const items = [...offered, ...own].sort((a, b) => (a.kind < b.kind ? -1 : 1));
  return { items };
}

export const kindRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/kinds",
    operationId: "listKinds",
    summary:
      "The kinds of action that may be proposed here: arguments, repeat, reversibility, risk domains, needed secrets.",
    auth: { scope: "actions:read" },
    response: { status: 200, schema: documentSchema, what: "All of them" },
    errors: [],
    handle: listKinds,
  },
];
