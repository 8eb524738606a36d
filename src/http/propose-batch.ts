// Several proposals in one request: each is judged by itself, decided in order, and answered in its own place.

import type { Command } from "../kernel/command.ts";
import { batchEnvelopeSchema } from "../wire/schemas/api.ts";
import type { Identity } from "../wire/types/identity.ts";
import { waitMsOf } from "./action-waits.ts";
import type { Decision } from "./decision.ts";
import { problemOf } from "./problem.ts";
import { readyProposal, settled, statusOf } from "./propose.ts";
import { identify, parseWith } from "./request.ts";
import type { RouteContext } from "./route.ts";
import type { Services } from "./services.ts";
import { recordRefusal } from "./signed-proposals.ts";

type Answered =
  | { readonly status: 200 | 202; readonly action: Decision }
  | { readonly status: number; readonly problem: ReturnType<typeof problemOf> };

/**
 * Each counts as one write, has its own signature and idempotency key, and meets what one alone would meet. They reach the
 * kernel in their order and become durable together; what is wrong with one is its own answer.
 */
export async function proposeBatch({ services, request, reply }: RouteContext): Promise<{ actions: Answered[] }> {
  const identity = await identify(services, request);
  const { actions } = parseWith(batchEnvelopeSchema, request.body, "request-invalid");
  const waitMs = waitMsOf(request, reply);
  const ready = await Promise.allSettled(
    actions.map(({ proposal, signature: jws, idempotencyKey }) =>
      readyProposal(services, { identity, asked: proposal, sent: { jws, idempotencyKey } }),
    ),
  );
  const decided = ready.map((one) => decide(services, one, waitMs)); // all are submitted before any is awaited
  return { actions: await Promise.all(decided.map((one) => answerOf(services, { identity, one }))) };
}

async function decide(
  services: Services,
  ready: PromiseSettledResult<Command<"propose-action">>,
  waitMs: number,
): Promise<Decision> {
  if (ready.status === "rejected") throw ready.reason;
  return settled(services, await services.submit(ready.value), waitMs);
}

type Deciding = { readonly identity: Identity; readonly one: Promise<Decision> };

async function answerOf(services: Services, { identity, one }: Deciding): Promise<Answered> {
  try {
    const action = await one;
    return { status: statusOf(action), action };
  } catch (error) {
    const problem = problemOf(error);
    services.refused(identity.id, problem.code);
    if (problem.status >= 500) services.log.error({ err: error, code: problem.code }, "a proposal of a batch failed");
    if (identity.kind === "agent") await recordRefusal(services, identity, error);
    return { status: problem.status, problem };
  }
}
