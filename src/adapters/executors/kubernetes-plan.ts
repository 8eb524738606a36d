// Planning a change to a cluster: the object is read, the change is tried as a dry run, and both are shown.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Plan, PlanRequest } from "../../wire/contracts/executor.ts";
import type { PinImage } from "../../wire/contracts/images.ts";
import { boundTarget, boundTo } from "./bound-target.ts";
import { knownLeft } from "./known-left.ts";
import { isStatus, objectIn, type Heard, type KubernetesApi } from "./kubernetes-api.ts";
import { compareDeclared } from "./kubernetes-declared.ts";
import { diffOf, type Change } from "./kubernetes-diff.ts";
import { digestOf, fingerprintOf, without, type KubernetesObject } from "./kubernetes-object.ts";
import { ownersOf } from "./kubernetes-owners.ts";
import { sealed, type At, type Intended, type Opened, type Operation } from "./kubernetes-operation.ts";
import { isOf, nameOf } from "./kubernetes-place.ts";
import { regulationsOf } from "./kubernetes-regulations.ts";
import { isFree, isMoved, ownedIn, planProblem, shownOf, type Owned } from "./kubernetes-refusals.ts";

/** What names our writes at the API server. */
export interface Naming {
  readonly installation: string;
}

/** Under which name server-side apply keeps what the action set: each has its own, so that none drops another's fields. */
export function managerOf({ installation }: Naming, action: string): string {
  return `holdpoint/${installation}/${action}`;
}

export function markOf({ installation }: Naming, action: string): string {
  return `${installation}:${action}`;
}

export interface Planning extends Naming {
  readonly pinImage: PinImage;
  readonly findSecret: (text: string) => string | null;
}

export const callSchema = z.strictObject({
  args: z.record(z.string(), z.unknown()),
  /** Of a later phase: the fingerprint of what the one before it leaves. */
  begins: z.string().optional(),
  /** Without the mark and the resource version: those come with the call. */
  body: z.unknown(),
  cluster: z.string(),
  /** A digest of what the dry run would have left, where it sets anything. */
  leaves: z.string(),
  object: z.string(),
  server: z.string(),
  takesFrom: z.array(z.object({ manager: z.string(), field: z.string() })),
  target: boundTarget.optional(),
  verb: z.enum(["apply", "merge", "json", "delete"]),
});
export type Call = z.infer<typeof callSchema>;

const TRIES_MAX = 4;

export async function planChange(
  { operation, api, planning }: { operation: Operation; api: KubernetesApi; planning: Planning },
  request: PlanRequest,
  signal: AbortSignal,
): Promise<Plan> {
  const opened = operation.open(request.args);
  if (!isOf(api.cluster, request.target, opened.place)) {
    const object = nameOf(opened.place);
    throw new AppError("arguments-invalid", `${object} is not of this target`, { object });
  }
  for (let attempt = 1; ; attempt++) {
    const tried = await tryChange({ opened, api, planning }, request, signal);
    if (tried !== "moved") {
      const isOurs = (manager: string): boolean => isOwn(manager, planning);
      const compared = await compare({ tried, opened, api, planning }, request, signal);
      return toPlan({ ...tried, ...compared, opened, api, isOurs }, request);
    }
    if (attempt === TRIES_MAX) throw new AppError("target-moved", "the object is being changed by others");
  }
}

type Tried = {
  readonly before: KubernetesObject;
  /** As each phase would leave it; one where all is done at once. */
  readonly afters: readonly KubernetesObject[];
  readonly intended: Intended;
  readonly takesFrom: readonly Owned[];
};

