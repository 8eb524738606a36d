// Logging in to GitHub: a token as it is configured, or one of an App's installation, for one repository and what is done.

import { createPrivateKey, sign } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import type { Clock } from "../../core/clock.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { StepOutcome } from "../../wire/contracts/executor.ts";
import type { GithubConfig } from "../../wire/schemas/github-config.ts";
import type { GithubWire, Reply } from "./github-wire.ts";
import { readSecret, readSecretText } from "./secret-reading.ts";

/** GitHub's clock may be behind ours; it takes an assertion of at most ten minutes. */
const ISSUED_EARLIER_S = 60;
const ASSERTION_S = 540;
const ASSERTION_CHARS_MAX = 16_384;
/** A token this close to its end might expire on the way. */
const MARGIN_MS = 60_000;
const LIFETIME_MAX_MS = 3_600_000;
/** One for each repository and what is done there; the oldest goes first. */
const TOKENS_MAX = 1_000;
const AGAIN_MS = 5_000;

const installationSchema = z.looseObject({ id: z.int().min(1), suspended_at: z.string().nullish() });
/** Of no particular form or length: GitHub changes both. */
const tokenSchema = z.looseObject({
  token: z.string().regex(/^[\x21-\x7e]{1,4096}$/),
  expires_at: z.string().max(64),
});

/** By GitHub's names; `metadata` is always readable beside them. */
export type Permissions = Readonly<Record<string, "read" | "write">>;

/** What a token is for: one repository, and what is done there. */
export interface GithubScope {
  readonly repository: string;
  readonly permissions: Permissions;
}

export interface GithubLoginParts {
  readonly config: Pick<GithubConfig, "app" | "tokenRef">;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

/** A token, or why there is none: then nothing has been asked of any repository. `kept`: of an earlier call. */
export type GithubToken =
  | { readonly kind: "token"; readonly token: string; readonly kept: boolean }
  | { readonly kind: "refused"; readonly outcome: StepOutcome };

/** The secret that every call begins with. */
export function loginRefOf({ app, tokenRef }: Pick<GithubConfig, "app" | "tokenRef">): string {
  return app === undefined ? tokenRef : app.privateKeyRef;
}

export class GithubLogin {
  readonly #parts: GithubLoginParts;
  readonly #wire: GithubWire;
  readonly #kept = new Map<string, { readonly token: string; readonly untilMs: number }>();

  constructor(parts: GithubLoginParts, wire: GithubWire) {
    this.#parts = parts;
    this.#wire = wire;
  }

  async token(scope: GithubScope, signal: AbortSignal): Promise<GithubToken> {
    const { config, credentials, clock } = this.#parts;
    if (config.app === undefined) {
      const token = await readSecret(credentials, config.tokenRef, signal);
      return token === undefined ? this.#missing(signal) : { kind: "token", token, kept: false };
    }
    const kept = this.#kept.get(keyOf(scope));
    if (kept !== undefined && clock.monotonicMs() < kept.untilMs) {
      return { kind: "token", token: kept.token, kept: true };
    }
    const key = await readSecretText(credentials, config.app.privateKeyRef, signal);
    const assertion = key === undefined ? null : assertionOf({ issuer: config.app.id, key, nowMs: clock.nowMs() });
    return assertion === null ? this.#missing(signal) : this.#mint(scope, assertion, signal);
  }

  /** The kept token was refused: the next one is new. */
  forget(scope: GithubScope): void {
    this.#kept.delete(keyOf(scope));
  }

  #missing(signal: AbortSignal): GithubToken {
    if (signal.aborted) return refused({ status: "retry", afterMs: AGAIN_MS, code: "aborted", detail: null });
    const detail = { secretRef: loginRefOf(this.#parts.config) };
    return refused({ status: "failed", code: "credential-missing", detail });
  }

  /** Asks whose installation has the repository, and takes a token of it for that repository alone. */
  async #mint(scope: GithubScope, assertion: string, signal: AbortSignal): Promise<GithubToken> {
    const [owner = "", repo = ""] = scope.repository.split("/");
    const found = await this.#wire.send("GET /repos/{owner}/{repo}/installation", { owner, repo }, assertion, signal);
    if (found.status === 404) return refused(credentialRefused("app-not-installed"));
    const installation = found.status === 200 ? installationSchema.safeParse(found.data) : undefined;
    if (installation?.success !== true) return refused(unusable(found));
    if (installation.data.suspended_at != null) return refused(credentialRefused("installation-suspended"));
    const parameters: JsonObject = {
      installation_id: installation.data.id,
      repositories: [repo],
      permissions: { ...scope.permissions },
    };
    const askedAtMs = this.#parts.clock.monotonicMs();
    const route = "POST /app/installations/{installation_id}/access_tokens";
    const minted = await this.#wire.send(route, parameters, assertion, signal);
    // The App was not given what this needs, or not this repository.
    if (minted.status === 422) return refused(credentialRefused("permission-missing"));
    const made = minted.status === 201 ? tokenSchema.safeParse(minted.data) : undefined;
    if (made?.success !== true) return refused(unusable(minted));
    this.#keep(scope, { ...made.data, askedAtMs });
    return { kind: "token", token: made.data.token, kept: false };
  }

  #keep(scope: GithubScope, of: { readonly token: string; readonly expires_at: string; readonly askedAtMs: number }) {
    const lifetimeMs = Math.min(Date.parse(of.expires_at) - this.#parts.clock.nowMs(), LIFETIME_MAX_MS) - MARGIN_MS;
    if (!(lifetimeMs > 0)) return; // by our clock it is over already: used once
    this.#kept.set(keyOf(scope), { token: of.token, untilMs: of.askedAtMs + lifetimeMs });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > TOKENS_MAX && oldest !== undefined) this.#kept.delete(oldest);
  }
}

function keyOf({ repository, permissions }: GithubScope): string {
  return canonicalJson({ repository, permissions });
}

function refused(outcome: StepOutcome): GithubToken {
  return { kind: "refused", outcome };
}

function credentialRefused(cause: string): StepOutcome {
  return { status: "failed", code: "credential-refused", detail: { cause } };
}

/** Nothing that GitHub says about a login is repeated. */
function unusable({ asRead }: Reply): StepOutcome {
  return { ...asRead, detail: null };
}

/**
 * RFC 7519, as docs.github.com/apps (Generating a JSON Web Token for a GitHub App) asks for it; null where the key is none.
 */
function assertionOf({ issuer, key, nowMs }: { issuer: string; key: string; nowMs: number }): string | null {
  const nowS = Math.floor(nowMs / 1_000);
  const header = { alg: "RS256", typ: "JWT" };
  const claims = { iat: nowS - ISSUED_EARLIER_S, exp: nowS + ASSERTION_S, iss: issuer };
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  try {
    const privateKey = createPrivateKey(key.slice(0, ASSERTION_CHARS_MAX));
    if (privateKey.asymmetricKeyType !== "rsa") return null;
    return `${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
  } catch {
    return null; // what is wrong with a key is not repeated
  }
}
