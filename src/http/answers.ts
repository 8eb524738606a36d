// Answers to holds as commands, with what is registered now of everybody whom they depend on.

import { AppError } from "../core/errors.ts";
import type { Command } from "../kernel/command.ts";
import type { Answerer } from "../wire/types/approvals.ts";
import type { Identity } from "../wire/types/identity.ts";
import type { Services } from "./services.ts";

type Answer = {
  readonly decision: "approve" | "deny" | "withdraw";
  readonly planHash: string;
  readonly reason: string | null;
};

type Answering = { readonly identity: Identity; readonly action: string; readonly answer: Answer };

/** To be submitted at once: what it says of others is so now. Throws `not-eligible` for a person who is nobody. */
export function answerCommand(services: Services, { identity, action, answer }: Answering): Command {
  const { id: actor, kind, person } = identity;
  if (kind === "person" && person === null) throw new AppError("not-eligible", "this identity speaks for nobody");
  const { decision, planHash, reason } = answer;
  const content = { reason };
  if (decision === "withdraw") return { type: "withdraw-approval", actor, input: { action, person }, content };
  const hold = services.actions.hold(action);
  const present = services.identity.registered(hold?.approvers ?? []);
  const [registered] = services.identity.registered(hold === null ? [] : [hold.proposer]);
  const proposer = { models: registered?.models ?? [], owner: registered?.owner ?? null };
  const answerer = answererOf(services, identity);
  return { type: "answer-hold", actor, input: { action, answerer, decision, planHash, present, proposer }, content };
}

/** With the roles of the token, which may be fewer than those registered. */
function answererOf(services: Services, { id, kind, person, roles }: Identity): Answerer {
  const [registered] = services.identity.registered([id]);
  return { id, kind, models: registered?.models ?? [], owner: registered?.owner ?? null, person, roles };
}
