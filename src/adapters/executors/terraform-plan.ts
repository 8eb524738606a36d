// What a saved plan does, read from its own JSON: each resource and field, without what is secret.

import { z } from "zod";
import type { Json, JsonObject } from "../../core/json.ts";
import { diffOf, type Change } from "./kubernetes-diff.ts";
import { besideChanges, configurationSchema, provisionersAt, provisionersIn, type Unseen } from "./terraform-runs.ts";

const RESOURCES_SHOWN_MAX = 200;

const changeSchema = z.looseObject({
  actions: z.array(z.string()).min(1).max(4),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  before_sensitive: z.unknown().optional(),
  after_sensitive: z.unknown().optional(),
  after_unknown: z.unknown().optional(),
  importing: z.unknown().optional(),
});
const planSchema = z.looseObject({
  format_version: z.string().regex(/^1\.\d+$/),
  terraform_version: z.string().max(64).optional(),
  timestamp: z.string().max(64).optional(),
  errored: z.boolean().optional(),
  complete: z.boolean().optional(),
  applyable: z.boolean().optional(),
  resource_changes: z
    .array(z.looseObject({ address: z.string().max(2_000), deposed: z.string().optional(), change: changeSchema }))
    .default([]),
  /** What was found to be otherwise than the state had it: changed by others than Terraform. */
  resource_drift: z.array(z.looseObject({ address: z.string().max(2_000), change: changeSchema })).default([]),
  output_changes: z.record(z.string(), changeSchema).default({}),
  configuration: configurationSchema.default({}),
});

type Word = "creates" | "updates" | "deletes" | "replaces" | "forgets" | "imports";
type Resource = { readonly address: string; readonly change: Word; readonly fields: readonly Change[] };

export interface SavedPlan {
  readonly version: string;
  readonly madeAt: string;
  readonly changes: readonly Resource[];
  /** Changes beyond those, and all that is run or put off: what these do is not in the plan. */
  readonly unlisted: number;
  /** Absent where nothing is. */
  readonly runs?: readonly Unseen[];
  /** What others than Terraform have changed since its last apply; absent where nothing is. */
  readonly drift?: readonly Resource[];
  readonly outputs: readonly string[];
  readonly counts: Readonly<Record<Word, number>>;
}

/** `unreadable`: no plan of a known format. `errored`: planning failed. `empty`: it does nothing. */
export type ReadPlan = SavedPlan | "unreadable" | "errored" | "empty";

export function readSavedPlan(text: string, findSecret: (text: string) => string | null): ReadPlan {
  const parsed = planSchema.safeParse(parsedJson(text));
  if (!parsed.success) return "unreadable";
  const plan = parsed.data;
  if (plan.errored === true) return "errored";
  const all = plan.resource_changes.flatMap(({ address, deposed, change }) => {
    const word = wordOf(change);
    if (word === null) return [];
    const name = deposed === undefined ? address : `${address} (deposed ${deposed})`;
    return [{ address: name, change: word, fields: word === "deletes" ? [] : fieldsOf(change, findSecret) }];
  });
  const drift = plan.resource_drift.flatMap(({ address, change }) => {
    const word = wordOf(change);
    return word === null ? [] : [{ address, change: word, fields: fieldsOf(change, findSecret) }];
  });
  const outputs = Object.entries(plan.output_changes).filter(([, change]) => wordOf(change) !== null);
  const runs = [...provisionersRun(plan), ...besideChanges(plan)];
  if (plan.applyable === false || all.length + outputs.length + runs.length === 0) return "empty";
  const words = ["creates", "updates", "deletes", "replaces", "forgets", "imports"] as const;
  const counts = words.map((word) => [word, all.filter(({ change }) => change === word).length] as const);
  return {
    version: plan.terraform_version ?? "",
    madeAt: plan.timestamp ?? "",
    // Who reads no further than the first ones has seen the worst.
    changes: all.toSorted((one, other) => rankOf(one.change) - rankOf(other.change)).slice(0, RESOURCES_SHOWN_MAX),
    unlisted: Math.max(0, all.length - RESOURCES_SHOWN_MAX) + runs.length,
    ...(runs.length === 0 ? {} : { runs: runs.slice(0, RESOURCES_SHOWN_MAX) }),
    ...(drift.length === 0 ? {} : { drift: drift.slice(0, RESOURCES_SHOWN_MAX) }),
    outputs: outputs.map(([name]) => name.slice(0, 200)).slice(0, RESOURCES_SHOWN_MAX),
    counts: Object.fromEntries(counts) as Record<Word, number>,
  };
}

/** Provisioners are run by what creates or destroys; when, the plan does not say. */
const RUN_BY: ReadonlySet<Word | null> = new Set(["creates", "replaces", "deletes"]);

function provisionersRun({ configuration, resource_changes: changes }: z.output<typeof planSchema>): readonly Unseen[] {
  const provisioners = provisionersIn(configuration);
  const running = changes.filter(({ change }) => RUN_BY.has(wordOf(change)));
  return running.flatMap(({ address }) => provisionersAt(provisioners, address));
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Null for what changes nothing: `no-op`, and data that is read. What has a name that we do not know deletes, until told. */
function wordOf({ actions, importing }: z.output<typeof changeSchema>): Word | null {
  const said = [...actions].sort().join(" ");
  switch (said) {
    case "no-op":
      return importing == null ? null : "imports";
    case "read":
      return null;
    case "create":
      return "creates";
    case "update":
      return "updates";
    case "forget":
      return "forgets";
    case "create delete":
    case "create forget":
      return "replaces";
    default:
      return "deletes";
  }
}

function rankOf(word: Word): number {
  return ["deletes", "replaces", "forgets", "updates", "creates", "imports"].indexOf(word);
}

function fieldsOf(
  change: z.output<typeof changeSchema>,
  findSecret: (text: string) => string | null,
): readonly Change[] {
  // What is created is shown field by field, not as one text of all of it.
  const before = covered((change.before as Json | undefined) ?? {}, [[change.before_sensitive as Json, "(sensitive)"]]);
  const after = covered(withUnknown(change.after as Json, change.after_unknown as Json), [
    [change.after_sensitive as Json, "(sensitive)"],
    [change.after_unknown as Json, "(known after apply)"],
  ]);
  return diffOf(before, after, findSecret);
}

/** Marks mirror the values: `true` covers whatever is there. */
function covered(value: Json, marks: readonly (readonly [Json | undefined, string])[]): Json {
  const whole = marks.find(([mark]) => mark === true);
  if (whole !== undefined) return whole[1];
  if (typeof value !== "object" || value === null) return value;
  const below = (name: string | number): readonly (readonly [Json | undefined, string])[] =>
    marks.map(([mark, word]) => [memberOf(mark, name), word] as const);
  if (Array.isArray(value)) return value.map((member: Json, index) => covered(member, below(index)));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, covered(member, below(name))]));
}

function memberOf(value: Json | undefined, name: string | number): Json | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return Array.isArray(value) ? (value[Number(name)] as Json | undefined) : (value as JsonObject)[String(name)];
}

/** What is not known yet is left out of `after`, and has to be seen to change. */
function withUnknown(after: Json, unknown: Json): Json {
  if (typeof unknown !== "object" || unknown === null || Array.isArray(unknown)) return after ?? null;
  const members = typeof after === "object" && after !== null && !Array.isArray(after) ? (after as JsonObject) : {};
  const added = Object.entries(unknown).map(([name, one]) => [name, withUnknown(members[name] ?? null, one)] as const);
  return { ...members, ...Object.fromEntries(added) };
}
