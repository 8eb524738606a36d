// The structured answer every classifier must give, as a schema and as JSON Schema for documents and model providers.

import { z } from "zod";
import type { JsonObject } from "../../core/json.ts";
import { SEVERITIES, type Classification } from "../types/classification.ts";

const TEAM_CHARS_MAX = 64;

export const classificationSchema = z.strictObject({
  classification: z.enum(SEVERITIES).describe("How serious it is"),
  confidence: z.number().min(0).max(1).describe("How sure the classifier is of its answer, 0 to 1"),
  requires_ticket: z.boolean().describe("Whether a ticket should record it"),
  requires_paging: z.boolean().describe("Whether somebody should be paged now"),
  requires_mim: z.boolean().describe("Whether it needs major incident management: record, bridge, responders"),
  recommended_team: z.string().min(1).max(TEAM_CHARS_MAX).describe("One of the configured teams"),
}) satisfies z.ZodType<Classification>;

/** JSON Schema 2020-12 of the contract. That no rule of sense is broken is checked beside it, in signals. */
export const CLASSIFICATION_JSON_SCHEMA = z.toJSONSchema(classificationSchema) as JsonObject;
