// What a proposal is answered: what was decided, by which verdicts, who must act next and until when.

import type { z } from "zod";
import { asksText, rolesAsked } from "../approvals/asks.ts";
import type { Decided, Reply } from "../kernel/command.ts";
import type { decisionSchema } from "../wire/schemas/api.ts";
import type { Asks } from "../wire/types/approvals.ts";
import type { ActionView } from "../wire/types/views.ts";

export type Decision = z.output<typeof decisionSchema>;

/** What happened to an action; of a proposal also how it was decided. */
export function decisionOf({ subject, result, repeated, decided }: Reply): Decision {
  const answer = { id: subject, status: result, repeated, href: `/v1/actions/${subject}` };
  if (decided === undefined) return answer;
  return decided === null ? { ...answer, decision: null, next: null } : { ...answer, ...decidedPart(decided) };
}

/** The same of an action as it is now. */
export function decisionNow({ id, status, ...action }: ActionView, repeated: boolean): Decision {
  const { evaluation, would, duplicateOf, hold, waiting: waits } = action;
  const code = evaluation?.decision === "refuse" || evaluation === null ? action.code : null;
  const isAsked = hold !== null && status === "held";
  const answers = isAsked
    ? { asks: { seats: hold.needs, independentOf: hold.independentOf }, until: hold.deadline }
    : null;
  const isDecided = evaluation !== null || status !== "evaluating";
  const decided = isDecided ? { evaluation, code, would, duplicateOf, answers, waits } : null;
  const answer = decisionOf({ subject: id, result: status, repeated, decided });
  return action.prediction === null ? answer : { ...answer, prediction: { ...action.prediction } };
}

type Part = Omit<Decided, "evaluation"> & {
  readonly evaluation: Pick<NonNullable<Decided["evaluation"]>, "decision" | "verdicts"> | null;
};

function decidedPart({ evaluation, code, would, duplicateOf, answers, waits }: Part): Partial<Decision> {
  return {
    decision: evaluation?.decision ?? "refuse",
    ...(code === null ? {} : { code }),
    ...(would === null ? {} : { would }),
    ...(duplicateOf === null ? {} : { duplicateOf }),
    verdicts: [...(evaluation?.verdicts ?? [])],
    ...(waits === null ? {} : { waits: { ...waits, behind: [...waits.behind] } }),
    next: answers === null ? null : nextOf(answers),
  };
}

function nextOf({ asks, until }: { asks: Asks; until: number }): Decision["next"] {
  return { who: asksText(asks), roles: [...rolesAsked(asks)], until };
}
