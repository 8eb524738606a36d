// Proposals of bounded grants, as tests make them.

import { hash } from "node:crypto";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { CommandInputs } from "../../src/kernel/command.ts";
import type { GrantSetScope } from "../../src/wire/types/grant-set.ts";
import { stageProposal } from "./stage-proposal.ts";

type Wanted = Pick<GrantSetScope, "agent" | "expiresAt"> & Partial<GrantSetScope>;

/** For one action of any kind in production, held for whoever is on call, where it is not told otherwise. */
export function grantSetProposal(
  of: Wanted,
  by: { agentKind: "agent" | "person"; person: string | null },
): CommandInputs["propose-action"] {
  const scope: GrantSetScope = {
    count: 1,
    environments: ["production"],
    kinds: ["*"],
    route: "on-call",
    services: null,
    size: null,
    ...of,
  };
  const operand = canonicalJson({ ...scope });
  const requestHash = hash("sha256", `grant.create ${operand}`);
  return {
    ...stageProposal("shadow", "ada"),
    ...by,
    kind: "grant.create",
    operand,
    requestHash,
    planHash: requestHash,
  };
}
