// Action kinds that the kernel itself carries out and that anybody with the scope may propose.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { STAGES } from "../types/stage.ts";
import { registrationArguments, registrationOperand } from "./agents.ts";
import { argumentsJsonSchema, parseArguments } from "./executor-arguments.ts";

const stageSetArguments = z.strictObject({
  stage: z.enum(STAGES).describe("The stage that the triage agent is to be at"),
});

/** What such kinds are about: the installation as a whole. */
const SELF = "holdpoint";

export interface KernelKind {
  readonly kind: string;
  /** JSON Schema (2020-12) of the arguments. */
  readonly argumentsSchema: JsonObject;
  /** What the kernel acts on. Throws `arguments-invalid`. */
  readonly operandOf: (args: JsonObject) => string;
}

const STAGE_SET: KernelKind = {
  kind: "stage.set",
  argumentsSchema: argumentsJsonSchema(stageSetArguments),
  operandOf: (args) => parseArguments(stageSetArguments, args).stage,
};

const AGENT_REGISTER: KernelKind = {
  kind: "agent.register",
  argumentsSchema: argumentsJsonSchema(registrationArguments),
  operandOf: registrationOperand,
};

export const KERNEL_KINDS: ReadonlyMap<string, KernelKind> = new Map(
  [STAGE_SET, AGENT_REGISTER].map((kind) => [kind.kind, kind]),
);

/** Throws `arguments-invalid` for a target that promises a narrower effect than the action has. */
export function checkKernelTarget({ environment, service }: { environment: string; service: string }): void {
  if (environment === SELF && service === SELF) return;
  const target = `${SELF}/${SELF}`;
  throw new AppError("arguments-invalid", `it is about the whole installation: its target is ${target}`, { target });
}

/** The canonical plan of a kernel kind, of which people approve the hash. */
export function kernelPlan(kind: string, operand: string): JsonObject {
  switch (kind) {
    case "policy.activate":
      return { bundle: operand, kind };
    case "stage.set":
      return { kind, stage: operand };
    case "agent.register":
      return { agent: JSON.parse(operand) as JsonObject, kind };
    default:
      return { brake: operand, kind };
  }
}
