// Proposals to give an agent a level and to take one back, as tests make them.

import { hash } from "node:crypto";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { CommandInputs } from "../../src/kernel/command.ts";
import type { LevelScope } from "../../src/wire/types/level.ts";

type Proposal = CommandInputs["propose-action"];
type Wanted = Pick<LevelScope, "agent" | "expiresAt"> & Partial<LevelScope>;

/** For everything and everywhere at the highest level, where it is not told otherwise. */
export function levelProposal(of: Wanted, by: { agentKind: "agent" | "person"; person: string | null }): Proposal {
  const scope: LevelScope = { kinds: ["*"], environments: null, services: null, level: 3, ...of };
  return kernelProposal("level.grant", canonicalJson({ ...scope }), by);
}

export function revokeProposal(grant: string, by: { agentKind: "agent" | "person"; person: string | null }): Proposal {
  return kernelProposal("level.revoke", grant, by);
}

function kernelProposal(
  kind: string,
  operand: string,
  by: { agentKind: "agent" | "person"; person: string | null },
): Proposal {
  const requestHash = hash("sha256", `${kind} ${operand}`);
  return {
    kind,
    environment: "holdpoint",
    service: "holdpoint",
    resource: null,
    ...by,
    requestHash,
    planHash: requestHash,
    repeat: "idempotent",
    effect: "kernel",
    reversible: true,
    idempotencyKey: null,
    operand,
  };
}
