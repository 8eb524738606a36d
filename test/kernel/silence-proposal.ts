// A person's proposal of a silence, as tests make it.

import { hash } from "node:crypto";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { CommandInputs } from "../../src/kernel/command.ts";
import type { SilenceTerms } from "../../src/wire/types/silence.ts";

export function silenceProposal(terms: SilenceTerms, person: string): CommandInputs["propose-action"] {
  const operand = canonicalJson(terms);
  const requestHash = hash("sha256", operand);
  return {
    kind: "silence.create",
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
    operand,
  };
}
