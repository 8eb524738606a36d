// What crosses the boundary of the runtime model: names of nodes, and changes.

import { z } from "zod";
import { isPlainName } from "../../core/names.ts";
import {
  CHANGE_KINDS,
  NODE_KINDS,
  SETTING_UNITS,
  type Change,
  type NodeKind,
  type NodeRef,
  type SettingChange,
} from "../types/model.ts";

const NODE_TEXT_CHARS_MAX = 400;
const OPERATION_CHARS_MAX = 200;
const KINDS: ReadonlySet<string> = new Set(NODE_KINDS);
/** Printable ASCII with single blanks: methods, paths and templates. */
const OPERATION = /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/;

/** As `kind:environment:name`. */
export function nodeText({ kind, environment, name }: NodeRef): string {
  return `${kind}:${environment ?? ""}:${name}`;
}

/** The node that a text names; undefined for what can be no node's name. */
export function parseNodeText(text: string): NodeRef | undefined {
  if (text.length > NODE_TEXT_CHARS_MAX) return undefined;
  const first = text.indexOf(":");
  const second = text.indexOf(":", first + 1);
  if (first < 0 || second < 0) return undefined;
  const kind = text.slice(0, first);
  const environment = text.slice(first + 1, second);
  const name = text.slice(second + 1);
  if (!KINDS.has(kind) || (environment !== "" && !isPlainName(environment))) return undefined;
  if (!isNodeName(kind as NodeKind, name)) return undefined;
  return { kind: kind as NodeKind, environment: environment === "" ? null : environment, name };
}

/** Plain names; an operation is its service's name and what it is called there. */
export function isNodeName(kind: NodeKind, name: string): boolean {
  if (kind !== "operation") return isPlainName(name) && name === name.trim();
  const blank = name.indexOf(" ");
  const operation = name.slice(blank + 1);
  return (
    blank > 0 &&
    isPlainName(name.slice(0, blank)) &&
    operation.length <= OPERATION_CHARS_MAX &&
    OPERATION.test(operation)
  );
}

/** `kind:environment:name`, read. */
export const nodeRefSchema = z
  .string()
  .max(NODE_TEXT_CHARS_MAX)
  .refine((text) => parseNodeText(text) !== undefined, "not a node: kind:environment:name")
  .meta({ description: "A node, as kind:environment:name", example: "service:production:cart" })
  .transform((text) => parseNodeText(text) as NodeRef);

const settingValue = z.union([z.number(), z.boolean(), z.string().max(256), z.null()]);

const settingChangeSchema: z.ZodType<SettingChange> = z.strictObject({
  key: z.string().min(1).max(256),
  before: settingValue,
  after: settingValue,
  unit: z.enum(SETTING_UNITS).nullable().default(null),
});

const TARGETS_MAX = 64;
export const SETTINGS_MAX = 256;

/** Whether a change may have it: its key and its values are within bounds. */
export function isSettingChange(value: SettingChange): boolean {
  return settingChangeSchema.safeParse(value).success;
}

export const changeSchema = z.strictObject({
  id: z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$/),
  kind: z.enum(CHANGE_KINDS),
  at: z.int().min(0).max(8_640_000_000_000_000).meta({ description: "Milliseconds since 1970" }),
  targets: z.array(nodeRefSchema).min(1).max(TARGETS_MAX),
  settings: z.array(settingChangeSchema).max(SETTINGS_MAX).default([]),
}) satisfies z.ZodType<Change>;
