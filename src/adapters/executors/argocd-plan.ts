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
import { applicationName, type Application, type ArgocdApi, type Deployment, type Read } from "./argocd-api.ts";
import { syncDiff, type SyncDiff } from "./argocd-diff.ts";
import { diffOf } from "./kubernetes-diff.ts";

export const SYNC = "argocd.sync";
export const ROLLBACK = "argocd.rollback";

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
  const plan = planOf(parts, request, { app, verb: "sync", body, source: null, by: null, settings: null, ...found });
  return { ...plan, change: digestOf({ revision: found.revision, prune }) };
}

/** The source of then comes back with it: chart values and paths, not the revision alone. */
export async function planRollback(parts: PlanParts, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const { id, prune } = parseArguments(argocdRollbackArguments, request.args);
  const app = await fitFor(parts, request, { prune }, signal);
  const history = app.status?.history ?? [];
  const to = id === undefined ? history.at(-2) : history.find((one) => one.id === id);
  if (to?.revision === undefined || to.source == null) {
    throw new AppError("arguments-invalid", "its history holds no such deployment", id === undefined ? {} : { id });
  }
  const found = await compared(parts, { revision: to.revision, prune }, signal);
  if (found.revision !== to.revision)
    throw new AppError("target-refused", "what it deployed then is not to be had", {});
  const body = { ...bodyOf(parts.of, prune), id: to.id, dryRun: false };
  const source = digestOf(to.source as JsonObject);
  const by = got(await parts.api.account(signal));
  const settings = settingsChanged(app, to);
  return planOf(parts, request, { app, verb: "rollback", body, source, by, settings, ...found });
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

/** Of one source, in nobody else's hands, and as a revert was promised to find it. */
async function fitFor(
  { api, of }: PlanParts,
  request: PlanRequest,
  { prune }: { prune: boolean },
  signal: AbortSignal,
): Promise<Application> {
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
  if (request.left !== undefined && leftOf(app) !== request.left) {
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

function lastDeployment({ status }: Application): Deployment | undefined {
  return status?.history?.at(-1);
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

type Compared = { readonly revision: string; readonly diff: SyncDiff };

async function compared(
  { api, of, findSecret }: PlanParts,
  { revision: asked, prune }: { revision: string; prune: boolean },
  signal: AbortSignal,
): Promise<Compared> {
  const { revision, manifests } = got(await api.manifests(of, asked, signal));
  if (!EXACT.test(revision)) {
    throw new AppError("target-refused", "Argo CD does not say which commit or version that is", { revision: asked });
  }
  const diff = syncDiff(manifests, got(await api.live(of, signal)), { prune, findSecret });
  if (diff === undefined) throw new AppError("target-unavailable", "Argo CD gave no usable answer", {});
  return { revision, diff };
}

/** Chart values and the like that were others then; null where only the revision was. */
function settingsChanged(app: Application, { source }: Deployment): Json {
  const [{ targetRevision: _now, ...now }, { targetRevision: _then, ...then }] = [
    (app.spec.source ?? {}) as JsonObject,
    (source ?? {}) as JsonObject,
  ];
  const changes = diffOf(now, then);
  return changes.length === 0 ? null : changes.map(({ path }) => path);
}

type Found = Compared & {
  readonly app: Application;
  readonly verb: "sync" | "rollback";
  readonly body: JsonObject;
  readonly source: string | null;
  readonly by: string | null;
  readonly settings: Json;
};

function planOf({ origin, of }: PlanParts, request: PlanRequest, found: Found): Plan {
  const { app, diff, verb, body, revision, source, by, settings } = found;
  const before = app.status?.operationState?.startedAt ?? null;
  const call: ArgocdCall = { origin, application: of.name, verb, body, revision, source, by, before };
  const last = lastDeployment(app);
  const inverse = diff.losesData ? null : inverseOf(of, request, { last, prunes: diff.counts.creates > 0 });
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
    },
    inverse,
    reversible: inverse !== null,
    fingerprint: fingerprintOf(app),
    ...(signature === undefined ? {} : { signature }),
    size: Math.max(1, creates + updates + deletes),
  };
}

/** What it ran before, with the settings of then. Objects that only the new revision has go, where they may. */
function inverseOf(
  of: ArgocdApplication,
  { target }: PlanRequest,
  { last, prunes }: { last: Deployment | undefined; prunes: boolean },
): Json {
  if (last === undefined) return null;
  const args = { application: of.name, id: last.id, ...(prunes && of.prune ? { prune: true } : {}) };
  return { kind: ROLLBACK, target: { ...target }, args };
}

/** Throws for what cannot be read. */
function got<T>(read: Read<T>): T {
  if (read.kind === "got") return read.value;
  const { outcome } = read;
  const code = "code" in outcome ? outcome.code : outcome.status;
  switch (code) {
    case "target-not-found":
      throw new AppError("target-not-found", "there is no such application", {});
    case "credential-missing":
    case "credential-refused":
      throw new AppError("target-forbidden", "the credential may not do this, or there is no such application", {
        code,
      });
    case "target-refused":
      throw new AppError("target-refused", "Argo CD cannot render that revision", {});
    default:
      throw new AppError("target-unavailable", "Argo CD gave no usable answer", { code });
  }
}
