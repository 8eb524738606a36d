// Configuration of other issuers: whose tokens are accepted, for whom, and what their claims mean here.

import { z } from "zod";
import { plainName, roles, scopes } from "./identity.ts";

/** Signatures that a public key verifies. A shared secret (HS…) or `none` cannot be named. */
const algorithm = z.enum([
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
]);

const claimName = z.string().min(1).max(128);
/** A claim's name, or the names on the way to it: `[realm_access, roles]`. */
const claimPath = z.union([claimName, z.array(claimName).min(1).max(4)]);

const groupSchema = z.strictObject({
  roles: roles.default([]),
  /** What people usually need when absent. */
  scopes: scopes.optional(),
});

const issuerSchema = z
  .strictObject({
    /** What it is called here: at sign-in, in logs. */
    name: plainName,
    /** Exactly what its tokens have as `iss`; its keys are found from there (OpenID Connect Discovery). */
    url: z.string().max(512),
    /** What `aud` of an access token must name. */
    audience: z.string().min(1).max(256).default("holdpoint"),
    algorithms: z.array(algorithm).min(1).default(["RS256", "PS256", "ES256", "EdDSA"]),
    /** A token that lives longer is refused, however it is signed. */
    tokenLifetimeMaxS: z.number().int().min(60).max(86_400).default(7_200),
    clockSkewS: z.number().int().min(0).max(120).default(30),
    claims: z
      .strictObject({
        subject: claimName.default("sub"),
        /** Scopes of an access token: one text, or a list. */
        scopes: claimPath.default("scope"),
        groups: claimPath.default("groups"),
        /** Where a delegated token says who acts (`act` of RFC 8693). Without it, delegated tokens are refused. */
        actor: claimPath.optional(),
        /** What a person's id is made of at their first sign-in. */
        name: claimPath.default("preferred_username"),
      })
      .prefault({}),
    /** What its scopes mean here; one that is not named must be called as ours are. */
    scopes: z.record(z.string().max(256), scopes).default({}),
    /** The groups whose members may sign in, and what each gives. */
    groups: z.record(z.string().max(256), groupSchema).default({}),
    /** How long the groups of a person's last sign-in are believed. */
    groupsHours: z.number().min(1).max(720).default(24),
    signIn: z
      .strictObject({
        /** The client that Holdpoint is to this issuer. */
        clientId: z.string().min(1).max(256),
        /** Name of its secret below the data folder's `secrets/`; none for a public client. */
        secret: z
          .string()
          .regex(/^[a-z0-9-]{1,63}\/[a-z0-9-]{1,63}$/, "a secret is <folder>/<name>")
          .optional(),
        scope: z.string().max(512).default("openid profile"),
      })
      .optional(),
  })
  .refine(
    ({ audience, signIn }) => audience !== signIn?.clientId,
    "audience must not be signIn.clientId: identity tokens would be access tokens",
  );
export type IssuerConfig = z.infer<typeof issuerSchema>;

export const issuersConfigSchema = z
  .array(issuerSchema)
  .max(8)
  .refine((issuers) => new Set(issuers.map(({ name }) => name)).size === issuers.length, "two issuers have one name")
  .refine((issuers) => new Set(issuers.map(({ url }) => url)).size === issuers.length, "an issuer is named twice");
