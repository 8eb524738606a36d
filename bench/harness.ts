// What every benchmark shares: temporary folders, child processes, the machine's description, one JSON object out.

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { entryOf } from "../scripts/server-build.mjs";

export type Results = Readonly<Record<string, number | Readonly<Record<string, number>>>>;

export type Bench = {
  readonly name: string;
  readonly seed: number;
  run(): Promise<Results>;
};

/** How many events a benchmark works on: `BENCH_EVENTS`, or what its goal names. */
export function eventsFor(usual: number): number {
  return Number(process.env["BENCH_EVENTS"] ?? usual);
}

/** A folder that goes when `use` ends. */
export async function withFolder<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(os.tmpdir(), "holdpoint-bench-"));
  try {
    return await use(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Starts a Node program and resolves with what its standard output says up to a line that matches. */
export async function startProgram(
  script: string,
  options: { args?: readonly string[]; env?: NodeJS.ProcessEnv; ready: RegExp },
): Promise<{ child: ChildProcess; line: string }> {
  const env = { ...process.env, ...options.env };
  const child = spawn(process.execPath, [script, ...(options.args ?? [])], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const line = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (options.ready.test(text)) resolve(text);
    });
    child.once("exit", (code) => reject(new Error(`${script} ended with ${code} before it was ready`)));
  });
  return { child, line };
}

/** Starts the server with its data in `data` and its owner beside it; resolves when it serves at `url`. */
export async function startServer(dir: string, data: string): Promise<{ child: ChildProcess; url: string }> {
  const env = {
    HOLDPOINT_DATA: data,
    HOLDPOINT_CONFIG: join(dir, "owner"),
    HOLDPOINT_PORT: "0",
    HOLDPOINT_LOG_LEVEL: "warn",
  };
  const { child, line } = await startProgram(entryOf("serve"), { env, ready: /root key/ });
  return { child, url: /ready at (\S+)/.exec(line)?.[1] ?? "" };
}

export async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  await gone;
}

export function describeMachine(): Readonly<Record<string, string | number>> {
  return {
    cpu: os.cpus()[0]?.model ?? "unknown",
    cores: os.availableParallelism(),
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    platform: `${os.platform()} ${os.release()}`,
  };
}

const MS_PER_TICK = 10; // USER_HZ is 100 on Linux

/** Milliseconds of processor time that each thread of a process has used, by name; empty where there is no /proc. */
export function threadTimesMs(pid: number): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  const folder = `/proc/${pid}/task`;
  for (const thread of existsSync(folder) ? readdirSync(folder) : []) {
    const stat = readFileSync(join(folder, thread, "stat"), "utf8");
    const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const usedMs = (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
    times.set(name, (times.get(name) ?? 0) + usedMs);
  }
  return times;
}
