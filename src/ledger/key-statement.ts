// Statements of the root key: which log key signs the checkpoints of which sizes. Verifiers pin the root key alone.

import { AppError } from "../core/errors.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import type { Json } from "../core/json.ts";
import { openEnvelope, parseEnvelope, signEnvelope, type Envelope } from "./dsse.ts";
import { parseVerifier, type Signer, type Verifier } from "./ed25519.ts";

export interface KeyStatement {
  /** Verifier key text of the log key; its name is the log's origin. */
  readonly logKey: string;
  /** The first checkpoint size that this key may sign. */
  readonly fromSize: number;
  /** The first checkpoint size that it may no longer sign; null while it is in use. */
  readonly revokedAtSize: number | null;
}

const PAYLOAD_TYPE = "application/vnd.holdpoint.key-statement+json";
const STATEMENTS_MAX = 1000;
const STATEMENTS_CHARS_MAX = 2_000_000;

/**
 * To rotate at size n: state the old key again with `revokedAtSize: n + 1`, and the new one with `fromSize: n + 1`;
 * append both to the list. Nothing is ever taken from the list.
 */
export function signKeyStatement(statement: KeyStatement, rootSigner: Signer): Envelope {
  return signEnvelope(PAYLOAD_TYPE, statementText(statement), rootSigner);
}

function statementText({ fromSize, logKey, revokedAtSize }: KeyStatement): string {
  return canonicalJson({ fromSize, logKey, revokedAtSize });
}

/** The list of statements as it is stored beside the log. */
export function statementsText(envelopes: readonly Envelope[]): string {
  return canonicalJson(envelopes as unknown as Json);
}

/** Throws `ledger-corrupt` unless `text` is a stored list of statements. Verifies nothing. */
export function parseStatements(text: string): readonly Envelope[] {
  if (text.length > STATEMENTS_CHARS_MAX) throw corrupt("the list is too long");
  const list = parseJson(text);
  if (!Array.isArray(list)) throw corrupt("the list is no list");
  const envelopes = list.map(parseEnvelope);
  if (statementsText(envelopes) !== text) throw corrupt("the list is not in canonical form");
  return envelopes;
}

interface LogKey {
  readonly verifier: Verifier;
  readonly fromSize: number;
  untilSize: number;
}

/** The keys of one log by checkpoint size, as the root key states them. */
export class LogKeys {
  readonly origin: string;
  readonly #keys: readonly LogKey[];

  /**
   * Verifies every statement under the pinned root key. Of statements about one key the earliest revocation counts.
   * Throws `ledger-corrupt` for a statement that does not verify, keys of two logs, or two keys for one size.
   */
  constructor(envelopes: readonly Envelope[], root: Verifier) {
    if (envelopes.length === 0 || envelopes.length > STATEMENTS_MAX) throw corrupt("there are none, or too many");
    const keys = new Map<string, LogKey>();
    for (const envelope of envelopes) mergeStatement(keys, openKeyStatement(envelope, root));
    this.#keys = [...keys.values()].toSorted((a, b) => a.fromSize - b.fromSize);
    this.origin = this.#keys[0]?.verifier.name ?? "";
    checkKeys(this.#keys, this.origin);
  }

  /** The key that signs checkpoints of `size`, or undefined when none is valid for it. */
  at(size: number): Verifier | undefined {
    return this.#keys.findLast(({ fromSize, untilSize }) => fromSize <= size && size < untilSize)?.verifier;
  }
}

function mergeStatement(keys: Map<string, LogKey>, { logKey, fromSize, revokedAtSize }: KeyStatement): void {
  const untilSize = revokedAtSize ?? Infinity;
  const known = keys.get(logKey);
  if (known === undefined) keys.set(logKey, { verifier: parseVerifier(logKey), fromSize, untilSize });
  else if (known.fromSize !== fromSize) throw corrupt("one key begins at two sizes");
  else known.untilSize = Math.min(known.untilSize, untilSize);
}

function checkKeys(keys: readonly LogKey[], origin: string): void {
  for (const [i, key] of keys.entries()) {
    const next = keys[i + 1];
    if (key.verifier.name !== origin) throw corrupt("the keys are those of two logs");
    if (next !== undefined && next.fromSize < key.untilSize) throw corrupt("two keys are valid for one size");
  }
}

/** Throws `ledger-corrupt` unless `root` signed the statement and it is in canonical form. */
export function openKeyStatement(envelope: Envelope, root: Verifier): KeyStatement {
  const text = openEnvelope(envelope, PAYLOAD_TYPE, root);
  const statement = parseJson(text) as KeyStatement;
  const { logKey, fromSize, revokedAtSize } = statement;
  const isStatement =
    typeof logKey === "string" &&
    isSize(fromSize) &&
    (revokedAtSize === null || (isSize(revokedAtSize) && revokedAtSize >= fromSize));
  if (!isStatement || statementText(statement) !== text) throw corrupt("its form is wrong");
  return statement;
}

function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value ?? {};
  } catch {
    throw corrupt("it is not JSON");
  }
}

function corrupt(why: string): AppError {
  return new AppError("ledger-corrupt", `not valid key statements: ${why}`);
}
