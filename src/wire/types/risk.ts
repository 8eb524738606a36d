// What the plan of an action puts at risk, found in the plan itself: a closed list, so that the record holds no free text.

/**
 * What an action of a kind may put at risk: what is configured, how much load is borne, who may do or see what, what a
 * rule of others demands (P15).
 */
export type RiskDomain = "configuration" | "performance" | "security" | "compliance";

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

/** In which domain each is; what is not shown may be in any of them. */
const DOMAINS: Readonly<Record<PlanRisk, RiskDomain | null>> = {
  drift: "configuration",
  "slo-headroom": "performance",
  "privilege-widening": "security",
  "data-exposure": "security",
  regulated: "compliance",
  unseen: null,
};

/** The domains of a kind of action with those of what was found in a plan of it, each once. */
export function domainsOf(kind: readonly RiskDomain[], findings: PlanFindings | null): readonly RiskDomain[] {
  const found = (findings?.risks ?? []).flatMap((risk) => DOMAINS[risk] ?? []);
  return [...new Set([...kind, ...found])];
}

/** `drift (configuration), regulated (compliance: pci)`. */
export function findingsText({ risks, tags }: PlanFindings): string {
  const marks = tags.length === 0 ? "" : `: ${tags.join(", ")}`;
  const text = (risk: PlanRisk): string => `${risk} (${DOMAINS[risk] ?? "any"}${risk === "regulated" ? marks : ""})`;
  return risks.map(text).join(", ");
}

export const TAGS_MAX = 16;
export const TAG_CHARS_MAX = 32;
export const TAG = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;
