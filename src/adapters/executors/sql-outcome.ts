// From the failure of a migration to the outcome of its step: what PostgreSQL dropped for certain, and what nobody can tell.

import type { StepOutcome } from "../../wire/contracts/executor.ts";
import type { DatabaseProblem } from "./sql-database.ts";

/** Nothing was sent to the database but who asks. */
export function isOfCredential(problem: DatabaseProblem): problem is {
  readonly kind: "credential-refused" | "credential-missing";
} {
  return problem.kind === "credential-refused" || problem.kind === "credential-missing";
}

/** What PostgreSQL refused, or ended when it was told to, it drops; what nobody saw the end of may still be at work. */
export function endedBy(problem: DatabaseProblem): StepOutcome {
  if (problem.kind === "lost") return { status: "unknown", code: problem.code, detail: null };
  if (problem.kind === "stopped") return { status: "failed", code: problem.code, detail: null };
  if (isOfCredential(problem)) return { status: "failed", code: problem.kind, detail: null };
  if (problem.kind !== "refused") return { status: "retry", afterMs: 5_000, code: "unreachable", detail: null };
  const { sqlState, about } = problem;
  const detail = { sqlState, ...about };
  // Lock not available, deadlock, serialization: another transaction was in the way, and may be gone later.
  if (sqlState === "55P03" || sqlState.startsWith("40")) {
    return { status: "retry", afterMs: 5_000, code: "lock-timeout", detail };
  }
  if (sqlState === "57014") return { status: "failed", code: "statement-timeout", detail };
  return { status: "failed", code: "target-refused", detail };
}
