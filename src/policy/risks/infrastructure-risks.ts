// What a saved plan of Terraform puts at risk: who may do more, who may see more, what differs from what is declared.

import type { Json, JsonObject } from "../../core/json.ts";
import type { PlanRisk } from "../../wire/types/risk.ts";
import { flatten, isCutOff, risksOfChange, structureIn, type Change } from "./change-risks.ts";
import { hasMore, isObject, listOf } from "./object-risks.ts";

/** The most fields of one resource that a plan shows: with so many there may be more. */
const FIELDS_SHOWN_MAX = 100;

/** `diff` is what the plan shows: resources under `changes`, what was found changed by others under `drift`. */
export function risksOfSavedPlan(diff: JsonObject): readonly PlanRisk[] {
  const unlisted: readonly PlanRisk[] = diff["unlisted"] === 0 ? [] : ["unseen"];
  const drift: readonly PlanRisk[] = listOf(diff["drift"]).length === 0 ? [] : ["drift"];
  return [...drift, ...unlisted, ...listOf(diff["changes"]).filter(isObject).flatMap(risksOfResource)];
}

/** Whoever is named in one of these may do more than before. */
const GIVES =
  /^(?:aws_iam_(?:(?:user|group|role)_policy_attachments?_exclusive|policy_attachment|(?:user|group|role)_policy(?:_attachment)?|(?:user_)?group_membership|access_key|user_login_profile)|aws_(?:eks_access_policy_association|lambda_permission|ssoadmin_account_assignment)|google_\w+_iam_(?:member|binding|policy)|google_service_account_key|azurerm_(?:role_assignment|key_vault_access_policy|pim_\w+_role_assignment)|azuread_(?:directory_role_assignment|group_member|app_role_assignment)|kubernetes_(?:cluster_)?role(?:_binding)?(?:_v1)?|(?:postgresql|mysql)_grant\w*|github_(?:team_repository|repository_collaborators?|membership|team_membership))$/;

/** Taking one of these away opens what it closed. */
const CLOSES =
  /^(?:aws_s3_(?:bucket|account)_public_access_block|kubernetes_network_policy(?:_v1)?|aws_network_acl_rule|azurerm_storage_account_network_rules)$/;

function risksOfResource({ address, change, fields }: JsonObject): readonly PlanRisk[] {
  const type = typeOf(typeof address === "string" ? address : "");
  const isNew = change === "creates" || change === "updates" || change === "replaces";
  const risks: PlanRisk[] = [];
  if (isNew && GIVES.test(type)) risks.push("privilege-widening");
  if (change === "deletes" && CLOSES.test(type)) risks.push("data-exposure");
  const all = listOf(fields).filter(isObject).map(fieldOf);
  if (all.length >= FIELDS_SHOWN_MAX || all.some(isCutOff)) risks.push("unseen");
  const isOutward = all.some(({ path, to }) => path === ".type" && to === "egress");
  return [...risks, ...all.flatMap((field) => risksOfField(isOutward ? "egress" : type, field))];
}

function fieldOf({ path, from, to }: JsonObject): Change {
  return { path: typeof path === "string" ? path : "", from: from ?? null, to: to ?? null };
}

