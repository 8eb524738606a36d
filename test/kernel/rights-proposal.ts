// Rights and proposals to give them, as tests make them.

import { hash } from "node:crypto";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { CommandInputs } from "../../src/kernel/command.ts";
import type { Rights } from "../../src/wire/types/rights.ts";
import { keyNamed } from "./agent-registration.ts";

/** Of a person with a key of its own, and the human that the id says, unless it is told otherwise. */
export function rightsOf(id: string, of: Partial<Rights> = {}): Rights {
  const { x, kid } = keyNamed(id);
  const keys = [{ jwk: { crv: "Ed25519", kty: "OKP", x }, thumbprint: kid }] as const;
  return { dpop: false, id, keys, person: id.slice("person:".length), roles: [], scopes: [], subjects: [], ...of };
}

/** Of a group: nobody's keys, no human. */
export function groupRights(name: string, roles: readonly string[]): Rights {
  const id = `group:${hash("sha256", name, "base64url")}`;
  return { dpop: false, id, keys: [], person: null, roles, scopes: [], subjects: [] };
}

/** The proposal that asks for them. */
export function rightsProposal(rights: Rights, person: string | null): CommandInputs["propose-action"] {
  const operand = canonicalJson({ ...rights });
  const requestHash = hash("sha256", operand);
  return {
    kind: rights.id.startsWith("group:") ? "group.register" : "person.register",
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
