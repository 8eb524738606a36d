// Labels of advice: what people think of what an agent would have done. A fact; no level changes by it.

import { isSame } from "../../approvals/eligibility.ts";
import { AppError } from "../../core/errors.ts";
import type { Advice } from "../advice.ts";
import type { Command, Reply } from "../command.ts";
import { LIMITS } from "../limits.ts";
import type { Transaction } from "../transaction.ts";
import { evidence } from "./holds.ts";

/** By a person who has no part in the agent. Said again, the last word counts: the one before is named with it. */
export function labelAction(tx: Transaction, command: Command<"label-action">): Reply {
  const { action: id, label, faults, answerer } = command.input;
  const advice = tx.state.advice.get(id);
  if (advice === undefined) {
    throw new AppError("action-not-advice", "it was no advice, or is too old to be labelled", { action: id });
  }
  const { person } = answerer;
  if (answerer.id !== command.actor || answerer.kind !== "person" || person === null) {
    throw new AppError("not-eligible", "a person says what advice was worth", { action: id });
  }
  if (involved(tx, advice).some((one) => isSame(one, answerer))) {
    throw new AppError("self-approval", "somebody who has no part in the agent labels its advice", { action: id });
  }
  const replaces = advice.labels.find(([other]) => other === person)?.[1] ?? null;
  if (replaces === null && advice.labels.length >= LIMITS.labelsMax) {
    throw new AppError("overloaded", "as many people as are counted have labelled it", { action: id });
  }
  const facts = { label, faults, person, replaces };
  tx.emit({ type: "action.labelled", subject: id, facts, ...evidence(command) });
  return { subject: id, result: label, repeated: false };
}

type Somebody = { readonly id: string; readonly person: string | null };

/** The agent, whoever was behind it then and is now, those for whom it acted, and the agents above it with their owners. */
function involved({ state }: Transaction, { agent, person, actsFor = [] }: Advice): readonly Somebody[] {
  const chain = [agent, ...actsFor.map(({ id }) => id)];
  const above = chain.flatMap((id) => [id, ...(state.agents.get(id)?.parents ?? [])]);
  const owners = above.flatMap((id) => state.agents.get(id)?.owner ?? []);
  return [{ id: agent, person }, ...actsFor, ...owners.map((id) => ({ id, person: personIn(id) }))];
}

function personIn(owner: string): string | null {
  return owner.startsWith("person:") ? owner.slice("person:".length) : null;
}