/** `module.net["a.b"].aws_lb.cart[0]` is an `aws_lb`. */
function typeOf(address: string): string {
  const names = address.replaceAll(/\[(?:"(?:[^"\\]|\\.)*"|\d+)\]/g, "").replace(/ \(deposed .*$/, "");
  return names.split(".").at(-2) ?? "";
}

function risksOfField(type: string, field: Change): readonly PlanRisk[] {
  const risks: PlanRisk[] = [...risksOfChange(field)];
  const [before, after] = [statementsIn(field.from), statementsIn(field.to)];
  if (after.length > 0 || before.length > 0) risks.push(...risksOfStatements(before, after));
  for (const leaf of leavesOf(field)) {
    if (isHidden(leaf.to) && DECIDES.test(leaf.path)) risks.push("unseen");
    if (EXPOSES.some((rule) => rule(leaf, type))) risks.push("data-exposure");
    if (WIDENS.some((rule) => rule(leaf, type))) risks.push("privilege-widening");
  }
  return risks;
}

function leavesOf({ path, from, to }: Change): readonly Change[] {
  const [was, becomes] = [structureIn(from), structureIn(to)];
  const before = new Map(flatten(was ?? from, path));
  return flatten(becomes ?? to, path).map(([at, value]) => {
    return { path: at.slice(-PATH_CHARS_READ), from: before.get(at) ?? null, to: value };
  });
}

/** Which field it is stands at the end of its path. */
const PATH_CHARS_READ = 256;

type Rule = (field: Change, type: string) => boolean;

const becomes =
  (field: RegExp, value: RegExp): Rule =>
  ({ path, from, to }) =>
    field.test(path) && value.test(wordOf(to)) && wordOf(from) !== wordOf(to);
const noLonger =
  (field: RegExp, value: RegExp): Rule =>
  ({ path, from, to }) =>
    field.test(path) && value.test(wordOf(from)) && !value.test(wordOf(to));

const WORLD = /^(?:0\.0\.0\.0\/0|::\/0|\*|internet|any)$/i;
const SOURCES =
  /(?:^|\.)(?:(?:ipv6_)?cidr_blocks|cidr_ipv[46]|source_ranges|source_address_prefix(?:es)?|public_access_cidrs|authorized_(?:networks|ip_ranges)\b.*|(?:ipv6_)?cidr_block|ip_rules)(?:\[\d+\])?(?:\.value)?$/;
/** What goes out is not what comes in; a route leads somewhere and lets nobody in. */
const OUTWARD_FIELD = /(?:^|\.)egress[.[]/;
const OUTWARD_TYPE = /egress|_route(?:_table)?$|_subnet$|_vpc$|_eip$|_nat_gateway$/;

const opensToTheWorld: Rule = ({ path, to }, type) =>
  SOURCES.test(path) && WORLD.test(wordOf(to)) && !OUTWARD_FIELD.test(path) && !OUTWARD_TYPE.test(type);

const isPublicEntrance: Rule = ({ path, to }, type) =>
  path === ".internal" && to === false && /^aws_(?:a?lb|elb)$/.test(type);

const EXPOSES: readonly Rule[] = [
  opensToTheWorld,
  isPublicEntrance,
  becomes(/(?:^|\.)acl$/, /^(?:public-read|public-read-write|authenticated-read|log-delivery-write)$/),
  becomes(
    /(?:^|\.)(?:publicly_accessible|associate_public_ip_address|map_public_ip_on_launch|public_network_access_enabled|allow_blob_public_access|allow_nested_items_to_be_public|endpoint_public_access|public_access_enabled|ipv4_enabled|enable_public_ip)$/,
    /^true$/,
  ),
  becomes(/(?:^|\.)container_access_type$/, /^(?:blob|container)$/),
  becomes(/(?:^|\.)visibility$/, /^public$/),
  becomes(/(?:^|\.)(?:member|members\[\d+\])$/, /^all(?:Users|AuthenticatedUsers)$/),
  noLonger(
    /(?:^|\.)(?:block_public_(?:acls|policy)|restrict_public_buckets|ignore_public_acls|(?:storage_|at_rest_|transit_|root_block_device\[\d+\]\.)?encrypt(?:ed|ion_enabled)|private|enable_private_nodes|https_only)$/,
    /^true$/,
  ),
  becomes(/(?:^|\.)(?:block_public_(?:acls|policy)|restrict_public_buckets|ignore_public_acls)$/, /^false$/),
  noLonger(/(?:^|\.)public_access_prevention$/, /^enforced$/),
];

const WIDENS: readonly Rule[] = [
  becomes(/(?:^|\.)(?:privileged|allow_privilege_escalation|host_(?:network|pid|ipc))$/, /^true$/),
  becomes(/(?:^|\.)host_path(?:\[\d+\])?\.path$/, /./),
  becomes(/(?:^|\.)(?:iam_instance_profile|service_account_name|execution_role_arn|task_role_arn)$/, /./),
  becomes(/(?:^|\.)managed_policy_arns\[\d+\]$/, /./),
  noLonger(/(?:^|\.)permissions_boundary$/, /./),
];

/** Fields by which rights and entrances are decided: one that cannot be read is not harmless. */
const DECIDES =
  /(?:^|\.)(?:\w*policy|policy_(?:data|document)|acl|members?(?:\[\d+\])?|principal\w*|managed_policy_arns)(?:\[\d+\])?$/;

export function isHidden(value: Json): boolean {
  return value === "(known after apply)" || value === "(sensitive)" || value === "(not shown)";
}

function wordOf(value: Json): string {
  return typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
}

const STATEMENTS_MAX = 100;
const NAMES_MAX = 100;

/** Of a policy in the language that AWS and those who followed it write. */
function statementsIn(value: Json): readonly JsonObject[] {
  const policy = structureIn(value);
  if (!isObject(policy)) return [];
  const { statement: statements } = inLowerCase(policy);
  return (isObject(statements) ? [statements] : listOf(statements)).filter(isObject).map(inLowerCase);
}

/** Whoever reads such a policy reads `effect` as `Effect`. */
function inLowerCase(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name.toLowerCase(), value]));
}

function risksOfStatements(before: readonly JsonObject[], after: readonly JsonObject[]): readonly PlanRisk[] {
  const risks: PlanRisk[] = [];
  if (after.length > STATEMENTS_MAX) risks.push("unseen");
  const isMore = hasMore(rightsIn(before, "Allow"), rightsIn(after, "Allow"));
  if (isMore || hasMore(rightsIn(after, "Deny"), rightsIn(before, "Deny"))) risks.push("privilege-widening");
  if (hasMore(openIn(before), openIn(after))) risks.push("data-exposure");
  return risks;
}

/** Each action on each resource for each principal by itself: order and grouping are nothing. */
function rightsIn(statements: readonly JsonObject[], effect: "Allow" | "Deny"): ReadonlySet<string> {
  const rights = new Set<string>();
  for (const one of statements.slice(0, STATEMENTS_MAX)) {
    if (one["effect"] !== effect) continue;
    const who = JSON.stringify(["principal", "notprincipal", "condition"].map((name) => one[name] ?? null));
    for (const action of namesIn(one, "action")) {
      for (const resource of namesIn(one, "resource")) rights.add(JSON.stringify([who, action, resource]));
    }
  }
  return rights;
}

/** What is excepted is not a list of what is given: it stands for itself. */
function namesIn(statement: JsonObject, name: "action" | "resource"): readonly string[] {
  const [named, excepted] = [statement[name], statement[`not${name}`]];
  const not = excepted === undefined ? [] : [`all but ${JSON.stringify(excepted)}`];
  if (typeof named === "string") return [named, ...not];
  const names = listOf(named).filter((one): one is string => typeof one === "string");
  return [...(named === undefined && not.length === 0 ? ["-"] : names), ...not].slice(0, NAMES_MAX);
}

/** What anybody may do, without a condition. */
function openIn(statements: readonly JsonObject[]): ReadonlySet<string> {
  const open = statements.filter((one) => {
    const text = JSON.stringify(one["principal"] ?? null);
    return one["effect"] === "Allow" && one["condition"] === undefined && /^(?:"\*"|\{.*"\*".*\})$/.test(text);
  });
  return rightsIn(open, "Allow");
}
