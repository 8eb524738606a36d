// The route that is asked before acting: what is at stake, what policy would say, and what came of it before.

import { hash } from "node:crypto";
import { canonicalJson } from "../../core/canonical-json.ts";
import { AppError } from "../../core/errors.ts";
import { servicesOf } from "../../history/memory.ts";
import type { Probed } from "../../kernel/probe.ts";
import { parseNodeText } from "../../wire/schemas/model.ts";
import { documentSchema } from "../../wire/schemas/api.ts";
import { modelCalibrationQuerySchema, modelPredictSchema } from "../../wire/schemas/model-api.ts";
import type { Identity } from "../../wire/types/identity.ts";
import { hasScope } from "../../wire/types/scopes.ts";
import type { ActionView } from "../../wire/types/views.ts";
import { identify, parseWith, requireScope } from "../request.ts";
import type { Route, RouteContext } from "../route.ts";
import { pastIncidents, rememberedBy } from "../remembered.ts";
import type { Services } from "../services.ts";

/** Actions and incidents that are looked at, and those that are shown. */
const HISTORY_MAX = 200;
const SHOWN_MAX = 10;
const ANSWERS = { allow: "proceed", hold: "review", refuse: "refuse" } as const;

type Planned = {
  readonly kind: string;
  readonly environment: string;
  readonly service: string;
  readonly resource: string | null;
};

/** Changes nothing: a question with a body. With an action it is judged by the very code that judges a proposal of it. */
async function predict({ services, request }: RouteContext): Promise<unknown> {
  const identity = await identify(services, request);
  requireScope(identity, "model:read");
  const { target, failing, action, ...times } = parseWith(modelPredictSchema, request.body, "request-invalid");
  const nowMs = services.nowMs();
  const { at = nowMs, knownAt = nowMs } = times;
  if (action !== undefined && (times.at !== undefined || times.knownAt !== undefined)) {
    throw new AppError("request-invalid", "/action: what policy says of it is said of now alone");
  }
  const planned = action === undefined ? null : plannedOf(target, action);
  const impact = await services.model.read({ what: "impact", target, failing, at, knownAt });
  if (planned === null) return impact;
  const probed = await probe(services, { identity, planned });
  return { ...impact, advice: adviceOf(probed), history: await historyOf(services, { identity, planned }) };
}

function plannedOf(target: string, action: { readonly kind: string; readonly resource?: string | undefined }): Planned {
  const node = parseNodeText(target);
  const environment = node?.kind === "service" ? node.environment : null;
  if (node === undefined || environment === null) {
    throw new AppError("request-invalid", "/target: an action is aimed at a service of an environment");
  }
  return { kind: action.kind, environment, service: node.name, resource: action.resource ?? null };
}

type Asked = { readonly identity: Identity; readonly planned: Planned };

/** What only a plan tells (its size, a signature that it needs) is not known yet, and the proposal's own signature neither. */
function probe(services: Services, { identity, planned }: Asked): Promise<Probed> {
  const { repeat = "idempotent", effect = "none", reversible = false } = services.actions.kinds.get(planned.kind) ?? {};
  const requestHash = hash("sha256", canonicalJson({ asked: planned }));
  const delegated = identity.actsFor === undefined ? {} : { actsFor: identity.actsFor };
  const own = { agentKind: identity.kind, person: identity.person, ...delegated, requestHash, planHash: requestHash };
  const input = { ...planned, ...own, repeat, effect, reversible, idempotencyKey: null };
  return services.probe({ actor: identity.id, input });
}

function adviceOf({ decision, code, route, verdicts, bundleHash, engine, at }: Probed) {
  const policies = new Set(verdicts.filter(({ gate }) => gate.includes("/")).map(({ gate }) => gate.split("/", 1)[0]));
  policies.delete("kernel");
  return { answer: ANSWERS[decision], code, route, policies: [...policies], verdicts, bundleHash, engine, at };
}

/** Of the same kind on the same service, the newest first: all of them counted, and those shown that the caller may read. */
async function historyOf(services: Services, { identity, planned }: Asked) {
  await services.views.caughtUp();
  const { kind, environment, service } = planned;
  const query = { filters: { kind, environment, service }, cursor: null, limit: HISTORY_MAX };
  const { items, next } = services.views.reader.list("actions", query);
  const outcomes: Record<string, number> = {};
  for (const { status } of items) outcomes[status] = (outcomes[status] ?? 0) + 1;
  const isOpen = hasScope(identity, "actions:read");
  const shown = items.filter(({ agent }) => isOpen || agent === identity.id).slice(0, SHOWN_MAX);
  const incidents = hasScope(identity, "incidents:read") ? incidentsOf(services, identity, planned) : [];
  return { count: items.length, isTruncated: next !== null, outcomes, actions: shown.map(shortOf), incidents };
}

/** Those that name the service, or in which it stood between the cause and what failed; the newest first. */
function incidentsOf(services: Services, identity: Identity, { environment, service }: Planned) {
  const past = pastIncidents(services, { environment, countMax: HISTORY_MAX });
  const own = past.filter((one) => one.status !== "merged" && servicesOf(one).has(service));
  const shown = own.filter(rememberedBy(services, identity)).slice(0, SHOWN_MAX);
  return shown.map(({ id, status, services: named, openedAt, resolvedAt, resolution, explained }) => {
    return { id, status, services: named, openedAt, resolvedAt, resolution, cause: explained?.causes[0] ?? null };
  });
}

function shortOf({ id, status, code, agent, proposedAt, endedAt, prediction, impact }: ActionView) {
  return {
    id,
    status,
    code,
    agent,
    proposedAt,
    endedAt,
    predicted: prediction?.share ?? null,
    actual: impact?.actual ?? null,
  };
}

async function readCalibration({ services, request }: RouteContext): Promise<unknown> {
  requireScope(await identify(services, request), "model:read");
  const { kind = null } = parseWith(modelCalibrationQuerySchema, request.query, "query-invalid");
  return services.model.read({ what: "calibration", kind });
}

export const modelPredictRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/model/calibration",
    operationId: "readCalibration",
    summary:
      "How good predictions are, by kind of action or change: what was said before, and what was measured after.",
    auth: { scope: "model:read" },
    query: modelCalibrationQuerySchema,
    response: { status: 200, schema: documentSchema, what: "The document" },
    errors: ["query-invalid", "model-unavailable"],
    handle: readCalibration,
  },
  {
    method: "POST",
    path: "/v1/model/predict",
    operationId: "predictImpact",
    summary:
      "What suffers when a node fails, within bounds; with an action also whether to proceed, by which policies, and what came of it before.",
    auth: { scope: "model:read" },
    body: { schema: modelPredictSchema, type: "application/json" },
    response: { status: 200, schema: documentSchema, what: "The document" },
    errors: ["model-node-not-found", "model-unavailable"],
    handle: predict,
  },
];
