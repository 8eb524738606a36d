// Proposals of kinds that the kernel carries out itself: their plan is the kind and what it acts on, nothing more.

import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import type { JsonObject } from "../core/json.ts";
import type { Target } from "../wire/contracts/executor.ts";
import { checkKernelTarget, kernelPlan, type KernelKind } from "../wire/schemas/kernel-kinds.ts";

type Asked = { readonly kind: KernelKind; readonly target: Target; readonly args: JsonObject };

type Proposal = {
  readonly planHash: string;
  readonly operand: string;
  readonly repeat: "idempotent";
  readonly effect: "kernel";
  readonly reversible: true;
};

/** What the kernel needs of such a proposal. Throws `arguments-invalid`. */
export function kernelProposal({ kind, target, args }: Asked): Proposal {
  checkKernelTarget(target);
  const operand = kind.operandOf(args);
  const planHash = hash("sha256", canonicalJson(kernelPlan(kind.kind, operand)));
  return { planHash, operand, repeat: "idempotent", effect: "kernel", reversible: true };
}
