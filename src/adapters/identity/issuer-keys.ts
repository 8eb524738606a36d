// The keys of another issuer: found by discovery, fetched again when they are old or one is missing, never without end.

import { createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Egress } from "../../wire/contracts/egress.ts";

/** A key that the issuer takes back is refused after this. */
export const KEYS_FRESH_MS = 5 * 60_000;
/** How long keys are used that could not be fetched again. */
const STALE_MAX_MS = 60 * 60_000;
/** Tokens that name unknown keys, or an issuer that is away, make us ask no more often than this. */
const ASK_AGAIN_MS = 5_000;
const CALL_TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 256 * 1024;
const KEYS_MAX = 64;
const RSA_BITS_MIN = 2_048;

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.string().max(2048) });
const keySetSchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())).max(KEYS_MAX) });

interface IssuerKey {
  readonly kid: string | null;
  readonly alg: string | null;
  readonly key: KeyObject;
}

export interface IssuerKeysOptions {
  /** The issuer exactly as its tokens name it. */
  readonly url: string;
  readonly egress: Pick<Egress, "fetchTo">;
  readonly clock: Clock;
}

export class IssuerKeys {
  readonly #options: IssuerKeysOptions;
  #keys: readonly IssuerKey[] = [];
  #fetchedAtMs = -Infinity;
  #askedAtMs = -Infinity;
  #fetching: Promise<void> | undefined;

  constructor(options: IssuerKeysOptions) {
    this.#options = options;
  }

  /** The key for a signature by `alg`; undefined when the issuer has none. Throws `issuer-unreachable`. */
  async find(alg: string, kid: string | undefined): Promise<KeyObject | undefined> {
    const clock = this.#options.clock;
    if (clock.monotonicMs() - this.#fetchedAtMs >= KEYS_FRESH_MS) await this.#refresh();
    const found = this.#match(alg, kid);
    if (found !== undefined) return found;
    // Keys change between two looks at them: a token under a new one is looked up once more.
    await this.#refresh();
    return this.#match(alg, kid);
  }

  #match(alg: string, kid: string | undefined): KeyObject | undefined {
    const fitting = this.#keys.filter((one) => fits(one, alg) && (kid === undefined || one.kid === kid));
    // Without a kid there must be no choice: trying one after the other is what confusion is made of.
    return fitting.length === 1 ? fitting[0]?.key : undefined;
  }

  async #refresh(): Promise<void> {
    const { clock, url } = this.#options;
    if (this.#fetching === undefined && clock.monotonicMs() - this.#askedAtMs >= ASK_AGAIN_MS) {
      this.#askedAtMs = clock.monotonicMs();
      this.#fetching = this.#fetch().finally(() => (this.#fetching = undefined));
    }
    const failure = await this.#fetching?.then(
      () => undefined,
      (error: unknown) => error,
    );
    if (clock.monotonicMs() - this.#fetchedAtMs < STALE_MAX_MS) return;
    throw new AppError("issuer-unreachable", `the keys of ${url} cannot be had`, {}, failure);
  }

  async #fetch(): Promise<void> {
    const { url, clock } = this.#options;
    const discovered = discoverySchema.parse(
      await this.#get(`${url.replace(/\/$/, "")}/.well-known/openid-configuration`),
    );
    if (discovered.issuer !== url) throw new Error("the issuer calls itself otherwise");
    const { keys } = keySetSchema.parse(await this.#get(discovered.jwks_uri));
    this.#keys = keys.flatMap((jwk) => importKey(jwk) ?? []);
    this.#fetchedAtMs = clock.monotonicMs();
  }

  async #get(address: string): Promise<unknown> {
    const { origin } = new URL(address);
    const fetch = this.#options.egress.fetchTo(origin, { answerBytesMax: ANSWER_BYTES_MAX });
    const answer = await fetch(address, { redirect: "manual", signal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
    if (answer.status !== 200) throw new Error(`${origin} answered ${answer.status}`);
    return answer.json();
  }
}

/** The types of key that an algorithm goes with: never a shared secret, whatever the issuer publishes. */
function fits({ alg, key }: IssuerKey, wanted: string): boolean {
  if (alg !== null && alg !== wanted) return false;
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (/^[RP]S/.test(wanted)) return type === "rsa" && (details?.modulusLength ?? 0) >= RSA_BITS_MIN;
  if (wanted.startsWith("ES")) return type === "ec" && details?.namedCurve === CURVES[wanted];
  return type === "ed25519" && (wanted === "EdDSA" || wanted === "Ed25519");
}

const CURVES: Readonly<Record<string, string>> = { ES256: "prime256v1", ES384: "secp384r1", ES512: "secp521r1" };

/** Undefined for what is no public signature key: it is not ours to correct, and others of the set are good. */
function importKey(jwk: Readonly<Record<string, unknown>>): IssuerKey | undefined {
  if (jwk["use"] !== undefined && jwk["use"] !== "sig") return undefined;
  if (jwk["kty"] === "oct" || "d" in jwk) return undefined;
  try {
    const key = createPublicKey({ key: jwk, format: "jwk" });
    return { kid: textOrNull(jwk["kid"]), alg: textOrNull(jwk["alg"]), key };
  } catch {
    return undefined;
  }
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
