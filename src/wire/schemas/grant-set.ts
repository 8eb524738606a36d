// The arguments of `grant.create`, and what of them the kernel acts on.

import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { instantFromRfc3339 } from "../../core/rfc3339.ts";
import type { GrantSetScope } from "../types/grant-set.ts";
import { agentSchema, environments, instant, kinds, services } from "./level-grant.ts";

const COUNT_MAX = 1_000;
const SIZE_MAX = 1_000_000_000;

const count = z.int().min(1).max(COUNT_MAX);
const size = z.int().min(1).max(SIZE_MAX);
const route = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "the name of a route");

export const grantCreateArguments = z.strictObject({
  agent: agentSchema.describe("Who may act under it"),
  kinds: kinds.describe("Action kinds, `prefix.*` or `*`"),
  environments: environments.describe("Where"),
  services: services.optional().describe("Any service, when left out"),
  count: count.default(1).describe("How many actions in all"),
  size: size.optional().describe("How much they may do together, as their plans count it: rows, replicas, bytes"),
  route: route.describe(
    "The route whose people would be asked each time: they grant it, and it stands for their holds alone",
  ),
  expiresAt: instant.describe("When it ends by itself, at most 7 days after it is granted"),
});

/** What of a grant is on record and approved: canonical, so that equal grants have equal plans. */
export function grantCreateOperand(args: z.output<typeof grantCreateArguments>): string {
  const scope: GrantSetScope = {
    agent: args.agent,
    count: args.count,
    environments: args.environments.toSorted(),
    expiresAt: instantFromRfc3339(args.expiresAt) ?? 0,
    kinds: args.kinds.toSorted(),
    route: args.route,
    services: args.services?.toSorted() ?? null,
    size: args.size ?? null,
  };
  return canonicalJson({ ...scope });
}

const operandSchema = z.strictObject({
  agent: agentSchema,
  count,
  environments,
  expiresAt: z.number().int().min(0),
  kinds,
  route,
  services: services.nullable(),
  size: size.nullable(),
});

/** The scope that an operand states; undefined for what is none. */
export function readGrantSet(operand: string): GrantSetScope | undefined {
  try {
    return operandSchema.safeParse(JSON.parse(operand)).data;
  } catch {
    return undefined;
  }
}
