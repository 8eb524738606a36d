// The request for causes of a symptom.

import { z } from "zod";
import { instantText } from "./model-api.ts";

export const modelCausesSchema = z
  .strictObject({
    /** The node that shows it: `service:production:cart`. */
    node: z.string().min(1).max(400),
    measure: z.enum(["errors", "latency", "traffic"]),
    /** When it was noticed; now where it is absent. */
    at: instantText.optional(),
    knownAt: instantText.optional(),
  })
  .meta({ id: "ModelSymptom" });
