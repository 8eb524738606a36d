// Going back to an earlier template of a Deployment. The template is named, not copied: it may hold what no record should.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { undoArguments, type UndoArguments } from "../../wire/schemas/kubernetes-arguments.ts";
import { listAll, objectIn } from "./kubernetes-api.ts";
import { digestOf, parseObject, partOf, without, type KubernetesObject } from "./kubernetes-object.ts";
import { defineOperation, type At, type Operation } from "./kubernetes-operation.ts";
import { placeOf, type Place } from "./kubernetes-place.ts";
import { planProblem } from "./kubernetes-refusals.ts";
import { refuseUnrolled, replicasOf, specButReplicas } from "./kubernetes-workloads.ts";

const REVISION = "deployment.kubernetes.io/revision";
const HASH_LABEL = "pod-template-hash";

const namedSchema = z.strictObject({ replicaSet: z.string(), uid: z.string(), template: z.string() });

export const UNDO: Operation = defineOperation({
  kind: "kubernetes.rollout-undo",
  title: "Take a Deployment back to an earlier revision",
  reversible: true,
  risks: ["configuration"],
  schema: undoArguments,
  open: (args) => {
    const place = placeOf(args.workload, args.namespace);
    return {
      cluster: args.cluster,
      place,
      root: ["spec"],
      watched: specButReplicas,
      touched: (object) => digestOf(templateOf(object)),
      intend: async (at) => {
        refuseUnrolled(at.object, place);
        const sets = await replicaSetsOf(at, args.namespace);
        const current = sets.find((set) => digestOf(templateOf(set)) === digestOf(templateOf(at.object)));
        const wanted = findWanted(sets, args, current);
        const inverse = current === undefined ? null : inverseOf(args, current);
        const { name, uid } = wanted.metadata;
        const body = { replicaSet: name, uid, template: digestOf(templateOf(wanted)) };
        return { verb: "json", body, inverse, size: replicasOf(at.object) };
      },
      resolve: (body, at) => resolveTemplate(namedSchema.parse(body), args, at),
    };
  },
});

function inverseOf({ cluster, namespace, workload }: UndoArguments, { metadata }: KubernetesObject) {
  return { kind: UNDO.kind.kind, args: { cluster, namespace, workload, replicaSet: metadata.name } };
}

/** The ReplicaSets that this very Deployment made. */
async function replicaSetsOf({ object, api, signal }: At, namespace: string): Promise<readonly KubernetesObject[]> {
  const labels = (partOf(object, "spec", "selector", "matchLabels") ?? {}) as Record<string, string>;
  const items = await listAll(api, { word: "replicaset", namespace, labels }, signal);
  if ("answer" in items) {
    throw planProblem(items, { place: { word: "replicaset", namespace, name: "*" }, verb: "list", nowMs: api.nowMs() });
  }
  const sets = items.map(parseObject).filter((set) => set !== undefined);
  return sets.filter(
    ({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid) === true,
  );
}

function findWanted(
  sets: readonly KubernetesObject[],
  { toRevision, replicaSet }: UndoArguments,
  current: KubernetesObject | undefined,
): KubernetesObject {
  const others = sets.filter((set) => set !== current);
  const [latest] = others.toSorted((one, other) => revisionOf(other) - revisionOf(one));
  let wanted = latest;
  if (toRevision !== undefined) wanted = others.find((set) => revisionOf(set) === toRevision);
  if (replicaSet !== undefined) wanted = others.find(({ metadata }) => metadata.name === replicaSet);
  if (wanted !== undefined) return wanted;
  throw new AppError("target-not-found", "there is no such earlier revision", { toRevision: toRevision ?? null });
}

function revisionOf({ metadata }: KubernetesObject): number {
  const text = metadata.annotations?.[REVISION] ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

/** Without the label by which the controller tells ReplicaSets apart. */
function templateOf(object: KubernetesObject): JsonObject {
  const template = (partOf(object, "spec", "template") ?? {}) as JsonObject;
  const metadata = (template["metadata"] ?? {}) as JsonObject;
  return { ...template, metadata: { ...metadata, labels: without(metadata["labels"] ?? {}, HASH_LABEL) } };
}

async function resolveTemplate(
  { replicaSet, uid, template: digest }: z.infer<typeof namedSchema>,
  { namespace }: UndoArguments,
  { api, signal }: Pick<At, "api" | "signal">,
): Promise<Json> {
  const place: Place = { word: "replicaset", namespace, name: replicaSet };
  const heard = await api.read(place, signal);
  const set = objectIn(heard);
  if (set === undefined) throw planProblem(heard, { place, verb: "get", nowMs: api.nowMs() });
  const value = templateOf(set);
  if (set.metadata.uid !== uid || digestOf(value) !== digest) {
    throw new AppError("target-moved", "the revision to go back to is another one now", { replicaSet });
  }
  return [{ op: "replace", path: "/spec/template", value }];
}
