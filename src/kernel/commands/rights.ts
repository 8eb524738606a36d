// Commands on rights: those of the installation, given by an approved action, revoked at once by whoever may.

import { AppError } from "../../core/errors.ts";
import { parseRights } from "../../wire/schemas/rights.ts";
import type { Rights } from "../../wire/types/rights.ts";
import type { Command, Reply } from "../command.ts";
import { LIMITS } from "../limits.ts";
import type { Action, State } from "../state.ts";
import type { Transaction } from "../transaction.ts";

/**
 * Of a log in which nobody has any: whoever installs it says who they are. After that only for a recovery, which whoever has
 * the data folder asks for: it is on record as what it is.
 */
export function installRights(tx: Transaction, { input }: Command<"install-rights">): Reply {
  const { holders, recovery } = input;
  const isOver = tx.state.rights.size > 0 && !recovery;
  if (isOver || holders.length === 0) return { subject: "log", result: "known", repeated: true };
  if (holders.length > LIMITS.rightsMax) throw full();
  tx.emit({ type: "rights.installed", subject: "log", facts: { holders, recovery } });
  return { subject: "log", result: "installed", repeated: false };
}

function full(): AppError {
  return new AppError("overloaded", `at most ${LIMITS.rightsMax} people and groups are known`);
}

/** Throws for rights that could not be given, before anybody is asked about them. */
export function checkProposedRights(state: State, operand: string): void {
  const wanted = parseRights(operand);
  if (wanted === null) throw new AppError("arguments-invalid", "no rights of a person or a group");
  const problem = rightsProblem(state, wanted);
  if (problem !== null) throw problem;
}

/** What a granted `person.register` or `group.register` does; false when it has become impossible since. */
export function giveRights(tx: Transaction, { id: action, operand }: Action): boolean {
  const wanted = operand === null ? null : parseRights(operand);
  if (wanted === null || rightsProblem(tx.state, wanted) !== null) return false;
  tx.emit({ type: "rights.given", subject: wanted.id, facts: { ...wanted, action } });
  return true;
}

/** A key, or a subject, stands for one identity: two that share one could never be told apart. */
function rightsProblem({ rights, agents }: State, { id, keys, subjects }: Rights): AppError | null {
  const names = new Set([...keys.map(({ thumbprint }) => thumbprint), ...subjects]);
  for (const other of [...rights.values(), ...agents.values()]) {
    if (other.id === id) continue;
    const held = [...other.keys.map(({ thumbprint }) => thumbprint), ...("subjects" in other ? other.subjects : [])];
    if (held.some((one) => names.has(one)))
      return new AppError("arguments-invalid", "a key, or who it is to another issuer, is somebody else's", { id });
  }
  return !rights.has(id) && rights.size >= LIMITS.rightsMax ? full() : null;
}

/** Takes no approval: tokens and sessions end with it, answers that were given count no more, and nothing they asked for begins. */
export function revokeRights(tx: Transaction, { input: { holder }, content }: Command<"revoke-rights">): Reply {
  const { rights } = tx.state;
  if (rights.get(holder)?.status === "revoked") return { subject: holder, result: "revoked", repeated: true };
  if (!rights.has(holder) && rights.size >= LIMITS.rightsMax) throw full();
  const payload = content === undefined ? {} : { payload: { retention: "evidence", body: content } as const };
  tx.emit({ type: "rights.revoked", subject: holder, facts: {}, ...payload });
  return { subject: holder, result: "revoked", repeated: false };
}
