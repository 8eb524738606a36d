// Registrations of agents as tests make them: keys from a seed, everything else as wide as it goes unless it says less.

import { createPrivateKey, hash } from "node:crypto";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { keyThumbprint } from "../../src/wire/schemas/agents.ts";
import type { PrivateJwk } from "../../src/wire/schemas/identity.ts";
import type { AgentRegistration, ProposalSignature } from "../../src/wire/types/agent.ts";

const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

const keys = new Map<string, PrivateJwk>();

/** The private key of a name: the same in every run. */
export function keyNamed(name: string): PrivateJwk {
  const key = keys.get(name) ?? makeKey(name);
  keys.set(name, key);
  return key;
}

function makeKey(name: string): PrivateJwk {
  const der = Buffer.concat([PKCS8_PREFIX, Buffer.from(hash("sha256", name), "hex")]);
  const { x = "", d = "" } = createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({ format: "jwk" });
  const kid = keyThumbprint({ kty: "OKP", crv: "Ed25519", x });
  return { kty: "OKP", crv: "Ed25519", x, d, kid, alg: "EdDSA", use: "sig" };
}

export function registrationOf(id: string, of: Partial<AgentRegistration> = {}): AgentRegistration {
  const { x, kid } = keyNamed(id);
  return {
    dpop: false,
    environments: ["*"],
    id,
    keys: [{ jwk: { crv: "Ed25519", kty: "OKP", x }, thumbprint: kid }],
    kinds: ["*"],
    models: [{ name: "model", provider: "maker" }],
    owner: "person:owner",
    parent: null,
    purposeHash: hash("sha256", "tests"),
    reads: [],
    roles: [],
    scopes: [],
    services: ["*"],
    volumePerHour: 1_000_000,
    ...of,
  };
}

/** The proposal that asks for it. */
export function registrationProposal(
  registration: AgentRegistration,
  person: string | null = "asker",
): CommandInputs["propose-action"] {
  const operand = canonicalJson(registration);
  const requestHash = hash("sha256", operand);
  return {
    kind: "agent.register",
    environment: "holdpoint",
    service: "holdpoint",
    resource: null,
    agentKind: "person",
    person,
    requestHash,
    planHash: requestHash,
    repeat: "idempotent",
    effect: "kernel",
    reversible: true,
    idempotencyKey: null,
    operand,
  };
}

/** What a proposal says of the agent's signature, which the door has verified. */
export function signedBy(id: string, signedAt: number, of: Partial<ProposalSignature> = {}): ProposalSignature {
  const model = { name: "model", provider: "maker", version: "1" };
  const jwsHash = hash("sha256", `${id} ${signedAt}`);
  return { jwsHash, key: keyNamed(id).kid, model, promptHash: hash("sha256", "prompt"), signedAt, ...of };
}
