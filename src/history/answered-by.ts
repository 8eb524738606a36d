// Who gave the answer that a run ended with, believed or not.

import type { KernelEvent } from "../kernel/events.ts";
import type { ClassifierView } from "../wire/types/views.ts";

/** Null where nobody answered. An answer that was rejected stands with its classifier in what the command was given. */
export function answeredBy(
  event: KernelEvent<"run.classified"> | KernelEvent<"run.unclassified">,
): ClassifierView | null {
  if (isClassified(event)) return viewOf(event.facts);
  const { classifier } = (event.facts.input ?? {}) as { readonly classifier?: ClassifierView | null };
  return classifier == null ? null : viewOf(classifier);
}

function isClassified(
  event: KernelEvent<"run.classified"> | KernelEvent<"run.unclassified">,
): event is KernelEvent<"run.classified"> {
  return event.type === "run.classified";
}

function viewOf(facts: ClassifierView): ClassifierView {
  const { provider, model, modelVersion, promptHash, answerHash, inputTokens, outputTokens } = facts;
  const counted = inputTokens === undefined || outputTokens === undefined ? {} : { inputTokens, outputTokens };
  return { provider, model, modelVersion, promptHash, answerHash, ...counted };
}