async function tryChange(
  { opened, api, planning }: { opened: Opened; api: KubernetesApi; planning: Planning },
  request: PlanRequest,
  signal: AbortSignal,
): Promise<Tried | "moved"> {
  const { actionId } = request;
  const left = knownLeft(request);
  const { place } = opened;
  const mark = markOf(planning, actionId);
  const isOurs = ownership(api, planning);
  const found = await api.read(place, signal);
  const before = objectIn(found);
  if (before === undefined) throw planProblem(found, { place, verb: "get", nowMs: api.nowMs() });
  if (left !== undefined) checkLeft(left, before, opened);
  const { findSecret, pinImage } = planning;
  const pin: At["pin"] = left === undefined ? (image) => pinImage(image, signal) : async (image) => image;
  const at: At = { object: before, api, mark, isOurs, findSecret, pin, signal };
  const intended = await opened.intend(at);
  const writing: Writing = { opened, at, verb: intended.verb, manager: managerOf(planning, actionId) };
  const afters: KubernetesObject[] = [];
  const owned: Owned[] = [];
  for (const body of bodiesOf(intended)) {
    const tried = await tryWrite(writing, body);
    if (tried === "moved") return "moved";
    afters.push(tried.after);
    owned.push(...tried.owned.filter((one) => !owned.some((other) => isSameField(one, other))));
  }
  return { before, afters, intended, takesFrom: owned.filter((one) => !isFree(one, (name) => isOwn(name, planning))) };
}

function isSameField(one: Owned, other: Owned): boolean {
  return one.manager === other.manager && one.field === other.field;
}

/** Each phase sets all that the ones before it have set: tried on the object as it is, it shows what it will leave. */
function bodiesOf({ phases, body }: Intended): readonly Json[] {
  return phases?.map((phase) => phase.body) ?? [body];
}

type Compared = Awaited<ReturnType<typeof compareDeclared>> & { readonly changes: readonly Change[] };

type Comparing = { readonly tried: Tried; readonly opened: Opened; readonly api: KubernetesApi };

/** What is changed, and what Git says of that and of the rest; taking back is owed, whatever Git says. */
async function compare(
  { tried, opened, api, planning }: Comparing & { readonly planning: Planning },
  { left }: PlanRequest,
  signal: AbortSignal,
): Promise<Compared> {
  const { before, afters } = tried;
  const after = afters.at(-1) ?? before;
  const changes = diffOf(opened.watched(before), opened.watched(after));
  if (left !== undefined) return { changes, declared: null, agreed: [] };
  const { place } = opened;
  const changed = changes.map(({ path }) => fromTop(opened, path));
  const { findSecret } = planning;
  return { changes, ...(await compareDeclared({ api, place, after, changed, findSecret, signal })) };
}

/** A path of the object, of one that begins where the operation looks. */
function fromTop({ root }: Opened, path: string): string {
  return root.map((name) => `.${name}`).join("") + path;
}

type Writing = {
  readonly opened: Opened;
  readonly at: At;
  readonly verb: Intended["verb"];
  readonly manager: string;
};

/** What a write would leave, and whose fields it would take for that. */
async function tryWrite(
  { opened, at, verb, manager }: Writing,
  body: Json,
): Promise<{ readonly after: KubernetesObject; readonly owned: readonly Owned[] } | "moved"> {
  const { place } = opened;
  const { object, api, mark, isOurs, signal } = at;
  const resolved = (await opened.resolve?.(body, at)) ?? body;
  const write = { verb, body: sealed({ verb, body: resolved, place, object, mark }), manager, dryRun: true };
  let heard = await api.write(place, { ...write, force: false }, signal);
  const owned = ownedIn(heard);
  const others = owned.filter((one) => !isFree(one, isOurs));
  if (others.length > 0) {
    throw new AppError("target-owned", "other field managers own these fields", { owned: shownOf(others) });
  }
  if (owned.length > 0) heard = await api.write(place, { ...write, force: true }, signal);
  if (isMoved(heard)) return "moved";
  const after = answeredObject(heard, object, verb);
  if (after !== undefined) return { after, owned };
  throw planProblem(heard, { place, verb: verb === "delete" ? "delete" : "patch", nowMs: api.nowMs() });
}

