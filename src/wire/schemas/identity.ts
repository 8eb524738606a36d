// Schemas of what identity reads from outside: client and source files, token requests, claims.

import { z } from "zod";
import { isClientScope } from "../types/scopes.ts";
import type { ClientScope } from "../types/scopes.ts";
import { SOURCE_KINDS, type SourceKind, type SourceProof } from "../types/source-kinds.ts";
import { otlpThresholdSchema } from "./otlp.ts";
import { signalMappingSchema } from "./signal.ts";

const NAME = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";

/** Plain ASCII, so that no name can imitate another. */
export const plainName = z.string().regex(new RegExp(`^${NAME}$`), "a name is a-z, 0-9 and -, at most 63 characters");

const clientId = z
  .string()
  .regex(new RegExp(`^(?:person|agent):${NAME}$`), "an id is person:<name> or agent:<name>, name in a-z, 0-9 and -");

const scope = z.custom<ClientScope>(
  (value) => typeof value === "string" && value.length <= 200 && isClientScope(value),
  "not a known scope",
);

const distinct = (values: readonly unknown[]): boolean => new Set(values).size === values.length;

export const roles = z.array(plainName).max(32).refine(distinct, "a role is named twice");
export const scopes = z.array(scope).max(64).refine(distinct, "a scope is named twice");

/** 32 bytes in base64url: 43 characters, the last of which has two unused bits that must be zero. */
const bytes32 = z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, "not 32 bytes in canonical base64url");

const keyUse = {
  kid: z.string().min(1).max(128).optional(),
  use: z.literal("sig").optional(),
  key_ops: z.tuple([z.literal("verify")]).optional(),
};

/** A public signature key (RFC 7517, 8037). Strict: a private member (`d`) or a key for encryption is refused. */
export const publicJwk = z.discriminatedUnion("kty", [
  z.strictObject({
    kty: z.literal("OKP"),
    crv: z.literal("Ed25519"),
    x: bytes32,
    alg: z.enum(["EdDSA", "Ed25519"]).optional(),
    ...keyUse,
  }),
  z.strictObject({
    kty: z.literal("EC"),
    crv: z.literal("P-256"),
    x: bytes32,
    y: bytes32,
    alg: z.literal("ES256").optional(),
    ...keyUse,
  }),
]);
export type PublicJwk = z.infer<typeof publicJwk>;

/** An Ed25519 key pair as Holdpoint makes and keeps it. */
export const privateJwk = z.strictObject({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: bytes32,
  d: bytes32,
  kid: z.string().min(1).max(128),
  alg: z.literal("EdDSA"),
  use: z.literal("sig"),
});
export type PrivateJwk = z.infer<typeof privateJwk>;

/** `<dataDir>/clients/<id>.json`. */
export const clientFile = z
  .strictObject({
    id: clientId,
    kind: z.enum(["person", "agent"]),
    /** Who answers for it. A person who owns an agent counts as its proposer and never approves what it proposed. */
    owner: z
      .string()
      .regex(new RegExp(`^(?:person|team):${NAME}$`), "an owner is person:<name> or team:<name>")
      .optional(),
    /** The human it speaks for: two clients with one `person` count as one. */
    person: plainName.optional(),
    roles,
    scopes,
    keys: z.array(publicJwk).max(8),
    /** Who it is to other issuers (`issuers` in the settings), each exactly as their tokens say. */
    subjects: z
      .array(z.strictObject({ issuer: z.string().max(512), subject: z.string().min(1).max(255) }))
      .max(8)
      .optional(),
    disabled: z.boolean().optional(),
    /** Its tokens are bound to a key (RFC 9449 section 5.2): without a proof it gets none. */
    dpopBound: z.boolean().optional(),
  })
  .refine((client) => client.id.startsWith(`${client.kind}:`), "kind and id disagree")
  .refine(({ keys, subjects = [] }) => keys.length + subjects.length > 0, "keys: it has no key, and no other issuer");
export type ClientFile = z.infer<typeof clientFile>;

const topicArn = z
  .string()
  .regex(
    /^arn:aws(?:-cn|-us-gov)?:sns:[a-z0-9-]{1,32}:\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?$/,
    "not the ARN of an SNS topic",
  );

const KINDS = Object.keys(SOURCE_KINDS) as [SourceKind, ...SourceKind[]];

