// Verification of a log's checkpoints, batch after batch, without a signature check for each.

import { Buffer } from "node:buffer";
import { checkpointText, parseCheckpoint, previousLine, type Checkpoint } from "./checkpoint.ts";
import { decodeBase64 } from "./base64.ts";
import type { Verifier } from "./ed25519.ts";
import type { Findings } from "./findings.ts";
import type { LogKeys } from "./key-statement.ts";
import { equalBytes } from "./merkle.ts";
import { parseNote } from "./note.ts";

const LINKS_MAX = 64;
/** Key id and Ed25519 signature. */
const SIGNATURE_BYTES = 4 + 64;

interface Link {
  readonly note: string;
  readonly text: string;
  readonly signature: Uint8Array;
  readonly size: number;
  readonly verifier: Verifier;
}

/**
 * Every checkpoint names the SHA-256 of the whole note before it. So the signature of one vouches, byte for byte, for
 * all that lead up to it, and one signature in 64 is verified: the links between two verified ones are kept, and when
 * anything does not fit, each of them is verified by itself, which names the first that is wrong. Verifying every
 * signature adds one thing only: that the log did not itself sign a chain with an invalid signature inside.
 */
export class CheckpointChain {
  readonly #keys: LogKeys;
  readonly #findings: Findings;
  readonly #linksMax: number;
  #links: Link[] = [];
  /** The note before, and whether it was already found wrong. */
  #previous: { note: string; isSound: boolean } | null = null;

  constructor(keys: LogKeys, findings: Findings, everySignature: boolean) {
    this.#keys = keys;
    this.#findings = findings;
    this.#linksMax = everySignature ? 1 : LINKS_MAX;
  }

  /** The last note added, whatever it is worth. */
  get last(): string | null {
    return this.#previous?.note ?? null;
  }

  /**
   * Adds the checkpoint of the next batch, whose recomputed tree has `size` and `root`. True unless a sound checkpoint
   * contradicts the tree: then the events of its batch are wrong.
   */
  add(note: string, size: number, root: Uint8Array): boolean {
    const verifier = this.#keys.at(size);
    if (verifier === undefined) return this.#reject(note, size, "no key is valid for it");
    const expected = { origin: this.#keys.origin, size, root, extension: this.#extension() };
    const link = linkOf(note, checkpointText(expected), size, verifier);
    if (link !== undefined) this.#extend(link);
    return link !== undefined || this.#diagnose(note, size, root, verifier);
  }

  /** What is wrong with a note that is not the expected one. False when it is sound and the tree is not. */
  #diagnose(note: string, size: number, root: Uint8Array, verifier: Verifier): boolean {
    const read = readCheckpoint(note);
    const link = read === undefined ? undefined : linkOf(note, read.text, size, verifier);
    const isOwn = read?.checkpoint.origin === this.#keys.origin && read.checkpoint.size === size;
    if (read === undefined || link === undefined || !isOwn) return this.#reject(note, size, "its form is wrong");
    if (equalBytes(read.checkpoint.root, root)) this.#settle(link);
    else if (this.#isSound(link)) return false;
    else this.#reject(note, size, "its root and its signature are wrong");
    return true;
  }

  #extension(): string[] {
    return this.#previous === null ? [] : [previousLine(this.#previous.note)];
  }

  #extend(link: Link): void {
    if (this.#links[0] !== undefined && this.#links[0].verifier !== link.verifier) this.flush();
    this.#links.push(link);
    this.#previous = { note: link.note, isSound: true };
    if (this.#links.length >= this.#linksMax) this.flush();
  }

  /** A link that does not fit: it or the ones before are wrong, and their signatures tell which. */
  #settle(link: Link): void {
    const wasSound = this.#verifyEach() && (this.#previous?.isSound ?? true);
    if (!this.#isSound(link)) {
      this.#reject(link.note, link.size, "its signature is wrong");
      return;
    }
    if (wasSound) {
      this.#findings.add(
        link.size - 1,
        "checkpoint-unlinked",
        `the checkpoint of size ${link.size} does not follow the one before`,
      );
    }
    this.#previous = { note: link.note, isSound: true };
  }

  #reject(note: string, size: number, why: string): true {
    this.#verifyEach();
    this.#findings.add(size - 1, "checkpoint-altered", `the checkpoint of size ${size}: ${why}`);
    this.#previous = { note, isSound: false };
    return true;
  }

  /** Verifies what is still open: the last signature, and every one when that is wrong. Call it at the end. */
  flush(): void {
    const last = this.#links.at(-1);
    if (last !== undefined && this.#isSound(last)) this.#links = [];
    this.#verifyEach();
  }

  /** True when all links still open are sound. */
  #verifyEach(): boolean {
    const unsound = this.#links.filter((link) => !this.#isSound(link));
    for (const { size } of unsound) {
      this.#findings.add(size - 1, "checkpoint-altered", `the checkpoint of size ${size}: its signature is wrong`);
    }
    this.#links = [];
    return unsound.length === 0;
  }

  #isSound({ text, signature, verifier }: Link): boolean {
    return verifier.verify(Buffer.from(text), signature);
  }
}

/** The note as a link, when it is `text` with exactly one signature line, that of `verifier`. */
function linkOf(note: string, text: string, size: number, verifier: Verifier): Link | undefined {
  const head = `${text}\n— ${verifier.name} `;
  if (!note.startsWith(head) || !note.endsWith("\n")) return undefined;
  const signature = decodeBase64(note.slice(head.length, -1));
  if (signature?.length !== SIGNATURE_BYTES || signature.readUInt32BE(0) !== verifier.keyId) return undefined;
  return { note, text, signature: signature.subarray(4), size, verifier };
}

function readCheckpoint(note: string): { text: string; checkpoint: Checkpoint } | undefined {
  try {
    const { text } = parseNote(note);
    return { text, checkpoint: parseCheckpoint(text) };
  } catch {
    return undefined; // whatever it is, it is no checkpoint
  }
}

/** The root that a note claims, not verified; undefined when it is no checkpoint. */
export function claimedRoot(note: string): Uint8Array | undefined {
  return readCheckpoint(note)?.checkpoint.root;
}
