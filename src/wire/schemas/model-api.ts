// Requests to the runtime model's routes, and the plain file that a feed declares with.

import { z } from "zod";
import { isPlainName } from "../../core/names.ts";
import { instantFromRfc3339 } from "../../core/rfc3339.ts";
import { EDGE_KINDS, NODE_KINDS, SETTING_UNITS, type Contract, type NodeKind } from "../types/model.ts";
import { actionKindText } from "./api.ts";
import { changeSchema, nodeRefSchema } from "./model.ts";

const NODES_MAX = 20_000;
const EDGES_MAX = 50_000;
const ATTRIBUTES_MAX = 16;
const CONTRACTS_MAX = 16;
/** A diff that is longer is read for its beginning, where whoever sends it cuts it. */
const DIFF_CHARS_MAX = 786_432;
const INSTANT_MAX = 8_640_000_000_000_000;

/** RFC 3339, or milliseconds since 1970. */
export const instantText = z
  .string()
  .max(64)
  .refine((text) => readInstant(text) !== undefined, "an instant: RFC 3339, or milliseconds since 1970")
  .transform((text) => readInstant(text) as number)
  .meta({ description: "RFC 3339, or milliseconds since 1970" });

function readInstant(text: string): number | undefined {
  if (!/^\d{1,16}$/.test(text)) return instantFromRfc3339(text);
  const value = Number(text);
  return value <= INSTANT_MAX ? value : undefined;
}

/** A change; `at` is now where it is absent. */
export const modelChangeSchema = changeSchema
  .extend({
    at: z.union([z.int().min(0).max(INSTANT_MAX), instantText]).optional(),
    /** Unified, as `git diff` writes it: read for settings and for what the code does, and forgotten. */
    diff: z.string().max(DIFF_CHARS_MAX).optional(),
  })
  .meta({ id: "ModelChange" });

const duration = z.number().min(0).max(86_400_000);

const contractSchema: z.ZodType<Contract> = z.union([
  z.strictObject({
    kind: z.literal("slo"),
    indicator: z.literal("availability"),
    objective: z.number().gt(0).lt(1),
  }),
  z.strictObject({
    kind: z.literal("slo"),
    indicator: z.literal("latency"),
    objective: z.number().gt(0).lt(1),
    withinMs: duration,
  }),
  z.strictObject({ kind: z.literal("timeout"), timeoutMs: duration }),
  z.strictObject({
    kind: z.literal("retry"),
    attemptsMax: z.int().min(1).max(1_000),
    backoffMs: duration.nullable().default(null),
  }),
  z.strictObject({ kind: z.literal("pool"), sizeMax: z.int().min(1).max(10_000_000) }),
  z.strictObject({ kind: z.literal("quota"), limit: z.number().min(0), unit: z.enum(SETTING_UNITS) }),
]);

const plain = z.string().max(128).refine(isPlainName, "letters, digits, dots, dashes, slashes and underscores");

const saying = {
  /** `tier`, `zone`, `owner`, `lifecycle` …; ids, never prose. */
  attributes: z
    .record(plain, plain)
    .refine((all) => Object.keys(all).length <= ATTRIBUTES_MAX, `at most ${ATTRIBUTES_MAX} attributes`)
    .default({}),
  contracts: z.array(contractSchema).max(CONTRACTS_MAX).default([]),
};

export const declaredSchema = z
  .strictObject({
    /** When it begins to hold; now where it is absent. */
    at: z.union([z.int().min(0).max(INSTANT_MAX), instantText]).optional(),
    nodes: z
      .array(z.strictObject({ id: nodeRefSchema, ...saying }))
      .max(NODES_MAX)
      .default([]),
    edges: z
      .array(z.strictObject({ kind: z.enum(EDGE_KINDS), from: nodeRefSchema, to: nodeRefSchema, ...saying }))
      .max(EDGES_MAX)
      .default([]),
  })
  .meta({ id: "ModelDeclaration" });

const times = { at: instantText.optional(), knownAt: instantText.optional() };

export const modelQuerySchema = z.strictObject({
  ...times,
  environment: plain.optional(),
  /** Kinds of nodes, separated by commas. */
  kind: z
    .string()
    .max(256)
    .refine((text) => text.split(",").every((one) => KINDS.has(one)), "kinds of nodes, separated by commas")
    .transform((text) => text.split(",") as NodeKind[])
    .optional(),
  /** A node: only what is near it. */
  around: z.string().max(400).optional(),
  depth: z.coerce.number().int().min(1).max(6).default(1),
  limit: z.coerce.number().int().min(1).max(2_000).default(500),
  cursor: z
    .string()
    .max(64)
    .regex(/^\d+\.\d+\.\d+$/)
    .optional(),
});
const KINDS: ReadonlySet<string> = new Set(NODE_KINDS);

export const modelNodeQuerySchema = z.strictObject(times);

/** `from` and `to` are what was true then; both as it was known at `knownAt`, or each as it was known at its own time. */
export const modelDiffQuerySchema = z.strictObject({
  from: instantText,
  to: instantText.optional(),
  fromKnownAt: instantText.optional(),
  knownAt: instantText.optional(),
  environment: plain.optional(),
});

/** Of one kind: an action's, or `change:` and the kind of a change. */
export const modelCalibrationQuerySchema = z.strictObject({ kind: z.string().min(1).max(80).optional() });

/** `failing`: the part of the target's requests that fail; all of them where it is absent. */
export const modelPredictSchema = z
  .strictObject({
    target: z.string().min(1).max(400),
    failing: z.number().gt(0).max(1).default(1),
    action: z
      .strictObject({ kind: actionKindText, resource: z.string().min(1).max(256).optional() })
      .optional()
      .describe("What the caller would propose: with it, what policy would say of it now, and what came of it before"),
    ...times,
  })
  .meta({ id: "ModelPrediction" });
