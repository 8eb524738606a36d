// The arguments of `level.grant` and `level.revoke`, and what of them the kernel acts on.

import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { canonicalEnvironment } from "../../core/environment.ts";
import { isKindPattern } from "../../core/kind-pattern.ts";
import { plainName } from "../../core/names.ts";
import { instantFromRfc3339 } from "../../core/rfc3339.ts";
import type { LevelScope } from "../types/level.ts";

const NAME = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const KINDS_MAX = 16;
const PLACES_MAX = 16;

export const agentSchema = z.string().regex(new RegExp(`^agent:${NAME}$`), "an agent is agent:<name>");

const kindPattern = z.string().max(64).refine(isKindPattern, "an action kind, `prefix.*` or `*`");

const isDistinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

const name = z
  .string()
  .max(128)
  .refine((text) => plainName(text) !== undefined, "not a plain name")
  .overwrite((text) => plainName(text) ?? text);

export const kinds = z.array(kindPattern).min(1).max(KINDS_MAX).refine(isDistinct, "a kind is named twice");
export const services = z.array(name).min(1).max(PLACES_MAX).refine(isDistinct, "a service is named twice");
export const environments = z
  .array(name.overwrite(canonicalEnvironment))
  .min(1)
  .max(PLACES_MAX)
  .refine(isDistinct, "an environment is named twice");
const level = z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]);

export const instant = z
  .string()
  .max(40)
  .refine((text) => instantFromRfc3339(text) !== undefined, "an RFC 3339 instant");

export const levelGrantArguments = z.strictObject({
  agent: agentSchema.describe("Whose level it is"),
  level: level.describe("0 advisory, 1 assisted, 2 conditional autonomy, 3 scoped autonomy"),
  kinds: kinds.describe("Action kinds, `prefix.*` or `*`"),
  environments: environments.optional().describe("Any environment, when left out"),
  services: services.optional().describe("Any service, when left out"),
  expiresAt: instant.describe("When it ends by itself, at most 90 days after it is granted"),
});

export const levelRevokeArguments = z.strictObject({
  grant: z
    .string()
    .regex(/^lvl_[0-9a-hjkmnp-tv-z]{9}$/)
    .describe("The grant of level to take back"),
});

/** What of a grant is on record and approved: canonical, so that equal grants have equal plans. */
export function levelGrantOperand(args: z.output<typeof levelGrantArguments>): string {
  const scope: LevelScope = {
    agent: args.agent,
    environments: args.environments?.toSorted() ?? null,
    expiresAt: instantFromRfc3339(args.expiresAt) ?? 0,
    kinds: args.kinds.toSorted(),
    level: args.level,
    services: args.services?.toSorted() ?? null,
  };
  return canonicalJson({ ...scope });
}

const operandSchema = z.strictObject({
  agent: agentSchema,
  environments: z.array(name).min(1).max(PLACES_MAX).nullable(),
  expiresAt: z.number().int().min(0),
  kinds,
  level,
  services: services.nullable(),
});

/** The scope that an operand states; undefined for what is none. */
export function readLevelGrant(operand: string): LevelScope | undefined {
  try {
    return operandSchema.safeParse(JSON.parse(operand)).data;
  } catch {
    return undefined;
  }
}
