// Rights as they are asked for: of a person, or of a group at another issuer, and the operand that people approve.

import { hash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { AppError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Rights } from "../types/rights.ts";
import { isClientScope, PERSON_SCOPES } from "../types/scopes.ts";
import { agentKeyOf, compactDetached, distinct, personId } from "./agents.ts";
import { parseArguments } from "./executor-arguments.ts";
import { plainName, publicJwk, roles } from "./identity.ts";

const KEYS_MAX = 4;
const SUBJECTS_MAX = 8;
const OPERAND_CHARS_MAX = 4_096;

const issuer = z.string().min(1).max(512).describe("The issuer, exactly as its tokens name it");
const heldRoles = roles.default([]).describe("Roles that holds ask for");
const scopes = z
  .array(z.string().max(200).refine(isClientScope, "not a known scope"))
  .max(64)
  .refine(distinct, "a scope is named twice");
const heldScopes = scopes.default([...PERSON_SCOPES]).describe("By default what people usually need");

export const personRightsArguments = z.strictObject({
  id: personId,
  person: plainName.optional().describe("The human it speaks for, where the id does not say"),
  roles: heldRoles,
  scopes: heldScopes,
  keys: z.array(publicJwk).max(KEYS_MAX).default([]),
  subjects: z
    .array(z.strictObject({ issuer, subject: z.string().min(1).max(255) }))
    .max(SUBJECTS_MAX)
    .refine(distinct, "a subject is named twice")
    .default([])
    .describe("Who it is to other issuers"),
  dpop: z.boolean().default(false).describe("Tokens must be bound to a key (RFC 9449)"),
  proofs: z
    .array(compactDetached)
    .max(KEYS_MAX)
    .default([])
    .describe("By each key in turn, a JWS with detached payload over the canonical JSON of all but `proofs`"),
});

export const groupRightsArguments = z.strictObject({
  issuer,
  group: z.string().min(1).max(256).describe("The group's name there"),
  roles: heldRoles,
  scopes: heldScopes,
});

const digest = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const agentKey = z.strictObject({ jwk: publicJwk, thumbprint: digest });

/** What was approved, as the ledger has it. */
const rightsSchema: z.ZodType<Rights> = z.strictObject({
  dpop: z.boolean(),
  id: z.string().regex(/^(?:person:[a-z0-9-]{1,63}|group:[A-Za-z0-9_-]{43})$/),
  keys: z.array(agentKey).max(SUBJECTS_MAX),
  person: plainName.nullable(),
  roles,
  scopes,
  subjects: z.array(digest).max(SUBJECTS_MAX),
});

/** What somebody is to another issuer, told without saying it: a name there may be an address. */
export function subjectDigest({ issuer: of, subject }: { readonly issuer: string; readonly subject: string }): string {
  return hash("sha256", `${of}\n${subject}`, "base64url"); // unambiguous: no issuer's address holds a line feed
}

export function groupId(of: { readonly issuer: string; readonly group: string }): string {
  return `group:${subjectDigest({ issuer: of.issuer, subject: of.group })}`;
}

/** What the kernel acts on. Throws `arguments-invalid`. */
export function personOperand(args: JsonObject): string {
  const asked = parseArguments(personRightsArguments, args);
  if (asked.keys.length + asked.subjects.length === 0)
    throw new AppError("arguments-invalid", "it has no key, and no other issuer vouches for it");
  const keys = asked.keys.map(agentKeyOf);
  if (!distinct(keys.map(({ thumbprint }) => thumbprint)))
    throw new AppError("arguments-invalid", "a key is named twice");
  const person = asked.person ?? asked.id.slice("person:".length);
  return rightsOperand({ ...asked, keys, person, subjects: asked.subjects.map(subjectDigest) });
}

/** What the kernel acts on. Throws `arguments-invalid`. */
export function groupOperand(args: JsonObject): string {
  const asked = parseArguments(groupRightsArguments, args);
  return rightsOperand({ ...asked, dpop: false, id: groupId(asked), keys: [], person: null, subjects: [] });
}

/** Canonical, so that the same rights have the same plan. */
function rightsOperand({ dpop, id, keys, person, roles: held, scopes: may, subjects }: Rights): string {
  const rights = { dpop, id, keys, person, roles: held.toSorted(), scopes: may.toSorted(), subjects };
  const operand = canonicalJson(rights);
  if (operand.length <= OPERAND_CHARS_MAX) return operand;
  throw new AppError("arguments-invalid", `the rights are longer than ${OPERAND_CHARS_MAX} characters`);
}

/** Null for an operand that names no rights. */
export function parseRights(operand: string): Rights | null {
  let value: unknown;
  try {
    value = JSON.parse(operand);
  } catch {
    return null;
  }
  return rightsSchema.safeParse(value).data ?? null;
}
