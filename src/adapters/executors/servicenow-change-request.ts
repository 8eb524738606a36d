// Asking for a change at ServiceNow: normal and emergency ones with their plans, standard ones from a configured template.

import type { JsonObject } from "../../core/json.ts";
import { AppError } from "../../core/errors.ts";
import type { Plan, PlanRequest } from "../../wire/contracts/executor.ts";
import { parseArguments } from "../../wire/schemas/executor-arguments.ts";
import type { ServicenowConfig } from "../../wire/schemas/executors-config.ts";
import { servicenowChangeArguments } from "../../wire/schemas/servicenow-arguments.ts";
import type { z } from "zod";
import { assignedTo, cancelling, correlationIdOf, createCall, type CreateParts } from "./servicenow-create.ts";
import { contextNote } from "./servicenow-journal.ts";
import { CHANGES } from "./servicenow-table.ts";

export const CHANGE = "servicenow.change.create";
export const CHANGE_UPDATE = "servicenow.change.update";

const STANDARD_PATH = "/api/sn_chg_rest/change/standard";
/** Values of `risk` as ServiceNow has them. */
const RISKS = { high: "2", moderate: "3", low: "4" } as const;

type Args = z.output<typeof servicenowChangeArguments>;

/** The table, and the templates that configuration names. */
export function changePlaces({ changeTemplates }: ServicenowConfig): readonly string[] {
  return [CHANGES.path, ...Object.values(changeTemplates).map((sysId) => `${STANDARD_PATH}/${sysId}`)];
}

export function planChange(parts: CreateParts, request: PlanRequest): Plan {
  const args = parseArguments(servicenowChangeArguments, request.args);
  const { config } = parts;
  const correlationId = correlationIdOf(parts.installation, request);
  const body = {
    ...fieldsOf(config, args),
    ...aboutService(config, request),
    correlation_id: correlationId,
    correlation_display: "Holdpoint",
    work_notes: contextNote(request),
  };
  return {
    kind: request.kind,
    calls: [createCall(parts, placeOf(config, args), body)],
    diff: { creates: `${args.type} change`, template: args.template ?? null, team: args.team ?? null, fields: body },
    inverse: cancelling(request, CHANGE_UPDATE, { correlationId, state: config.changeCanceledState }),
    reversible: true,
    fingerprint: null,
  };
}

function placeOf({ changeTemplates }: ServicenowConfig, { template }: Args): string {
  if (template === undefined) return CHANGES.path;
  const sysId = Object.hasOwn(changeTemplates, template) ? changeTemplates[template] : undefined;
  if (sysId !== undefined) return `${STANDARD_PATH}/${sysId}`;
  throw new AppError("arguments-invalid", "no such template is configured", { places: ["/template: unknown"] });
}

function fieldsOf(config: ServicenowConfig, args: Args): JsonObject {
  const { type, risk, impact, start, end } = args;
  const texts = {
    short_description: args.shortDescription,
    description: args.description,
    justification: args.justification,
    implementation_plan: args.implementationPlan,
    backout_plan: args.backoutPlan,
    test_plan: args.testPlan,
    risk: risk === undefined ? undefined : RISKS[risk],
    impact: impact === undefined ? undefined : String(impact),
    start_date: start === undefined ? undefined : storedInstant(start),
    end_date: end === undefined ? undefined : storedInstant(end),
    // A template says its own.
    type: type === "standard" ? undefined : type,
  };
  const given = Object.entries(texts).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { ...Object.fromEntries(given), ...assignedTo(config, args.team) };
}

/** So that the change covers what is proposed for the service. */
function aboutService({ changeControl }: ServicenowConfig, { target }: PlanRequest): JsonObject {
  const items = changeControl?.configurationItems ?? {};
  const [item] = Object.hasOwn(items, target.service) ? (items[target.service] ?? []) : [];
  return item === undefined ? {} : { cmdb_ci: item };
}

/** As stored: UTC, without a letter. */
function storedInstant(instant: string): string {
  return instant.replace("T", " ").replace("Z", "");
}
