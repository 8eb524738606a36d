// Webhook sources: each has a secret of its own, which lets it write its own signals and nothing else.

import { hash, timingSafeEqual } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { Random } from "../../core/random.ts";
import { firstProblem, sourceFile } from "../../wire/schemas/identity.ts";
import type { SourceFile } from "../../wire/schemas/identity.ts";
import type { SourceIdentity } from "../../wire/types/identity.ts";
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

/** The two headers that may carry a source's secret; a request must use one of them. */
export interface SourceCredentials {
  readonly authorization: string | undefined;
  /** `X-Holdpoint-Source-Secret`. */
  readonly sourceSecret: string | undefined;
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
   * Who sends to `/v1/signals/{name}`. Throws `source-unknown` for a source that is not configured and
   * `source-secret-invalid` without its secret, a client's access token included.
   */
  authenticate(name: string, credentials: SourceCredentials): SourceIdentity {
    const source = this.find(name);
    if (source === undefined) throw new AppError("source-unknown", "no source of that name is configured");
    if (!matches(presentedSecret(credentials), source.secretSha256)) {
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
}

function presentedSecret({ authorization, sourceSecret }: SourceCredentials): string {
  if (authorization !== undefined && sourceSecret !== undefined) {
    throw new AppError("source-secret-invalid", "send the secret in one header, not in two");
  }
  if (sourceSecret !== undefined) return sourceSecret;
  if (authorization === undefined || authorization.slice(0, SCHEME.length).toLowerCase() !== SCHEME) {
    throw new AppError("source-secret-invalid", "send the source's secret as a bearer token");
  }
  return authorization.slice(SCHEME.length);
}

function matches(secret: string, sha256: string): boolean {
  if (!SECRET.test(secret)) return false;
  return timingSafeEqual(hash("sha256", secret, "buffer"), Buffer.from(sha256, "hex"));
}

function parseSource(name: string, value: Json): SourceFile {
  const parsed = sourceFile.safeParse(value);
  if (!parsed.success) throw new Error(firstProblem(parsed.error));
  if (parsed.data.name !== name) throw new Error("name and file name disagree");
  return parsed.data;
}

/** What `createSource` needs of a source; the secret is made, and the file says only what is said here. */
export type NewSource = Omit<z.input<typeof sourceFile>, "secretSha256">;

/**
 * Configures a source in `dir` and answers its secret, which is kept nowhere. Throws `request-invalid` for what the
 * schema refuses and `config-invalid` when the source exists.
 */
export function createSource(dir: string, source: NewSource, random: Random): string {
  const secret = `hps_${Buffer.from(random.bytes(32)).toString("base64url")}`;
  const file = { ...source, secretSha256: hash("sha256", secret) };
  const parsed = sourceFile.safeParse(file);
  if (!parsed.success) throw new AppError("request-invalid", firstProblem(parsed.error));
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (!createFile(join(dir, `${source.name}.json`), `${JSON.stringify(file, null, 2)}\n`)) {
    throw new AppError("config-invalid", `source ${source.name} is configured already`);
  }
  return secret;
}
