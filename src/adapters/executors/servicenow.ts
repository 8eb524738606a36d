// The ServiceNow executor: incidents and changes, created at most once and changed only as planned.

import type { ActionKind, ExecuteRequest, Executor } from "../../wire/contracts/executor.ts";
import { argumentsJsonSchema } from "../../wire/schemas/executor-arguments.ts";
import {
  servicenowChangeArguments,
  servicenowChangeUpdateArguments,
  servicenowCreateArguments,
  servicenowUpdateArguments,
} from "../../wire/schemas/servicenow-arguments.ts";
import { CHANGE, CHANGE_UPDATE, changePlaces, planChange } from "./servicenow-change-request.ts";
import { CREATE, executeCreate, planCreate, reconcileCreate } from "./servicenow-create.ts";
import { loginRefOf, type LoginParts } from "./servicenow-login.ts";
import { CHANGES, INCIDENTS, RecordTable } from "./servicenow-table.ts";
import { executeUpdate, planUpdate, reconcileUpdate } from "./servicenow-update.ts";
import { outcomeReach } from "./reach.ts";
import { UnsettledWrites } from "./unsettled-writes.ts";

const UPDATE = "servicenow.incident.update";

// Creating asks nobody, but its plan names the action, which has no id before it is proposed.
const shared = { repeat: "conditional", planning: "reads", effect: "external", reversible: true } as const;
const KINDS: readonly ActionKind[] = [
  {
    ...shared,
    kind: CREATE,
    title: "Open a ServiceNow incident",
    argumentsSchema: argumentsJsonSchema(servicenowCreateArguments),
    risks: [],
  },
  {
    ...shared,
    kind: UPDATE,
    title: "Change a ServiceNow incident",
    argumentsSchema: argumentsJsonSchema(servicenowUpdateArguments),
    risks: ["compliance"], // a record that others rely on as it is
  },
  {
    ...shared,
    kind: CHANGE,
    title: "Ask for a change at ServiceNow",
    argumentsSchema: argumentsJsonSchema(servicenowChangeArguments),
    risks: [], // nothing changes until its people approve it there
  },
  {
    ...shared,
    kind: CHANGE_UPDATE,
    title: "Note on, close or cancel a change at ServiceNow",
    argumentsSchema: argumentsJsonSchema(servicenowChangeUpdateArguments),
    risks: ["compliance"],
  },
];

export interface ServicenowParts extends LoginParts {
  /** Keeps this log's actions apart from those of other installations at the same ServiceNow. */
  readonly installation: string;
}

/** Offers creating and updating, of incidents and of changes. */
export function createServicenowExecutor(parts: ServicenowParts): Executor {
  const writes = new UnsettledWrites({ clock: parts.clock, settleMs: parts.config.settleMs });
  const incidents = {
    ...parts,
    writes,
    table: new RecordTable(parts, INCIDENTS),
    places: [INCIDENTS.path],
    updates: servicenowUpdateArguments,
  };
  const changes = {
    ...parts,
    writes,
    table: new RecordTable(parts, CHANGES),
    places: changePlaces(parts.config),
    updates: servicenowChangeUpdateArguments,
  };
  const roomOf = (kind: string) => (kind === CREATE || kind === UPDATE ? incidents : changes);
  const isCreate = (kind: string): boolean => kind === CREATE || kind === CHANGE;
  return {
    kinds: KINDS,
    credentials: [loginRefOf(parts.config)],
    async plan(request, signal) {
      if (request.kind === CREATE) return planCreate(incidents, request);
      if (request.kind === CHANGE) return planChange(changes, request);
      return planUpdate(roomOf(request.kind), request, signal);
    },
    execute(request, outer) {
      const [room, signal] = [roomOf(request.plan.kind), deadline(request, outer)];
      return (isCreate(request.plan.kind) ? executeCreate : executeUpdate)(room, request, signal);
    },
    reconcile(request, outer) {
      const [room, signal] = [roomOf(request.plan.kind), deadline(request, outer)];
      return (isCreate(request.plan.kind) ? reconcileCreate : reconcileUpdate)(room, request, signal);
    },
    probe: async (signal) => [outcomeReach("servicenow", await incidents.table.probe(signal))],
  };
}

/** One deadline over every call of a step. */
function deadline(request: ExecuteRequest, outer: AbortSignal): AbortSignal {
  return AbortSignal.any([outer, AbortSignal.timeout(request.timeoutMs)]);
}
