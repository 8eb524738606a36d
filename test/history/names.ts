// Who and what the workload is about.

import { hash } from "node:crypto";

export const SERVICES = ["cart", "search", "payments"];
export const ENVIRONMENTS = ["production", "staging"];
export const KINDS = [
  "deploy.rollback",
  "careful.change",
  "forbidden.drop",
  "nowhere.go",
  "note.add",
  "checked.change",
  "checked.change",
  "measured.change",
];
export const UNDO = { kind: "checked.undo", repeat: "idempotent", hash: hash("sha256", "undo") } as const;
export const BOB = { agentKind: "person", person: "p-bob" } as const;
export const AGENTS = ["agent:a0", "agent:a1", "agent:a2"];
export const STEP_ENDS = ["succeeded", "succeeded", "failed", "retry", "unknown"] as const;
export const FIRST_BUNDLE = hash("sha256", "first");
export const LATER_BUNDLES = [0, 1, 2, 3].map((number) => hash("sha256", `bundle${number}`));
export const BUNDLES: readonly string[] = [FIRST_BUNDLE, ...LATER_BUNDLES];
