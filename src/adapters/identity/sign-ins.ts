// People sign in at another issuer: OpenID Connect, authorization code with PKCE; what is under way lies in the browser.

import type { Configuration } from "openid-client";
import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Random } from "../../core/random.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Egress } from "../../wire/contracts/egress.ts";
import { groupsOf, textAt } from "./issuer-claims.ts";
import type { GovernedIssuer } from "./rights-in-force.ts";
import { SealedTexts } from "./sealed-texts.ts";

/** A person has this long to answer at the issuer. */
const SIGN_IN_MS = 10 * 60_000;
const DISCOVERED_MS = 10 * 60_000;
const CALL_TIMEOUT_S = 5;
const ANSWER_BYTES_MAX = 256 * 1024;
const GROUPS_MAX = 64;

const commandLineSchema = z.strictObject({ port: z.string(), challenge: z.string(), state: z.string() });
/** A command line that waits on the browser's machine. */
export type CommandLine = z.output<typeof commandLineSchema>;

const pendingSchema = z.strictObject({
  issuer: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  expiresAt: z.number(),
  commandLine: commandLineSchema.nullable(),
});

export interface SignInsOptions {
  readonly issuers: readonly GovernedIssuer[];
  /** Where the issuer sends people back to. */
  readonly callback: string;
  readonly egress: Pick<Egress, "fetchTo">;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly random: Random;
}

/** Who somebody is, as their issuer says. */
export interface SignedIn {
  readonly config: GovernedIssuer;
  readonly issuer: string;
  readonly subject: string;
  /** What they are called there; no proof of anything. */
  readonly name: string;
  /** What the issuer calls them, and this session, when it says that they signed out. */
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  /** Those that mean something here. */
  readonly groups: readonly string[];
  /** Null where the browser itself signs in. */
  readonly commandLine: CommandLine | null;
}

type WithSignIn = GovernedIssuer & { readonly signIn: NonNullable<GovernedIssuer["signIn"]> };

export class SignIns {
  readonly #options: SignInsOptions;
  readonly #sealed: SealedTexts;
  readonly #discovered = new Map<string, { readonly configuration: Configuration; readonly atMs: number }>();

  constructor(options: SignInsOptions) {
    this.#options = options;
    this.#sealed = new SealedTexts(options.random);
  }

  /** Names of the issuers at which people sign in. */
  get names(): readonly string[] {
    return this.#issuers().map(({ name }) => name);
  }

  /**
   * Where to send the browser, and what it must bring back. Throws `sign-in-invalid` for an issuer that is not
   * configured, `issuer-unreachable`.
   */
  async begin(
    name: string | undefined,
    commandLine: CommandLine | null,
  ): Promise<{ readonly address: string; readonly sealed: string }> {
    const config = this.#issuerNamed(name);
    const { buildAuthorizationUrl, calculatePKCECodeChallenge } = await import("openid-client");
    const [state, nonce, verifier] = [this.#token(), this.#token(), this.#token()];
    const address = buildAuthorizationUrl(await this.#discover(config), {
      redirect_uri: this.#options.callback,
      scope: config.signIn.scope,
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      // Whoever has a person open an address must not get a session out of one that is open at the provider.
      ...(commandLine === null ? {} : { prompt: "login" }),
    });
    const expiresAt = this.#options.clock.nowMs() + SIGN_IN_MS;
    const pending = { issuer: config.name, state, nonce, verifier, expiresAt, commandLine };
    const sealed = this.#sealed.seal(JSON.stringify(pending satisfies z.input<typeof pendingSchema>));
    return { address: address.href, sealed };
  }

  /**
   * Who came back. `query` is what the issuer sent the browser here with, `sealed` what `begin` gave it. Throws
   * `sign-in-invalid` unless both belong together, `sign-in-refused` when the issuer says no, `issuer-unreachable`.
   */
  async finish(query: string, sealed: string): Promise<SignedIn> {
    const pending = this.#open(sealed);
    const config = this.#issuerNamed(pending.issuer);
    const configuration = await this.#discover(config);
    const claims = await claimsOf(configuration, {
      address: new URL(`${this.#options.callback}?${query}`),
      pending,
      config,
    });
    const subject = textAt(claims, config.claims.subject);
    if (subject === null) throw new AppError("sign-in-invalid", "the issuer names no subject");
    const groups = groupsOf(config, claims).slice(0, GROUPS_MAX);
    const name = textAt(claims, config.claims.name) ?? "";
    const [sub, sid] = [textAt(claims, "sub") ?? undefined, textAt(claims, "sid")?.slice(0, 256) ?? undefined];
    return { config, issuer: config.url, subject, sub, sid, name, groups, commandLine: pending.commandLine };
  }