/** `<dataDir>/sources/<name>.json`. */
export const sourceFile = z
  .strictObject({
    name: plainName,
    kind: z.enum(KINDS),
    /** Lower-case hex SHA-256 of the bearer secret, which is random and long: no salt or stretching is needed. */
    secretSha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, "not a SHA-256 in lower-case hex")
      .optional(),
    /** For a vendor that signs: the name of the secret that it signs with, below the data folder's `secrets/`. */
    signingSecret: z
      .string()
      .regex(/^sources\/[a-z0-9-]{1,63}$/, "a signing secret is sources/<name>")
      .optional(),
    /** For SNS: the topics that are listened to, and the certificates they may sign with; none: Amazon's are fetched. */
    topics: z.array(topicArn).max(64).optional(),
    certificates: z.array(z.string().max(16_384)).max(8).optional(),
    /** For OTLP metrics: when a value is an alert. */
    thresholds: z.array(otlpThresholdSchema).max(64).default([]),
    /** How its labels become signals; what is not set is as in the standard mapping. */
    mapping: signalMappingSchema.prefault({}),
  })
  .superRefine((source, context) => {
    const problem = proofProblem(source);
    if (problem !== null) context.addIssue({ code: "custom", message: problem });
  });

/** Whoever could prove nothing, or prove it in a way that the kind does not have, is no source. */
function proofProblem(source: {
  kind: SourceKind;
  secretSha256?: string | undefined;
  signingSecret?: string | undefined;
  topics?: readonly string[] | undefined;
  certificates?: readonly string[] | undefined;
}): string | null {
  const { proof }: { proof: SourceProof } = SOURCE_KINDS[source.kind];
  const wantsSecret = proof === "secret" || proof === "address";
  if ((source.secretSha256 !== undefined) !== wantsSecret) return `secretSha256 is for kinds that send a secret`;
  if ((source.signingSecret !== undefined) !== (proof === "hmac"))
    return `signingSecret is for kinds that sign with one`;
  if ((source.topics !== undefined && source.topics.length > 0) !== (proof === "sns")) return "topics are for kind sns";
  if (source.certificates !== undefined && proof !== "sns") return "certificates are for kind sns";
  return null;
}

export type SourceFile = z.infer<typeof sourceFile>;

/** Parameters of a token request (RFC 6749 section 4.4.2, RFC 7523 section 2.2); unknown ones are ignored, as it says. */
export const tokenRequest = z.object({
  grant_type: z.string().max(256),
  client_assertion_type: z.string().max(256),
  client_assertion: z.string().max(8192),
  client_id: z.string().max(256).optional(),
  /** One client, one way to authenticate (RFC 6749 section 2.3). */
  client_secret: z.undefined("client secrets are not supported").optional(),
  scope: z.string().max(2048).optional(),
  audience: z.string().max(512).optional(),
});

/** The answer to a token request (RFC 6749 section 5.1); `expires_in` in seconds. */
export type TokenResponse = {
  readonly access_token: string;
  readonly token_type: "Bearer" | "DPoP";
  readonly expires_in: number;
  readonly scope: string;
};

const numericDate = z.number().min(0).max(253_402_300_799);

/** Claims of a client assertion (RFC 7523 section 3). More may be present; none of them mean anything. */
export const assertionClaims = z.object({
  iss: clientId,
  sub: clientId,
  aud: z.union([z.string(), z.tuple([z.string()])], "aud must name this server alone"),
  exp: numericDate,
  iat: numericDate,
  nbf: numericDate.optional(),
  jti: z.string().min(1).max(128),
});

/** Claims of a proof of possession (RFC 9449 section 4.2). More may be present; none of them mean anything. */
export const proofClaims = z.object({
  jti: z.string().min(1).max(256),
  htm: z.string().max(16),
  htu: z.string().max(2048),
  iat: numericDate,
  ath: z.string().max(64).optional(),
});

/** Claims of our own access tokens (RFC 9068 section 2.2), all of them and no others. */
export const accessTokenClaims = z.strictObject({
  iss: z.string(),
  sub: clientId,
  client_id: clientId,
  aud: z.string(),
  exp: z.int(),
  iat: z.int(),
  nbf: z.int(),
  jti: z.string().min(1).max(64),
  scope: z.string().max(4096),
  roles,
  kind: z.enum(["person", "agent"]),
  person: plainName.nullable(),
  /** The agents above it, its own parent first; absent where there are none. */
  parents: z.array(clientId).min(1).max(8).optional(),
  /** Thumbprint (RFC 7638) of the client's key that the token was issued to: the key's removal ends the token. */
  client_jkt: bytes32,
  /** The key that whoever sends the token must prove to have (RFC 9449 section 6.1). */
  cnf: z.strictObject({ jkt: bytes32 }).optional(),
});
export type AccessTokenClaims = z.infer<typeof accessTokenClaims>;

