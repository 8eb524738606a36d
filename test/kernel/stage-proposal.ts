// A person's proposal to move the stage, as tests make it.

import { hash } from "node:crypto";
import type { CommandInputs } from "../../src/kernel/command.ts";

export function stageProposal(stage: string, person: string): CommandInputs["propose-action"] {
  const requestHash = hash("sha256", `stage ${stage}`);
  return {
    kind: "stage.set",
    environment: "holdpoint",
    service: "holdpoint",
    resource: null,
    agentKind: "person",
    person,
    requestHash,
    planHash: requestHash,
    repeat: "idempotent",
    effect: "kernel",
    reversible: true,
    idempotencyKey: null,
    operand: stage,
  };
}
