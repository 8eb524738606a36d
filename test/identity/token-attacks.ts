// Bad access tokens, as data: what each is called, why it must be refused, and how it is made from a good one.

import { createHmac, generateKeyPairSync } from "node:crypto";
import { SignJWT } from "jose";
import type { PrivateJwk } from "../../src/wire/schemas/identity.ts";
import { claimsOf, forge, ISSUER } from "./fixture.ts";

export const encode = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

interface TokenCase {
  readonly name: string;
  readonly detail: RegExp;
  /** A header value made from a good token, the issuer's own private key and an attacker's. */
  readonly make: (good: string, own: PrivateJwk, other: PrivateJwk) => string | Promise<string>;
}

export const header = (good: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(good.split(".")[0] ?? "", "base64url").toString()) as Record<string, unknown>;
export const part = (token: string, index: number): string => token.split(".")[index] ?? "";
export const replacePart = (token: string, index: number, text: string): string =>
  token.split(".").with(index, text).join(".");

/** Re-signed by the issuer itself: what a bug or a stolen key could make, which the claims checks must still stop. */
export const withClaims = (change: Record<string, unknown>) => async (good: string, own: PrivateJwk) => {
  const claims = { ...claimsOf(good), ...change };
  for (const name of Object.keys(claims)) if (claims[name] === undefined) delete claims[name];
  return `Bearer ${await forge(own, header(good), claims)}`;
};

export const withHeader = (change: Record<string, unknown>) => async (good: string, own: PrivateJwk) => {
  const all = { ...header(good), ...change };
  for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
  return `Bearer ${await forge(own, all, claimsOf(good))}`;
};

/** Signs arbitrary bytes as header and payload with the issuer's own key. */
export async function signRaw(own: PrivateJwk, headerText: string, payload: string | Uint8Array): Promise<string> {
  const key = await crypto.subtle.importKey("jwk", { ...own, alg: "Ed25519" }, "Ed25519", false, ["sign"]);
  const input = `${encode(headerText)}.${Buffer.from(payload).toString("base64url")}`;
  const signature = await crypto.subtle.sign("Ed25519", key, Buffer.from(input));
  return `Bearer ${input}.${Buffer.from(signature).toString("base64url")}`;
}

export const NOT_OURS = /a header member|has a member that is not allowed/;
export const CLAIM = /^claim /;