/** Claims of another issuer's access tokens that every issuer has; the others are read as configured. */
export const externalClaims = z.object({
  iss: z.string(),
  aud: z.union([z.string(), z.array(z.string()).max(64)]),
  exp: numericDate,
  iat: numericDate,
  nbf: numericDate.optional(),
  jti: z.string().min(1).max(256).optional(),
  /** Bound in another way than by DPoP is bound in one that nobody here checks: refused. */
  cnf: z.strictObject({ jkt: bytes32 }).optional(),
});
export type ExternalClaims = z.infer<typeof externalClaims>;

/** Claims of a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.4). */
export const logoutClaims = z.object({
  iss: z.string(),
  sub: z.string().min(1).max(256).optional(),
  aud: z.union([z.string(), z.array(z.string()).max(64)]),
  iat: numericDate,
  /** Required since the final text; older issuers leave it out. */
  exp: numericDate.optional(),
  jti: z.string().min(1).max(256),
  events: z.looseObject({ "http://schemas.openid.net/event/backchannel-logout": z.looseObject({}) }),
  sid: z.string().min(1).max(256).optional(),
});
export type LogoutClaims = z.infer<typeof logoutClaims>;

/** Body of `POST /v1/session/backchannel-logout`. */
export const logoutSchema = z.looseObject({ logout_token: z.string().min(1).max(8_192) }).meta({ id: "Logout" });

/** `<dataDir>/memberships/<id>.json`: the groups that mean something here, as the issuer said at the last sign-in. */
export const membershipFile = z.strictObject({
  issuer: z.string(),
  subject: z.string(),
  groups: z.array(z.string().max(256)).max(64).readonly(),
  at: z.int(),
});
export type MembershipFile = z.infer<typeof membershipFile>;

/** One open session as it is remembered; the secret itself is nowhere. */
export const sessionRecord = z.strictObject({
  /** SHA-256 of the secret, base64url. */
  digest: bytes32,
  client: clientId,
  /** The registered key behind it, null where another issuer is. */
  keyThumbprint: bytes32.nullable(),
  external: z
    .strictObject({
      issuer: z.string(),
      subject: z.string(),
      /** What the issuer calls the person and the session when it says that they signed out there. */
      sub: z.string().optional(),
      sid: z.string().optional(),
    })
    .nullable()
    .default(null),
  roles,
  scopes,
  openedAt: z.int(),
  expiresAt: z.int(),
});
export type SessionRecord = z.infer<typeof sessionRecord>;

/** Body of `POST /v1/session`. */
export const signInSchema = z
  .strictObject({ code: z.string().min(1).max(128), verifier: z.string().min(43).max(128).optional() })
  .meta({ id: "SignIn" });

/** Query of `GET /v1/session/login`. */
export const signInQuerySchema = z
  .strictObject({
    issuer: plainName.optional(),
    /** A command line on the browser's machine listens there for the code (RFC 8252 section 7.3)… */
    port: z
      .string()
      .regex(/^[1-9]\d{3,4}$/, "a port from 1024 to 65535")
      .refine((port) => Number(port) >= 1_024 && Number(port) <= 65_535, "a port from 1024 to 65535")
      .optional(),
    /** … knows what this is the SHA-256 of, and gets this back. */
    challenge: bytes32.optional(),
    state: bytes32.optional(),
  })
  .refine(
    ({ port, challenge, state }) =>
      (port === undefined) === (challenge === undefined) && (port === undefined) === (state === undefined),
    "port, challenge and state go together",
  );

export const signInCodeSchema = z
  .object({ code: z.string(), url: z.string(), expiresAt: z.number() })
  .meta({ id: "SignInCode" });

export const sessionSchema = z
  .object({
    identity: z.string(),
    person: z.string().nullable(),
    roles: z.array(z.string()),
    scopes: z.array(z.string()),
    expiresAt: z.number(),
  })
  .meta({ id: "Session" });

/** The first problem of a failed parse as one line: `keys.0.x: not 32 bytes in canonical base64url`. */
export function firstProblem(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return "invalid";
  return issue.path.length === 0 ? issue.message : `${issue.path.join(".")}: ${issue.message}`;
}
