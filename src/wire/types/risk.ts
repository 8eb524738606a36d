// What the plan of an action puts at risk, found in the plan itself: a closed list, so that the record holds no free text.

/**
 * `drift`: it sets what Git or a tool declares otherwise. `slo-headroom`: its service has little of its error budget left,
 * or nobody could tell. `privilege-widening`: somebody may do more afterwards. `data-exposure`: somebody may see more.
 * `regulated`: what it touches is under rules of others. `unseen`: the plan does not show all that it does.
 */
export const PLAN_RISKS = [
  "drift",
  "slo-headroom",
  "privilege-widening",
  "data-exposure",
  "regulated",
  "unseen",
] as const;
export type PlanRisk = (typeof PLAN_RISKS)[number];

export type PlanFindings = {
  /** Each once, in the order of the list. */
  readonly risks: readonly PlanRisk[];
  /** Regulations by which its target is marked: `pci`, `gdpr`; sorted, each once. */
  readonly tags: readonly string[];
};

export const TAGS_MAX = 16;
export const TAG_CHARS_MAX = 32;
export const TAG = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
