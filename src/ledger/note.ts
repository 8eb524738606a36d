// C2SP signed notes: text, an empty line, signature lines. https://c2sp.org/signed-note

import { Buffer } from "node:buffer";
import { AppError } from "../core/errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { isKeyName, verifierOf, type Signer, type Verifier } from "./ed25519.ts";

const NOTE_CHARS_MAX = 1_000_000;
const SIGNATURES_MAX = 100;
// Control characters except the newline; a lone surrogate has no UTF-8 form.
// oxlint-disable-next-line no-control-regex -- finding control characters is the point
const FORBIDDEN = /[\u0000-\u0009\u000b-\u001f]/;

export interface NoteSignature {
  readonly name: string;
  readonly keyId: number;
  readonly signature: Buffer;
}

export interface Note {
  /** With its final newline, without the empty line that ends it: the bytes that were signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A note over `text`, which must end in a newline. Throws `ledger-corrupt` for a text that no note can carry. */
export function signNote(text: string, signers: readonly Signer[]): string {
  const bytes = Buffer.from(text);
  const lines = signers.map((signer) => signatureLine(signer, signer.sign(bytes)));
  const note = `${text}\n${lines.join("")}`;
  if (parseNote(note).text !== text) throw corrupt("its text would be read differently");
  return note;
}

function signatureLine(signer: Signer, signature: Uint8Array): string {
  const keyId = Buffer.alloc(4);
  keyId.writeUInt32BE(keyIdOf(signer));
  return `— ${signer.name} ${encodeBase64(Buffer.concat([keyId, signature]))}\n`;
}

/** The log key signs every batch: its id is told once. */
const keyIds = new WeakMap<Signer, number>();

function keyIdOf(signer: Signer): number {
  const known = keyIds.get(signer);
  if (known !== undefined) return known;
  const { keyId } = verifierOf(signer);
  keyIds.set(signer, keyId);
  return keyId;
}

/** Splits a note, verifying nothing. Throws `ledger-corrupt` for anything but the one form the specification gives. */
export function parseNote(note: string): Note {
  if (note.length > NOTE_CHARS_MAX) throw corrupt("it is too long");
  if (FORBIDDEN.test(note) || !note.isWellFormed()) throw corrupt("it holds control characters or lone surrogates");
  const end = note.lastIndexOf("\n\n");
  if (end < 1 || !note.endsWith("\n")) throw corrupt("it has no text, no signatures or no final newline");
  const lines = note.slice(end + 2, -1).split("\n");
  if (lines.length > SIGNATURES_MAX) throw corrupt("it has too many signatures");
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignatureLine) };
}

function parseSignatureLine(line: string): NoteSignature {
  const [dash, name = "", encoded = "", ...rest] = line.split(" ");
  const bytes = decodeBase64(encoded);
  if (dash !== "—" || rest.length > 0 || !isKeyName(name) || bytes === undefined || bytes.length < 5) {
    throw corrupt("a signature line is malformed");
  }
  return { name, keyId: bytes.readUInt32BE(0), signature: bytes.subarray(4) };
}

/**
 * The text of a note that at least one of `verifiers` signed. Signatures of other keys are ignored; a known key's that
 * does not verify, or that appears twice, refuses the whole note, and so does a note without a known key:
 * `ledger-corrupt`.
 */
export function verifyNote(note: string, verifiers: readonly Verifier[]): string {
  const parsed = parseNote(note);
  const message = Buffer.from(parsed.text);
  const seen = new Set<Verifier>();
  for (const { name, keyId, signature } of parsed.signatures) {
    const verifier = verifiers.find((known) => known.name === name && known.keyId === keyId);
    if (verifier === undefined) continue;
    if (seen.has(verifier)) throw corrupt(`${name} signed it twice`);
    if (!verifier.verify(message, signature)) throw corrupt(`the signature of ${name} is wrong`);
    seen.add(verifier);
  }
  if (seen.size === 0) throw corrupt("no known key signed it");
  return parsed.text;
}

function corrupt(why: string): AppError {
  return new AppError("ledger-corrupt", `not a valid note: ${why}`);
}
