// Changes to what is no workload: autoscalers, nodes, ConfigMaps, pods.

import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import {
  boundsArguments,
  configMapArguments,
  nodeArguments,
  podArguments,
  type ConfigMapArguments,
} from "../../wire/schemas/kubernetes-arguments.ts";
import { numberOf, partOf, type KubernetesObject } from "./kubernetes-object.ts";
import { defineOperation, type At, type Intended, type Operation } from "./kubernetes-operation.ts";
import { nameOf, type Place } from "./kubernetes-place.ts";

export const BOUNDS: Operation = defineOperation({
  kind: "kubernetes.autoscaler-bounds",
  title: "Set the least and the most replicas of an autoscaler",
  reversible: true,
  risks: ["performance"],
  schema: boundsArguments,
  open: ({ cluster, namespace, autoscaler, ...bounds }) => {
    const names = (["minReplicas", "maxReplicas"] as const).filter((name) => bounds[name] !== undefined);
    const touched = (object: KubernetesObject): JsonObject =>
      Object.fromEntries(names.map((name) => [name, partOf(object, "spec", name)]));
    return {
      cluster,
      place: { word: "autoscaler", namespace, name: autoscaler },
      root: ["spec"],
      watched: (object) => partOf(object, "spec"),
      touched,
      intend: ({ object }) => {
        const changes = names.map((name) => Math.abs((bounds[name] ?? 1) - (numberOf(object, "spec", name) ?? 1)));
        if (changes.every((change) => change === 0))
          throw new AppError("arguments-invalid", "it has these bounds already");
        const spec = Object.fromEntries(names.map((name) => [name, bounds[name] ?? null]));
        return Promise.resolve({
          verb: "merge",
          body: { spec },
          inverse: { kind: BOUNDS.kind.kind, args: { cluster, namespace, autoscaler, ...touched(object) } },
          size: Math.max(...changes),
        });
      },
    };
  },
});

const isCordoned = (object: KubernetesObject): boolean => partOf(object, "spec", "unschedulable") === true;

function nodeOperation({
  kind,
  undo,
  title,
  cordons,
}: {
  kind: string;
  undo: string;
  title: string;
  cordons: boolean;
}): Operation {
  return defineOperation({
    kind,
    title,
    reversible: true,
    risks: ["performance"],
    schema: nodeArguments,
    open: (args) => ({
      cluster: args.cluster,
      place: { word: "node", namespace: null, name: args.node },
      root: ["spec", "unschedulable"],
      watched: isCordoned,
      touched: isCordoned,
      intend: ({ object }) => {
        // Taking back what was so before would undo somebody else's work.
        if (isCordoned(object) === cordons) throw new AppError("arguments-invalid", "the node is so already");
        const body = { spec: { unschedulable: cordons ? true : null } };
        return Promise.resolve({ verb: "merge", body, inverse: { kind: undo, args: { ...args } }, size: 1 });
      },
    }),
  });
}

const NODES = { cordon: "kubernetes.cordon", uncordon: "kubernetes.uncordon" };

export const CORDON = nodeOperation({
  kind: NODES.cordon,
  undo: NODES.uncordon,
  title: "Let no new pods onto a node",
  cordons: true,
});

export const UNCORDON = nodeOperation({
  kind: NODES.uncordon,
  undo: NODES.cordon,
  title: "Let new pods onto a node again",
  cordons: false,
});

export const PATCH_CONFIG_MAP: Operation = defineOperation({
  kind: "kubernetes.configmap-patch",
  title: "Set and remove keys of a ConfigMap",
  reversible: true,
  risks: ["configuration"],
  schema: configMapArguments,
  open: (args) => {
    const { cluster, namespace, configMap: name, set = {}, remove = [] } = args;
    const place: Place = { word: "configmap", namespace, name };
    const keys = [...Object.keys(set), ...remove].sort();
    const touched = (object: KubernetesObject): JsonObject =>
      Object.fromEntries(keys.map((key) => [key, partOf(object, "data", key)]));
    return {
      cluster,
      place,
      root: [],
      watched: (object) => ({ data: partOf(object, "data"), binaryData: partOf(object, "binaryData") }),
      touched,
      intend: (at) => Promise.resolve(intendConfigMap(at, { args, place, before: touched(at.object) })),
    };
  },
});

