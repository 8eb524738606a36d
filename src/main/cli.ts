// The `holdpoint` command: the environment and the streams of this process, handed to the command line.

import { createInterface } from "node:readline/promises";
import { join, resolve } from "node:path";
import type { CliHost, LocalConfiguration, TextSource } from "../cli/host.ts";
import { runCli } from "../cli/run-cli.ts";
import { classifierNamed } from "./classifiers.ts";
import { healthPlaces, loadConfig, ownerDir } from "./config.ts";
import { openEgress } from "./egress.ts";
import { readPolicyFolder } from "./policy-bundles.ts";
import { systemClock, systemRandom } from "./system.ts";
import { VERSION } from "./version.ts";

const STDIN_BYTES_MAX = 16 * 1024 * 1024;
const INTERRUPTED_EXIT = 130; // 128 + SIGINT

const stdin: TextSource = {
  isTTY: process.stdin.isTTY,
  async readLine() {
    const lines = createInterface({ input: process.stdin, terminal: false });
    try {
      for await (const line of lines) return line;
      return null;
    } finally {
      lines.close();
    }
  },
  async readAll() {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > STDIN_BYTES_MAX) throw new Error("standard input is too large");
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  },
};

function readLocalConfiguration(): LocalConfiguration {
  const config = loadConfig(process.env);
  const { policyDir, executors } = config;
  return { policyDir, executors: Object.keys(executors), healthPlaces: healthPlaces(config) };
}

function openClassifier(name: string): ReturnType<CliHost["openClassifier"]> {
  const config = loadConfig(process.env);
  return { classifier: classifierNamed(config, openEgress(config), name), teams: config.teams };
}

/** Most commands ask a server: what a server itself is made of is loaded by those that need it. */
function hostOf(env: NodeJS.ProcessEnv, interrupted: AbortSignal): CliHost {
  return {
    argv: process.argv.slice(2),
    env: {
      server: env["HOLDPOINT_SERVER"],
      token: env["HOLDPOINT_TOKEN"],
      tokenFile: env["HOLDPOINT_TOKEN_FILE"],
      client: env["HOLDPOINT_CLIENT"],
      configDir: ownerDir(env),
      dataDir: resolve(env["HOLDPOINT_DATA"] ?? ".holdpoint"),
      postgresUrl: env["HOLDPOINT_POSTGRES_URL"] ?? null,
    },
    stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    clock: systemClock,
    random: systemRandom,
    version: VERSION,
    nodeVersion: process.version,
    interrupted,
    policyDir: join(import.meta.dirname, "../../policies"),
    serve: async () => (await import("./serve.ts")).serve(env),
    readLocalConfiguration,
    checkClassifiers: async () => (await import("./classifier-check.ts")).checkClassifiers(loadConfig(env)),
    checkExports: async () => (await import("./exports-check.ts")).checkExports(loadConfig(env)),
    checkNotifiers: async () => (await import("./notifiers-check.ts")).checkNotifiers(loadConfig(env)),
    probeExecutors: async () => (await import("./executors-check.ts")).probeExecutors(loadConfig(env)),
    probeHealth: async () => (await import("./health-check.ts")).probeHealthPlaces(loadConfig(env)),
    openClassifier,
    readPolicyFolder,
  };
}

const interruption = new AbortController();
process.once("SIGINT", () => {
  interruption.abort();
  // A second one ends at once, as without a handler.
  process.once("SIGINT", () => process.exit(INTERRUPTED_EXIT));
});
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0); // `| head` has read enough
  throw error;
});
process.exitCode = await runCli(hostOf(process.env, interruption.signal));
