// Configuration: environment, then one file, checked once at the top. Nothing else reads the environment, but secrets
// that configuration says stand there.

import { existsSync, readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { AppError } from "../core/errors.ts";
import type { HealthPlaces } from "../policy/verification.ts";
import { classifierConfigSchema } from "../wire/schemas/classifier-config.ts";
import { credentialsConfigSchema } from "../wire/schemas/credentials-config.ts";
import { healthConfigSchema } from "../wire/schemas/health-config.ts";
import { imagesConfigSchema } from "../wire/schemas/images-config.ts";
import { executorsConfigSchema } from "../wire/schemas/executors-config.ts";
import { exportsConfigSchema } from "../wire/schemas/exports-config.ts";
import { notifiersConfigSchema } from "../wire/schemas/notifiers-config.ts";
import { feedsConfigSchema } from "../wire/schemas/feeds-config.ts";
import { issuersConfigSchema } from "../wire/schemas/issuers-config.ts";
import { parseOrigin } from "../wire/schemas/origin.ts";
import { STAGES } from "../wire/types/stage.ts";

const bucket = z.strictObject({ burst: z.number().int().min(1), perSecond: z.number().positive() });

export const fileSchema = z.strictObject({
  /** Name of the log; it cannot change later. */
  origin: z.string().max(128).optional(),
  policy: z
    .strictObject({
      /** `file`: what stands in the folder at the start is enforced. `governed`: only what was approved. */
      activation: z.enum(["file", "governed"]).default("file"),
      path: z.string().optional(),
    })
    .prefault({}),
  triage: z
    .strictObject({
      /** Where the triage agent begins, given at the first start alone and for 30 days; later people set it. */
      stage: z.enum(STAGES).default("controlled-paging"),
    })
    .prefault({}),
  classifier: classifierConfigSchema.prefault({}),
  teams: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(256)
    .default(["platform", "sre", "database", "network", "security"]),
  /** Where secrets come from that are not files below `secrets/`. */
  credentials: credentialsConfigSchema.prefault({}),
  executors: executorsConfigSchema.prefault({}),
  health: healthConfigSchema.prefault({}),
  /** How images are verified before they are deployed; without it none is. */
  images: imagesConfigSchema.optional(),
  exports: exportsConfigSchema.prefault({}),
  notifiers: notifiersConfigSchema.prefault({}),
  egress: z
    .strictObject({
      /** Origins that may be reached beyond those that the rest of the configuration names. */
      allow: z.array(z.string().max(256)).max(64).default([]),
    })
    .prefault({}),
  execution: z
    .strictObject({
      planTimeoutMs: z.number().int().min(100).max(60_000).default(10_000),
      stepTimeoutMs: z.number().int().min(100).max(120_000).default(20_000),
      /** Calls of one kind of action at a time, so that one slow system takes no room from others. */
      concurrentPerKind: z.number().int().min(1).max(4_096).default(32),
    })
    .prefault({}),
  limits: z
    .strictObject({
      reads: bucket.default({ burst: 2_000, perSecond: 200 }),
      writes: bucket.default({ burst: 200, perSecond: 20 }),
      signals: bucket.default({ burst: 12_000, perSecond: 200 }),
      tokens: bucket.default({ burst: 60, perSecond: 5 }),
      sessions: bucket.default({ burst: 40, perSecond: 0.02 }),
    })
    .prefault({}),
  signals: z
    .strictObject({
      redact: z
        .strictObject({
          /** IP addresses in signals are replaced too; a source's mapping can say otherwise. */
          ipAddresses: z.boolean().default(false),
        })
        .prefault({}),
    })
    .prefault({}),
  model: z
    .strictObject({
      /** Telemetry is counted over so long, and recorded where it shows something new. */
      windowSeconds: z.int().min(1).max(3_600).default(60),
      /** How long spans wait for the rest of their trace. */
      holdSeconds: z.number().min(0.1).max(300).default(15),
      /** A dependency that is not used any more by a service that is alive ends after this, or three times its longest pause. */
      fadeAfterMinutes: z.number().min(0.01).max(100_000).default(15),
      /** A service that says nothing any more, while others do, ends after this. */
      forgetAfterHours: z.number().min(0.01).max(10_000).default(24),
      /** Beyond it, for the rest of the day, only what is new or gone is recorded. */
      mebibytesPerDay: z.number().min(1).max(10_000).default(64),
      /** What it asks by itself. */
      feeds: feedsConfigSchema.prefault({}),
    })
    .prefault({}),
  /** Whose tokens are accepted beside our own, and where people sign in. */
  issuers: issuersConfigSchema.default([]),
  sessions: z
    .strictObject({
      /** A person's session in a browser ends after this, used or not. */
      hours: z.number().min(0.25).max(168).default(12),
      /** … and after this when it is not used. */
      idleMinutes: z.number().min(1).max(1_440).default(60),
    })
    .prefault({}),
  snapshotEvery: z.number().int().min(100).default(50_000),
});

export type Config = z.output<typeof fileSchema> & {
  readonly host: string;
  readonly port: number;
  /** Where people and agents find this server, when it is not where it listens: behind a proxy that ends TLS. */
  readonly publicUrl: string | null;
  readonly dataDir: string;
  /** Where the owner's keys go: never beside the log. */
  readonly ownerDir: string;
  readonly postgresUrl: string | null;
  readonly policyDir: string;
  /** Where the console was built to; it may be missing. */
  readonly consoleDir: string;
  readonly classifierRules: string;
  readonly classifierPrompt: string;
  readonly logLevel: string;
};

const PROJECT_DIR = resolve(import.meta.dirname, "../..");

/** The configuration of this process. Throws `config-invalid`, naming the place. */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const dataDir = resolve(env["HOLDPOINT_DATA"] ?? ".holdpoint");
  const path = join(dataDir, "holdpoint.yaml");
  const parsed = fileSchema.safeParse(existsSync(path) ? readYaml(path) : {});
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new AppError("config-invalid", `${path}: /${issue?.path.join("/") ?? ""}: ${issue?.message ?? "invalid"}`);
  }
  const file = parsed.data;
  const owner = ownerDir(env);
  // Whoever copies or steals the data folder must not have the key that vouches for it.
  if (isWithin(dataDir, owner)) {
    throw new AppError("config-invalid", `the owner's folder ${owner} (HOLDPOINT_CONFIG) lies in the data folder`);
  }
  return {
    ...file,
    host: env["HOLDPOINT_HOST"] ?? "127.0.0.1",
    port: parsePort(env["HOLDPOINT_PORT"]),
    publicUrl: env["HOLDPOINT_URL"] === undefined ? null : parseOrigin(env["HOLDPOINT_URL"]),
    dataDir,
    ownerDir: owner,
    postgresUrl: env["HOLDPOINT_POSTGRES_URL"] ?? null,
    policyDir: fromData(dataDir, file.policy.path) ?? join(PROJECT_DIR, "policies"),
    consoleDir: join(PROJECT_DIR, "dist", "console"),
    classifierRules: fromData(dataDir, file.classifier.rules) ?? join(PROJECT_DIR, "policies", "classifier-rules.yaml"),
    classifierPrompt:
      fromData(dataDir, file.classifier.prompt) ?? join(PROJECT_DIR, "policies", "classifier-prompt.md"),
    logLevel: env["HOLDPOINT_LOG_LEVEL"] ?? "info",
  };
}

