// Changes to workloads: restart, scale, images.

import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import {
  imageArguments,
  restartArguments,
  scaleArguments,
  type ScaleArguments,
} from "../../wire/schemas/kubernetes-arguments.ts";
import { listAll } from "./kubernetes-api.ts";
import { numberOf, partOf, without, type KubernetesObject } from "./kubernetes-object.ts";
import { defineOperation, type At, type Operation } from "./kubernetes-operation.ts";
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
        return {
          verb: "merge",
          body: { spec: { replicas: args.replicas } },
          inverse: { kind: SCALE.kind.kind, args: { ...args, replicas } satisfies ScaleArguments },
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

export const SET_IMAGE: Operation = defineOperation({
  kind: "kubernetes.set-image",
  title: "Set the images of a workload's containers",
  reversible: true,
  risks: ["configuration", "security"],
  schema: imageArguments,
  open: (args) => {
    const place = placeOf(args.workload, args.namespace);
    const names = Object.keys(args.images).sort();
    const touched = (object: KubernetesObject): JsonObject =>
      Object.fromEntries(names.map((name) => [name, partOf(containerOf(object, name)?.container, "image")]));
    return {
      cluster: args.cluster,
      place,
      root: ["spec"],
      watched: specButReplicas,
      touched,
      intend: ({ object }) => {
        refuseUnrolled(object, place);
        const lists: Record<string, Json[]> = {};
        for (const name of names) {
          const found = containerOf(object, name);
          if (found === undefined) throw new AppError("arguments-invalid", `it has no container ${name}`, { name });
          (lists[found.list] ??= []).push({ name, image: args.images[name] ?? null });
        }
        const images = touched(object);
        if (names.every((name) => images[name] === args.images[name])) {
          throw new AppError("arguments-invalid", "it has these images already");
        }
        return Promise.resolve({
          verb: "apply",
          body: { spec: { template: { spec: lists } } },
          inverse: { kind: SET_IMAGE.kind.kind, args: { ...args, images } },
          size: replicasOf(object),
        });
      },
    };
  },
});

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
