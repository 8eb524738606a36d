// What no policy can let through alone: a plan whose executor found that only a person may sign for it.

import { AppError } from "../core/errors.ts";
import { IRREVERSIBLE, nameToType } from "../wire/types/approvals.ts";
import type { Evaluation } from "../wire/types/verdict.ts";
import type { Action } from "./state.ts";

/** Asked where the policy names nobody; a bundle without it refuses. */
const ROUTE = "owners";

/** The decision as policy made it, held for people where the plan asks for a signature. What is refused stays so. */
export function requireSignature({ signature }: Pick<Action, "signature">, result: Evaluation): Evaluation {
  if (signature === undefined || result.decision === "refuse") return result;
  const verdict = { gate: "kernel/signature", verdict: "hold", code: signature, evidence: {} } as const;
  const route = result.route ?? result.draftRoute ?? ROUTE;
  return { ...result, decision: "hold", route, draftRoute: null, verdicts: [...result.verdicts, verdict] };
}

/** Throws `confirmation-missing` for an approval of what nothing takes back without its target's name, typed. */
export function checkConfirmed(action: Pick<Action, "id" | "signature" | "service">, confirm?: string): void {
  if (action.signature !== IRREVERSIBLE || confirm === nameToType(action)) return;
  const what = "nothing takes it back: type the name of its service";
  throw new AppError("confirmation-missing", what, { action: action.id });
}
