// The route that names causes: a symptom in, ranked chains out.

import { documentSchema } from "../../wire/schemas/api.ts";
import { modelCausesSchema } from "../../wire/schemas/model-causes.ts";
import { identify, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";

/** A question, though it is posted: nothing is recorded, so repeating it needs no key. */
async function findCauses({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "model:read");
  const { node, measure, at, knownAt } = parseWith(modelCausesSchema, request.body, "request-invalid");
  const nowMs = services.nowMs();
  return services.model.read({ what: "causes", node, measure, at: at ?? nowMs, knownAt: knownAt ?? nowMs });
}

export const modelCausesRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/model/causes",
    operationId: "findCauses",
    summary:
      "What explains a symptom of a node: changes, load, infrastructure and others' services by rank, each with its chain and evidence.",
    auth: { scope: "model:read" },
    body: { schema: modelCausesSchema, type: "application/json" },
    response: { status: 200, schema: documentSchema, what: "Causes by rank; `none` where no change explains it" },
    errors: ["model-node-not-found", "model-unavailable"],
    handle: findCauses,
  },
];
