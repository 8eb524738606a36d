// The ServiceNow executor: incidents through the Table API, created at most once and changed only as planned.

import type { ActionKind, ExecuteRequest, Executor } from "../../wire/contracts/executor.ts";
import {
  argumentsJsonSchema,
  servicenowCreateArguments,
  servicenowUpdateArguments,
} from "../../wire/schemas/executor-arguments.ts";
import { CREATE, executeCreate, planCreate, reconcileCreate } from "./servicenow-create.ts";
import { loginRefOf, type LoginParts } from "./servicenow-login.ts";
import { IncidentTable } from "./servicenow-table.ts";
import { executeUpdate, planUpdate, reconcileUpdate, UPDATE } from "./servicenow-update.ts";
import { outcomeReach } from "./reach.ts";
import { UnsettledWrites } from "./unsettled-writes.ts";

const KINDS: readonly ActionKind[] = [
  {
    kind: CREATE,
    title: "Open a ServiceNow incident",
    argumentsSchema: argumentsJsonSchema(servicenowCreateArguments),
    repeat: "conditional",
    // It asks nobody, but its plan names the action, which has no id before it is proposed.
    planning: "reads",
    effect: "external",
    reversible: true,
    risks: [],
  },
  {
    kind: UPDATE,
    title: "Change a ServiceNow incident",
    argumentsSchema: argumentsJsonSchema(servicenowUpdateArguments),
    repeat: "conditional",
    planning: "reads",
    effect: "external",
    reversible: true,
    risks: ["compliance"], // a record that others rely on as it is
  },
];

export interface ServicenowParts extends LoginParts {
  /** Keeps this log's actions apart from those of other installations at the same ServiceNow. */
  readonly installation: string;
}

/** Offers `servicenow.incident.create` and `servicenow.incident.update`. */
export function createServicenowExecutor(parts: ServicenowParts): Executor {
  const table = new IncidentTable(parts);
  const writes = new UnsettledWrites({ clock: parts.clock, settleMs: parts.config.settleMs });
  const room = { ...parts, table, writes };
  return {
    kinds: KINDS,
    credentials: [loginRefOf(parts.config)],
    plan: async (request, signal) =>
      request.kind === CREATE ? planCreate(room, request) : planUpdate(room, request, signal),
    execute(request, outer) {
      const signal = deadline(request, outer);
      return request.plan.kind === CREATE ? executeCreate(room, request, signal) : executeUpdate(room, request, signal);
    },
    reconcile(request, outer) {
      const signal = deadline(request, outer);
      return request.plan.kind === CREATE
        ? reconcileCreate(room, request, signal)
        : reconcileUpdate(room, request, signal);
    },
    probe: async (signal) => [outcomeReach("servicenow", await table.probe(signal))],
  };
}

/** One deadline over every call of a step. */
function deadline(request: ExecuteRequest, outer: AbortSignal): AbortSignal {
  return AbortSignal.any([outer, AbortSignal.timeout(request.timeoutMs)]);
}
