// From a plan to what it puts at risk. The plan's own bytes are read, which are also what people approve: nothing is declared
// per kind, and what the plan does not show is a risk of its own.

import type { Json, JsonObject } from "../../core/json.ts";
import { PLAN_RISKS, TAG, TAGS_MAX, type PlanFindings, type PlanRisk } from "../../wire/types/risk.ts";
import { isCutOff, risksOfChange, type Change } from "./change-risks.ts";
import { risksOfFile } from "./file-risks.ts";
import { isHidden, risksOfSavedPlan } from "./infrastructure-risks.ts";
import { isObject, listOf } from "./object-risks.ts";

/** A plan as far as it is read here. */
export type SeenPlan = { readonly kind: string; readonly diff: Json };

/** The most changes of one object that a plan shows: with so many there may be more. */
export const CHANGES_SHOWN_MAX = 100;

/** As of owners of the changed fields: one that is not shown may be one that declares. */
const OWNERS_SHOWN_MAX = 100;

/** `known` are risks that something else than the plan's bytes tells: how its service stands now. */
export function findRisks({ kind, diff }: SeenPlan, known: readonly PlanRisk[] = []): PlanFindings {
  const found = [...known, ...(isObject(diff) ? risksOfDiff(kind, diff) : [])];
  const tags = isObject(diff) ? tagsIn(diff["tags"]) : [];
  const all = new Set<PlanRisk>(tags.length === 0 ? found : [...found, "regulated"]);
  return { risks: PLAN_RISKS.filter((risk) => all.has(risk)), tags };
}

function risksOfDiff(kind: string, diff: JsonObject): readonly PlanRisk[] {
  if (kind.startsWith("kubernetes.")) return risksOfWrite(diff);
  if (kind.startsWith("argocd.")) return risksOfSync(kind, diff);
  if (kind.startsWith("github.")) return risksOfFiles(diff["files"]);
  if (kind.startsWith("terraform.")) return risksOfSavedPlan(diff);
  return kind === "sql.migrate" ? risksOfStatements(diff["statements"]) : [];
}

/** A write to a cluster: its dry run, what Git says of the object, and who else sets the fields that it changes. */
function risksOfWrite(diff: JsonObject): readonly PlanRisk[] {
  const setBy = listOf(diff["setBy"]).map((owner) => (isObject(owner) ? textOf(owner["manager"]) : ""));
  const declared = isObject(diff["declared"]) ? diff["declared"] : {};
  const isDrift = setBy.some(isDeclaring) || listOf(declared["differs"]).length > 0;
  const isUnread = declared["code"] !== undefined || setBy.length >= OWNERS_SHOWN_MAX;
  const unread: readonly PlanRisk[] = isUnread ? ["unseen"] : [];
  return [...(isDrift ? (["drift"] as const) : []), ...unread, ...risksOfChanges(diff["changes"])];
}

/** Controllers of the cluster, and people at a command line, declare nothing that would be set again. */
const TRANSIENT =
  /^(?:kube-|kubelet|k3s|cloud-controller|horizontal-pod-autoscaler|vpa-|deployment-controller|kubectl-(?!client-side-apply))/;

function isDeclaring(manager: string): boolean {
  return !TRANSIENT.test(manager);
}

function risksOfChanges(changes: Json | undefined): readonly PlanRisk[] {
  const all = listOf(changes).filter(isObject).map(changeOf);
  const isPart = all.length >= CHANGES_SHOWN_MAX || all.some(isCutOff);
  return [...all.flatMap(risksOfChange), ...(isPart ? (["unseen"] as const) : [])];
}

export function changeOf({ path, from, to }: JsonObject): Change {
  return { path: textOf(path), from: from ?? null, to: to ?? null };
}

/** Going back leaves what Git says; what a synchronization brings is read field by field. */
function risksOfSync(kind: string, diff: JsonObject): readonly PlanRisk[] {
  const drift: readonly PlanRisk[] = kind === "argocd.rollback" ? ["drift"] : [];
  const unlisted: readonly PlanRisk[] = diff["unlisted"] === 0 ? [] : ["unseen"];
  const objects = listOf(diff["changes"]).filter(isObject);
  const fields = objects.flatMap((object) => risksOfChanges(object["fields"]));
  return [...drift, ...unlisted, ...fields, ...objects.flatMap(risksOfKind)];
}

/** Of what is created or deleted the plan of a synchronization names the kind and no more. */
function risksOfKind({ object, change }: JsonObject): readonly PlanRisk[] {
  const name = textOf(object);
  if (change === "deletes") return /\/NetworkPolicy /.test(name) ? ["data-exposure"] : [];
  if (/\/(?:Cluster)?Role(?:Binding)? /.test(name)) return ["privilege-widening"];
  return change === "creates" && /\/Ingress /.test(name) ? ["data-exposure"] : [];
}

function risksOfFiles(files: Json | undefined): readonly PlanRisk[] {
  return listOf(files)
    .filter(isObject)
    .flatMap(({ path, before, after, isCut }): readonly PlanRisk[] => {
      const [was, becomes] = [before ?? null, after ?? null];
      const file = { path: textOf(path), before: stringOr(was), after: stringOr(becomes) };
      const isUnseen = isCut === true || isHidden(was) || isHidden(becomes);
      return [...risksOfFile(file), ...(isUnseen ? (["unseen"] as const) : [])];
    });
}

/** By the findings of the parser: see adapters/executors/sql-findings. */
const STATEMENTS: Readonly<Record<string, readonly PlanRisk[]>> = {
  grants: ["privilege-widening"],
  "grants-to-all": ["privilege-widening", "data-exposure"],
  "changes-owner": ["privilege-widening"],
  "changes-roles": ["privilege-widening"],
  "runs-as-owner": ["privilege-widening"],
  "opens-row-security": ["data-exposure"],
};

function risksOfStatements(statements: Json | undefined): readonly PlanRisk[] {
  return listOf(statements)
    .filter(isObject)
    .flatMap((statement) => {
      const isOpaque = statement["class"] === "opaque";
      const codes = listOf(statement["findings"]).filter(isObject);
      const found = codes.flatMap(({ code }) =>
        Object.hasOwn(STATEMENTS, textOf(code)) ? STATEMENTS[textOf(code)] : [],
      );
      return [...(found as readonly PlanRisk[]), ...(isOpaque ? (["unseen"] as const) : [])];
    });
}

function tagsIn(tags: Json | undefined): readonly string[] {
  const known = listOf(tags).filter((tag): tag is string => typeof tag === "string" && TAG.test(tag));
  return [...new Set(known)].sort((a, b) => (a < b ? -1 : 1)).slice(0, TAGS_MAX);
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function stringOr(value: Json): string | null {
  return typeof value === "string" ? value : null;
}
