// A leaf: the one line of canonical JSON that stands for an event in the Merkle tree.

import { AppError } from "../core/errors.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import type { Facts, LedgerEvent, Payload, RetentionClass } from "../wire/types/event.ts";

/** What a leaf says of its payload; it stays when the payload is erased. */
export interface PayloadReference {
  /** Lower-case hex SHA-256 over salt and canonical payload. */
  readonly commitment: string;
  /** Which payload key it is sealed under. */
  readonly key: string;
  readonly retention: RetentionClass;
}

export interface Leaf {
  readonly event: LedgerEvent;
  readonly payload: PayloadReference | null;
}

const LEAF_CHARS_MAX = 16 * 1024 * 1024;
const RETENTION: ReadonlySet<string> = new Set(["record", "evidence", "content"] satisfies RetentionClass[]);
const COMMITMENT = /^[0-9a-f]{64}$/;
const KEY = /^(0|[1-9][0-9]{0,15})$/;

/** The canonical line (RFC 8785), its members already in order. Throws `request-invalid` for what JSON cannot carry. */
export function leafText(event: LedgerEvent, payload: PayloadReference | null): string {
  return `${leafHead(event)}${payload === null ? "null" : referenceText(payload)}${leafTail(event)}`;
}

/** What stands in the line before the payload's reference. */
export function leafHead({ actor, command, facts }: LedgerEvent): string {
  return `{"actor":${canonicalJson(actor)},"command":${command},"facts":${canonicalJson(facts)},"payload":`;
}

/** What stands after it. */
export function leafTail({ seq, subject, time, type, version }: LedgerEvent): string {
  return `,"seq":${seq},"subject":${canonicalJson(subject)},"time":${time},"type":${canonicalJson(type)},"version":${version}}`;
}

const REFERENCE_START = '{"commitment":"';
/** How far into the reference's text its commitment stands. */
export const COMMITMENT_OFFSET = REFERENCE_START.length;

export function referenceText({ commitment, key, retention }: PayloadReference): string {
  return `${REFERENCE_START}${commitment}","key":"${key}","retention":"${retention}"}`;
}

/** What is committed to and encrypted of a payload, after the salt. */
export function payloadText({ body, retention }: Payload): string {
  return canonicalJson({ body, retention });
}

/** Throws `ledger-corrupt` unless `text` is a leaf in its one canonical form. */
export function parseLeaf(text: string): Leaf {
  const leaf = readLeaf(text);
  if (leaf === undefined) throw new AppError("ledger-corrupt", "a leaf is not in canonical form");
  return leaf;
}

function readLeaf(text: string): Leaf | undefined {
  if (text.length > LEAF_CHARS_MAX) return undefined;
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const payload = value["payload"] ?? null;
    const isShaped = isEvent(value) && (payload === null || isReference(payload, value.seq));
    // Writing it again finds other members, other spellings and members that come twice.
    return isShaped && leafText(value, payload) === text ? { event: eventOf(value), payload } : undefined;
  } catch {
    return undefined; // not JSON, or nested beyond what canonical JSON takes
  }
}

/** Whether header and facts have the types that every leaf has. */
export function isEvent(value: unknown): value is LedgerEvent {
  const event = value as LedgerEvent | null;
  return (
    typeof event === "object" &&
    event !== null &&
    isCount(event.seq) &&
    isCount(event.time) &&
    isCount(event.version) &&
    isCount(event.command) &&
    event.command <= event.seq &&
    isName(event.type) &&
    isName(event.actor) &&
    isName(event.subject) &&
    isFacts(event.facts)
  );
}

function isReference(value: unknown, seq: number): value is PayloadReference {
  const reference = value as PayloadReference;
  return (
    typeof reference.commitment === "string" &&
    COMMITMENT.test(reference.commitment) &&
    typeof reference.key === "string" &&
    KEY.test(reference.key) &&
    Number(reference.key) <= seq &&
    RETENTION.has(reference.retention)
  );
}

function eventOf(event: LedgerEvent): LedgerEvent {
  const { seq, time, type, version, actor, subject, command, facts } = event;
  return { seq, time, type, version, actor, subject, command, facts };
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isFacts(value: unknown): value is Facts {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
