// Running Terraform or OpenTofu in the sandbox: reading a saved plan and the state, and applying the plan.

import { createHash } from "node:crypto";
import { close, constants, fsyncSync, open, openSync, closeSync, writeSync, unlinkSync } from "node:fs";
import { mkdir, open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { TerraformConfig, TerraformWorkspace } from "../../wire/schemas/terraform-config.ts";
import { runSandboxed, type Sandboxed, type SandboxEnd } from "./runbook-sandbox.ts";
import { readSecret } from "./secret-reading.ts";

const PLAN_BYTES_MAX = 67_108_864;
const SHOWN_BYTES_MAX = 33_554_432;
const STATE_BYTES_MAX = 134_217_728;
/** The plan's bytes as they were checked: no path leads to them, so nobody can put others there. */
const PLAN_PATH = "/proc/self/fd/4";

export interface ProgramParts {
  readonly config: TerraformConfig;
  readonly credentials: Credentials;
  /** Folders that no program may see. */
  readonly hidden: readonly string[];
  /** Where what applying said is kept: only we may write there. */
  readonly records: string;
}

/** A plan file of at most 64 MiB that lies in the folder itself, or undefined. */
export async function readPlanFile(
  { plans }: TerraformWorkspace,
  name: string,
): Promise<{ readonly bytes: Buffer; readonly digest: string } | undefined> {
  const handle = await openFile(join(plans, name), constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => null);
  if (handle === null) return undefined;
  try {
    const stat = await handle.stat();
    if (!stat.isFile() || stat.size > PLAN_BYTES_MAX) return undefined;
    const bytes = Buffer.alloc(stat.size);
    const { bytesRead } = await handle.read(bytes, 0, stat.size, 0);
    return bytesRead === stat.size ? { bytes, digest: createHash("sha256").update(bytes).digest("hex") } : undefined;
  } catch {
    return undefined;
  } finally {
    await handle.close();
  }
}

/** What a run needs beside what it does, or the reference of a secret that cannot be had. */
export async function readEnvironment(
  { credentials }: ProgramParts,
  { secrets, workspace }: TerraformWorkspace,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>> | string> {
  const own = { TF_IN_AUTOMATION: "1", TF_INPUT: "0", CHECKPOINT_DISABLE: "1" };
  const values: Record<string, string> = workspace === undefined ? own : { ...own, TF_WORKSPACE: workspace };
  for (const [variable, ref] of Object.entries(secrets)) {
    const secret = await readSecret(credentials, ref, signal);
    if (secret === undefined) return ref;
    values[variable] = secret;
  }
  return values;
}

export interface Run {
  readonly parts: ProgramParts;
  readonly workspace: TerraformWorkspace;
  readonly environment: Readonly<Record<string, string>>;
}

function sandboxed({ parts, workspace, environment }: Run, args: readonly string[]): Sandboxed {
  const { config, hidden } = parts;
  const { directory, network, limits } = workspace;
  return {
    program: config.program,
    args: [`-chdir=${directory}`, ...args],
    environment,
    network,
    memoryMiB: limits.memoryMiB,
    outputBytesMax: STATE_BYTES_MAX,
    user: config.user,
    hidden,
    isApart: true,
  };
}

/** The plan as JSON, unread; undefined when the program failed or said too much. */
export async function showPlan(run: Run, bytes: Buffer, signal: AbortSignal): Promise<string | undefined> {
  const asked = { ...sandboxed(run, ["show", "-json", "-no-color", PLAN_PATH]), outputBytesMax: SHOWN_BYTES_MAX };
  const end = await withFile(run.parts, bytes, (file) => runSandboxed({ ...asked, file }, signal));
  return wholeOutput(end);
}

/** `<lineage>:<serial>` of the state as it is, or undefined. Nothing else of it is looked at: states hold secrets. */
export async function readSerial(run: Run, signal: AbortSignal): Promise<string | undefined> {
  const text = wholeOutput(await runSandboxed(sandboxed(run, ["state", "pull"]), signal));
  if (text === undefined) return undefined;
  if (text.trim() === "") return "none:0"; // nothing was ever applied here
  try {
    const { lineage, serial } = JSON.parse(text) as { lineage?: unknown; serial?: unknown };
    if (typeof lineage !== "string" || typeof serial !== "number" || !/^[\w-]{1,64}$/.test(lineage)) return undefined;
    return `${lineage}:${serial}`;
  } catch {
    return undefined;
  }
}

function wholeOutput(end: SandboxEnd): string | undefined {
  return end.kind === "ended" && end.exit === 0 && !end.isCut ? end.output : undefined;
}

/** Applies exactly these bytes. What it says goes to the log as it says it: that is there also when nobody is left to read it. */
export async function applyPlan(
  run: Run,
  { bytes, log }: { readonly bytes: Buffer; readonly log: number },
  signal: AbortSignal,
): Promise<SandboxEnd> {
  const { limits } = run.workspace;
  const asked = sandboxed(run, ["apply", "-json", "-input=false", "-lock-timeout=5s", PLAN_PATH]);
  const more = { stdout: log, stopMs: limits.stopSeconds * 1_000 };
  return withFile(run.parts, bytes, (file) => runSandboxed({ ...asked, ...more, file }, signal));
}

/** Readable by whomever the program runs as, and by no path. */
async function withFile<T>({ records }: ProgramParts, bytes: Buffer, use: (file: number) => Promise<T>): Promise<T> {
  await mkdir(records, { recursive: true, mode: 0o700 });
  const path = join(records, `plan-${process.pid}-${++copies}`);
  const writing = openSync(path, "wx", 0o444);
  try {
    let written = 0;
    while (written < bytes.length) written += writeSync(writing, bytes, written);
    fsyncSync(writing);
  } finally {
    closeSync(writing);
  }
  const file = await promisify(open)(path, "r");
  try {
    unlinkSync(path);
    return await use(file);
  } finally {
    await promisify(close)(file);
  }
}

let copies = 0;
