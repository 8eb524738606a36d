// The heartbeat: whoever watches over Holdpoint asks here, and gets an answer only while pages would go out.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import { documentSchema } from "../../wire/schemas/api.ts";
import { SOURCE_KINDS, type SourceProof } from "../../wire/types/source-kinds.ts";
import { authenticateSource } from "../delivery.ts";
import type { Route, RouteContext } from "../route.ts";

/** An Alertmanager's delivery of one group fits; what is in it does not matter. */
const BODY_BYTES_MAX = 256 * 1024;

async function beat({ services, request, reply }: RouteContext): Promise<unknown> {
  const source = authenticateSource(services, request);
  const { proof }: { proof: SourceProof } = SOURCE_KINDS[source.sourceKind];
  // A signature over a body that says nothing of the time could be sent again by whoever has seen one.
  if (proof === "hmac" || proof === "sns") {
    throw new AppError(
      "request-invalid",
      `a source of kind ${source.sourceKind} has no secret to send with a heartbeat`,
    );
  }
  services.admission.admit({ caller: source.id, kind: "signals", count: 1, nowMs: services.nowMs() });
  void reply.header("cache-control", "no-store");
  return { status: "alive", provenAt: await services.proveHeartbeat(source) };
}

export const heartbeatRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/heartbeat/:id",
    operationId: "beat",
    summary:
      "Answers while decisions become durable and pages would go out; the id is a source's name, any body will do.",
    auth: "source",
    body: { schema: z.unknown(), type: "application/json" },
    bodyBytesMax: BODY_BYTES_MAX,
    response: { status: 200, schema: documentSchema, what: "When this was last proven" },
    errors: [
      "source-unknown",
      "source-secret-invalid",
      "request-invalid",
      "body-too-large",
      "overloaded",
      "not-ready",
      "target-unavailable",
      "commit-unknown",
    ],
    handle: beat,
  },
];
