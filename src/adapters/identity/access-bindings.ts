// What an access request hangs on: denials that can be requested, sealed as JWS, and handles that nobody can guess.

import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import { mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import type { AccessDenial, AccessHandle } from "../../wire/contracts/access.ts";
import { createFile } from "./durable-files.ts";

const KEY_BYTES = 32;
const TOKEN_CHARS_MAX = 4_096;
/** Of a handle: 128 bits that only the key gives. */
const MAC_CHARS = 22;
const HEADER = Buffer.from(JSON.stringify({ alg: "HS256", typ: "holdpoint-denial+jwt" })).toString("base64url");

const denialSchema = z.strictObject({
  evaluation: z.string(),
  caller: z.string(),
  call: z.string(),
  context: z.array(z.string()),
  expiresAt: z.int(),
});

/** The key is of this installation, in `path`, made when it is missing, and used for nothing else. */
export class AccessBindings {
  readonly #sealKey: Uint8Array;
  readonly #handleKey: Uint8Array;

  constructor(path: string, random: Random) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    createFile(path, () => `${Buffer.from(random.bytes(KEY_BYTES)).toString("base64url")}\n`);
    const key = Buffer.from(readFileSync(path, "utf8").trim(), "base64url");
    if (key.length !== KEY_BYTES) throw new AppError("config-invalid", `${path} is not a key`);
    this.#sealKey = derive(key, "denial");
    this.#handleKey = derive(key, "handle");
  }

  /** A compact JWS (RFC 7515) that this installation alone can make and read. */
  seal(denial: AccessDenial): string {
    const payload = Buffer.from(JSON.stringify(denial)).toString("base64url");
    return `${HEADER}.${payload}.${this.#sign(`${HEADER}.${payload}`)}`;
  }

  /** What was sealed, expired or not; null for what was not. */
  open(token: string): AccessDenial | null {
    if (token.length > TOKEN_CHARS_MAX) return null;
    const [header, payload, signature, ...rest] = token.split(".");
    if (header !== HEADER || payload === undefined || signature === undefined || rest.length > 0) return null;
    if (!isEqual(signature, this.#sign(`${header}.${payload}`))) return null;
    return denialSchema.parse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8")));
  }

  /** `arq_…` for an action's request, `apr_…` for its approval: neither gives the other away. */
  handle(kind: AccessHandle, action: string): string {
    return `${kind}_${action.replace(/^act_/, "")}${this.#mac(kind, action)}`;
  }

  /** The action that a handle of this kind is of; null for what is none. */
  actionOf(kind: AccessHandle, handle: string): string | null {
    const body = handle.slice(kind.length + 1);
    if (!handle.startsWith(`${kind}_`) || body.length <= MAC_CHARS || body.length > 64) return null;
    const action = `act_${body.slice(0, -MAC_CHARS)}`;
    return isEqual(body.slice(-MAC_CHARS), this.#mac(kind, action)) ? action : null;
  }

  #sign(text: string): string {
    return createHmac("sha256", this.#sealKey).update(text).digest("base64url");
  }

  #mac(kind: AccessHandle, action: string): string {
    return createHmac("sha256", this.#handleKey).update(`${kind} ${action}`).digest("base64url").slice(0, MAC_CHARS);
  }
}

function derive(key: Uint8Array, what: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, "", `holdpoint access ${what}`, KEY_BYTES));
}

function isEqual(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
}
