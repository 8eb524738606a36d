// Logging in to ServiceNow: Basic, or an OAuth token by client credentials that is kept until it expires.

import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { StepOutcome } from "../../wire/contracts/executor.ts";
import type { ServicenowConfig } from "../../wire/schemas/executors-config.ts";
import type { OutboundCall } from "../../wire/contracts/egress.ts";
import { readSecret } from "./secret-reading.ts";
import { jsonObjectOf, readOutcome } from "./step-outcomes.ts";

const TOKEN_PATH = "/oauth_token.do";
/** A token this close to its end might expire on the way. */
const MARGIN_MS = 30_000;
const LIFETIME_MAX_S = 86_400;

const tokenSchema = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,4096}$/),
  token_type: z.string().regex(/^bearer$/i),
  // Instances answer a number; some proxies and older releases answer it as text.
  expires_in: z.union([z.int(), z.string().regex(/^\d{1,9}$/)]),
});

export interface LoginParts {
  readonly config: ServicenowConfig;
  readonly origin: string;
  readonly egress: OutboundCall;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

/** The Authorization header with the secrets in it, or why there is none: then nothing has been asked of any table. */
export type LoggedIn =
  | {
      readonly kind: "header";
      readonly authorization: string;
      readonly secrets: readonly string[];
      readonly kept: boolean;
    }
  | { readonly kind: "refused"; readonly outcome: StepOutcome };

/** The secret that every call begins with. */
export function loginRefOf({ auth }: ServicenowConfig): string {
  return auth.kind === "oauth" ? auth.clientSecretRef : auth.passwordRef;
}

export class ServicenowLogin {
  readonly #parts: LoginParts;
  #token: { readonly text: string; readonly expiresAtMs: number } | undefined;

  constructor(parts: LoginParts) {
    this.#parts = parts;
  }

  async header(signal: AbortSignal): Promise<LoggedIn> {
    const { auth } = this.#parts.config;
    if (auth.kind === "oauth") return this.#bearer(auth, signal);
    const password = await readSecret(this.#parts.credentials, auth.passwordRef, signal);
    if (password === undefined) return missing(auth.passwordRef);
    const pair = Buffer.from(`${auth.user}:${password}`).toString("base64");
    return { kind: "header", authorization: `Basic ${pair}`, secrets: [password, pair], kept: false };
  }

  /** The kept token was refused: the next header holds a new one. */
  forget(): void {
    this.#token = undefined;
  }

  async #bearer(auth: Extract<ServicenowConfig["auth"], { kind: "oauth" }>, signal: AbortSignal): Promise<LoggedIn> {
    const { clock, credentials, egress, origin } = this.#parts;
    const kept = this.#token;
    if (kept !== undefined && clock.monotonicMs() < kept.expiresAtMs) return bearer(kept.text, true);
    const secret = await readSecret(credentials, auth.clientSecretRef, signal);
    if (secret === undefined) return missing(auth.clientSecretRef);
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: auth.clientId,
      client_secret: secret,
    });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const askedAtMs = clock.monotonicMs();
    const answer = await egress({ method: "POST", origin, path: TOKEN_PATH, headers, body: form.toString() }, signal);
    const parsed =
      answer.kind === "answered" && answer.status === 200 ? tokenSchema.safeParse(jsonObjectOf(answer)) : undefined;
    if (parsed?.success !== true) {
      // A refused client answers 400 `invalid_client` as well as 401. Nothing it says is repeated: it saw the secret.
      const isRefused = answer.kind === "answered" && (answer.status === 400 || answer.status === 401);
      if (isRefused)
        return refused({ status: "failed", code: "credential-refused", detail: { status: answer.status } });
      return refused({ ...readOutcome({ answer, secrets: [secret], nowMs: clock.nowMs() }), detail: null });
    }
    const lifetimeMs = Math.min(Number(parsed.data.expires_in), LIFETIME_MAX_S) * 1000;
    this.#token = { text: parsed.data.access_token, expiresAtMs: askedAtMs + lifetimeMs - MARGIN_MS };
    return bearer(parsed.data.access_token, false);
  }
}

function bearer(token: string, kept: boolean): LoggedIn {
  return { kind: "header", authorization: `Bearer ${token}`, secrets: [token], kept };
}

function missing(ref: string): LoggedIn {
  return refused({ status: "failed", code: "credential-missing", detail: { secretRef: ref } });
}

function refused(outcome: StepOutcome): LoggedIn {
  return { kind: "refused", outcome };
}
