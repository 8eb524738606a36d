// What an agent's proposal has to stand up to before it becomes an action. The signature itself was verified on the way in.

import { AppError } from "../../core/errors.ts";
import type { Agent } from "../agent.ts";
import { authorityProblem, chainOf } from "../authority.ts";
import type { Command } from "../command.ts";
import { TERMS } from "../limits.ts";
import { volumeOf } from "../reducers/agents.ts";
import type { State } from "../state.ts";
import type { Transaction } from "../transaction.ts";

/**
 * Throws with the precise code. Its `jti` is its idempotency key: one that is remembered never comes this far, and one
 * that may have been forgotten is too old.
 */
export function checkSignedProposal({ state, now }: Transaction, { actor, input }: Command<"propose-action">): void {
  const { kind, environment, service, signed = null, idempotencyKey, actsFor } = input;
  const delegated = actsFor === undefined ? {} : { actsFor };
  const agent = { agent: actor, agentKind: "agent", signed, ...delegated } as const;
  const problem = authorityProblem(state, { ...agent, kind, environment, service });
  if (problem !== null) throw new AppError(problem, DETAILS[problem], { agent: actor });
  const forgottenUntil = state.agents.get(actor)?.forgottenUntil ?? 0;
  const signedAt = signed?.signedAt ?? 0;
  if (idempotencyKey === null) throw new AppError("signature-missing", "the signature has no jti");
  if (now - signedAt > TERMS.signatureMs || signedAt <= forgottenUntil)
    throw new AppError("signature-stale", `iat is more than ${TERMS.signatureMs / 1000} s ago; sign again`);
  if (signedAt - now > TERMS.signatureAheadMs)
    throw new AppError("signature-stale", "iat is in the future: set the agent's clock");
  const full = fullVolume(state, now, actor);
  if (full === undefined) return;
  const facts = { agent: full.id, volumePerHour: full.volumePerHour, retryAfterS: 60 };
  throw new AppError(
    "volume-exceeded",
    `${full.id} is registered for ${full.volumePerHour} proposals in an hour`,
    facts,
  );
}

/** The agent, or the one above it, that has proposed as much in the last hour as it is registered for. */
export function fullVolume(state: Pick<State, "agents">, now: number, agent: string): Agent | undefined {
  return chainOf(state, agent)?.find((one) => volumeOf(one, now) >= one.volumePerHour);
}

const DETAILS = {
  "agent-unregistered": "only registered agents propose",
  "agent-revoked": "it, or an agent above it, has been revoked",
  "rights-revoked": "the person has lost all rights",
  "signature-missing": "an agent signs each proposal",
  "signature-invalid": "the key is not, or no longer, registered for this agent",
  "model-undeclared": "register the agent with this model first",
  "declaration-exceeded":
    "kind, environment or service is not in its registration, or not in that of an agent above it",
} as const;
