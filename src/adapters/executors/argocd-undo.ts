// What takes an operation of Argo CD back: a rollback that deletes nothing but what the operation created.

import type { Json, JsonObject } from "../../core/json.ts";
import type { PlanRequest } from "../../wire/contracts/executor.ts";
import { ARGOCD_ONLY_MAX, type ArgocdApplication } from "../../wire/schemas/argocd-executor.ts";
import { got, type Application, type ArgocdApi, type Deployment, type Live } from "./argocd-api.ts";
import { apartOf, type Apart } from "./argocd-diff.ts";
import { diffOf } from "./kubernetes-diff.ts";

export const ROLLBACK = "argocd.rollback";
const STAYS_SHOWN_MAX = 200;

/** Left behind these do nothing by themselves and nothing to others. Of every other kind nobody can tell from here. */
const INERT: ReadonlySet<string> = new Set([
  "ConfigMap",
  "Namespace",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "Secret",
  "ServiceAccount",
  "apiextensions.k8s.io/CustomResourceDefinition",
]);

/** Of an object as it is shown: `apps/Deployment shop/cart`. */
export function isInert(object: string): boolean {
  return INERT.has(object.split(" ", 1)[0] ?? "");
}

export interface Operated {
  readonly api: ArgocdApi;
  readonly of: ArgocdApplication;
  readonly app: Application;
  /** Before the operation. */
  readonly live: readonly Live[];
  readonly apart: Apart;
  /** Whether the operation deletes what its revision does not hold. */
  readonly prune: boolean;
  /** Chart values and the like that come with it. */
  readonly settings: Json;
}

export interface Undo {
  readonly inverse: Json;
  /** Created, and not deleted by what takes it back. */
  readonly stays: readonly string[];
}

/** What it ran before, with the settings of then; none where something that acts by itself would be left behind. */
export async function undoOf(operated: Operated, { target }: PlanRequest, signal: AbortSignal): Promise<Undo> {
  const { of, app, apart } = operated;
  const last = lastDeployment(app);
  if (last === undefined) return { inverse: null, stays: [] };
  const back = (more: JsonObject): Json => {
    return { kind: ROLLBACK, target: { ...target }, args: { application: of.name, id: last.id, ...more } };
  };
  const created = [...apart.wanted];
  if (created.length === 0) return { inverse: back({}), stays: [] };
  if (await isPrunable(operated, last, signal)) return { inverse: back({ prune: true, only: created }), stays: [] };
  return { inverse: created.every(isInert) ? back({}) : null, stays: created.slice(0, STAYS_SHOWN_MAX) };
}

/** Argo CD prunes all or nothing: what ran beside the deployment of before would go with what was created. */
async function isPrunable(operated: Operated, last: Deployment, signal: AbortSignal): Promise<boolean> {
  const { api, of, app, live, apart, prune, settings } = operated;
  if (!of.prune || apart.wanted.size > ARGOCD_ONLY_MAX || last.revision === undefined) return false;
  // Rendered with other settings than it ran with, it would not show what it held.
  if (settings !== null || last.source == null || settingsChanged(app, last) !== null) return false;
  const read = await api.manifests(of, last.revision, signal);
  if (read.kind === "not" && "code" in read.outcome && read.outcome.code === "target-refused") return false;
  const { revision, manifests } = got(read);
  const before = revision === last.revision ? apartOf(manifests, live) : undefined;
  if (before === undefined) return false;
  return [...before.running].every((object) => prune && apart.running.has(object));
}

export function lastDeployment({ status }: Application): Deployment | undefined {
  return status?.history?.at(-1);
}

/** Chart values and the like that were others then; null where only the revision was. */
export function settingsChanged(app: Application, { source }: Deployment): Json {
  const [{ targetRevision: _now, ...now }, { targetRevision: _then, ...then }] = [
    (app.spec.source ?? {}) as JsonObject,
    (source ?? {}) as JsonObject,
  ];
  const changes = diffOf(now, then);
  return changes.length === 0 ? null : changes.map(({ path }) => path);
}
