// The registered public keys of clients, ready to verify with.

import { createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { keyThumbprint } from "../../wire/schemas/agents.ts";
import type { PublicJwk } from "../../wire/schemas/identity.ts";
import type { AgentJwk } from "../../wire/types/agent.ts";

export interface ClientKey {
  readonly thumbprint: string;
  /** The `kid` it is registered under, if any; the thumbprint always works as one. */
  readonly kid: string | null;
  readonly algorithms: readonly string[];
  readonly key: KeyObject;
}

/** Throws for what is no key. */
export function parseKey(jwk: PublicJwk | AgentJwk): ClientKey {
  const algorithms = jwk.kty === "EC" ? ["ES256"] : ["EdDSA", "Ed25519"];
  let key: KeyObject;
  try {
    key = createPublicKey({ key: { ...jwk }, format: "jwk" });
  } catch {
    throw new Error("a key is not a point of its curve");
  }
  return { thumbprint: keyThumbprint(jwk), kid: "kid" in jwk ? (jwk.kid ?? null) : null, algorithms, key };
}
