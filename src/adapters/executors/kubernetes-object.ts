// What is read of an object of Kubernetes: who it is, what we wrote on it, and digests of its parts.

import { hash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import type { Json, JsonObject } from "../../core/json.ts";

/** Names the actions that changed the object last, newest first: it says what became of a call that nobody saw the end of. */
export const MARK = "holdpoint.dev/actions";
const MARKS_MAX = 8;

const textsSchema = z.record(z.string(), z.string()).catch({});
const ownerSchema = z.object({
  kind: z.string(),
  name: z.string(),
  uid: z.string(),
  controller: z.boolean().optional(),
});

const objectSchema = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
    annotations: textsSchema.optional(),
    labels: textsSchema.optional(),
    deletionTimestamp: z.string().optional(),
    ownerReferences: z.array(ownerSchema).max(100).optional(),
    managedFields: z
      .array(z.looseObject({ manager: z.string().optional(), fieldsV1: z.unknown().optional() }))
      .optional(),
  }),
});
export type KubernetesObject = z.infer<typeof objectSchema>;

/** Undefined for what is no object. */
export function parseObject(value: unknown): KubernetesObject | undefined {
  const parsed = objectSchema.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}

/** One member of an object, and of that, and so on; null where there is none. */
export function partOf(value: unknown, ...path: readonly string[]): Json {
  let part = value;
  for (const name of path) {
    if (typeof part !== "object" || part === null || !Object.hasOwn(part, name)) return null;
    part = (part as Record<string, unknown>)[name];
  }
  return (part ?? null) as Json;
}

export function numberOf(value: unknown, ...path: readonly string[]): number | undefined {
  const part = partOf(value, ...path);
  return typeof part === "number" && Number.isInteger(part) ? part : undefined;
}

export function without(object: Json, ...names: readonly string[]): JsonObject {
  const members = Object.entries((object ?? {}) as JsonObject);
  return Object.fromEntries(members.filter(([name]) => !names.includes(name)));
}

export function digestOf(part: Json): string {
  return hash("sha256", canonicalJson(part));
}

/** The state that a plan is made for: another object of the same name is another one. */
export function fingerprintOf({ metadata }: KubernetesObject, watched: Json): string {
  return `${metadata.uid}:${digestOf(watched)}`;
}

export function marksOf({ metadata }: KubernetesObject): readonly string[] {
  return (metadata.annotations?.[MARK] ?? "").split(" ").filter((mark) => mark !== "");
}

export function withMark(object: KubernetesObject, mark: string): string {
  return [mark, ...marksOf(object).filter((one) => one !== mark)].slice(0, MARKS_MAX).join(" ");
}
