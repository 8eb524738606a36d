// Documents of the read views of grants: of plans, and of levels.

import type { ActionStatus } from "./action-status.ts";
import type { GrantSetScope } from "./grant-set.ts";
import type { LevelScope } from "./level.ts";
import type { Document } from "./view-document.ts";

/** The bounds of a set, and what is used of them. */
export type GrantSetTerms = Omit<GrantSetScope, "agent" | "expiresAt"> & {
  readonly usedCount: number;
  readonly usedSize: number;
};

/** A grant under which something outside may be done: who may do what until when, and how that ended. */
export interface GrantView extends Document {
  /** `used`: what it was for was begun, and has ended. `void`: taken back with its action before anything began. */
  /** Of one plan, or of a bounded set of actions, whose `kind` and places are then the lists as text. */
  readonly covers: "plan" | "set";
  readonly status: "active" | "used" | "revoked" | "expired" | "void";
  /** Of a set: the `grant.create` that asked for it. */
  readonly action: string;
  /** How the action stands: of a grant that was revoked in flight, what became of the call. */
  readonly outcome: ActionStatus;
  readonly code: string | null;
  readonly agent: string;
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
  readonly resource: string | null;
  readonly planHash: string | null;
  /** The set that stood for the people whom its action would have been held for. */
  readonly under: { readonly grant: string; readonly size: number } | null;
  /** Of a set. */
  readonly terms: GrantSetTerms | null;
  readonly attempt: number;
  readonly grantedAt: number;
  readonly expiresAt: number;
  readonly revokedAt: number | null;
  readonly revokedBy: string | null;
  readonly endedAt: number | null;
}

/** A grant of level to an agent. */
export interface LevelView extends Document, LevelScope {
  readonly status: "active" | "revoked" | "expired";
  /** The `level.grant` that asked for it: its answers say who approved it. */
  readonly action: string;
  readonly grantedAt: number;
  readonly endedAt: number | null;
  /** The `level.revoke` that took it back; null for the others. */
  readonly revokeAction: string | null;
}
