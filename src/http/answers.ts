// Answers to holds as commands, with what is registered now of everybody whom they depend on.

import { AppError } from "../core/errors.ts";
import type { Command, CommandInputs } from "../kernel/command.ts";
import type { Answerer } from "../wire/types/approvals.ts";
import type { Identity } from "../wire/types/identity.ts";
import type { Services } from "./services.ts";

type Answer = {
  readonly decision: "approve" | "deny" | "withdraw";
  readonly planHash: string;
  readonly reason: string | null;
  readonly confirm?: string | undefined;
};

type Answering<A = Answer> = { readonly identity: Identity; readonly action: string; readonly answer: A };

/** To be submitted at once: what it says of others is so now. Throws `not-eligible` for a person who is nobody. */
export function answerCommand(services: Services, { identity, action, answer }: Answering): Command {
  const { id: actor, kind, person } = identity;
  if (kind === "person" && person === null) throw new AppError("not-eligible", "this identity speaks for nobody");
  const { decision, planHash, reason, confirm } = answer;
  const content = { reason };
  if (decision === "withdraw") return { type: "withdraw-approval", actor, input: { action, person }, content };
  const typed = confirm === undefined ? {} : { confirm };
  const input = { action, decision, planHash, ...typed, ...standing(services, { identity, action }) };
  return { type: "answer-hold", actor, input, content };
}

/** The same for the emergency exit. */
export function glassCommand(
  services: Services,
  { identity, action, answer }: Answering<Omit<Answer, "decision">>,
): Command {
  const { planHash, reason, confirm } = answer;
  const input = {
    action,
    planHash,
    ...(confirm === undefined ? {} : { confirm }),
    ...standing(services, { identity, action }),
  };
  return { type: "break-glass", actor: identity.id, input, content: { reason } };
}

type Standing = Pick<CommandInputs["answer-hold"], "answerer" | "present" | "proposer">;

/** Whoever answers, whoever has, and whoever asked, as they are registered now. */
function standing(services: Services, { identity, action }: Pick<Answering, "identity" | "action">): Standing {
  const hold = services.actions.hold(action);
  const present = services.identity.registered(hold?.approvers ?? []);
  const [registered] = services.identity.registered(hold === null ? [] : [hold.proposer]);
  const proposer = { models: registered?.models ?? [], owner: registered?.owner ?? null };
  return { answerer: answererOf(services, identity), present, proposer };
}

/** With the roles of the token, which may be fewer than those registered. */
export function answererOf(services: Services, { id, kind, person, roles, actsFor }: Identity): Answerer {
  if (actsFor !== undefined) throw new AppError("not-eligible", "an answer is somebody's own: nobody passes it on");
  const [registered] = services.identity.registered([id]);
  return { id, kind, models: registered?.models ?? [], owner: registered?.owner ?? null, person, roles };
}
