// What an agent signs: its registration, by each key, and each of its proposals.

import { hash } from "node:crypto";
import { signDetached } from "../../src/adapters/identity/detached-jws.ts";
import { generatePrivateJwk, publicJwkOf } from "../../src/adapters/identity/key-pairs.ts";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { systemRandom } from "../../src/main/system.ts";
import type { PrivateJwk } from "../../src/wire/schemas/identity.ts";

export function newKey(): PrivateJwk {
  return generatePrivateJwk(systemRandom);
}

/** A registration as wide as it goes, of one key unless there are more. */
export function registrationBody(id: string, jwks: readonly PrivateJwk[], of: JsonObject = {}): JsonObject {
  const asked: JsonObject = {
    id,
    owner: "person:ada",
    purpose: "what tests need",
    models: [{ provider: "maker", name: "model" }],
    kinds: ["*"],
    environments: ["*"],
    services: ["*"],
    volumePerHour: 100_000,
    keys: jwks.map((jwk) => ({ ...publicJwkOf(jwk) })) as JsonObject["keys"] & JsonObject[],
    ...of,
  };
  return { ...asked, proofs: jwks.map((jwk) => prove(asked, jwk)) };
}

export function prove(asked: JsonObject, jwk: PrivateJwk): string {
  return signDetached(canonicalJson(asked), { jwk, type: "holdpoint-registration+jws" });
}

export const MODEL = { provider: "maker", name: "model", version: "1" };

/** A proposal as its agent sends it, with the header that signs it; whatever `of` says is signed as it is. */
export function signProposal(
  proposal: JsonObject,
  { agent, jwk, nowMs }: { agent: string; jwk: PrivateJwk; nowMs: number },
  of: JsonObject = {},
): { body: JsonObject; headers: Record<string, string> } {
  const jti = Buffer.from(systemRandom.bytes(16)).toString("base64url");
  const promptHash = hash("sha256", "prompt");
  const body = { ...proposal, agent, iat: Math.floor(nowMs / 1000), jti, model: MODEL, promptHash, ...of };
  return { body, headers: { "holdpoint-signature": signBody(body, jwk) } };
}

export function signBody(body: JsonObject, jwk: PrivateJwk): string {
  return signDetached(canonicalJson(body), { jwk, type: "holdpoint-proposal+jws" });
}
