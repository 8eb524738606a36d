// Texts that somebody else keeps for us: nobody but this process can read, make or change them.

import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "../../core/random.ts";

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** AES-256-GCM under a key that lives as long as the process. */
export class SealedTexts {
  readonly #random: Random;
  readonly #key: Uint8Array;

  constructor(random: Random) {
    this.#random = random;
    this.#key = random.bytes(32);
  }

  seal(text: string): string {
    const iv = this.#random.bytes(IV_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, iv);
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url");
  }

  /** Null for anything that `seal` of this process did not make. */
  open(sealed: string): string | null {
    const bytes = Buffer.from(sealed, "base64url");
    if (bytes.length < IV_BYTES + TAG_BYTES) return null;
    const decipher = createDecipheriv("aes-256-gcm", this.#key, bytes.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    try {
      return decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
    } catch {
      return null;
    }
  }
}
