// Which images a plan brings: by the fields that it changes.

import type { Json } from "../../core/json.ts";
import { IMAGES_MAX } from "../../wire/types/image.ts";
import { flatten, isCutOff, structureIn, type Change } from "./change-risks.ts";
import { changeOf, CHANGES_SHOWN_MAX, type SeenPlan } from "./find-risks.ts";
import { isObject, listOf } from "./object-risks.ts";

const IMAGE = /[cC]ontainers\[[^\]]*\]\.image$/;
const RUNS = /\/(?:Deployment|StatefulSet|DaemonSet|ReplicaSet|Pod|Job|CronJob) /;

/** Null stands for one that the plan does not show. At most 16 and that. */
export function imagesIn({ kind, diff }: SeenPlan): readonly (string | null)[] {
  if (!isObject(diff)) return [];
  if (kind.startsWith("kubernetes.")) return imagesOf(listOf(diff["changes"]));
  if (!kind.startsWith("argocd.")) return [];
  const objects = listOf(diff["changes"]).filter(isObject);
  const fields = objects.flatMap(({ fields: changes, object, change }) => {
    const found = imagesOf(listOf(changes));
    const isNew = change !== "deletes" && change !== "updates" && typeof object === "string" && RUNS.test(object);
    return isNew && found.length === 0 ? [null] : found;
  });
  return bounded(diff["unlisted"] === 0 ? fields : [...fields, null]);
}

function imagesOf(changes: readonly Json[]): readonly (string | null)[] {
  const all = changes.filter(isObject).map(changeOf);
  const isPart = all.length >= CHANGES_SHOWN_MAX || all.some(isCutOff);
  const images = all.flatMap(imagesOfChange);
  return bounded(isPart ? [...images, null] : images);
}

function imagesOfChange({ path, to }: Change): readonly string[] {
  return flatten(structureIn(to) ?? to, path).flatMap(([field, value]) =>
    IMAGE.test(field) && typeof value === "string" ? [value] : [],
  );
}

function bounded(images: readonly (string | null)[]): readonly (string | null)[] {
  const each = [...new Set(images)];
  return each.length <= IMAGES_MAX ? each : [...each.slice(0, IMAGES_MAX - 1), null];
}
