// What a saved plan runs beside changing resources: provisioners, actions, and what it puts off. What those do is nowhere
// in the plan, and the text of a command may hold secrets: they are named, and no more.

import { z } from "zod";

/** `what` is the provisioner's type, or the member of the plan that names it. */
export type Unseen = { readonly address: string; readonly what: string };

const NAME_CHARS_MAX = 300;

interface Module {
  readonly resources: readonly {
    readonly address: string;
    readonly provisioners: readonly { readonly type?: string | undefined }[];
  }[];
  readonly module_calls: Readonly<Record<string, { readonly module?: Module | undefined }>>;
}

const resourceSchema = z.looseObject({
  address: z.string().max(2_000),
  provisioners: z.array(z.looseObject({ type: z.string().optional() })).default([]),
});
const moduleSchema: z.ZodType<Module> = z.lazy(() =>
  z.looseObject({
    resources: z.array(resourceSchema).default([]),
    module_calls: z.record(z.string(), z.looseObject({ module: moduleSchema.optional() })).default({}),
  }),
);

export const configurationSchema = z.looseObject({ root_module: moduleSchema.optional() });

/** Types of provisioners by the address of their resource as the configuration has it: without instances. */
type Provisioners = ReadonlyMap<string, readonly string[]>;

export function provisionersIn({ root_module: root }: z.output<typeof configurationSchema>): Provisioners {
  return new Map(root === undefined ? [] : provisionersOf(root, ""));
}

function provisionersOf({ resources, module_calls: calls }: Module, path: string): [string, readonly string[]][] {
  const own = resources.flatMap(({ address, provisioners }): [string, readonly string[]][] => {
    const types = provisioners.map(({ type = "provisioner" }) => type.slice(0, NAME_CHARS_MAX));
    return types.length === 0 ? [] : [[path + address, [...new Set(types)]]];
  });
  const below = Object.entries(calls).flatMap(([name, { module }]) =>
    module === undefined ? [] : provisionersOf(module, `${path}module.${name}.`),
  );
  return [...own, ...below];
}

/** `[0]`, and `["any text"]`. */
const INSTANCE = /\[(?:\d+|"(?:[^"\\]|\\.)*")\]/g;

export function provisionersAt(provisioners: Provisioners, address: string): readonly Unseen[] {
  const types = provisioners.get(address.replaceAll(INSTANCE, "")) ?? [];
  return types.map((what) => ({ address: address.slice(0, NAME_CHARS_MAX), what }));
}

/** Members of a plan that say what else is done, those that we do not know yet among them. */
const BESIDE = /_invocations$|^deferred_/;

export function besideChanges(plan: Readonly<Record<string, unknown>>): readonly Unseen[] {
  return Object.entries(plan).flatMap(([what, value]) => {
    if (!BESIDE.test(what)) return [];
    const isEmpty = value == null || value === false || (typeof value === "object" && Object.keys(value).length === 0);
    const all: readonly unknown[] = Array.isArray(value) ? value : isEmpty ? [] : [value];
    return all.map((one) => ({ address: addressIn(one), what: what.slice(0, NAME_CHARS_MAX) }));
  });
}

const addressed = z.looseObject({ address: z.string() });
const entrySchema = z.union([
  addressed,
  z.looseObject({ action_invocation: addressed }).transform((one) => one.action_invocation),
  z.looseObject({ resource_change: addressed }).transform((one) => one.resource_change),
]);

function addressIn(entry: unknown): string {
  const parsed = entrySchema.safeParse(entry);
  return parsed.success ? parsed.data.address.slice(0, NAME_CHARS_MAX) : "";
}