  #issuers(): readonly WithSignIn[] {
    return this.#options.issuers.filter((config): config is WithSignIn => config.signIn !== undefined);
  }

  #issuerNamed(name: string | undefined): WithSignIn {
    const issuers = this.#issuers();
    const found = name === undefined && issuers.length === 1 ? issuers[0] : issuers.find((one) => one.name === name);
    if (found === undefined) throw new AppError("sign-in-invalid", "no such issuer is configured for signing in");
    return found;
  }

  #open(sealed: string): z.output<typeof pendingSchema> {
    const text = this.#sealed.open(sealed);
    const pending = text === null ? null : pendingSchema.parse(JSON.parse(text));
    if (pending !== null && pending.expiresAt > this.#options.clock.nowMs()) return pending;
    throw new AppError("sign-in-invalid", "it was not begun in this browser, or too long ago");
  }

  #token(): string {
    return Buffer.from(this.#options.random.bytes(32)).toString("base64url");
  }

  async #discover(config: WithSignIn): Promise<Configuration> {
    const nowMs = this.#options.clock.monotonicMs();
    const known = this.#discovered.get(config.name);
    if (known !== undefined && nowMs - known.atMs < DISCOVERED_MS) return known.configuration;
    const { egress, credentials } = this.#options;
    const client = await import("openid-client");
    const { clientId, secret } = config.signIn;
    const authentication =
      secret === undefined ? client.None() : client.ClientSecretBasic(await credentials.get(secret));
    const configuration = await client
      .discovery(new URL(config.url), clientId, { [client.clockTolerance]: config.clockSkewS }, authentication, {
        // oxlint-disable-next-line typescript/no-deprecated -- only an address on this machine can be configured without TLS
        execute: config.url.startsWith("http:") ? [client.allowInsecureRequests] : [],
        timeout: CALL_TIMEOUT_S,
        [client.customFetch]: (url, init) => {
          const fetch = egress.fetchTo(new URL(url).origin, { answerBytesMax: ANSWER_BYTES_MAX });
          return fetch(url, init as RequestInit);
        },
      })
      .catch((cause: unknown) => {
        throw unreachable(config, cause);
      });
    // The signature of an identity token is checked although it comes straight from the issuer.
    client.enableNonRepudiationChecks(configuration);
    this.#discovered.set(config.name, { configuration, atMs: nowMs });
    return configuration;
  }
}

type Answered = {
  readonly address: URL;
  readonly pending: z.output<typeof pendingSchema>;
  readonly config: WithSignIn;
};

/** The claims of the identity token, and those that the issuer tells only when it is asked. */
async function claimsOf(configuration: Configuration, { address, pending, config }: Answered): Promise<JsonObject> {
  const client = await import("openid-client");
  const checks = {
    pkceCodeVerifier: pending.verifier,
    expectedState: pending.state,
    expectedNonce: pending.nonce,
    idTokenExpected: true,
  };
  try {
    const tokens = await client.authorizationCodeGrant(configuration, address, checks);
    const claims = (tokens.claims() ?? {}) as JsonObject & { sub: string };
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
    const more = (await client.fetchUserInfo(configuration, tokens.access_token, claims.sub)) as JsonObject;
    return { ...more, ...claims };
  } catch (error) {
    if (error instanceof client.AuthorizationResponseError) {
      throw new AppError("sign-in-refused", `the issuer says ${error.error.replaceAll(/[^a-z_]/g, "").slice(0, 64)}`);
    }
    if (error instanceof client.ClientError && error.code === "OAUTH_TIMEOUT") throw unreachable(config, error);
    if (error instanceof TypeError) throw unreachable(config, error);
    throw new AppError("sign-in-invalid", "what the issuer answered does not verify", {}, withoutAnswer(error));
  }
}

/** RFC 6749, section 5.2. */
const TOKEN_ERRORS: ReadonlySet<unknown> = new Set([
  "invalid_request",
  "invalid_client",
  "invalid_grant",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
]);

/**
 * What failed, for the log. The issuer was told the client's secret, and whatever else it answers may repeat that; the
 * library, whose errors have codes of OAUTH_, says what it thinks of an answer in its own words.
 */
function withoutAnswer(error: unknown): Error {
  const said: string[] = [];
  for (let one = error; isOfLibrary(one); one = one.cause) {
    said.push(one.message);
    if ("error" in one && TOKEN_ERRORS.has(one.error)) said.push(String(one.error));
  }
  return new Error(said.length === 0 ? "an unexpected failure" : said.join(": "));
}

function isOfLibrary(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("OAUTH_");
}

function unreachable({ name }: GovernedIssuer, cause: unknown): AppError {
  return new AppError("issuer-unreachable", `the issuer ${name} cannot be asked`, { issuer: name }, cause);
}
