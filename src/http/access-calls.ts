// From an AuthZEN call to what is decided about: a kind, a target, whose behaviour it is, and the hash that binds it.

import { hash } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { canonicalEnvironment } from "../core/environment.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { plainName } from "../core/names.ts";
import type { Target } from "../wire/contracts/executor.ts";
import type { AccessCall } from "../wire/schemas/access.ts";
import type { Identity } from "../wire/types/identity.ts";

const KIND = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$/;
const KIND_CHARS_MAX = 64;
const WORD = /^[A-Za-z][A-Za-z0-9_-]*$/;
const VISIBLE = /^[\x21-\x7e]{1,256}$/;
/** Ours alone: nobody asks in the name of the kernel, the triage agent or a source of signals. */
const RESERVED: ReadonlySet<string> = new Set(["system", "source"]);
/** Of a call's context what may differ between the denial, its request and the evaluation after the approval. */
const UNBOUND: ReadonlySet<string> = new Set(["time", "approval", "business_justification"]);

export type Placed = { readonly kind: string; readonly target: Target; readonly subject: string };

/** `unmapped`: nothing that policy could be about; `reserved`: nobody may ask for it. */
export type Place = Placed | { readonly problem: "unmapped" | "reserved" };

/** Where a call belongs. Names that are not plain never become other names: they are no call of ours. */
export function placeOf({ subject, action, resource }: AccessCall): Place {
  const type = subject.type.toLowerCase();
  if (RESERVED.has(type) || RESERVED.has(subject.id.split(":", 1)[0]?.toLowerCase() ?? ""))
    return { problem: "reserved" };
  const kind = kindOf(action.name, resource.type);
  const { environment, service } = resource.properties ?? {};
  const place = typeof environment === "string" ? plainName(environment) : "unspecified";
  const named = typeof service === "string" ? plainName(service) : (plainName(resource.id) ?? plainName(resource.type));
  if (kind === null || place === undefined || named === undefined) return { problem: "unmapped" };
  const target = { environment: canonicalEnvironment(place), service: named };
  const who = subject.id.startsWith(`${type}:`) ? subject.id : `${type === "user" ? "person" : type}:${subject.id}`;
  return { kind, target: VISIBLE.test(resource.id) ? { ...target, resource: resource.id } : target, subject: who };
}

/** `pagerduty.trigger` as it is; of others the resource's type and the action: `todo.can-read-todos`. */
function kindOf(name: string, type: string): string | null {
  if (KIND.test(name) && name.length <= KIND_CHARS_MAX) return name;
  if (!WORD.test(name) || !WORD.test(type)) return null;
  const kind = `${type}.${name}`.toLowerCase().replaceAll("_", "-");
  return KIND.test(kind) && kind.length <= KIND_CHARS_MAX ? kind : null;
}

/** Whether policy is asked about a person; whatever else acts is an agent, which is trusted with less. */
export function isPerson({ subject }: Placed): boolean {
  return subject.startsWith("person:") || subject.startsWith("identity:");
}

/** Whether the caller asks about itself. */
export function isOwn({ subject }: Placed, { id }: Identity): boolean {
  return subject === id;
}

/** The members of a call's context that it is bound to. */
export function boundMembers({ context = {} }: AccessCall): readonly string[] {
  return Object.keys(context).filter((name) => !UNBOUND.has(name));
}

/** A call with nothing but what it is bound to; `members` of its context. */
export function boundCall(
  { subject, action, resource, context = {} }: AccessCall,
  members: readonly string[],
): JsonObject {
  const bound = members.filter((name) => Object.hasOwn(context, name)).map((name) => [name, context[name]]);
  return { action, context: Object.fromEntries(bound) as Json, resource, subject } as unknown as JsonObject;
}

/** SHA-256 over the canonical JSON (RFC 8785) of a bound call, lower-case hex. */
export function callHash(call: JsonObject): string {
  return hash("sha256", canonicalJson(call));
}