type ConfigMapChange = { readonly args: ConfigMapArguments; readonly place: Place; readonly before: JsonObject };

function intendConfigMap(at: At, { args, place, before }: ConfigMapChange): Intended {
  const { set = {}, remove = [] } = args;
  if (partOf(at.object, "immutable") === true) {
    throw new AppError("target-refused", "the ConfigMap is immutable", { object: nameOf(place) });
  }
  for (const key of remove)
    if (before[key] === null) throw new AppError("arguments-invalid", `it has no key ${key}`, { key });
  if (remove.length === 0 && Object.keys(set).every((key) => before[key] === set[key])) {
    throw new AppError("arguments-invalid", "it has these values already");
  }
  // People see what stands there and the inverse holds it: a password that somebody put there stays where it is.
  for (const [key, value] of Object.entries(before)) {
    const kind = typeof value === "string" ? at.findSecret(`${key}: ${value}`) : null;
    if (kind !== null)
      throw new AppError("secret-detected", `the present value of ${key} looks like a secret`, { key, kind });
  }
  const size = Object.keys(before).length;
  const inverse = inverseOfConfigMap(args, before);
  if (remove.length === 0) return { verb: "apply", body: { data: set }, inverse, size };
  // Server-side apply cannot remove what another name has set, so who set it is asked here.
  refuseOwnedKeys(at, Object.keys(before));
  const data = { ...set, ...Object.fromEntries(remove.map((key) => [key, null])) };
  return { verb: "merge", body: { data }, inverse, size };
}

/** Null where the values of before are more than arguments may hold. */
function inverseOfConfigMap(args: ConfigMapArguments, before: JsonObject): Intended["inverse"] {
  const { cluster, namespace, configMap } = args;
  const set = Object.fromEntries(Object.entries(before).filter(([, value]) => value !== null));
  const remove = Object.keys(before).filter((key) => before[key] === null);
  const inverse = {
    ...{ cluster, namespace, configMap },
    ...(Object.keys(set).length === 0 ? {} : { set }),
    ...(remove.length === 0 ? {} : { remove }),
  };
  if (!configMapArguments.safeParse(inverse).success) return null;
  return { kind: PATCH_CONFIG_MAP.kind.kind, args: inverse };
}

function refuseOwnedKeys({ object, isOurs }: At, keys: readonly string[]): void {
  for (const { manager = "", fieldsV1 } of object.metadata.managedFields ?? []) {
    if (isOurs(manager)) continue;
    const owned = keys.filter((key) => partOf(fieldsV1, "f:data", `f:${key}`) !== null);
    if (owned.length > 0) throw new AppError("target-owned", "others set these keys", { manager, keys: owned });
  }
}

export const DELETE_POD = defineOperation({
  kind: "kubernetes.delete-pod",
  title: "Delete a pod, so that its controller makes another",
  reversible: false,
  risks: ["performance"],
  schema: podArguments,
  open: ({ cluster, namespace, pod }) => {
    const place: Place = { word: "pod", namespace, name: pod };
    const owners = (object: KubernetesObject): Json => (object.metadata.ownerReferences ?? []).map(({ uid }) => uid);
    return {
      cluster,
      place,
      root: ["metadata", "ownerReferences"],
      watched: owners,
      touched: owners,
      intend: ({ object }) => {
        if (object.metadata.deletionTimestamp !== undefined) {
          throw new AppError("arguments-invalid", "the pod is being deleted already");
        }
        const isManaged = object.metadata.ownerReferences?.some(({ controller }) => controller === true) === true;
        const signature = isManaged ? {} : { signature: "destructive" }; // nothing would make another
        return Promise.resolve({ verb: "delete", body: null, inverse: null, size: 1, ...signature });
      },
    };
  },
});
