// Settings: flag, then environment, then the configuration file, then the default. Read once per command.

import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { usageError, CliError } from "./cli-error.ts";
import type { CliEnvironment } from "./host.ts";

const DEFAULT_SERVER = "http://127.0.0.1:4600";
const TIMEOUT_S_DEFAULT = 15;
const TIMEOUT_S_MAX = 600;
const FILE_BYTES_MAX = 64 * 1024;

const contextSchema = z.strictObject({ server: z.string().optional(), client: z.string().optional() });
const fileSchema = z.strictObject({
  server: z.string().optional(),
  client: z.string().optional(),
  /** Name of the context in use; what it does not say comes from the two above. */
  context: z.string().optional(),
  contexts: z.record(z.string(), contextSchema).optional(),
});

/** Flags that every command takes. */
export type GlobalFlags = {
  readonly server?: string;
  readonly client?: string;
  readonly context?: string;
  readonly timeout?: string;
};

export type Settings = {
  /** Origin of the server, no slash at its end. */
  readonly server: string;
  readonly client: string | null;
  /** The variables that hold or name a token; they win over the client's key. */
  readonly token: string | null;
  readonly tokenFile: string | null;
  readonly configDir: string;
  readonly timeoutMs: number;
};

/** Throws usage errors for a server that is no http(s) origin, and for a configuration file that does not read. */
export function resolveSettings(flags: GlobalFlags, env: CliEnvironment): Settings {
  const file = readContext(env.configDir, flags.context);
  return {
    server: parseServer(flags.server ?? env.server ?? file.server ?? DEFAULT_SERVER),
    client: flags.client ?? env.client ?? file.client ?? null,
    token: env.token ?? null,
    tokenFile: env.tokenFile ?? null,
    configDir: env.configDir,
    timeoutMs: parseTimeout(flags.timeout),
  };
}

function parseServer(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin =
    url !== undefined &&
    (url.protocol === "http:" || url.protocol === "https:") &&
    url.username === "" &&
    url.password === "" &&
    (url.pathname === "/" || url.pathname === "") &&
    url.search === "" &&
    url.hash === "";
  if (!isOrigin) throw usageError(`the server is not a URL like ${DEFAULT_SERVER}`);
  return url.origin;
}

function parseTimeout(text: string | undefined): number {
  if (text === undefined) return TIMEOUT_S_DEFAULT * 1000;
  const seconds = Number(text);
  if (!Number.isFinite(seconds) || seconds <= 0 || seconds > TIMEOUT_S_MAX) {
    throw usageError(`--timeout is a number of seconds, at most ${TIMEOUT_S_MAX}`);
  }
  return Math.ceil(seconds * 1000);
}

function readContext(configDir: string, wanted: string | undefined): z.output<typeof contextSchema> {
  const path = join(configDir, "config.yaml");
  const file = fileSchema.safeParse(existsSync(path) ? readYaml(path) : {});
  if (!file.success) {
    const issue = file.error.issues[0];
    throw new CliError(`${path}: /${issue?.path.join("/") ?? ""}: ${issue?.message ?? "invalid"}`);
  }
  const { contexts = {}, context, ...top } = file.data;
  const name = wanted ?? context;
  if (name === undefined) return top;
  if (!Object.hasOwn(contexts, name)) throw usageError(`${path} has no context ${JSON.stringify(name)}`);
  // One place each: a context with a server of its own never takes another one's client along.
  const chosen = contexts[name] ?? {};
  return chosen.server === undefined ? { ...top, ...chosen } : chosen;
}

function readYaml(path: string): unknown {
  if (statSync(path).size > FILE_BYTES_MAX) throw new CliError(`${path} is larger than a configuration file`);
  const document = parseDocument(readFileSync(path, "utf8"), { uniqueKeys: true });
  const problem = document.errors[0];
  if (problem !== undefined) throw new CliError(`${path}: ${problem.message}`);
  return document.toJS({ maxAliasCount: 0 }) ?? {};
}
