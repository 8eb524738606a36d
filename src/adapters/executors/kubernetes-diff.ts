// What a change does to an object, for people: path, before, after. What may be a secret is not shown.

import type { Json, JsonObject } from "../../core/json.ts";

const CHANGES_MAX = 100;
const TEXT_CHARS_MAX = 4_096;
/** Where people put passwords although they should not. */
const UNSHOWN = /\.(?:env\[[^\]]*\]\.value|args\[\d+\]|command\[\d+\]|stringData\..*)$/;

export interface Change {
  readonly path: string;
  readonly from: Json;
  readonly to: Json;
}

type FindSecret = (text: string) => string | null;

/** At most 100 changes, in the order of their paths; without what `findSecret` takes for a secret. */
export function diffOf(before: Json, after: Json, findSecret: FindSecret = () => null): readonly Change[] {
  const changes = walk(before, after, "").slice(0, CHANGES_MAX);
  const texts = (value: Json, path: string): Json => shown(value, path, findSecret);
  return changes.map(({ path, from, to }) => ({ path, from: texts(from, path), to: texts(to, path) }));
}

function walk(before: Json, after: Json, path: string): readonly Change[] {
  const [from, to] = [membersOf(before), membersOf(after)];
  if (from === undefined || to === undefined) {
    return isSame(before, after) ? [] : [{ path, from: before, to: after }];
  }
  const names = [...new Set([...from.keys(), ...to.keys()])].sort();
  return names.flatMap((name) => walk(from.get(name) ?? null, to.get(name) ?? null, `${path}${name}`));
}

/** Members by the piece that they add to a path; undefined for what has none. Lists of named things go by name. */
function membersOf(value: Json): ReadonlyMap<string, Json> | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!Array.isArray(value)) {
    return new Map(Object.entries(value).map(([name, member]) => [pieceOf(name), member]));
  }
  const names = value.map((member: Json) => nameIn(member));
  const areNamed = !names.includes(undefined) && new Set(names).size === names.length;
  return new Map(value.map((member: Json, index) => [`[${areNamed ? names[index] : index}]`, member]));
}

/** Whether something stands at a path of such a diff, or stands for all that is below. */
export function reaches(value: Json, path: string): boolean {
  if (path === "") return value !== null;
  const members = membersOf(value);
  if (members === undefined) return value !== null;
  return [...members].some(([piece, member]) => {
    const rest = path.slice(piece.length);
    return path.startsWith(piece) && (rest === "" || /^[.[]/.test(rest)) && reaches(member, rest);
  });
}

function pieceOf(name: string): string {
  return /^[A-Za-z0-9_-]+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
}

function nameIn(member: Json): string | undefined {
  const name = typeof member === "object" && member !== null ? (member as JsonObject)["name"] : undefined;
  return typeof name === "string" ? name : undefined;
}

function isSame(one: Json, other: Json): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function shown(value: Json, path: string, findSecret: FindSecret): Json {
  if (value === null || typeof value === "number" || typeof value === "boolean") return value;
  if (UNSHOWN.test(path)) return "(not shown)";
  const text = typeof value === "string" ? value : JSON.stringify(masked(value, path));
  // More than is shown of it: no pattern knows half a secret at the cut.
  const isSecret = findSecret(`${path}: ${text.slice(0, 2 * TEXT_CHARS_MAX)}`) !== null;
  return isSecret ? "(not shown)" : cut(text);
}

function masked(value: Json, path: string): Json {
  if (typeof value === "string") return UNSHOWN.test(path) ? "(not shown)" : value;
  if (typeof value !== "object" || value === null) return value;
  const members = [...(membersOf(value) ?? [])].map(
    ([piece, member]) => [piece, masked(member, path + piece)] as const,
  );
  return Array.isArray(value)
    ? members.map(([, member]) => member)
    : Object.fromEntries(members.map(([piece, member]) => [piece.replace(/^\./, ""), member]));
}

function cut(text: string): string {
  const whole = text.toWellFormed();
  return whole.length <= TEXT_CHARS_MAX
    ? whole
    : `${whole.slice(0, TEXT_CHARS_MAX).toWellFormed()}… (${whole.length} characters)`;
}