export const TOKENS: readonly TokenCase[] = [
  { name: "an empty token", detail: /three parts/, make: () => "Bearer " },
  { name: "words", detail: /three parts/, make: () => "Bearer let me in" },
  { name: "two parts", detail: /three parts/, make: (good) => `Bearer ${part(good, 0)}.${part(good, 1)}` },
  { name: "no signature", detail: /empty/, make: (good) => `Bearer ${replacePart(good, 2, "")}` },
  { name: "five parts, as an encrypted token has", detail: /three parts/, make: (good) => `Bearer ${good}.a.b` },
  {
    name: "a JSON serialization",
    detail: /three parts|base64url/,
    make: (good) => `Bearer {"payload":"${part(good, 1)}"}`,
  },
  { name: "more than 8 KiB", detail: /longer than/, make: (good) => `Bearer ${good}${"A".repeat(9000)}` },
  {
    name: "alg none",
    detail: /algorithm/,
    make: (good) => `Bearer ${encode({ ...header(good), alg: "none" })}.${part(good, 1)}.AA`,
  },
  {
    name: "alg nOnE and no signature",
    detail: /empty/,
    make: (good) => `Bearer ${encode({ ...header(good), alg: "nOnE" })}.${part(good, 1)}.`,
  },
  {
    name: "HS256 under our public key",
    detail: /algorithm/,
    make(good, own) {
      const input = `${encode({ ...header(good), alg: "HS256" })}.${part(good, 1)}`;
      const mac = createHmac("sha256", Buffer.from(own.x, "base64url")).update(input).digest("base64url");
      return `Bearer ${input}.${mac}`;
    },
  },
  {
    name: "ES256 by a key of the attacker under our kid",
    detail: /algorithm/,
    async make(good) {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const jwt = new SignJWT(claimsOf(good)).setProtectedHeader({ ...header(good), alg: "ES256" });
      return `Bearer ${await jwt.sign(privateKey)}`;
    },
  },
  {
    name: "alg Ed25519, which is our algorithm by another name",
    detail: /algorithm/,
    make: withHeader({ alg: "Ed25519" }),
  },
  {
    name: "another issuer's key under our kid",
    detail: /signature does not verify/,
    make: async (good, _own, other) => `Bearer ${await forge(other, header(good), claimsOf(good))}`,
  },
  {
    name: "another issuer's key under its own kid",
    detail: /not this issuer's/,
    make: async (good, _own, other) =>
      `Bearer ${await forge(other, { ...header(good), kid: other.kid }, claimsOf(good))}`,
  },
  {
    name: "an embedded jwk of the attacker",
    detail: /member that is not allowed/,
    make: async (good, _own, other) =>
      `Bearer ${await forge(other, { ...header(good), jwk: { kty: "OKP", crv: "Ed25519", x: other.x } }, claimsOf(good))}`,
  },
  { name: "jku", detail: NOT_OURS, make: withHeader({ jku: "https://attacker.example/jwks" }) },
  { name: "x5u", detail: NOT_OURS, make: withHeader({ x5u: "https://attacker.example/cert" }) },
  { name: "x5c", detail: NOT_OURS, make: withHeader({ x5c: ["AAAA"] }) },
  {
    name: "crit",
    detail: NOT_OURS,
    make: (good, own) =>
      signRaw(own, JSON.stringify({ ...header(good), crit: ["exp"], exp: 1 }), Buffer.from(part(good, 1), "base64url")),
  },
  {
    name: "b64 false",
    detail: NOT_OURS,
    make: (good, own) =>
      signRaw(own, JSON.stringify({ ...header(good), b64: false }), Buffer.from(part(good, 1), "base64url")),
  },
  {
    name: "kid that walks the file system",
    detail: /not this issuer's/,
    make: withHeader({ kid: "../../keys/issuer.jwk" }),
  },
  { name: "no kid", detail: /not this issuer's/, make: withHeader({ kid: undefined }) },
  {
    name: "kid that is a number",
    detail: /not a string/,
    make: (good, own) =>
      signRaw(own, JSON.stringify({ ...header(good), kid: 1 }), Buffer.from(part(good, 1), "base64url")),
  },
  { name: "typ JWT", detail: /not an access token/, make: withHeader({ typ: "JWT" }) },
  { name: "typ AT+JWT", detail: /not an access token/, make: withHeader({ typ: "AT+JWT" }) },
  { name: "typ application/at+jwt", detail: /not an access token/, make: withHeader({ typ: "application/at+jwt" }) },
  { name: "no typ", detail: /not an access token/, make: withHeader({ typ: undefined }) },
  {
    name: "a header that names alg twice",
    detail: /strict JSON/,
    make: (good, own) =>
      signRaw(
        own,
        `{"alg":"EdDSA","typ":"at+jwt","kid":"${own.kid}","alg":"EdDSA"}`,
        Buffer.from(part(good, 1), "base64url"),
      ),
  },
  {
    name: "a header that is an array",
    detail: /not a JSON object/,
    make: (good, own) => signRaw(own, "[]", Buffer.from(part(good, 1), "base64url")),
  },
  {
    name: "a header with a byte order mark",
    detail: /strict JSON/,
    make: (good, own) => signRaw(own, `\ufeff${JSON.stringify(header(good))}`, Buffer.from(part(good, 1), "base64url")),
  },
  {
    name: "claims that name sub twice",
    detail: /strict JSON/,
    make: (good, own) =>
      signRaw(own, JSON.stringify(header(good)), JSON.stringify(claimsOf(good)).replace("{", '{"sub":"person:root",')),
  },
  {
    name: "claims that name sub twice, once escaped",
    detail: /strict JSON/,
    make: (good, own) =>
      signRaw(
        own,
        JSON.stringify(header(good)),
        JSON.stringify(claimsOf(good)).replace("{", '{"s\\u0075b":"person:root",'),
      ),
  },
  {
    name: "claims that are no JSON",
    detail: /strict JSON/,
    make: (good, own) => signRaw(own, JSON.stringify(header(good)), "sub=ada"),
  },
  {
    name: "claims that are null",
    detail: /not a JSON object/,
    make: (good, own) => signRaw(own, JSON.stringify(header(good)), "null"),
  },
  {
    name: "claims that are not UTF-8",
    detail: /strict JSON/,
    make: (good, own) => signRaw(own, JSON.stringify(header(good)), new Uint8Array([0x7b, 0xff, 0x7d])),
  },
  {
    name: "claims nested 1,000 deep",
    detail: /strict JSON/,
    make: (good, own) => signRaw(own, JSON.stringify(header(good)), `{"roles":${"[".repeat(1000)}${"]".repeat(1000)}}`),
  },
  {
    name: "another payload under a good signature",
    detail: /signature/,
    make: (good) => `Bearer ${replacePart(good, 1, encode({ ...claimsOf(good), scope: "admin" }))}`,
  },
  { name: "a signature cut short", detail: /signature|base64url/, make: (good) => `Bearer ${good.slice(0, -4)}` },
  { name: "padding after the signature", detail: /base64url/, make: (good) => `Bearer ${good}==` },
  { name: "white space before the token", detail: /base64url/, make: (good) => `Bearer  ${good}` },
  { name: "white space after the token", detail: /base64url/, make: (good) => `Bearer ${good} ` },
  {
    name: "a line feed inside the payload",
    detail: /base64url/,
    make: (good) => `Bearer ${replacePart(good, 1, part(good, 1).replace(/^(.{8})/, "$1\n"))}`,
  },
  { name: "garbage after the signature", detail: /base64url/, make: (good) => `Bearer ${good}!` },
  { name: "unused bits set in the signature", detail: /base64url/, make: (good) => `Bearer ${setUnusedBits(good)}` },
  {
    name: "the standard alphabet instead of the URL-safe one",
    detail: /base64url|signature/,
    make: (good) => `Bearer ${replacePart(good, 2, `${part(good, 2).slice(0, 40)}+/${part(good, 2).slice(42)}`)}`,
  },
  {
    name: "a scheme in a second token",
    detail: /three parts|base64url/,
    make: (good) => `Bearer ${good}, Bearer ${good}`,
  },
  {
    name: "iss of somebody else",
    detail: /issued by somebody else/,
    make: withClaims({ iss: "https://login.example" }),
  },
  { name: "iss with a slash more", detail: /issued by somebody else/, make: withClaims({ iss: `${ISSUER}/` }) },
  { name: "no iss", detail: CLAIM, make: withClaims({ iss: undefined }) },
  { name: "aud of another server", detail: /another server/, make: withClaims({ aud: "billing" }) },
  { name: "aud that is a list", detail: CLAIM, make: withClaims({ aud: ["holdpoint", "billing"] }) },
  { name: "no aud", detail: CLAIM, make: withClaims({ aud: undefined }) },
  { name: "exp in the past", detail: /expired/, make: withClaims({ exp: 1_600_000_000, iat: 1_599_999_900 }) },
  { name: "exp a year ahead", detail: /longer than any token/, make: withClaims({ exp: 1_811_000_000 }) },
  { name: "no exp", detail: CLAIM, make: withClaims({ exp: undefined }) },
  { name: "exp as text", detail: CLAIM, make: withClaims({ exp: "1780000300" }) },
  { name: "exp beyond every date", detail: CLAIM, make: withClaims({ exp: 1e300 }) },
  { name: "nbf in the future", detail: /not valid yet/, make: withClaims({ nbf: 1_780_000_100 }) },
  { name: "iat in the future", detail: /not valid yet/, make: withClaims({ iat: 1_780_000_100 }) },
  { name: "no jti", detail: CLAIM, make: withClaims({ jti: undefined }) },
  { name: "no scope", detail: CLAIM, make: withClaims({ scope: undefined }) },
  { name: "a scope nobody has", detail: /scope/, make: withClaims({ scope: "admin:everything" }) },
  { name: "a scope that writes signals", detail: /scope/, make: withClaims({ scope: "signals:write:alertmanager" }) },
  { name: "a scope beyond the registration", detail: /registration has changed/, make: withClaims({ scope: "admin" }) },
  {
    name: "a role beyond the registration",
    detail: /registration has changed/,
    make: withClaims({ roles: ["owner"] }),
  },
  { name: "another kind", detail: /registration has changed/, make: withClaims({ kind: "agent" }) },
  { name: "another person", detail: /registration has changed/, make: withClaims({ person: "grace" }) },
  {
    name: "an unknown client",
    detail: /unknown or disabled/,
    make: withClaims({ sub: "person:mallory", client_id: "person:mallory" }),
  },
  { name: "sub and client_id that differ", detail: /differ/, make: withClaims({ client_id: "agent:deployer" }) },
  { name: "a sub in look-alike letters", detail: CLAIM, make: withClaims({ sub: "person:аda" }) },
  {
    name: "a client key that is not registered",
    detail: /no longer registered/,
    make: withClaims({ client_jkt: "A".repeat(43) }),
  },
  { name: "a claim we do not issue", detail: CLAIM, make: withClaims({ act: { sub: "person:root" } }) },
  { name: "a source's secret", detail: /three parts/, make: () => `Bearer hps_${"A".repeat(43)}` },
];

function setUnusedBits(token: string): string {
  // 64 bytes are 86 characters: the last one carries four bits that mean nothing.
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return token.slice(0, -1) + (alphabet[alphabet.indexOf(token.at(-1) ?? "") + 1] ?? "");
}
