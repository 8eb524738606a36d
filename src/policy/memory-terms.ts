// The Memory document: how long incidents are remembered, and who may read what is remembered of which.

import { isWhole, readPlainNames } from "./plain-names.ts";
import { readEnvironment, SERVICE, TEXT_CHARS_MAX } from "./read-policy.ts";
import type { Field } from "./yaml-reader.ts";

const MONTH_MS = 30.4375 * 86_400_000;
const KEEP_MONTHS_DEFAULT = 24;
const KEEP_MONTHS_MAX = 1_200;
const READERS_MAX = 200;
const NAMES_MAX = 200;
const ROLES_MAX = 32;

export interface MemoryReaders {
  /** Whoever has one of them. */
  readonly roles: readonly string[];
  /** Canonical names; null: any. */
  readonly environments: readonly string[] | null;
  readonly services: readonly string[] | null;
}

export interface MemoryTerms {
  /** From an incident's end. */
  readonly keepMs: number;
  /** Null: whoever has the scope. */
  readonly readers: readonly MemoryReaders[] | null;
}

export const MEMORY_DEFAULT: MemoryTerms = { keepMs: KEEP_MONTHS_DEFAULT * MONTH_MS, readers: null };

export interface Remembered {
  readonly environment: string;
  readonly service: string;
  readonly services: readonly string[];
  /** Milliseconds since 1970; null while it lasts. */
  readonly resolvedAt: number | null;
}

/** Whether what is remembered of an incident may be shown to somebody with these roles. */
export function mayRead(
  { readers }: MemoryTerms,
  roles: readonly string[],
  of: Omit<Remembered, "resolvedAt">,
): boolean {
  if (readers === null) return true;
  const named = new Set([of.service, ...of.services]);
  return readers.some(
    (one) =>
      one.roles.some((role) => roles.includes(role)) &&
      (one.environments === null || one.environments.includes(of.environment)) &&
      (one.services === null || one.services.some((service) => named.has(service))),
  );
}

export function isKept(
  { keepMs }: MemoryTerms,
  { resolvedAt }: Pick<Remembered, "resolvedAt">,
  nowMs: number,
): boolean {
  return resolvedAt === null || nowMs - resolvedAt < keepMs;
}

/** The `spec` of a Memory. */
export function readMemory(spec: Field): MemoryTerms | undefined {
  const fields = spec.fields(["keepMonths", "readers"], []);
  if (fields === undefined) return undefined;
  const months = fields.keepMonths === undefined ? KEEP_MONTHS_DEFAULT : fields.keepMonths.integer(1, KEEP_MONTHS_MAX);
  const readers = fields.readers === undefined ? null : fields.readers.items(READERS_MAX)?.map(readReaders);
  if (months === undefined || readers === undefined) return undefined;
  if (readers !== null && !isWhole(readers)) return undefined;
  return { keepMs: months * MONTH_MS, readers };
}

function readReaders(field: Field): MemoryReaders | undefined {
  const fields = field.fields(["roles", "environments", "services"], ["roles"]);
  if (fields?.roles === undefined) return undefined;
  const roles = readPlainNames(fields.roles, { what: "a role's name", countMax: ROLES_MAX });
  const environments =
    fields.environments === undefined ? null : fields.environments.items(NAMES_MAX)?.map(readEnvironment);
  const services =
    fields.services === undefined
      ? null
      : fields.services.items(NAMES_MAX)?.map((one) => one.textLike(SERVICE, "a service's name", TEXT_CHARS_MAX));
  if (roles === undefined || environments === undefined || services === undefined) return undefined;
  if ((environments !== null && !isWhole(environments)) || (services !== null && !isWhole(services))) return undefined;
  return { roles, environments, services };
}
