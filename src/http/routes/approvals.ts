// Routes of approvals: answers to a hold, the emergency exit, and the reviews that it owes.

import { isAppError } from "../../core/errors.ts";
import {
  answerSchema,
  breakGlassSchema,
  decisionSchema,
  documentSchema,
  listQuerySchema,
  pageSchema,
  reviewSchema,
} from "../../wire/schemas/api.ts";
import { hasScope } from "../../wire/types/scopes.ts";
import { answerCommand, answererOf, glassCommand } from "../answers.ts";
import { listView, readView } from "../listing.ts";
import { decisionOf } from "../decision.ts";
import { admitWrite, identify, idOf, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";

async function answerHold({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "actions:approve");
  const { decision, planHash, reason = null, confirm } = parseWith(answerSchema, request.body, "request-invalid");
  admitWrite(services, identity);
  const answer = { decision, planHash, reason, confirm };
  return decisionOf(await services.submit(answerCommand(services, { identity, action: idOf(request.params), answer })));
}

async function breakGlass({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "actions:approve");
  const answer = parseWith(breakGlassSchema, request.body, "request-invalid");
  admitWrite(services, identity);
  const action = idOf(request.params);
  const decision = decisionOf(await services.submit(glassCommand(services, { identity, action, answer })));
  const isBroken = decision.status !== "held";
  if (isBroken) services.metrics.count("holdpoint_glass_broken_total", "Held actions let go without their quorum.");
  services.log.info({ action, identity: identity.id, isBroken }, "somebody breaks the glass");
  return decision;
}

async function readReview({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "actions:read");
  const review = await readView(services, { view: "reviews", id: idOf(request.params), code: "review-not-found" });
  if (review.noteSeq === null || !hasScope(identity, "payloads:read")) return review;
  return { ...review, content: await services.ledger.payload(review.noteSeq).catch(whenErased) };
}

/** What has been erased is not there any more; what cannot be read now is a failure. */
function whenErased(error: unknown): null {
  if (isAppError(error, "payload-erased")) return null;
  throw error;
}

async function giveReview({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "actions:approve");
  const { outcome, note } = parseWith(reviewSchema, request.body, "request-invalid");
  admitWrite(services, identity);
  const review = idOf(request.params);
  await readView(services, { view: "reviews", id: review, code: "review-not-found" });
  const input = { review, outcome, answerer: answererOf(services, identity) };
  const { subject, result } = await services.submit({
    type: "give-review",
    actor: identity.id,
    input,
    content: { note },
  });
  return { id: subject, status: result, href: `/v1/reviews/${subject}` };
}

export const approvalRoutes: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/actions/:id/approvals",
    operationId: "answerHold",
    summary: "Approve or deny a held action, bound to the exact plan that was read, or take your approval back.",
    auth: { scope: "actions:approve" },
    body: { schema: answerSchema, type: "application/json" },
    response: { status: 200, schema: decisionSchema, what: "What happened to the action" },
    errors: [
      "not-eligible",
      "self-approval",
      "already-answered",
      "approval-not-found",
      "plan-mismatch",
      "confirmation-missing",
      "action-not-held",
      "killswitch-conflict",
    ],
    handle: answerHold,
  },
  {
    method: "POST",
    path: "/v1/actions/:id/break-glass",
    operationId: "breakGlass",
    summary: "Let a held action go at once in an emergency, as its route allows; a review is owed afterwards.",
    auth: { scope: "actions:approve" },
    body: { schema: breakGlassSchema, type: "application/json" },
    response: { status: 200, schema: decisionSchema, what: "What happened to the action" },
    errors: [
      "break-glass-unavailable",
      "not-eligible",
      "self-approval",
      "already-answered",
      "plan-mismatch",
      "confirmation-missing",
      "action-not-held",
      "killswitch-conflict",
      "overloaded",
    ],
    handle: breakGlass,
  },
  {
    method: "GET",
    path: "/v1/reviews",
    operationId: "listReviews",
    summary: "Reviews of broken glass, the newest first: `owed`, `overdue`, `justified` or `unjustified`.",
    auth: { scope: "actions:read" },
    query: listQuerySchema,
    response: { status: 200, schema: pageSchema, what: "One page" },
    errors: ["query-invalid", "views-behind"],
    handle: (context) => listView(context, { view: "reviews", scope: "actions:read" }),
  },
  {
    method: "GET",
    path: "/v1/reviews/:id",
    operationId: "getReview",
    summary: "One review, with what was written for those who may read contents.",
    auth: { scope: "actions:read" },
    response: { status: 200, schema: documentSchema, what: "The document" },
    errors: ["review-not-found", "views-behind"],
    handle: readReview,
  },
  {
    method: "POST",
    path: "/v1/reviews/:id",
    operationId: "giveReview",
    summary: "Say whether the glass had to be broken, as somebody who had no part in it.",
    auth: { scope: "actions:approve" },
    body: { schema: reviewSchema, type: "application/json" },
    response: { status: 200, schema: documentSchema, what: "What it came to" },
    errors: ["review-not-found", "review-closed", "not-eligible", "self-approval", "views-behind"],
    handle: giveReview,
  },
];
