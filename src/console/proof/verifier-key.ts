// Public keys as C2SP signed notes name them (`name+hash+base64`), and signatures by them, with WebCrypto.

import { bytesFromBase64, equalBytes, hexFromBytes, joinBytes, sha256, utf8 } from "./bytes.ts";
import { NotProven } from "./not-proven.ts";

const ED25519 = 0x01;

export type VerifierKey = {
  readonly name: string;
  readonly text: string;
  /** First four bytes of SHA-256(name, line feed, 0x01, key). */
  readonly id: Uint8Array;
  readonly verify: (message: Uint8Array<ArrayBuffer>, signature: Uint8Array<ArrayBuffer>) => Promise<boolean>;
};

/** Throws `NotProven` for a text that is not a verifier key of Ed25519 that matches its own hash. */
export async function parseVerifierKey(text: string): Promise<VerifierKey> {
  const [, name = "", hash = "", encoded = ""] =
    /^([^\s+]{1,255})\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text) ?? [];
  const bytes = bytesFromBase64(encoded);
  if (bytes?.length !== 33 || bytes[0] !== ED25519) throw new NotProven("a public key has a wrong form");
  const id = (await sha256(joinBytes(utf8(`${name}\n`), bytes))).slice(0, 4);
  if (hexFromBytes(id) !== hash) throw new NotProven("a public key does not match its own hash");
  const key = await crypto.subtle.importKey("raw", bytes.slice(1), "Ed25519", false, ["verify"]);
  return { name, text, id, verify: (message, signature) => crypto.subtle.verify("Ed25519", key, signature, message) };
}

const NOTE_SIGNATURE = /^— (\S+) (\S+)$/u;

/** The text of a signed note that `key` signed, exactly once. Throws `NotProven`. https://c2sp.org/signed-note */
export async function openNote(note: string, key: VerifierKey): Promise<string> {
  const end = note.lastIndexOf("\n\n");
  if (end < 1 || !note.endsWith("\n")) throw new NotProven("the checkpoint is not a signed note");
  const text = note.slice(0, end + 1);
  const signatures = note
    .slice(end + 2, -1)
    .split("\n")
    .map((line) => NOTE_SIGNATURE.exec(line));
  if (signatures.includes(null)) throw new NotProven("a signature line of the checkpoint is malformed");
  const own = signatures.flatMap((match) => {
    const bytes = bytesFromBase64(match?.[2] ?? "");
    return match?.[1] === key.name && bytes && equalBytes(bytes.slice(0, 4), key.id) ? [bytes.slice(4)] : [];
  });
  const [signature] = own;
  if (signature === undefined || own.length !== 1 || !(await key.verify(utf8(text), signature))) {
    throw new NotProven("the checkpoint is not signed by the log key");
  }
  return text;
}