/** A deletion is answered with the object or with a bare status. */
function answeredObject(heard: Heard, before: KubernetesObject, verb: string): KubernetesObject | undefined {
  return objectIn(heard) ?? (verb === "delete" && isStatus(heard) ? before : undefined);
}

/** Whose fields a change may set. */
export function ownership(api: KubernetesApi, naming: Naming): (manager: string) => boolean {
  const given = api.cluster.takeOverFrom;
  return (manager) => isOwn(manager, naming) || given.some((one) => matches(one, manager));
}

function matches(given: string, manager: string): boolean {
  return given.endsWith("*") ? manager.startsWith(given.slice(0, -1)) : manager === given;
}

function isOwn(manager: string, { installation }: Naming): boolean {
  return manager.startsWith(`holdpoint/${installation}/`);
}

const leftSchema = z.object({ uid: z.string(), touched: z.string() });

/** How the change left the object, as far as it set anything; `touched` is a digest of that. */
export function leftAs(uid: string, touched: string): string {
  return JSON.stringify({ uid, touched });
}

/** Throws `target-moved` when somebody has set since what would be taken back. */
function checkLeft(left: string, object: KubernetesObject, opened: Opened): void {
  const then = leftSchema.parse(JSON.parse(left));
  if (then.uid === object.metadata.uid && then.touched === digestOf(opened.touched(object))) return;
  const where = { object: nameOf(opened.place) };
  throw new AppError("target-moved", "it was changed since: undoing would overwrite that", where);
}

type ToPlan = Compared & {
  readonly opened: Opened;
  readonly api: KubernetesApi;
  readonly isOurs: (manager: string) => boolean;
};

/** Where it is done and how gently, and not what. */
const PLACES = ["cluster", "namespace", "phases"];

function toPlan(
  { before, afters, intended, takesFrom, changes, declared, agreed, opened, api, isOurs }: Tried & ToPlan,
  { kind, target, args }: PlanRequest,
): Plan {
  const { verb, phases, inverse, size, signature } = intended;
  const paths = changes.map(({ path }) => path).filter((path) => !agreed.includes(fromTop(opened, path)));
  const setBy = ownersOf(before, { root: opened.root, paths }, isOurs);
  const tags = regulationsOf(before.metadata.labels ?? {});
  const calls = bodiesOf(intended).map((body, n): Call => {
    const earlier = afters[n - 1];
    return {
      args: without(args, "bundles"), // evidence, and no part of what is run
      ...(earlier === undefined ? {} : { begins: fingerprintOf(before, opened.watched(earlier)) }),
      body,
      cluster: opened.cluster,
      leaves: digestOf(opened.touched(afters[n] ?? before)),
      object: nameOf(opened.place),
      server: api.server,
      takesFrom: [...takesFrom],
      target: boundTo(target),
      verb,
    };
  });
  const labels = phases === undefined ? {} : { phases: phases.map(({ label }) => label) };
  return {
    kind,
    change: digestOf(intended.change ?? without(args, ...PLACES)),
    calls: calls as unknown as readonly Json[],
    diff: {
      object: `${opened.cluster}: ${nameOf(opened.place)}`,
      verb,
      changes: changes as unknown as Json,
      ...labels,
      ...(tags.length === 0 ? {} : { tags: [...tags] }),
      ...(declared === null ? {} : { declared: declared as unknown as Json }),
      ...(setBy.length === 0 ? {} : { setBy: setBy as unknown as Json }),
      ...(takesFrom.length === 0 ? {} : { takesFrom: takesFrom as unknown as Json }),
    },
    ...labels,
    inverse: inverse === null ? null : { ...inverse, target: { ...target } },
    reversible: inverse !== null,
    fingerprint: fingerprintOf(before, opened.watched(before)),
    size,
    ...(signature === undefined ? {} : { signature }),
  };
}
