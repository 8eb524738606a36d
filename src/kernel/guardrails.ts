// Guardrails of the organisation: what changes enforcement waits for another person, whatever a policy says.

import type { Asks } from "../wire/types/approvals.ts";
import type { Evaluation } from "../wire/types/verdict.ts";
import { isAlone } from "./rights.ts";
import { raisesStage } from "./stage.ts";
import type { Action, State } from "./state.ts";

/** Each gives somebody more, or stops something that stops. Their opposites need nobody. */
const LOOSENING: ReadonlySet<string> = new Set([
  "agent.register",
  "domain.release",
  "grant.create",
  "group.register",
  "killswitch.resume",
  "level.grant",
  "person.register",
  "policy.activate",
  "silence.create",
]);

/** Asked where the policy asks nobody; a bundle without it refuses. */
const ROUTE = "owners";

type At = { readonly state: State; readonly now: number };

/** Whether an action changes what is enforced, to less. */
function isLoosening({ state, now }: At, action: Pick<Action, "kind" | "operand" | "effect">): boolean {
  return action.effect === "kernel" && (LOOSENING.has(action.kind) || raisesStage(state, now, action));
}

/** What changes Holdpoint itself is never an agent's alone, at whatever level. */
function isAgents({ agentKind, effect }: Pick<Action, "agentKind" | "effect">): boolean {
  return agentKind === "agent" && effect === "kernel";
}

/**
 * The decision as policy made it, held where policy would let the loosening of enforcement through by itself: whoever can
 * have a policy changed cannot have the next change go without anybody.
 */
export function guard(at: At, action: Action, result: Evaluation): Evaluation {
  if (isAlone(at.state, action)) return letAlone(result);
  const loosens = isLoosening(at, action);
  if (result.decision !== "allow" || !(loosens || isAgents(action))) return result;
  const code = loosens ? "loosens-enforcement" : "agent-asks";
  const verdict = { gate: "kernel/guardrail", verdict: "hold", code, evidence: {} } as const;
  return { ...result, decision: "hold", route: ROUTE, draftRoute: null, verdicts: [...result.verdicts, verdict] };
}

/** What policy refuses stays refused; whoever it would ask is the one who asks, or not there yet. */
function letAlone(result: Evaluation): Evaluation {
  if (result.decision === "refuse") return result;
  const verdict = { gate: "kernel/guardrail", verdict: "pass", code: "sole-owner", evidence: {} } as const;
  return { ...result, decision: "allow", route: null, draftRoute: null, verdicts: [...result.verdicts, verdict] };
}

/**
 * What a step asks for, of people alone where enforcement is loosened, and where the plan needs a person's signature: no
 * agent lets another one go further.
 */
export function guardedAsks(at: At, action: Action, asks: Asks): Asks {
  const isForPeople = action.signature !== undefined || isAgents(action) || isLoosening(at, action);
  if (!isForPeople || asks.seats.every(({ agents }) => !agents)) return asks;
  return { ...asks, seats: asks.seats.map((seat) => ({ ...seat, agents: false })) };
}
