// AuthZEN: evaluations of the Authorization API 1.0, and requests of the Access Request and Approval Profile.

import { z } from "zod";

const EVALUATIONS_MAX = 50;

const name = z.string().min(1).max(256);
const properties = z.record(z.string().max(128), z.unknown());

const subject = z.looseObject({ type: name, id: name, properties: properties.optional() });
const resource = z.looseObject({ type: name, id: name, properties: properties.optional() });
const action = z.looseObject({ name, properties: properties.optional() });
const context = z.record(z.string().max(128), z.unknown());

export const accessCallSchema = z.looseObject({ subject, action, resource, context: context.optional() });
export type AccessCall = z.infer<typeof accessCallSchema>;

export const evaluationSchema = accessCallSchema.meta({ id: "AccessEvaluation" });

/** Members that stand beside `evaluations` are those of each that names no other. */
export const evaluationsSchema = z
  .looseObject({
    subject: subject.optional(),
    action: action.optional(),
    resource: resource.optional(),
    context: context.optional(),
    evaluations: z.array(z.looseObject({})).min(1).max(EVALUATIONS_MAX).optional(),
    options: z
      .looseObject({
        evaluations_semantic: z
          .enum(["execute_all", "deny_on_first_deny", "permit_on_first_permit"])
          .default("execute_all"),
      })
      .prefault({}),
  })
  .meta({ id: "AccessEvaluations" });

export const accessDecisionSchema = z
  .object({ decision: z.boolean(), context: z.record(z.string(), z.unknown()).optional() })
  .meta({ id: "AccessDecision" });

export const accessDecisionsSchema = z
  .object({ evaluations: z.array(accessDecisionSchema) })
  .meta({ id: "AccessDecisions" });

/** One access; neither bundles nor callbacks are offered. */
export const accessRequestSchema = z
  .looseObject({
    subject,
    action,
    resource,
    context: context.optional(),
    denial: z.looseObject({
      binding_token: z.string().min(1).max(4_096),
      evaluation_id: z.string().max(128).optional(),
      evaluated_at: z.string().max(64).optional(),
      reason: z.string().max(128).optional(),
      template: z.string().max(128).optional(),
    }),
    requested_access: z.record(z.string().max(128), z.unknown()).optional(),
    client: z.record(z.string().max(128), z.unknown()).optional(),
    items: z.never("bundles are not offered: request one access at a time").optional(),
    callback: z.never("callbacks are not offered: ask the status_endpoint, or follow /v1/stream").optional(),
  })
  .meta({ id: "AccessRequest" });

/** The approval that a re-evaluation carries; what else stands in it is not relied upon. */
export const approvalReferenceSchema = z.looseObject({ id: z.string().min(1).max(128) });

export const accessTaskSchema = z
  .object({ task: z.record(z.string(), z.unknown()), result: z.record(z.string(), z.unknown()).optional() })
  .meta({ id: "AccessTask" });