/** Where the owner's and other clients' private keys are, for `serve` at its first start and for the CLI. */
export function ownerDir(env: NodeJS.ProcessEnv): string {
  const named = env["HOLDPOINT_CONFIG"];
  if (named !== undefined) return resolve(named);
  return join(env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config"), "holdpoint");
}

/** True when `path` is the folder or below it, also by way of links as far as it exists. */
function isWithin(folder: string, path: string): boolean {
  const from = relative(realPath(folder), realPath(path));
  return from === "" || (!isAbsolute(from) && from.split(sep)[0] !== "..");
}

function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const parent = dirname(path);
  return parent === path ? path : join(realPath(parent), basename(path));
}

function readYaml(path: string): unknown {
  const document = parseDocument(readFileSync(path, "utf8"), { uniqueKeys: true, maxAliasCount: 0 } as object);
  const problem = document.errors[0];
  if (problem !== undefined) throw new AppError("config-invalid", `${path}: ${problem.message}`);
  return document.toJS({ maxAliasCount: 0 }) ?? {};
}

function fromData(dataDir: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  return isAbsolute(path) ? path : join(dataDir, path);
}

function parsePort(text: string | undefined): number {
  if (text === undefined) return 4600;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) {
    throw new AppError("config-invalid", "HOLDPOINT_PORT is a number from 0 to 65535");
  }
  return port;
}

/** What the checks of verifications may ask. */
export function healthPlaces({ health, executors }: Pick<Config, "health" | "executors">): HealthPlaces {
  return {
    endpoints: Object.keys(health.endpoints),
    databases: Object.keys(health.databases),
    clusters: (executors.kubernetes?.clusters ?? []).map(({ name }) => name),
  };
}
