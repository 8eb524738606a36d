// The stage of the triage agent: which is in force, who granted it, and what each stage permits.

import { documentSchema } from "../../wire/schemas/api.ts";
import { identify, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";

async function readStage({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "policies:read");
  await services.views.caughtUp();
  const granted = services.views.reader.find("installation", "log")?.stage ?? null;
  const hasEnded = granted?.expiresAt != null && services.nowMs() >= granted.expiresAt;
  const ladder = services.policies.ladder();
  const stage = granted === null || hasEnded || ladder === null ? "shadow" : granted.stage;
  return { stage, agent: "system:triage", hasEnded, granted, ladder };
}

export const stageRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/stage",
    operationId: "getStage",
    summary: "The stage of the triage agent, its grant, and what each stage permits. Propose `stage.set` to change it.",
    auth: { scope: "policies:read" },
    response: { status: 200, schema: documentSchema, what: "The document" },
    errors: ["views-behind"],
    handle: readStage,
  },
];
