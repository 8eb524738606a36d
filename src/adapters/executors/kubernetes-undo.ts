// Going back to an earlier template of a workload. The template is named, not copied: it may hold what no record should.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { undoArguments, type UndoArguments } from "../../wire/schemas/kubernetes-arguments.ts";
import { listAll, objectIn } from "./kubernetes-api.ts";
import { digestOf, numberOf, parseObject, partOf, without, type KubernetesObject } from "./kubernetes-object.ts";
import { defineOperation, type At, type Operation } from "./kubernetes-operation.ts";
import { placeOf, type Place } from "./kubernetes-place.ts";
import { planProblem } from "./kubernetes-refusals.ts";
import { refuseUnrolled, replicasOf, specButReplicas } from "./kubernetes-workloads.ts";

/** Where the templates of before are kept: a Deployment has ReplicaSets, the others have ControllerRevisions. */
type Archive = {
  readonly word: "replicaset" | "controllerrevision";
  /** What arguments and the body of a plan call one of them. */
  readonly name: "replicaSet" | "controllerRevision";
  numberOf(kept: KubernetesObject): number;
  templateIn(kept: KubernetesObject): JsonObject;
};

const REVISION = "deployment.kubernetes.io/revision";
const HASH_LABEL = "pod-template-hash";

const REPLICA_SETS: Archive = {
  word: "replicaset",
  name: "replicaSet",
  numberOf: ({ metadata }) => {
    const text = metadata.annotations?.[REVISION] ?? "";
    return /^\d{1,15}$/.test(text) ? Number(text) : 0;
  },
  templateIn: (kept) => templateOf(partOf(kept, "spec", "template")),
};

/** A revision holds a strategic merge patch whose `$patch` says that the template takes the place of what is there. */
const REVISIONS: Archive = {
  word: "controllerrevision",
  name: "controllerRevision",
  numberOf: (kept) => numberOf(kept, "revision") ?? 0,
  templateIn: (kept) => templateOf(without(partOf(kept, "data", "spec", "template"), "$patch")),
};

function archiveOf(workload: string): Archive {
  return workload.startsWith("deployment/") ? REPLICA_SETS : REVISIONS;
}

const namedSchema = z.strictObject({
  replicaSet: z.string().optional(),
  controllerRevision: z.string().optional(),
  uid: z.string(),
  template: z.string(),
});

export const UNDO: Operation = defineOperation({
  kind: "kubernetes.rollout-undo",
  title: "Take a workload back to an earlier revision",
  reversible: true,
  risks: ["configuration"],
  schema: undoArguments,
  open: (args) => {
    const place = placeOf(args.workload, args.namespace);
    const archive = archiveOf(args.workload);
    return {
      cluster: args.cluster,
      place,
      root: ["spec"],
      watched: specButReplicas,
      touched: (object) => digestOf(templateOf(partOf(object, "spec", "template"))),
      intend: async (at) => {
        refuseUnrolled(at.object, place);
        const kept = await keptFor(at, archive, args.namespace);
        const now = digestOf(templateOf(partOf(at.object, "spec", "template")));
        const current = kept.find((one) => digestOf(archive.templateIn(one)) === now);
        const others = kept.filter((one) => digestOf(archive.templateIn(one)) !== now);
        const wanted = findWanted(others, args, archive);
        const inverse = current === undefined ? null : inverseOf(args, archive, current);
        const { name, uid } = wanted.metadata;
        const body = { [archive.name]: name, uid, template: digestOf(archive.templateIn(wanted)) };
        const change = { workload: args.workload, template: body.template };
        return { verb: "json", body, inverse, size: replicasOf(at.object), change };
      },
      resolve: (body, at) => resolveTemplate(namedSchema.parse(body), { archive, namespace: args.namespace }, at),
    };
  },
});

function inverseOf(
  { cluster, namespace, workload }: UndoArguments,
  archive: Archive,
  { metadata }: KubernetesObject,
): { kind: string; args: JsonObject } {
  return { kind: UNDO.kind.kind, args: { cluster, namespace, workload, [archive.name]: metadata.name } };
}

/** The earlier templates that this very workload's controller keeps. */
async function keptFor(
  { object, api, signal }: At,
  { word }: Archive,
  namespace: string,
): Promise<readonly KubernetesObject[]> {
  const labels = (partOf(object, "spec", "selector", "matchLabels") ?? {}) as Record<string, string>;
  const items = await listAll(api, { word, namespace, labels }, signal);
  if ("answer" in items) {
    throw planProblem(items, { place: { word, namespace, name: "*" }, verb: "list", nowMs: api.nowMs() });
  }
  const kept = items.map(parseObject).filter((one) => one !== undefined);
  return kept.filter(
    ({ metadata }) => metadata.ownerReferences?.some(({ uid }) => uid === object.metadata.uid) === true,
  );
}

function findWanted(
  others: readonly KubernetesObject[],
  { toRevision, replicaSet, controllerRevision }: UndoArguments,
  archive: Archive,
): KubernetesObject {
  const named = replicaSet ?? controllerRevision;
  let [wanted] = others.toSorted((one, other) => archive.numberOf(other) - archive.numberOf(one));
  if (toRevision !== undefined) wanted = others.find((one) => archive.numberOf(one) === toRevision);
  if (named !== undefined) wanted = others.find(({ metadata }) => metadata.name === named);
  if (wanted !== undefined) return wanted;
  throw new AppError("target-not-found", "there is no such earlier revision", { toRevision: toRevision ?? null });
}

/** Without the label by which a controller tells ReplicaSets apart, and without a time that nobody has set. */
function templateOf(template: Json): JsonObject {
  const metadata = without(partOf(template, "metadata"), "creationTimestamp");
  const labels = without(metadata["labels"] ?? {}, HASH_LABEL);
  return { ...((template ?? {}) as JsonObject), metadata: { ...metadata, labels } };
}

async function resolveTemplate(
  { uid, template: digest, ...names }: z.infer<typeof namedSchema>,
  { archive, namespace }: { readonly archive: Archive; readonly namespace: string },
  { api, signal }: Pick<At, "api" | "signal">,
): Promise<Json> {
  const name = names[archive.name] ?? "";
  const place: Place = { word: archive.word, namespace, name };
  const heard = await api.read(place, signal);
  const kept = objectIn(heard);
  if (kept === undefined) throw planProblem(heard, { place, verb: "get", nowMs: api.nowMs() });
  const value = archive.templateIn(kept);
  if (kept.metadata.uid !== uid || digestOf(value) !== digest) {
    throw new AppError("target-moved", "the revision to go back to is another one now", { [archive.name]: name });
  }
  return [{ op: "replace", path: "/spec/template", value }];
}
