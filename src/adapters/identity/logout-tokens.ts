// Logout tokens of other issuers: whose sessions here have ended there (OpenID Connect Back-Channel Logout 1.0).

import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import { firstProblem, logoutClaims } from "../../wire/schemas/identity.ts";
import type { LogoutClaims } from "../../wire/schemas/identity.ts";
import type { IssuerConfig } from "../../wire/schemas/issuers-config.ts";
import type { CompactJws } from "./compact-jws.ts";
import { JwsError, parseCompactJws, parseJsonObject, verifyCompactJws } from "./compact-jws.ts";
import type { TrustedIssuer } from "./external-tokens.ts";

/** What the header's `typ` may say (section 2.4): an access or identity token of a newer issuer is none. */
const TYPES: ReadonlySet<unknown> = new Set([undefined, "logout+jwt", "application/logout+jwt", "JWT"]);
/** Sent at once when somebody signs out: an older one was kept by somebody. */
const AGE_MAX_S = 300;
/** Tokens that are remembered as used; one of each `jti` counts while it could be sent again. */
const USED_MAX = 10_000;

/** Who has signed out there: one session of theirs, or all of them where `sid` is absent. */
export type SignedOut = {
  readonly issuer: string;
  readonly sub: string | undefined;
  readonly sid: string | undefined;
};

export class LogoutTokens {
  readonly #trusted: ReadonlyMap<string, TrustedIssuer>;
  readonly #clock: Clock;
  /** Until when, by issuer and `jti`, in the order of use. */
  readonly #used = new Map<string, number>();

  constructor({ trusted, clock }: { readonly trusted: ReadonlyMap<string, TrustedIssuer>; readonly clock: Clock }) {
    this.#trusted = trusted;
    this.#clock = clock;
  }

  /** Verifies a token (section 2.6) and uses it up. Throws `logout-token-invalid`, `issuer-unreachable`, `overloaded`. */
  async verify(text: string): Promise<SignedOut> {
    try {
      const jws = parseCompactJws(text);
      const { config, claims } = await this.#verified(jws);
      this.#use(`${config.url}\n${claims.jti}`);
      return { issuer: config.url, sub: claims.sub, sid: claims.sid };
    } catch (error) {
      if (error instanceof JwsError) throw new AppError("logout-token-invalid", error.message, {}, error.cause);
      throw error;
    }
  }

  async #verified(jws: CompactJws): Promise<{ readonly config: IssuerConfig; readonly claims: LogoutClaims }> {
    const all = parseJsonObject(jws.payload);
    const issuer = typeof all["iss"] === "string" ? this.#trusted.get(all["iss"]) : undefined;
    const clientId = issuer?.config.signIn?.clientId;
    if (issuer === undefined || clientId === undefined) throw new JwsError("of no issuer at which people sign in");
    const { config, keys } = issuer;
    const { alg, kid, typ } = jws.header;
    if (!TYPES.has(typ)) throw new JwsError("not a logout token");
    if (typeof alg !== "string" || !config.algorithms.some((one) => one === alg)) {
      throw new JwsError("signed with an algorithm that is not allowed");
    }
    const claims = this.#claimsOf(all, clientId, config.clockSkewS);
    const key = await keys.find(alg, typeof kid === "string" ? kid : undefined);
    if (key === undefined) throw new JwsError("signed by a key that is not its issuer's");
    await verifyCompactJws(jws, key, [alg]);
    return { config, claims };
  }

  #claimsOf(all: object, clientId: string, skewS: number): LogoutClaims {
    const parsed = logoutClaims.safeParse(all);
    if (!parsed.success) throw new JwsError(`claim ${firstProblem(parsed.error)}`);
    const { aud, exp, iat, sub, sid } = parsed.data;
    const nowS = this.#clock.nowMs() / 1000;
    if (!(typeof aud === "string" ? [aud] : aud).includes(clientId)) throw new JwsError("meant for another client");
    if (iat > nowS + skewS) throw new JwsError("not valid yet");
    if (iat + AGE_MAX_S + skewS <= nowS || (exp !== undefined && exp + skewS <= nowS)) throw new JwsError("expired");
    // An identity token has one: nobody can pass off the other (section 2.4).
    if (Object.hasOwn(all, "nonce")) throw new JwsError("not a logout token: it has a nonce");
    if (sub === undefined && sid === undefined) throw new JwsError("it names neither sub nor sid");
    return parsed.data;
  }

  /** Sent twice, it would end sessions that somebody opened since. */
  #use(id: string): void {
    const nowMs = this.#clock.nowMs();
    for (const [used, untilMs] of this.#used) {
      if (untilMs > nowMs) break;
      this.#used.delete(used);
    }
    if (this.#used.has(id)) throw new JwsError("used already");
    if (this.#used.size >= USED_MAX) throw new AppError("overloaded", "too many logout tokens are remembered");
    this.#used.set(id, nowMs + (AGE_MAX_S + 240) * 1000); // twice the longest skew that can be configured
  }
}
