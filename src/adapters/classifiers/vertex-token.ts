// Access tokens of Google Cloud from a service account's key: a signed assertion, exchanged at the configured address.
// No metadata server is asked and no file of the machine is read: configuration names neither.

import { createPrivateKey, sign } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { OutboundFetch } from "../../wire/contracts/egress.ts";
import { ModelFailure } from "./model-failure.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const ASSERTION_S = 3_600;
const MARGIN_MS = 60_000;

const keySchema = z.object({
  client_email: z.string().min(1).max(320),
  private_key: z.string().min(1).max(8_192),
  private_key_id: z.string().max(128).optional(),
});

const tokenSchema = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,8192}$/),
  expires_in: z.number().min(1).max(86_400),
});

export interface VertexTokenParts {
  readonly tokenUrl: string;
  readonly fetch: OutboundFetch;
  readonly clock: Clock;
}

/** Keeps one token until shortly before its end. */
export class VertexToken {
  readonly #parts: VertexTokenParts;
  #kept: { readonly token: string; readonly key: string; readonly untilMs: number } | undefined;

  constructor(parts: VertexTokenParts) {
    this.#parts = parts;
  }

  /** `key` is the key file's text. Rejects with `credential-missing` for none, with `credential-refused` for a bad one. */
  async get(key: string, signal: AbortSignal): Promise<string> {
    const kept = this.#kept;
    const now = this.#parts.clock.monotonicMs();
    if (kept !== undefined && kept.key === key && now < kept.untilMs) return kept.token;
    const { access_token: token, expires_in: seconds } = await this.#exchange(this.#assertion(key), signal);
    this.#kept = { token, key, untilMs: now + seconds * 1000 - MARGIN_MS };
    return token;
  }

  /** The kept token was refused: the next one is new. */
  forget(): void {
    this.#kept = undefined;
  }

  /** RFC 7523: a JWT that the service account signs about itself. */
  #assertion(text: string): string {
    try {
      const key = keySchema.parse(JSON.parse(text));
      const issuedAt = Math.floor(this.#parts.clock.nowMs() / 1000);
      const header = { alg: "RS256", typ: "JWT", ...(key.private_key_id ? { kid: key.private_key_id } : {}) };
      const claims = {
        iss: key.client_email,
        scope: SCOPE,
        aud: this.#parts.tokenUrl,
        iat: issuedAt,
        exp: issuedAt + ASSERTION_S,
      };
      const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
      const signature = sign("sha256", Buffer.from(input), createPrivateKey(key.private_key));
      return `${input}.${signature.toString("base64url")}`;
    } catch {
      throw new ModelFailure("credential-missing"); // what is wrong with a key is not repeated
    }
  }

  async #exchange(assertion: string, signal: AbortSignal): Promise<z.infer<typeof tokenSchema>> {
    const response = await this.#parts.fetch(this.#parts.tokenUrl, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion }).toString(),
      signal,
    });
    if (response.status >= 500 || response.status === 429) throw new ModelFailure("provider-error");
    if (response.status !== 200) throw new ModelFailure("credential-refused");
    const parsed = tokenSchema.safeParse(await response.json().catch(() => null));
    if (!parsed.success) throw new ModelFailure("answer-unreadable");
    return parsed.data;
  }
}
