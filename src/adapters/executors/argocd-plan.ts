// Plans of Argo CD's operations: what the revision changes in the cluster, asked without beginning anything.

import { hash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Plan, PlanRequest } from "../../wire/contracts/executor.ts";
import {
  argocdRollbackArguments,
  argocdSyncArguments,
  type ArgocdApplication,
} from "../../wire/schemas/argocd-executor.ts";
import { parseArguments } from "../../wire/schemas/executor-arguments.ts";
import { IRREVERSIBLE } from "../../wire/types/approvals.ts";
import { applicationName, got, type Application, type ArgocdApi, type Live } from "./argocd-api.ts";
import { apartOf, syncDiff, type Apart, type SyncDiff } from "./argocd-diff.ts";
import { boundTarget, boundTo } from "./bound-target.ts";
import { isInert, lastDeployment, settingsChanged, undoOf } from "./argocd-undo.ts";
import { knownLeft } from "./known-left.ts";

export const SYNC = "argocd.sync";

/** A commit, or a version that a chart repository gives once. */
const EXACT = /^(?:[0-9a-f]{40}|[0-9a-f]{64}|v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?|sha256:[0-9a-f]{64})$/;

export const argocdCallSchema = z.strictObject({
  origin: z.string(),
  application: z.string(),
  verb: z.enum(["sync", "rollback"]),
  body: z.record(z.string(), z.unknown()),
  revision: z.string(),
  /** Of a rollback, which takes no note: digest of the source that comes back, and the account that begins it. */
  source: z.string().nullable(),
  by: z.string().nullable(),
  /** When the operation before it began, or null: what is there afterwards with another time came later. */
  before: z.string().nullable(),
  target: boundTarget.optional(),
});
export type ArgocdCall = z.output<typeof argocdCallSchema>;

export interface PlanParts {
  readonly api: ArgocdApi;
  readonly origin: string;
  readonly of: ArgocdApplication;
  readonly findSecret: (text: string) => string | null;
}

/** Throws `target-owned` where Argo CD synchronizes by itself, and what `fitFor` throws. */
export async function planSync(parts: PlanParts, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const { revision, prune } = parseArguments(argocdSyncArguments, request.args);
  const app = await fitFor(parts, request, { prune }, signal);
  const asked = revision ?? app.spec.source?.targetRevision ?? "HEAD";
  const found = await compared(parts, { revision: asked, prune }, signal);
  const body = { ...bodyOf(parts.of, prune), revision: found.revision };
  const operation = { app, verb: "sync", body, source: null, by: null, settings: null, ...found } as const;
  const plan = await planOf(parts, request, operation, signal);
  return { ...plan, change: digestOf({ revision: found.revision, prune }) };
}

/** The source of then comes back with it: chart values and paths, not the revision alone. */
export async function planRollback(parts: PlanParts, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const {
    id,
    prune,
    only = request.left === undefined ? undefined : [],
  } = parseArguments(argocdRollbackArguments, request.args);
  const app = await fitFor(parts, request, { prune }, signal);
  const history = app.status?.history ?? [];
  const to = id === undefined ? history.at(-2) : history.find((one) => one.id === id);
  if (to?.revision === undefined || to.source == null) {
    throw new AppError("arguments-invalid", "its history holds no such deployment", id === undefined ? {} : { id });
  }
  const settings = settingsChanged(app, to);
  const want: Asked = { revision: to.revision, prune, only, isShown: settings === null };
  const found = await compared(parts, want, signal);
  if (found.revision !== to.revision)
    throw new AppError("target-refused", "what it deployed then is not to be had", {});
  const body = { ...bodyOf(parts.of, found.prune), id: to.id, dryRun: false };
  const source = digestOf(to.source as JsonObject);
  const by = got(await parts.api.account(signal));
  return planOf(parts, request, { app, verb: "rollback", body, source, by, settings, ...found }, signal);
}

function bodyOf(of: ArgocdApplication, prune: boolean): JsonObject {
  const { namespace, project } = of;
  return {
    name: applicationName(of),
    project,
    prune,
    ...(namespace === undefined ? {} : { appNamespace: namespace }),
  };
}

/** The name of configuration may stand for another application of Argo CD by now. */
export function isSameApplication({ body }: ArgocdCall, of: ArgocdApplication): boolean {
  const now = bodyOf(of, false);
  return ["name", "project", "appNamespace"].every((member) => body[member] === now[member]);
}

/** Of one source, in nobody else's hands, and as a revert was promised to find it. */
async function fitFor(
  { api, of }: PlanParts,
  request: PlanRequest,
  { prune }: { prune: boolean },
  signal: AbortSignal,
): Promise<Application> {
  const left = knownLeft(request);
  if (prune && !of.prune) throw new AppError("arguments-invalid", "configuration does not let it be pruned", {});
  const app = got(await api.application(of, signal));
  const application = app.metadata.name;
  if (app.metadata.deletionTimestamp != null) {
    throw new AppError("target-not-found", "the application is being deleted", { application });
  }
  if (app.spec.source == null || (app.spec.sources ?? []).length > 0) {
    throw new AppError("target-refused", "an application of several sources has no one revision", { application });
  }
  if (isAutomated(app)) {
    throw new AppError("target-owned", "auto-sync is on: Argo CD would set what Git says again. Change Git instead", {
      application,
      setting: "spec.syncPolicy.automated",
    });
  }
  if (isBusy(app)) throw new AppError("target-moved", "an operation on it is under way", { application });
  if (left !== undefined && leftOf(app) !== left) {
    throw new AppError("target-moved", "it was deployed again since", { application });
  }
  return app;
}

