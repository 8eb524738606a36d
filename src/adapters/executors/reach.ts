// What a question without effect showed: whether a target is there, and whether it takes the credential.

import type { Answer } from "../../wire/contracts/egress.ts";
import type { Reach, StepOutcome } from "../../wire/contracts/executor.ts";

export function missingReach(target: string): Reach {
  return { target, status: "missing", code: "credential-missing" };
}

/** Of a place that was only asked whether it answers; `undefined` when nobody asked. */
export function answeredReach(target: string, answer: Answer | undefined): Reach {
  if (answer === undefined) return { target, status: "away", code: "unreachable" };
  if (answer.kind !== "answered") return { target, status: "away", code: answer.code };
  if (answer.status >= 500) return { target, status: "away", code: "target-error" };
  return { target, status: "reached", code: "credential-untried" };
}

/** Of a question that needed the credential: null for one that was answered, else the outcome that it would have been. */
export function outcomeReach(target: string, outcome: StepOutcome | null): Reach {
  if (outcome === null) return { target, status: "ready", code: "" };
  const code = "code" in outcome ? outcome.code : outcome.status;
  if (code === "credential-missing") return missingReach(target);
  return { target, status: code === "credential-refused" ? "refused" : "away", code };
}
