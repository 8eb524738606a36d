// What must hold of predictions: what policy measures is decided by a recorded answer that is fresh, or by people.

import { TERMS } from "../../src/kernel/limits.ts";
import type { KernelEvent } from "../../src/kernel/events.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import type { Prediction } from "../../src/wire/types/prediction.ts";

type Answered = { readonly at: number; readonly prediction: Prediction };

/** As the model's policy has it, counted from the recorded numbers alone. */
function isWithin({ code, isStale, share, zone, crosses }: Prediction): boolean {
  const isKnown = code === "" && !isStale && zone !== null;
  return isKnown && share.high <= 300_000 && [zone, ...crosses].every((one) => one === "shop" || one === "front");
}

function isMeasured({ kind, environment, service, agentKind }: KernelEvent<"action.proposed">["facts"]): boolean {
  return kind.startsWith("model.") && environment === "production" && service === "search" && agentKind === "agent";
}

export function checkPredictions(events: readonly LedgerEvent[]): string[] {
  const broken: string[] = [];
  const measured = new Set<string>();
  const asked = new Map<string, KernelEvent<"action.prediction-asked">>();
  const answers = new Map<string, Answered>();
  const consented = new Set<string>();
  const done = new Map<string, number>();
  const measuredOnce = new Set<string>();
  for (const event of events as readonly KernelEvent[]) {
    const { subject: id, time } = event;
    if (event.type === "action.proposed" && isMeasured((event as KernelEvent<"action.proposed">).facts))
      measured.add(id);
    if (event.type === "action.prediction-asked") {
      if (asked.has(id)) broken.push(`${id}: asked twice at once`);
      asked.set(id, event as KernelEvent<"action.prediction-asked">);
    }
    if (event.type === "action.predicted") {
      if (!asked.delete(id)) broken.push(`${id}: an answer that nobody asked for`);
      answers.set(id, { at: time, prediction: (event as KernelEvent<"action.predicted">).facts.prediction });
    }
    if (event.type === "step.finished" || event.type === "step.reconciled") {
      const { action } = (event as KernelEvent<"step.finished">).facts;
      const isKnown = answers.get(id)?.prediction.code === "";
      if (isKnown && (action === "succeeded" || action === "verifying") && !done.has(id)) done.set(id, time);
    }
    if (event.type === "impact.measured") {
      const at = done.get(id);
      if (at === undefined) broken.push(`${id}: measured though it did nothing that was predicted`);
      else if (time < at + 60_000) broken.push(`${id}: measured before it could be`);
      if (measuredOnce.has(id)) broken.push(`${id}: measured twice`);
      measuredOnce.add(id);
    }
    if (event.type === "action.approved" || event.type === "action.glass-broken") consented.add(id);
    if (event.type !== "action.granted" || !measured.has(id)) continue;
    const answer = answers.get(id);
    if (answer === undefined) broken.push(`${id}: granted though nobody asked the model`);
    else if (time - answer.at > TERMS.predictionMs) broken.push(`${id}: granted by an old prediction`);
    else if (!consented.has(id) && !isWithin(answer.prediction))
      broken.push(`${id}: granted beyond what was predicted`);
  }
  return broken;
}
