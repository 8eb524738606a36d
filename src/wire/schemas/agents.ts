// The registration of an agent: what is proposed, and the operand that people approve.

import { hash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { canonicalEnvironment } from "../../core/environment.ts";
import { AppError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { isKindPattern } from "../../core/kind-pattern.ts";
import { plainName } from "../../core/names.ts";
import { DATA_CLASSES, type AgentJwk, type AgentKey, type AgentRegistration } from "../types/agent.ts";
import { AGENT_SCOPES } from "../types/scopes.ts";
import { parseArguments } from "./executor-arguments.ts";
import { publicJwk, type PublicJwk } from "./identity.ts";

const OPERAND_CHARS_MAX = 4_096;
const NAME = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
export const distinct = (values: readonly unknown[]): boolean =>
  new Set(values.map((one) => JSON.stringify(one))).size === values.length;

export const agentId = z.string().regex(new RegExp(`^agent:${NAME}$`), "an id is agent:<name>, name in a-z, 0-9 and -");
export const personId = z.string().regex(new RegExp(`^person:${NAME}$`), "a person is person:<name>");
const role = z.string().regex(new RegExp(`^${NAME}$`), "a role is a-z, 0-9 and -");

/** Vendors' own names of models: ASCII that can be seen, since they are kept for ever. */
export const modelText = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$/, "a name of letters, digits and . _ : / @ + -");

const plain = z.string().transform((text, context) => {
  const name = text === "*" ? text : plainName(text);
  if (name !== undefined) return name;
  context.addIssue({ code: "custom", message: "not a plain name, or *" });
  return z.NEVER;
});

export const compactDetached = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,512}\.\.[A-Za-z0-9_-]{1,256}$/, "a JWS with detached payload");

export const registrationArguments = z.strictObject({
  id: agentId,
  owner: personId.describe("Who answers for it; never approves what it proposes"),
  purpose: z.string().min(1).max(2_000).describe("What it is for, in words"),
  models: z
    .array(z.strictObject({ provider: modelText, name: modelText }))
    .min(1)
    .max(16)
    .refine(distinct, "a model is named twice"),
  kinds: z
    .array(z.string().max(64).refine(isKindPattern, "a kind, `name.*`, or `*`"))
    .min(1)
    .max(32)
    .refine(distinct, "a kind is named twice"),
  environments: z.array(plain.transform(canonicalEnvironment)).min(1).max(16).refine(distinct, "named twice"),
  services: z.array(plain).min(1).max(64).refine(distinct, "named twice"),
  volumePerHour: z.int().min(1).max(100_000_000).describe("Proposals in an hour, at most"),
  reads: z
    .array(
      z.strictObject({
        source: modelText,
        classes: z.array(z.enum(DATA_CLASSES)).min(1).refine(distinct, "named twice"),
      }),
    )
    .max(32)
    .default([])
    .describe("Data that it reads, with the classes of it"),
  scopes: z.array(z.enum(AGENT_SCOPES)).refine(distinct, "a scope is named twice").default([]),
  roles: z.array(role).max(8).refine(distinct, "a role is named twice").default([]),
  keys: z.array(publicJwk).min(1).max(4),
  parent: agentId.optional().describe("The agent that it acts for: its authority is never wider"),
  dpop: z.boolean().default(false).describe("Tokens must be bound to a key (RFC 9449)"),
  proofs: z
    .array(compactDetached)
    .min(1)
    .max(4)
    .describe("By each key in turn, a JWS with detached payload over the canonical JSON of all but `proofs`"),
});

const registration: z.ZodType<AgentRegistration> = z.object({
  dpop: z.boolean(),
  environments: z.array(z.string()),
  id: agentId,
  keys: z.array(z.object({ jwk: publicJwk, thumbprint: z.string() })),
  kinds: z.array(z.string()),
  models: z.array(z.object({ name: z.string(), provider: z.string() })),
  owner: personId,
  parent: agentId.nullable(),
  purposeHash: z.string(),
  reads: z.array(z.object({ classes: z.array(z.enum(DATA_CLASSES)), source: z.string() })),
  roles: z.array(z.string()),
  scopes: z.array(z.string()),
  services: z.array(z.string()),
  volumePerHour: z.int().min(1),
});

/** RFC 7638 thumbprint, SHA-256 in base64url: what a key is called, whatever its `kid` says. */
export function keyThumbprint(jwk: PublicJwk | AgentJwk): string {
  return hash("sha256", canonicalJson(bareJwk(jwk)), "base64url");
}

/** The members that make the key. */
function bareJwk(jwk: PublicJwk | AgentJwk): AgentJwk {
  if (jwk.kty === "OKP") return { crv: jwk.crv, kty: jwk.kty, x: jwk.x };
  return { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y };
}

/** A key as it is kept: what it is made of, and what it is called. */
export function agentKeyOf(jwk: PublicJwk): AgentKey {
  return { jwk: bareJwk(jwk), thumbprint: keyThumbprint(jwk) };
}

/** What the kernel acts on. Throws `arguments-invalid`. */
export function registrationOperand(args: JsonObject): string {
  const { purpose, proofs: _proofs, keys, parent = null, ...asked } = parseArguments(registrationArguments, args);
  const named = keys.map(agentKeyOf);
  if (!distinct(named.map(({ thumbprint }) => thumbprint)))
    throw new AppError("arguments-invalid", "a key is named twice");
  const operand = canonicalJson({
    ...asked,
    keys: named,
    parent,
    purposeHash: hash("sha256", purpose),
  });
  if (operand.length <= OPERAND_CHARS_MAX) return operand;
  throw new AppError("arguments-invalid", `the registration is longer than ${OPERAND_CHARS_MAX} characters`);
}

/** Null for an operand that is no registration. */
export function parseRegistration(operand: string): AgentRegistration | null {
  let value: unknown;
  try {
    value = JSON.parse(operand);
  } catch {
    return null;
  }
  return registration.safeParse(value).data ?? null;
}
