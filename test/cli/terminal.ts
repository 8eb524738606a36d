// The command line in this process: injected streams, environment and time, and the exit code it ends with.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { CliEnvironment, CliHost } from "../../src/cli/host.ts";
import { runCli } from "../../src/cli/run-cli.ts";
import { readPolicyFolder } from "../../src/main/policy-bundles.ts";

export type Outcome = { readonly code: number; readonly out: string; readonly err: string };

type Place = { readonly configDir: string; readonly dataDir: string; readonly server?: string };

export type RunOptions = {
  readonly env?: Partial<CliEnvironment>;
  /** Lines typed at a terminal; without them standard input is a closed pipe. */
  readonly typed?: readonly string[];
  /** What is piped in. */
  readonly piped?: string;
  readonly interrupted?: AbortSignal;
  readonly openClassifier?: CliHost["openClassifier"];
  /** What there is on this machine, for `doctor`. */
  readonly local?: Partial<Pick<CliHost, "readLocalConfiguration" | "readPolicyFolder" | "probeHealth">>;
  /** Sees each chunk of standard output as it comes. */
  readonly onOut?: (text: string) => void;
};

export type Terminal = (argv: readonly string[], options?: RunOptions) => Promise<Outcome>;

const NO_PLACES = { endpoints: [], databases: [], clusters: [] };

export const POLICY_DIR = join(import.meta.dirname, "../../policies");

export function temporaryFolder(t: Pick<TestContext, "after">): string {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-cli-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** Runs commands against one place; nothing of this process's own environment gets in. */
export function openTerminal(place: Place): Terminal {
  return async (argv, options = {}) => {
    let out = "";
    let err = "";
    const write = (text: string): void => {
      out += text;
      options.onOut?.(text);
    };
    const { configDir, dataDir, server } = place;
    const none = { server, token: undefined, tokenFile: undefined, client: undefined, postgresUrl: null };
    const host: CliHost = {
      argv,
      env: { ...none, configDir, dataDir, ...options.env },
      stdin: stdinOf(options),
      stdout: { write },
      stderr: { write: (text) => (err += text) },
      clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
      random: { bytes: (count) => randomBytes(count) },
      version: "1.2.3",
      nodeVersion: process.version,
      interrupted: options.interrupted ?? new AbortController().signal,
      policyDir: POLICY_DIR,
      serve: () => Promise.reject(new Error("served")),
      readLocalConfiguration: () => ({ policyDir: POLICY_DIR, executors: [], healthPlaces: NO_PLACES }),
      checkClassifiers: async () => [{ name: "rules", model: "rules.yaml", problem: null }],
      checkExports: async () => [],
      checkNotifiers: async () => [],
      probeExecutors: async () => [],
      probeHealth: async () => [],
      openClassifier: options.openClassifier ?? (() => assert.fail("no classifier is asked for")),
      readPolicyFolder,
      ...options.local,
    };
    const code = await runCli(host);
    return { code, out, err };
  };
}

function stdinOf({ typed, piped = "" }: RunOptions): CliHost["stdin"] {
  const lines = [...(typed ?? [])];
  return {
    isTTY: typed !== undefined,
    readLine: async () => lines.shift() ?? null,
    readAll: async () => Buffer.from(piped),
  };
}
