// A registered agent in state: what is in force of it, and what is counted.

import type { AgentRegistration } from "../wire/types/agent.ts";

/** A registered agent, as the last approved registration says. */
export type Agent = AgentRegistration & {
  /** The agents above it, its own parent first. */
  readonly parents: readonly string[];
  readonly registeredAt: number;
  /** The `agent.register` that was granted. */
  readonly action: string;
  status: "active" | "revoked";
  /** Its proposals, and those of agents below it, of the last hour: minutes since the epoch with their counts. */
  volume: [minute: number, count: number][];
  /** Refused proposals of one minute that are events of their own. */
  refusals: { readonly minute: number; readonly count: number };
  /** Proposals signed by then may be among those that a full table forgot: they count as seen. */
  forgottenUntil: number;
};
