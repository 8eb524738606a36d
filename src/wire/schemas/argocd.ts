// What Argo CD's notifications send with the template of examples/sources/argocd.yaml.

import { z } from "zod";
import { looseText } from "./payload.ts";

export const argocdSchema = z.object({
  app: z.string().max(256),
  project: looseText,
  service: looseText,
  environment: looseText,
  /** Of the sync operation: Succeeded, Failed, Error, Running. */
  phase: z.string().max(64),
  revision: looseText,
  /** Of the Application's source; absent in templates of before. */
  repository: looseText.default(""),
  health: looseText,
  /** RFC 3339. */
  startedAt: looseText,
  finishedAt: looseText,
  url: looseText,
});
