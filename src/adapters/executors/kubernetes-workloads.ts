// Changes to workloads: restart, scale, images.

import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import {
  imageArguments,
  restartArguments,
  scaleArguments,
  type ImageArguments,
  type ScaleArguments,
} from "../../wire/schemas/kubernetes-arguments.ts";
import { listAll } from "./kubernetes-api.ts";
import { numberOf, partOf, without, type KubernetesObject } from "./kubernetes-object.ts";
import { defineOperation, type At, type Intended, type Operation } from "./kubernetes-operation.ts";
import { partitionsFor, replicasFor } from "./kubernetes-phases.ts";
import { nameOf, placeOf, typeOf, type Place } from "./kubernetes-place.ts";
import { planProblem } from "./kubernetes-refusals.ts";

/** On the pods' template: another value is another template, and so a rollout. */
const RESTART_MARK = "holdpoint.dev/restarted-by";

/** Everything that people decided about a workload but how many there are: autoscalers change that all the time. */
export function specButReplicas(object: KubernetesObject): Json {
  return without(partOf(object, "spec"), "replicas");
}

/** How many pods it is about. */
export function replicasOf(object: KubernetesObject): number {
  return numberOf(object, "spec", "replicas") ?? numberOf(object, "status", "desiredNumberScheduled") ?? 1;
}

/** A rollout that would not happen is no restart. */
export function refuseUnrolled(object: KubernetesObject, place: Place): void {
  const isPaused = partOf(object, "spec", "paused") === true;
  if (!isPaused && partOf(object, "spec", "updateStrategy", "type") !== "OnDelete") return;
  const why = isPaused ? "it is paused" : "its update strategy is OnDelete";
  throw new AppError("target-refused", `nothing would be rolled out: ${why}`, { object: nameOf(place) });
}

export const RESTART = defineOperation({
  kind: "kubernetes.rollout-restart",
  title: "Restart a workload, pod by pod",
  reversible: false,
  risks: ["performance"],
  schema: restartArguments,
  open: ({ cluster, namespace, workload }) => {
    const place = placeOf(workload, namespace);
    return {
      cluster,
      place,
      root: ["spec"],
      watched: specButReplicas,
      touched: (object) => partOf(object, "spec", "template", "metadata", "annotations", RESTART_MARK),
      intend: ({ object, mark }) => {
        refuseUnrolled(object, place);
        const annotations = { [RESTART_MARK]: mark };
        const body = { spec: { template: { metadata: { annotations } } } };
        return Promise.resolve({ verb: "merge", body, inverse: null, size: replicasOf(object) });
      },
    };
  },
});

export const SCALE: Operation = defineOperation({
  kind: "kubernetes.scale",
  title: "Set how many replicas a workload has",
  reversible: true,
  risks: ["performance"],
  schema: scaleArguments,
  open: (args) => {
    const place = placeOf(args.workload, args.namespace);
    return {
      cluster: args.cluster,
      place,
      root: ["spec"],
      watched: (object) => partOf(object, "spec"),
      touched: (object) => partOf(object, "spec", "replicas"),
      intend: async (at) => {
        const replicas = numberOf(at.object, "spec", "replicas") ?? 1;
        if (replicas === args.replicas) throw new AppError("arguments-invalid", "it has that many already");
        await refuseAutoscaled(at, place);
        const { phases, ...all } = args;
        const bodyOf = (value: number): Json => ({ spec: { replicas: value } });
        return {
          verb: "merge",
          body: bodyOf(args.replicas),
          ...inPhases(phases && replicasFor(phases, { from: replicas, to: args.replicas }), bodyOf),
          inverse: { kind: SCALE.kind.kind, args: { ...all, replicas } satisfies ScaleArguments },
          size: Math.abs(args.replicas - replicas),
          ...(args.replicas === 0 ? { signature: "destructive" } : {}),
        };
      },
    };
  },
});

/** What an autoscaler sets it sets again: its bounds are what to change. */
async function refuseAutoscaled({ api, signal }: At, place: Place): Promise<void> {
  const namespace = place.namespace ?? "";
  const autoscalers = await listAll(api, { word: "autoscaler", namespace }, signal);
  if ("answer" in autoscalers) {
    throw planProblem(autoscalers, {
      place: { word: "autoscaler", namespace, name: "*" },
      verb: "list",
      nowMs: api.nowMs(),
    });
  }
  const { kind } = typeOf(place.word);
  const setting = autoscalers.find((one) => {
    return (
      partOf(one, "spec", "scaleTargetRef", "kind") === kind &&
      partOf(one, "spec", "scaleTargetRef", "name") === place.name
    );
  });
  if (setting === undefined) return;
  const autoscaler = partOf(setting, "metadata", "name");
  throw new AppError("target-owned", "an autoscaler sets its replicas: change the autoscaler's bounds", { autoscaler });
}

