// Action kinds that the kernel itself carries out and that anybody with the scope may propose.

import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { canonicalEnvironment } from "../../core/environment.ts";
import { AppError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { plainName } from "../../core/names.ts";
import { instantFromRfc3339 } from "../../core/rfc3339.ts";
import type { RiskDomain } from "../types/risk.ts";
import type { SilenceTerms } from "../types/silence.ts";
import { STAGES } from "../types/stage.ts";
import { registrationArguments, registrationOperand } from "./agents.ts";
import { argumentsJsonSchema, parseArguments } from "./executor-arguments.ts";
import { grantCreateArguments, grantCreateOperand } from "./grant-set.ts";
import { levelGrantArguments, levelGrantOperand, levelRevokeArguments } from "./level-grant.ts";
import { groupOperand, groupRightsArguments, personOperand, personRightsArguments } from "./rights.ts";

const stageSetArguments = z.strictObject({
  stage: z.enum(STAGES).describe("The stage that the triage agent is to be at"),
});

const DIGEST = /^[0-9a-f]{64}$/;

const silenceCreateArguments = z.strictObject({
  environment: z.string().min(1).max(128).describe("Where it is quiet"),
  service: z.string().min(1).max(128).optional().describe("By default every service of the environment"),
  signature: z.string().regex(DIGEST).optional().describe("By default every failure"),
  startsAt: z.iso.datetime({ offset: true }).describe("RFC 3339"),
  endsAt: z.iso.datetime({ offset: true }).describe("RFC 3339; at most seven days after it starts"),
});

/** What such kinds are about: the installation as a whole. */
const SELF = "holdpoint";
/** The domain that is closed once too many are: see `applyDomainBlocked`. */
const EVERYTHING = "*";

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

const PERSON_REGISTER: KernelKind = {
  kind: "person.register",
  argumentsSchema: argumentsJsonSchema(personRightsArguments),
  operandOf: personOperand,
};

const GROUP_REGISTER: KernelKind = {
  kind: "group.register",
  argumentsSchema: argumentsJsonSchema(groupRightsArguments),
  operandOf: groupOperand,
};

const SILENCE_CREATE: KernelKind = {
  kind: "silence.create",
  argumentsSchema: argumentsJsonSchema(silenceCreateArguments),
  operandOf: (args) => canonicalJson(silenceTerms(parseArguments(silenceCreateArguments, args))),
};

function silenceTerms(args: z.output<typeof silenceCreateArguments>): SilenceTerms {
  const { environment, service, signature = null, startsAt, endsAt } = args;
  return {
    endsAt: instant("endsAt", endsAt),
    environment: canonicalEnvironment(plainly("environment", environment)),
    service: service === undefined ? null : plainly("service", service),
    signature,
    startsAt: instant("startsAt", startsAt),
  };
}

/** In the form that signals and actions have it: what looks as if it named something does. */
function plainly(field: string, text: string): string {
  const name = plainName(text);
  if (name === undefined) throw new AppError("name-suspicious", `${field} is not a plain name`, { field });
  return name;
}

function instant(field: string, text: string): number {
  const at = instantFromRfc3339(text);
  if (at === undefined) throw new AppError("arguments-invalid", `${field} is no instant of RFC 3339`, { field });
  return at;
}

const domainReleaseArguments = z.strictObject({
  environment: z.string().min(1).max(128).describe("Where a revert failed; `*` with service `*` where all is closed"),
  service: z.string().min(1).max(128).describe("Whose"),
});

/** Nothing more ran there since a revert had failed, or anywhere once too many had: people say that it is well again. */
const DOMAIN_RELEASE: KernelKind = {
  kind: "domain.release",
  argumentsSchema: argumentsJsonSchema(domainReleaseArguments),
  operandOf: (args) => {
    const { environment, service } = parseArguments(domainReleaseArguments, args);
    if (environment === EVERYTHING && service === EVERYTHING) return EVERYTHING;
    return `${canonicalEnvironment(plainly("environment", environment))}|${plainly("service", service)}`;
  },
};

const LEVEL_GRANT: KernelKind = {
  kind: "level.grant",
  argumentsSchema: argumentsJsonSchema(levelGrantArguments),
  operandOf: (args) => bounded(levelGrantOperand(parseArguments(levelGrantArguments, args))),
};

const LEVEL_REVOKE: KernelKind = {
  kind: "level.revoke",
  argumentsSchema: argumentsJsonSchema(levelRevokeArguments),
  operandOf: (args) => parseArguments(levelRevokeArguments, args).grant,
};

const GRANT_CREATE: KernelKind = {
  kind: "grant.create",
  argumentsSchema: argumentsJsonSchema(grantCreateArguments),
  operandOf: (args) => bounded(grantCreateOperand(parseArguments(grantCreateArguments, args))),
};

const OPERAND_CHARS_MAX = 4_096;

function bounded(operand: string): string {
  if (operand.length <= OPERAND_CHARS_MAX) return operand;
  throw new AppError("arguments-invalid", "it names too much; ask for it in parts", { max: OPERAND_CHARS_MAX });
}

export const KERNEL_KINDS: ReadonlyMap<string, KernelKind> = new Map(
  [
    STAGE_SET,
    AGENT_REGISTER,
    PERSON_REGISTER,
    GROUP_REGISTER,
    SILENCE_CREATE,
    DOMAIN_RELEASE,
    LEVEL_GRANT,
    LEVEL_REVOKE,
    GRANT_CREATE,
  ].map((one) => [one.kind, one]),
);

/** Those and the ones that have a way of their own in: all that changes Holdpoint itself. */
export const OWN_KINDS: ReadonlySet<string> = new Set([...KERNEL_KINDS.keys(), "killswitch.resume", "policy.activate"]);

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
    case "person.register":
    case "group.register":
      return { kind, rights: JSON.parse(operand) as JsonObject };
    case "silence.create":
      return { kind, silence: JSON.parse(operand) as JsonObject };
    case "domain.release":
      return { domain: operand, kind };
    case "level.grant":
      return { kind, level: JSON.parse(operand) as JsonObject };
    case "grant.create":
      return { grant: JSON.parse(operand) as JsonObject, kind };
    case "level.revoke":
      return { grant: operand, kind };
    default:
      return { brake: operand, kind };
  }
}

/** What Holdpoint's own kinds change is who may do what. */
export const KERNEL_DOMAINS: readonly RiskDomain[] = ["security"];
