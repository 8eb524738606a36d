// Registered agents, as identity needs them: what main tells the registry of clients.

import type { AgentKey } from "../types/agent.ts";
import type { ClientScope } from "../types/scopes.ts";

export type RegisteredAgent = {
  readonly id: string;
  /** `person:<name>`. */
  readonly owner: string;
  /** The agents above it, its own parent first. */
  readonly parents: readonly string[];
  readonly roles: readonly string[];
  /** Of which nothing is left that one above it has not. */
  readonly scopes: readonly ClientScope[];
  readonly keys: readonly AgentKey[];
  readonly dpop: boolean;
  /** Itself, or one above it. */
  readonly revoked: boolean;
};

export interface AgentDirectory {
  /** Grows whenever an agent may have changed. */
  readonly generation: number;
  all(): readonly RegisteredAgent[];
}
