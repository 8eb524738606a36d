// One-time codes: whoever was identified once opens a session with one in a browser, shortly after.

import { hash } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import type { SessionGrant } from "./sessions.ts";

const CODE_LIFETIME_MS = 10 * 60_000;
const CODES_MAX = 1_000;
const CODES_PER_CLIENT_MAX = 4;
const CODE = /^hpc_[A-Za-z0-9_-]{27}$/;
const CODE_BYTES = 20;

type Entry = {
  readonly grant: SessionGrant;
  /** SHA-256 of what only its asker knows (as RFC 7636); null for a code that is shown to a person. */
  readonly challenge: string | null;
  readonly expiresAt: number;
};

/** Codes of 160 random bits, kept as digests in memory: a restart ends them. The oldest of a client leaves for its next. */
export class SignInCodes {
  readonly #clock: Clock;
  readonly #random: Random;
  /** By digest, in the order of issue, which is the order of expiry. */
  readonly #codes = new Map<string, Entry>();

  constructor({ clock, random }: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Throws `overloaded` when too many are waiting. */
  issue(grant: SessionGrant, challenge: string | null = null): { readonly code: string; readonly expiresAt: number } {
    this.#sweep();
    const own = [...this.#codes].filter(([, entry]) => entry.grant.client === grant.client);
    if (own.length >= CODES_PER_CLIENT_MAX) this.#codes.delete(own[0]?.[0] ?? "");
    if (this.#codes.size >= CODES_MAX) throw new AppError("overloaded", "too many sign-in codes wait to be used");
    const code = `hpc_${Buffer.from(this.#random.bytes(CODE_BYTES)).toString("base64url")}`;
    const expiresAt = this.#clock.nowMs() + CODE_LIFETIME_MS;
    this.#codes.set(digestOf(code), { grant, challenge, expiresAt });
    return { code, expiresAt };
  }

  /** What the code is good for; it is used up. Throws `code-invalid`, in the same words whatever is wrong with it. */
  use(code: string, verifier?: string): SessionGrant {
    const digest = CODE.test(code) ? digestOf(code) : "";
    const entry = this.#codes.get(digest);
    this.#codes.delete(digest);
    const known = verifier === undefined ? null : digestOf(verifier);
    if (entry === undefined || entry.expiresAt <= this.#clock.nowMs() || entry.challenge !== known) {
      throw new AppError("code-invalid", "the code is unknown, used, somebody else's or older than ten minutes");
    }
    return entry.grant;
  }

  /** Ends the codes that nobody has used yet and that are for such a session. */
  end(isFor: (grant: SessionGrant) => boolean): void {
    for (const [digest, { grant }] of this.#codes) if (isFor(grant)) this.#codes.delete(digest);
  }

  #sweep(): void {
    const nowMs = this.#clock.nowMs();
    for (const [digest, { expiresAt }] of this.#codes) if (expiresAt <= nowMs) this.#codes.delete(digest);
  }
}

/** Codes and verifiers are random and long: no salt or stretching is needed. */
function digestOf(code: string): string {
  return hash("sha256", code, "base64url");
}