/** `enabled` came with Argo CD 3; without it `automated` alone means yes. */
export function isAutomated({ spec }: Application): boolean {
  const automated = spec.syncPolicy?.automated;
  return automated != null && automated.enabled !== false;
}

function isBusy({ operation, status }: Application): boolean {
  const phase = status?.operationState?.phase;
  return operation != null || phase === "Running" || phase === "Terminating";
}

/** Which object, and what was deployed last. */
export function leftOf(app: Application): string {
  return `${app.metadata.uid}:${lastDeployment(app)?.id ?? ""}`;
}

/** What it is told to run, what it ran last, and when somebody last did something: status that moves by itself is no part. */
export function fingerprintOf(app: Application): string {
  const last = lastDeployment(app);
  return digestOf({
    uid: app.metadata.uid,
    spec: app.spec as unknown as Json,
    deployed: last === undefined ? null : [last.id, last.revision ?? ""],
    operation: app.status?.operationState?.startedAt ?? null,
  });
}

export function digestOf(value: Json): string {
  return hash("sha256", canonicalJson(value));
}

type Compared = {
  readonly revision: string;
  readonly live: readonly Live[];
  readonly apart: Apart;
  /** Asked for, and deleting nothing but what may go. */
  readonly prune: boolean;
  readonly diff: SyncDiff;
};
interface Asked {
  readonly revision: string;
  readonly prune: boolean;
  readonly only?: readonly string[] | undefined;
  /** False where what is rendered is not all of what would be applied: what pruning deletes cannot be told, then. */
  readonly isShown?: boolean;
}

async function compared({ api, of, findSecret }: PlanParts, want: Asked, signal: AbortSignal): Promise<Compared> {
  const { revision: asked, prune } = want;
  const { revision, manifests } = got(await api.manifests(of, asked, signal));
  if (!EXACT.test(revision)) {
    throw new AppError("target-refused", "Argo CD does not say which commit or version that is", { revision: asked });
  }
  const live = got(await api.live(of, signal));
  const apart = apartOf(manifests, live);
  const isPruned = prune && apart !== undefined && isFree(apart, want);
  const diff = syncDiff(manifests, live, { prune: isPruned, findSecret });
  if (apart === undefined || diff === undefined) {
    throw new AppError("target-unavailable", "Argo CD gave no usable answer", {});
  }
  return { revision, live, apart, prune: isPruned, diff };
}

/** Whether nothing else would go with what may. Throws where that cannot be left running, either. */
function isFree({ running }: Apart, { only, isShown = true }: Asked): boolean {
  if (only === undefined) return true;
  const may = new Set(only);
  const others = [...running].filter((object) => !may.has(object));
  if (isShown && others.length === 0) return true;
  if (only.every(isInert)) return false;
  throw new AppError("target-moved", "deleting what may go could delete what came beside it", {
    others: others.slice(0, 16),
  });
}

type Found = Compared & {
  readonly app: Application;
  readonly verb: "sync" | "rollback";
  readonly body: JsonObject;
  readonly source: string | null;
  readonly by: string | null;
  readonly settings: Json;
};

async function planOf(
  { api, origin, of }: PlanParts,
  request: PlanRequest,
  found: Found,
  signal: AbortSignal,
): Promise<Plan> {
  const { app, diff, verb, body, revision, source, by, settings } = found;
  const before = app.status?.operationState?.startedAt ?? null;
  const target = boundTo(request.target);
  const call: ArgocdCall = { origin, application: of.name, verb, body, revision, source, by, before, target };
  const last = lastDeployment(app);
  const undo = diff.losesData ? { inverse: null, stays: [] } : await undoOf({ api, of, ...found }, request, signal);
  const { inverse, stays } = undo;
  const { creates, updates, deletes } = diff.counts;
  // What the manifests do not show is for people: another source, or more objects than are listed.
  const signature = inverse === null ? IRREVERSIBLE : settings !== null || diff.unlisted > 0 ? "opaque" : undefined;
  return {
    kind: request.kind,
    calls: [call as unknown as Json],
    diff: {
      application: applicationName(of),
      from: last?.revision ?? null,
      to: revision,
      ...(verb === "rollback" ? { id: body["id"] ?? null, settings } : {}),
      ...(diff as unknown as JsonObject),
      ...(stays.length === 0 ? {} : { stays: [...stays] }),
    },
    inverse,
    reversible: inverse !== null,
    fingerprint: fingerprintOf(app),
    ...(signature === undefined ? {} : { signature }),
    size: Math.max(1, creates + updates + deletes),
  };
}
