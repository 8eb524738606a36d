// Webhook sources: what each must show at the door. It lets it write its own signals and nothing else.

import { hash, timingSafeEqual } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Random } from "../../core/random.ts";
import { firstProblem, sourceFile } from "../../wire/schemas/identity.ts";
import type { SourceFile } from "../../wire/schemas/identity.ts";
import type { SourceIdentity } from "../../wire/types/identity.ts";
import { SOURCE_KINDS, type SourceKind, type SourceProof } from "../../wire/types/source-kinds.ts";
import { createFile } from "./durable-files.ts";
import { RecordFolder } from "./record-folder.ts";
import type { ProblemReport } from "./record-folder.ts";

/** 256 random bits behind a prefix that secret scanners can find. No JWT looks like it. */
const SECRET = /^hps_[A-Za-z0-9_-]{43}$/;
const SCHEME = "bearer ";

export interface SourceRegistryOptions {
  readonly dir: string;
  readonly clock: Clock;
  readonly onProblem: ProblemReport;
}

/** The places that may carry a source's secret; a request must use one of them. */
export interface SourceCredentials {
  readonly authorization: string | undefined;
  /** `X-Holdpoint-Source-Secret`. */
  readonly sourceSecret: string | undefined;
  /** The query parameter `secret`, for kinds whose senders cannot set headers. */
  readonly addressSecret?: string | undefined;
  /** The kinds of which the request has the header that a signed delivery needs. */
  readonly signedFor?: readonly SourceKind[] | undefined;
}

/** The configured sources. Files are looked at again at most once a second, or on `reload`. */
export class SourceRegistry {
  readonly #folder: RecordFolder<SourceFile>;

  constructor(options: SourceRegistryOptions) {
    this.#folder = new RecordFolder({ ...options, parse: parseSource });
  }

  /** A source's configuration, for normalizing what it sends. */
  find(name: string): SourceFile | undefined {
    this.#folder.refresh();
    return this.#folder.get(name);
  }

  reload(): void {
    this.#folder.reload();
  }

  /**
   * Who sends to `/v1/signals/{name}`; with `null`, whose secret it is. Throws `source-unknown` for a source that is not
   * configured and `source-secret-invalid` without its secret, a client's access token included. A kind that signs its
   * deliveries has shown nothing yet but that it will: `SourceProofs` judges the delivery itself.
   */
  authenticate(name: string | null, credentials: SourceCredentials): SourceIdentity {
    const source = name === null ? this.#ownerOf(credentials) : this.find(name);
    if (source === undefined) throw new AppError("source-unknown", "no source of that name is configured");
    const { proof }: { proof: SourceProof } = SOURCE_KINDS[source.kind];
    if (proof === "hmac" || proof === "sns") {
      if (credentials.signedFor?.includes(source.kind) !== true) {
        throw new AppError("source-secret-invalid", "a delivery of this source is signed, and this one is not");
      }
    } else if (!matches(presentedSecret(credentials, proof), source.secretSha256)) {
      throw new AppError("source-secret-invalid", "the secret is not this source's");
    }
    return {
      id: `source:${source.name}`,
      kind: "source",
      name: source.name,
      sourceKind: source.kind,
      scopes: [`signals:write:${source.name}`],
    };
  }

  #ownerOf(credentials: SourceCredentials): SourceFile {
    this.#folder.refresh();
    const secret = presentedSecret(credentials, "secret");
    for (const source of this.#folder.records()) if (matches(secret, source.secretSha256)) return source;
    throw new AppError("source-secret-invalid", "the secret is no source's: send it, or name the source");
  }
}

function presentedSecret(credentials: SourceCredentials, proof: SourceProof): string {
  const { authorization, sourceSecret, addressSecret } = credentials;
  if (addressSecret !== undefined && proof === "address") {
    if (authorization === undefined && sourceSecret === undefined) return addressSecret;
    throw new AppError("source-secret-invalid", "send the secret in one place, not in two");
  }
  if (authorization !== undefined && sourceSecret !== undefined) {
    throw new AppError("source-secret-invalid", "send the secret in one header, not in two");
  }
  if (sourceSecret !== undefined) return sourceSecret;
  if (authorization === undefined || authorization.slice(0, SCHEME.length).toLowerCase() !== SCHEME) {
    throw new AppError("source-secret-invalid", "send the source's secret as a bearer token");
  }
  return authorization.slice(SCHEME.length);
}

function matches(secret: string, sha256: string | undefined): boolean {
  if (sha256 === undefined || !SECRET.test(secret)) return false;
  return timingSafeEqual(hash("sha256", secret, "buffer"), Buffer.from(sha256, "hex"));
}

function parseSource(name: string, value: Json): SourceFile {
  const parsed = sourceFile.safeParse(value);
  if (!parsed.success) throw new Error(firstProblem(parsed.error));
  if (parsed.data.name !== name) throw new Error("name and file name disagree");
  return parsed.data;
}

/** What `createSource` needs of a source; the secret is made, and the file says only what is said here. */
export type NewSource = Omit<z.input<typeof sourceFile>, "secretSha256" | "signingSecret">;

/**
 * Configures a source in `dir`. Answers the secret for its sender, empty for kinds without one. A bearer secret is kept
 * nowhere; a signing secret (`signingSecret` where the vendor made it) is in the folder `secrets` beside `dir`, readable
 * by its owner alone. Throws `request-invalid` for what the schema refuses and `config-invalid` when the source exists.
 */
export function createSource(dir: string, source: NewSource, random: Random, signingSecret?: string): string {
  const { proof }: { proof: SourceProof } = SOURCE_KINDS[source.kind];
  const secret = signingSecret ?? `hps_${Buffer.from(random.bytes(32)).toString("base64url")}`;
  const ref = `sources/${source.name}`;
  const isBearer = proof === "secret" || proof === "address";
  const shown = isBearer ? { secretSha256: hash("sha256", secret) } : proof === "hmac" ? { signingSecret: ref } : {};
  const file = { ...source, ...shown };
  const parsed = sourceFile.safeParse(file);
  if (!parsed.success) throw new AppError("request-invalid", firstProblem(parsed.error));
  if (proof !== "hmac" && signingSecret !== undefined) throw new AppError("request-invalid", "this kind signs nothing");
  if (proof === "hmac") keepSigningSecret(join(dir, "..", "secrets", ref), secret);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (!createFile(join(dir, `${source.name}.json`), `${JSON.stringify(file, null, 2)}\n`)) {
    throw new AppError("config-invalid", `source ${source.name} is configured already`);
  }
  return proof === "sns" ? "" : secret;
}

const SIGNING_SECRET_CHARS_MIN = 16;

function keepSigningSecret(path: string, secret: string): void {
  if (secret.length < SIGNING_SECRET_CHARS_MIN || /\s/.test(secret)) {
    throw new AppError(
      "request-invalid",
      `a signing secret has ${SIGNING_SECRET_CHARS_MIN} characters or more, no blanks`,
    );
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  if (!createFile(path, `${secret}\n`)) throw new AppError("config-invalid", `there is a secret at ${path} already`);
}