/** A plan in phases, or nothing where it is done at once. */
function inPhases(
  steps: readonly { readonly label: string; readonly value: number }[] | undefined,
  bodyOf: (value: number) => Json,
): Pick<Intended, "phases"> {
  return steps === undefined ? {} : { phases: steps.map(({ label, value }) => ({ label, body: bodyOf(value) })) };
}

export const SET_IMAGE: Operation = defineOperation({
  kind: "kubernetes.set-image",
  title: "Set the images of a workload's containers",
  reversible: true,
  risks: ["configuration", "security"],
  schema: imageArguments,
  open: (args) => {
    const place = placeOf(args.workload, args.namespace);
    const names = Object.keys(args.images).sort();
    const isPartial = args.partition !== undefined || args.phases !== undefined;
    const imagesOf = (object: KubernetesObject): JsonObject =>
      Object.fromEntries(names.map((name) => [name, partOf(containerOf(object, name)?.container, "image")]));
    return {
      cluster: args.cluster,
      place,
      root: ["spec"],
      watched: specButReplicas,
      touched: (object) => {
        const images = imagesOf(object);
        return isPartial ? { images, partition: partitionOf(object) } : images;
      },
      intend: async ({ object, pin }) => {
        refuseUnrolled(object, place);
        const pinned = names.map(async (name) => [name, await pin(args.images[name] ?? "")] as const);
        const images = Object.fromEntries(await Promise.all(pinned));
        return intendImages({ ...args, images }, object, imagesOf(object));
      },
    };
  },
});

/** Only pods of this ordinal and above follow the template. */
function partitionOf(object: KubernetesObject): number {
  return numberOf(object, "spec", "updateStrategy", "rollingUpdate", "partition") ?? 0;
}

function intendImages(args: ImageArguments, object: KubernetesObject, before: JsonObject): Intended {
  const { cluster, namespace, workload, images, partition, phases } = args;
  const kept = partitionOf(object);
  const isSame = Object.entries(images).every(([name, image]) => before[name] === image);
  if (isSame && (partition ?? kept) === kept) throw new AppError("arguments-invalid", "it has these images already");
  const lists = listsOf(object, images);
  const bodyOf = (at: number | undefined): Json => ({
    spec: {
      template: { spec: lists },
      ...(at === undefined ? {} : { updateStrategy: { rollingUpdate: { partition: at } } }),
    },
  });
  const size = replicasOf(object);
  const steps = phases && partitionsFor(phases, { replicas: size, kept });
  const restored = (partition ?? phases) === undefined ? {} : { partition: kept };
  return {
    verb: "apply",
    body: bodyOf(steps?.at(-1)?.value ?? partition),
    ...inPhases(steps, bodyOf),
    change: { workload, images },
    inverse: { kind: SET_IMAGE.kind.kind, args: { cluster, namespace, workload, images: before, ...restored } },
    size,
  };
}

/** The containers and their images, in the lists of the template that they are of. Throws `arguments-invalid`. */
function listsOf(object: KubernetesObject, images: ImageArguments["images"]): Record<string, Json[]> {
  const lists: Record<string, Json[]> = {};
  for (const [name, image] of Object.entries(images).sort(([one], [other]) => (one < other ? -1 : 1))) {
    const found = containerOf(object, name);
    if (found === undefined) throw new AppError("arguments-invalid", `it has no container ${name}`, { name });
    (lists[found.list] ??= []).push({ name, image });
  }
  return lists;
}

function containerOf(
  object: KubernetesObject,
  name: string,
): { readonly list: string; readonly container: Json } | undefined {
  for (const list of ["containers", "initContainers"]) {
    const containers = partOf(object, "spec", "template", "spec", list);
    const container = Array.isArray(containers)
      ? (containers as Json[]).find((one) => partOf(one, "name") === name)
      : undefined;
    if (container !== undefined) return { list, container };
  }
  return undefined;
}
