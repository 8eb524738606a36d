// Who a request comes from, once its credential has been verified.

import type { ClientScope, SourceScope } from "./scopes.ts";
import type { SourceKind } from "./source-kinds.ts";

export type ClientKind = "person" | "agent";

/**
 * Why a session ended. `replaced` by another of the same browser; `crowded-out` by the ninth of one person; `withdrawn`:
 * the key or the issuer behind it, or the person, is no longer registered; `issuer`: the issuer signed the person out.
 */
export type SessionEnd = "signed-out" | "replaced" | "crowded-out" | "expired" | "idle" | "withdrawn" | "issuer";
/** `session` is its id, `identity` whose it was. */
export type EndedSession = { readonly session: string; readonly identity: string; readonly code: SessionEnd };

/** Somebody for whom an agent acts. */
export type Delegator = { readonly id: string; readonly person: string | null };

/** A person or an agent, as its token says and its registration still confirms. */
export interface Identity {
  /** `person:ada` or `agent:deployer`. */
  readonly id: string;
  readonly kind: ClientKind;
  /**
   * The human this identity speaks for, null for an agent that speaks for nobody. Two identities with one `person` are
   * one human: count and compare this where people must be distinct.
   */
  readonly person: string | null;
  /** For whom it acts, as a token of another issuer says: whoever began it first. Absent where it acts for itself. */
  readonly actsFor?: readonly Delegator[];
  readonly roles: readonly string[];
  readonly scopes: readonly ClientScope[];
  /** The token's `jti`, or the id of the session. */
  readonly tokenId: string;
  /** RFC 7638 thumbprint of the registered key that stands behind the credential; null where another issuer does. */
  readonly keyThumbprint: string | null;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** A webhook source, as its secret says. It holds one scope: to write its own signals. */
export interface SourceIdentity {
  /** `source:alertmanager-eu`. */
  readonly id: `source:${string}`;
  readonly kind: "source";
  readonly name: string;
  readonly sourceKind: SourceKind;
  readonly scopes: readonly [SourceScope];
}
