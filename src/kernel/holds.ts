// Holds: what is asked of whom and until when, what moves one to its next step, and what it is satisfied by.
//
//   held ──approval, seats left──► held          ──quorum──► approved (every gate again)
//     │ └──window over──► next step asked, approvals kept that count there too
//     ├──reminder due──► reminded                ──denial by anybody who may answer──► denied
//     ├──last window over──► expired: a timeout, nobody's denial
//     └──glass broken by those who may──► approved as far as its route goes, and a review is owed

import { checkApproval, stillStanding, type Proposer } from "../approvals/eligibility.ts";
import { countQuorum } from "../approvals/quorum.ts";
import type { Answerer, Approval, Asks } from "../wire/types/approvals.ts";
import type { Origin } from "./command.ts";
import type { EventFacts } from "./events.ts";
import { guardedAsks } from "./guardrails.ts";
import type { Hold } from "./hold-state.ts";
import { concernedBy } from "./rights.ts";
import type { Action, State } from "./state.ts";
import type { ActivePolicy, RouteStep, Transaction } from "./transaction.ts";

type Asked = Pick<EventFacts["hold.escalated"], "asks" | "deadline" | "remindEveryMs" | "remindAt">;

/** What is recorded of a step when it is asked. */
export function askedFacts(tx: Transaction, action: Action, step: RouteStep): Asked {
  const { withinMs, remindEveryMs } = step;
  const remindAt = remindEveryMs === null ? null : tx.now + remindEveryMs;
  return { asks: guardedAsks(tx, action, step.asks), deadline: tx.now + withinMs, remindAt, remindEveryMs };
}

/** When time alone does something to a hold. */
export function holdDueAt({ deadline, remindAt }: Pick<Hold, "deadline" | "remindAt">): number {
  return remindAt === null || remindAt > deadline ? deadline : remindAt;
}

export function remind(tx: Transaction, subject: string, hold: Hold): void {
  const next = hold.remindEveryMs === null ? null : tx.now + hold.remindEveryMs;
  const remindAt = next === null || next >= hold.deadline ? null : next;
  tx.emit({ type: "hold.reminded", subject, facts: { hold: hold.id, remindAt, step: hold.step } });
}

/** Asks the next step. Approvals given so far count on where they are good for it too. */
export function escalate(tx: Transaction, action: Action, { hold, step }: { hold: Hold; step: RouteStep }): void {
  const proposer = proposerOf(tx.state, action, UNKNOWN);
  const asked = askedFacts(tx, action, step);
  const kept = keptApprovals(proposer, hold.approvals, asked.asks).map(({ id }) => id);
  const facts = { ...asked, hold: hold.id, kept, step: hold.step + 1 };
  tx.emit({ type: "hold.escalated", subject: action.id, facts });
}

/**
 * None when they would be enough by themselves: the end of a window never approves anything, so somebody has to say it
 * in the new step.
 */
function keptApprovals(proposer: Proposer, given: readonly Approval[], asks: Asks): readonly Approval[] {
  const kept: Approval[] = [];
  for (const approval of given) {
    if (checkApproval({ asks, proposer, approvals: kept }, approval) === null) kept.push(approval);
  }
  return countQuorum(asks, kept).met ? [] : kept;
}

const UNKNOWN: Origin = { owner: null, models: [] };

/**
 * `said` is what identity knows of the proposer; of a registered agent the registration says it. Whoever would get the
 * rights that are asked for is as little independent of the question as the one who asks.
 */
export function proposerOf(state: State, action: Action, said: Origin): Proposer {
  const { agent, agentKind, person, actsFor = [] } = action;
  const others = [...actsFor, ...concernedBy(state, action)];
  return { id: agent, kind: agentKind, person, actsFor: others, ...originOf(state, agent, said) };
}

function originOf({ agents }: State, id: string, { owner, models }: Origin): Origin {
  const agent = agents.get(id);
  if (agent === undefined) return { models, owner };
  return { models: agent.models.map(({ provider, name }) => `${provider}/${name}`), owner: agent.owner };
}

/** An answer as it would stand beside the others, with the duties that the answerer has now. */
export function approvalNow(tx: Transaction, { asks }: Pick<Hold, "asks">, answerer: Answerer): Approval {
  const { id, kind, person, roles } = answerer;
  const policy = tx.state.bundleHash === null ? undefined : tx.engine.policy(tx.state.bundleHash);
  const asked = new Set(asks.seats.flatMap(({ schedules }) => schedules));
  const onDuty = [...asked].filter((name) => {
    const now = policy?.schedules.get(name)?.onDuty(tx.now) ?? null;
    return now !== null && now === person;
  });
  return { at: tx.now, id, kind, onDuty, person, roles, ...originOf(tx.state, id, answerer) };
}

/**
 * Whether what was given satisfies a hold on this route as the route is now: one that asks for more since asks again.
 */
export function hasConsent({ consent }: Action, route: string | null, policy: ActivePolicy): boolean {
  if (consent === null || consent.route !== route) return false;
  const now = policy.routes.get(consent.route);
  if (consent.glassMs !== null) return now?.breakGlass != null && countQuorum(consent.asks, consent.approvals).met;
  const step = now?.steps[consent.step];
  return step !== undefined && countQuorum(step.asks, consent.approvals).met;
}

/** Asked again when the first step begins: whoever is gone since then, or lost the role, has not approved it. */
export function isConsentStanding({ consent }: Action, present: readonly Answerer[]): boolean {
  if (consent === null) return true;
  return countQuorum(consent.asks, stillStanding(consent.approvals, present)).met;
}
