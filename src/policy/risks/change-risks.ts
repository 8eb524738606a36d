// What one changed field of a declared object puts at risk: more rights, or more to be seen.

import type { Json } from "../../core/json.ts";
import type { PlanRisk } from "../../wire/types/risk.ts";

/** A field by its path, as `.spec.containers[app].image`. */
export interface Change {
  readonly path: string;
  readonly from: Json;
  readonly to: Json;
}

type Rule = (change: Change) => boolean;

const isSetTo =
  (field: RegExp, values: readonly Json[]): Rule =>
  ({ path, to }) =>
    field.test(path) && values.includes(to);
const isTakenBack =
  (field: RegExp): Rule =>
  ({ path, from, to }) =>
    field.test(path) && from === true && to !== true;
const isAdded =
  (field: RegExp): Rule =>
  ({ path, to }) =>
    field.test(path) && to !== null;

/** The Pod Security Standards' list, and the identity that pods run under. */
const WIDENS: readonly Rule[] = [
  isSetTo(/\.(?:privileged|allowPrivilegeEscalation|automountServiceAccountToken)$/, [true]),
  isSetTo(/\.host(?:Network|PID|IPC)$/, [true]),
  isSetTo(/\.runAsUser$/, [0]),
  isSetTo(/\.(?:seccompProfile|appArmorProfile)\.type$/, ["Unconfined"]),
  isSetTo(/\.procMount$/, ["Unmasked"]),
  isTakenBack(/\.(?:runAsNonRoot|readOnlyRootFilesystem)$/),
  isAdded(/\.hostPath(?:\.|$)/),
  isAdded(/\.capabilities\.add(?:\[|$)/),
  isAdded(/\.serviceAccount(?:Name)?$/),
];

const LOGS_MORE = /(?:^|[^a-z])log[._-]?level["\]]*$/i;
const LOGS_CONTENT =
  /log[._-]?(?:\w+[._-])?(?:bod(?:y|ies)|headers|requests?|payloads?|statement|secrets?|credentials?|tokens?)["\]]*$/i;

const EXPOSES: readonly Rule[] = [
  isSetTo(/\.spec\.type$/, ["LoadBalancer", "NodePort"]),
  isAdded(/\.(?:externalIPs(?:\[|$)|hostPort$)/),
  isSetTo(/\.cidr$/, ["0.0.0.0/0", "::/0"]),
  ({ path, to }) => LOGS_MORE.test(path) && /^(?:debug|trace|all)$/i.test(textOf(to)),
  ({ path, to }) => LOGS_CONTENT.test(path) && /^(?:true|all|on|yes|1)$/i.test(textOf(to)),
  ({ from, to }) => hasNewHost(textOf(from), textOf(to)),
];

/** What says which field it is stands at the end; names that have no end cost no more than others. */
const PATH_CHARS_READ = 256;

export function risksOfChange(change: Change): readonly PlanRisk[] {
  const risks: PlanRisk[] = [];
  for (const leaf of leavesOf(change)) {
    if (JSON.stringify(leaf.from) === JSON.stringify(leaf.to)) continue;
    const one = { ...leaf, path: leaf.path.slice(-PATH_CHARS_READ) };
    if (WIDENS.some((rule) => rule(one))) risks.push("privilege-widening");
    if (EXPOSES.some((rule) => rule(one))) risks.push("data-exposure");
  }
  return risks;
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : value === null ? "" : JSON.stringify(value);
}

/** What is added or taken away as a whole, field by field; a plan shows it as one text of JSON. */
function leavesOf({ path, from, to }: Change): readonly Change[] {
  const [was, becomes] = [structureIn(from), structureIn(to)];
  if (was === undefined && becomes === undefined) return [{ path, from, to }];
  const before = new Map(flatten(was ?? null, path));
  const after = new Map(flatten(becomes ?? null, path));
  return [...new Set([...before.keys(), ...after.keys()])].map((key) => ({
    path: key,
    from: before.get(key) ?? null,
    to: after.get(key) ?? null,
  }));
}

export function structureIn(value: Json): Json | undefined {
  if (typeof value === "object" && value !== null) return value;
  if (typeof value !== "string" || !/^\s*[[{]/.test(value)) return undefined;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return undefined;
  }
}

/** True for a structure that is shown so far that it cannot be read any more. */
export function isCutOff({ from, to }: Change): boolean {
  return [from, to].some((value) => typeof value === "string" && /… \(\d+ characters\)$/.test(value));
}

const DEPTH_MAX = 40;

/** Every field with what it is set to. */
export function flatten(value: Json, path: string, depth = 0): readonly (readonly [string, Json])[] {
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return [[path, value]];
  if (Array.isArray(value)) {
    return value.flatMap((item: Json, at) => flatten(item, `${path}[${nameIn(item) ?? at}]`, depth + 1));
  }
  return Object.entries(value).flatMap(([name, item]) => flatten(item, `${path}.${name}`, depth + 1));
}

function nameIn(value: Json): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { name } = value as { readonly name?: Json };
  return typeof name === "string" ? name : undefined;
}

const HOSTS_MAX = 256;
const INSIDE =
  /^(?:localhost|127\.[\d.]+|10\.[\d.]+|192\.168\.[\d.]+|[^.]+|.*\.(?:svc|local|internal|localhost|test))$/;

/** Somewhere outside that was not written there before. */
function hasNewHost(before: string, after: string): boolean {
  const known = new Set(hostsIn(before));
  return hostsIn(after).some((host) => !known.has(host) && !INSIDE.test(host));
}

function hostsIn(text: string): readonly string[] {
  const found = text.matchAll(
    /\b(?:https?|wss?|ftps?|amqps?|kafka|smtps?|tcp):\/\/(?:[^/\s"'@]*@)?([a-z0-9.-]{1,253})/gi,
  );
  return [...found].slice(0, HOSTS_MAX).map(([, host = ""]) => host.toLowerCase());
}
