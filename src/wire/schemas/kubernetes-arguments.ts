// Arguments of the Kubernetes action kinds: which object of which cluster, and what about it.

import { z } from "zod";
import { imageBundlesSchema } from "./image-bundles.ts";

const clusterSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/)
  .describe("A configured cluster");
const namespaceSchema = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/);
/** RFC 1123 subdomain, as Kubernetes names objects. */
const NAME = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*";
const nameSchema = z
  .string()
  .max(253)
  .regex(new RegExp(`^${NAME}$`));

function workloadSchema(...kinds: readonly string[]) {
  return z
    .string()
    .max(270)
    .regex(new RegExp(`^(?:${kinds.join("|")})/${NAME}$`))
    .describe(kinds.map((kind) => `${kind}/name`).join(", "));
}

const object = { cluster: clusterSchema, namespace: namespaceSchema };

export const restartArguments = z.strictObject({
  ...object,
  workload: workloadSchema("deployment", "statefulset", "daemonset"),
});

/** An object remembers the last eight writes: of that many phases each can still be asked about. */
const phasesSchema = z
  .array(z.int().min(1).max(100))
  .min(2)
  .max(8)
  .refine((all) => all.at(-1) === 100, "the last phase is all of it")
  .refine((all) => all.every((percent, n) => n === 0 || percent > (all[n - 1] ?? 0)), "phases have to rise")
  .describe("Percentages: carried out in several goes, with the checks of policy between them");

export const scaleArguments = z.strictObject({
  ...object,
  workload: workloadSchema("deployment", "statefulset"),
  replicas: z.int().min(0).max(10_000),
  phases: phasesSchema.optional(),
});
export type ScaleArguments = z.infer<typeof scaleArguments>;

export const boundsArguments = z
  .strictObject({
    ...object,
    autoscaler: nameSchema,
    minReplicas: z.int().min(1).max(10_000).optional(),
    maxReplicas: z.int().min(1).max(10_000).optional(),
  })
  .refine(({ minReplicas, maxReplicas }) => minReplicas !== undefined || maxReplicas !== undefined, "no bound to set")
  .refine(({ minReplicas = 1, maxReplicas = 10_000 }) => minReplicas <= maxReplicas, "least is more than most");

export const undoArguments = z
  .strictObject({
    ...object,
    workload: workloadSchema("deployment", "statefulset", "daemonset"),
    toRevision: z.int().min(1).max(1_000_000_000).optional().describe("By default the one before"),
    replicaSet: nameSchema
      .optional()
      .describe("Of a deployment: the one to go back to, where its number may have moved"),
    controllerRevision: nameSchema.optional().describe("The same of a statefulset or a daemonset"),
  })
  .refine(({ toRevision, replicaSet, controllerRevision }) => {
    return [toRevision, replicaSet, controllerRevision].filter((way) => way !== undefined).length <= 1;
  }, "two ways to say where")
  .refine(({ workload, replicaSet, controllerRevision }) => {
    return (workload.startsWith("deployment/") ? controllerRevision : replicaSet) === undefined;
  }, "a deployment keeps ReplicaSets, the others ControllerRevisions");
export type UndoArguments = z.infer<typeof undoArguments>;

export const nodeArguments = z.strictObject({ cluster: clusterSchema, node: nameSchema });

const VALUE_CHARS_MAX = 65_536;
const CHANGE_CHARS_MAX = 262_144;
const keySchema = z
  .string()
  .max(253)
  .regex(/^[-._a-zA-Z0-9]+$/)
  .refine((key) => key !== "." && key !== ".." && key !== "__proto__");
const valuesSchema = z.record(
  keySchema,
  z
    .string()
    .max(VALUE_CHARS_MAX)
    .refine((text) => text.isWellFormed(), "not well-formed Unicode"),
);

export const configMapArguments = z
  .strictObject({
    ...object,
    configMap: nameSchema,
    set: valuesSchema.optional(),
    remove: z.array(keySchema).max(256).optional(),
  })
  .refine(({ set = {}, remove = [] }) => {
    const keys = [...Object.keys(set), ...remove];
    return keys.length > 0 && keys.length <= 256 && new Set(keys).size === keys.length;
  }, "between one and 256 keys, each once")
  .refine(
    ({ set = {} }) => Object.values(set).reduce((sum, { length }) => sum + length, 0) <= CHANGE_CHARS_MAX,
    "more than 262144 characters",
  );
export type ConfigMapArguments = z.infer<typeof configMapArguments>;

/** `registry:5000/team/app:tag@sha256:…`; nothing that a shell, a log or a reader could take for something else. */
const imageSchema = z
  .string()
  .max(512)
  .regex(/^[a-z0-9](?:[a-z0-9._/-]|:(?=[0-9]))*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$/);

export const imageArguments = z
  .strictObject({
    ...object,
    workload: workloadSchema("deployment", "statefulset", "daemonset"),
    images: z
      .record(z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/), imageSchema)
      .refine((images) => Object.keys(images).length > 0 && Object.keys(images).length <= 16, "between one and 16")
      .describe("Container to image; a tag becomes its digest where the registry is configured"),
    bundles: imageBundlesSchema.optional(),
    partition: z.int().min(0).max(10_000).optional().describe("Only pods of this ordinal and above get them"),
    phases: phasesSchema.optional(),
  })
  .refine(({ partition, phases }) => partition === undefined || phases === undefined, "phases set the partition")
  .refine(({ workload, partition, phases }) => {
    return workload.startsWith("statefulset/") || (partition ?? phases) === undefined;
  }, "only a statefulset has a partition");
export type ImageArguments = z.infer<typeof imageArguments>;

export const podArguments = z.strictObject({ ...object, pod: nameSchema });
