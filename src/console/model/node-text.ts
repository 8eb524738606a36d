// Nodes and numbers of the model as the page says them.

import type { EvidenceState } from "../../wire/types/model.ts";
import type { IntervalView, Measured } from "../../wire/types/model-views.ts";

type NodeParts = { readonly kind: string; readonly environment: string; readonly name: string };

/** Of `kind:environment:name`; a name may have colons of its own. */
export function partsOf(id: string): NodeParts {
  const [kind = "", environment = "", ...name] = id.split(":");
  return { kind, environment, name: name.join(":") };
}

/** A sign for each state, so that no colour and no dash has to be told apart. */
export const STATE_SIGNS: Readonly<Record<EvidenceState, string>> = {
  declared: "○",
  observed: "●",
  confirmed: "✓",
  refuted: "✕",
};

/** How lines are drawn by state. */
export const STATE_DASHES: Readonly<Record<EvidenceState, string | undefined>> = {
  declared: "6 4",
  observed: undefined,
  confirmed: undefined,
  refuted: "2 4",
};

export function percentText(part: number): string {
  const percent = 100 * part;
  return `${percent > 0 && percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

export function intervalText({ low, mid, high }: IntervalView): string {
  return `${percentText(mid)} (${percentText(low)} to ${percentText(high)})`;
}

export function measuredText({ perSecond, errorRatio, p50Ms, p95Ms }: Measured): string {
  const times = p95Ms > 0 ? `, p50 ${Math.round(p50Ms)} ms, p95 ${Math.round(p95Ms)} ms` : "";
  return `${perSecond.toFixed(2)} per second, ${percentText(errorRatio)} fail${times}`;
}
