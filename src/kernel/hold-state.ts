// What state keeps of a hold, of what satisfied it, and of the reviews that are owed for going past it.

import type { Proposer } from "../approvals/eligibility.ts";
import type { Approval, Asks } from "../wire/types/approvals.ts";

export type Hold = {
  readonly id: string;
  readonly route: string;
  /** The step that is asked, from 0, and how many the route has. */
  readonly step: number;
  readonly steps: number;
  readonly asks: Asks;
  readonly askedAt: number;
  /** When the next step is asked, or the hold expires. */
  readonly deadline: number;
  /** Since when a pause stops its clock, and what was left of its window then; both absent while it runs. */
  readonly frozenAt?: number;
  readonly remainingMs?: number;
  /** How long it has been frozen in all, before; absent for never. */
  readonly frozenMs?: number;
  readonly remindEveryMs: number | null;
  readonly remindAt: number | null;
  /** Given in this step, or before and still good for it; at most one of each human. */
  readonly approvals: readonly Approval[];
  /** Those who want to break the glass, where it takes several. */
  readonly breakers: readonly Approval[];
};

/** What was given by those whom a route asks: it satisfies a hold on that route and nothing else. */
export type Consent = {
  readonly route: string;
  readonly step: number;
  readonly asks: Asks;
  readonly approvals: readonly Approval[];
  /** How long a grant lives that comes of breaking the glass; null where the step's quorum was met. */
  readonly glassMs: number | null;
};

/** The glass was broken: somebody else judges afterwards whether it had to be. */
export type OwedReview = {
  readonly id: string;
  readonly action: string;
  readonly proposer: Pick<Proposer, "id" | "person">;
  readonly by: readonly Pick<Proposer, "id" | "person">[];
  readonly roles: readonly string[];
  readonly dueAt: number;
  readonly overdue: boolean;
};
