// Rights: what a person, or a group of people at another issuer, holds here. What of it is approved and kept for ever.

import type { AgentKey } from "./agent.ts";

/** Ids, enums and hashes alone. A group has neither keys nor subjects: its members sign in at their issuer. */
export type Rights = {
  /** Tokens must be bound to a key of the client (RFC 9449). */
  readonly dpop: boolean;
  /** `person:<name>`, or `group:` with the hash of issuer and name. */
  readonly id: string;
  readonly keys: readonly AgentKey[];
  /** The human that it speaks for; null for a group. */
  readonly person: string | null;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  /** Who a person is to other issuers: hashes of issuer and subject. */
  readonly subjects: readonly string[];
};

/** Whoever has it answers for what changes the rules themselves. */
export const OWNER_ROLE = "owner";

/** As they stand, for whoever reads who holds what. */
export type RightsHolder = Rights & {
  readonly status: "active" | "revoked";
  /** The action that gave them; null for those of the installation. */
  readonly action: string | null;
  readonly givenAt: number;
};

/** What somebody, or a group, has now: of a person with what their groups give, of both as far as files and settings reach. */
export type PersonView = {
  readonly id: string;
  readonly kind: "person" | "group";
  /** `inactive`: registered, and disabled or left out of the data folder or the settings. */
  readonly status: "active" | "inactive" | "revoked";
  readonly person: string | null;
  /** Of a group: what it is called, and where; null where that was erased. */
  readonly name: string | null;
  readonly issuer: string | null;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  /** Thumbprints. */
  readonly keys: readonly string[];
  /** What was approved; null for a person who has their groups' alone. */
  readonly registered: (Pick<Rights, "roles" | "scopes"> & Pick<RightsHolder, "action" | "givenAt">) | null;
};
