// Configuration of runbook commands: which programs may be run for which target, with which arguments, within which limits.

import { z } from "zod";
import { secretRefSchema } from "./credentials-config.ts";

const nameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
const parameterName = z.string().regex(/^[a-z][a-zA-Z0-9]{0,31}$/);

function isRegExp(pattern: string): boolean {
  try {
    return new RegExp(pattern, "u").source.length > 0;
  } catch {
    return false;
  }
}

const parameterSchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("choice"), values: z.array(z.string().min(1).max(256)).min(1).max(100) }),
  z
    .strictObject({ type: z.literal("integer"), min: z.int(), max: z.int() })
    .refine(({ min, max }) => min <= max, "min is above max"),
  z.strictObject({
    type: z.literal("text"),
    charsMax: z.int().min(1).max(256).default(64),
    /** The whole value must match. */
    pattern: z.string().max(256).refine(isRegExp, "not a regular expression").default("[A-Za-z0-9][A-Za-z0-9._:/@-]*"),
  }),
]);
export type RunbookParameter = z.infer<typeof parameterSchema>;

const limitsSchema = z.strictObject({
  seconds: z.int().min(1).max(110).default(15),
  memoryMiB: z.int().min(32).max(16_384).default(512),
  outputKiB: z.int().min(1).max(1_024).default(64),
});

const commandSchema = z.strictObject({
  name: nameSchema,
  /** The one target that it is offered for. */
  environment: z.string().min(1).max(128),
  service: z.string().min(1).max(128),
  program: z
    .string()
    .max(512)
    .regex(/^\/[\x21-\x7e]+$/, "an absolute path"),
  /** `{name}` stands for a parameter's value; what is one argument here stays one. */
  args: z
    .array(
      z
        .string()
        .max(1_024)
        .refine((text) => !text.includes("\0")),
    )
    .max(64)
    .default([]),
  parameters: z.record(parameterName, parameterSchema).default({}),
  /** Environment variables that hold secrets. */
  secrets: z.record(z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/), secretRefSchema).default({}),
  repeat: z.enum(["idempotent", "neither"]).default("neither"),
  /** The command that takes it back, with those of its parameters that have the same names. */
  undo: nameSchema.optional(),
  /** Nothing takes it back, and that matters: each run waits for people, one of whom types the name of the target. */
  irreversible: z.boolean().default(false),
  /**
   * Of a command that takes another one back: the command whose output says how things stand. It is run after that one
   * and again before this one, which is run only where it says the same.
   */
  check: nameSchema.optional(),
  /** Exit codes that mean that nothing was done, and that nothing was done but trying again may help. */
  unchangedCodes: z.array(z.int().min(1).max(255)).max(16).default([]),
  againCodes: z.array(z.int().min(1).max(255)).max(16).default([]),
  /** `none`: not even this machine's own. `host`: whatever Holdpoint's machine reaches. */
  network: z.enum(["none", "host"]).default("none"),
  limits: limitsSchema.prefault({}),
});
export type RunbookCommand = z.infer<typeof commandSchema>;

const PLACEHOLDER = /\{([a-z][a-zA-Z0-9]*)\}/g;

function namesItsParameters({ args, parameters }: RunbookCommand): boolean {
  const used = new Set(args.flatMap((text) => [...text.matchAll(PLACEHOLDER)].map(([, name]) => name ?? "")));
  return [...used].every((name) => Object.hasOwn(parameters, name)) && used.size === Object.keys(parameters).length;
}

/** What takes a command back, or checks for it, is one of the same target that needs no more than it was given. */
function namesItsOwn(commands: readonly RunbookCommand[]): boolean {
  const known = new Map(commands.map((one) => [one.name, one]));
  return commands.every(({ undo, check, environment, service, parameters }) =>
    [undo, check].every((other) => {
      if (other === undefined) return true;
      const named = known.get(other);
      const isSame = named?.environment === environment && named.service === service;
      return isSame && Object.keys(named.parameters).every((name) => Object.hasOwn(parameters, name));
    }),
  );
}

/** What takes a command back, or checks for it, runs without a person, which what is irreversible never does. */
function isServedUnattended(commands: readonly RunbookCommand[]): boolean {
  const forGood = new Set(commands.filter(({ irreversible }) => irreversible).map(({ name }) => name));
  return commands.every(({ undo, check }) =>
    [undo, check].every((other) => other === undefined || !forGood.has(other)),
  );
}

export const runbookConfigSchema = z.strictObject({
  /** Whom programs run as where Holdpoint itself is root; else they run as Holdpoint's own user, apart from its folders. */
  user: z.strictObject({ uid: z.int().min(1).max(4_294_967_294), gid: z.int().min(1).max(4_294_967_294) }).default({
    uid: 65_534,
    gid: 65_534,
  }),
  commands: z
    .array(commandSchema.refine(namesItsParameters, "arguments and parameters do not name each other"))
    .min(1)
    .max(500)
    .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, "a command is named twice")
    .refine(namesItsOwn, "a command is undone, or checked for, by none of the same target and parameters")
    .refine(isServedUnattended, "an undo or a check is irreversible: it would run without a person")
    .refine(
      (all) => all.every((one) => !one.irreversible || one.undo === undefined),
      "what has an undo is not irreversible",
    ),
});
export type RunbookConfig = z.infer<typeof runbookConfigSchema>;

const valueSchema = z.union([z.string().max(256), z.int()]);

export const runbookArguments = z.strictObject({
  command: nameSchema.describe("A configured command of the target"),
  parameters: z
    .record(parameterName, valueSchema)
    .refine((values) => Object.keys(values).length <= 32, "more than 32")
    .optional(),
});

/** One argument list for the program, or the name of the parameter that does not fit. Nothing reads as an option. */
export function runbookArgv(
  { args, parameters }: Pick<RunbookCommand, "args" | "parameters">,
  values: Readonly<Record<string, string | number>>,
): readonly string[] | { readonly misfit: string } {
  for (const name of Object.keys(values)) if (!Object.hasOwn(parameters, name)) return { misfit: name };
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined || !fits(parameter, value)) return { misfit: name };
  }
  return args.map((text) => text.replaceAll(PLACEHOLDER, (_, name: string) => String(values[name])));
}

function fits(parameter: RunbookParameter, value: string | number): boolean {
  switch (parameter.type) {
    case "choice":
      return typeof value === "string" && parameter.values.includes(value);
    case "integer":
      return typeof value === "number" && value >= parameter.min && value <= parameter.max;
    case "text": {
      if (typeof value !== "string" || value.length > parameter.charsMax || /^-|\p{Cc}/u.test(value)) return false;
      return value.isWellFormed() && new RegExp(`^(?:${parameter.pattern})$`, "u").test(value);
    }
  }
}
