// Secrets: one file each below the data folder's `secrets/`, or from where configuration says for a reference.

import { readFile, stat } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { AppError } from "../core/errors.ts";
import type { Credentials } from "../wire/contracts/credentials.ts";
import type { CredentialsConfig, SecretSource } from "../wire/schemas/credentials-config.ts";
import { checkProgram, SecretCommands } from "./secret-command.ts";

const BYTES_MAX = 16_384;

export type SecretsPlace = { readonly dataDir: string; readonly credentials: CredentialsConfig };

type Reading = {
  readonly env?: NodeJS.ProcessEnv;
  /** Told which secret could not be had, and why, in words that hold nothing that was read. */
  readonly onFailure?: (ref: string, why: string) => void;
};

const commands = new SecretCommands();

/**
 * `pagerduty/default` is the file `secrets/pagerduty/default`, where configuration names no other source of it; one line
 * end at its end is not part of it. Each is read anew for each call and kept nowhere. An error names the reference and
 * what is wrong with its source, never anything that was read.
 */
export function openSecrets(place: SecretsPlace, { env = process.env, onFailure }: Reading = {}): Credentials {
  const root = resolve(place.dataDir, "secrets");
  const read = async (ref: string, signal: AbortSignal | undefined): Promise<string> => {
    const source = sourceOf(place.credentials, ref);
    if (source === undefined) return readSecretFile(pathIn(root, ref), ref);
    if ("file" in source) return readSecretFile(source.file, ref);
    if ("env" in source) return fromEnvironment(env[source.env], ref);
    try {
      return await commands.read(source, env, signal);
    } catch (error) {
      throw unusable(ref, `the command for the secret ${ref} failed: ${wordsOf(error)}`);
    }
  };
  return {
    get: (ref, signal) =>
      read(ref, signal).catch((error: unknown) => {
        onFailure?.(ref, wordsOf(error));
        throw error;
      }),
  };
}

/** Throws `config-invalid` for a secret that cannot be had, as far as that can be told without running a command. */
export async function checkSecret(place: SecretsPlace, ref: string): Promise<void> {
  const source = sourceOf(place.credentials, ref);
  if (source === undefined || !("command" in source)) {
    if ((await openSecrets(place).get(ref)) === "") throw unusable(ref, `the secret ${ref} is empty`);
    return;
  }
  await checkProgram(source.command[0]).catch((error: unknown) => {
    throw unusable(ref, `the command for the secret ${ref} cannot run: ${wordsOf(error)}`);
  });
}

function sourceOf(sources: CredentialsConfig, ref: string): SecretSource | undefined {
  return Object.hasOwn(sources, ref) ? sources[ref] : undefined;
}

function pathIn(root: string, ref: string): string {
  const path = resolve(join(root, ref));
  if (!path.startsWith(root + sep)) throw unusable(ref, "a secret's name leaves its folder");
  return path;
}

async function readSecretFile(path: string, ref: string): Promise<string> {
  const file = await stat(path).catch(() => null);
  if (file === null) throw unusable(ref, `there is no secret ${ref}`);
  if ((file.mode & 0o077) !== 0) throw unusable(ref, `others may read the secret ${ref}`);
  if (file.size > BYTES_MAX) throw unusable(ref, `the secret ${ref} is too large`);
  return withoutLineEnd(await readFile(path, "utf8"));
}

function fromEnvironment(value: string | undefined, ref: string): string {
  if (value === undefined) throw unusable(ref, `the environment has no secret ${ref}`);
  return withoutLineEnd(value);
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, "");
}

function unusable(ref: string, detail: string): AppError {
  return new AppError("config-invalid", detail, { ref });
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : "for no reason it gave";
}
