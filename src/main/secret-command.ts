// A secret from a command, such as a vault's own client: no shell, little environment, bounded in time and output.

import { spawn, type ChildProcess } from "node:child_process";
import { stat } from "node:fs/promises";
import type { SecretSource } from "../wire/schemas/credentials-config.ts";

type CommandSource = Extract<SecretSource, { command: unknown }>;

const OUTPUT_BYTES_MAX = 16_384;
/** Commands that run at once, and calls that wait for one of them to end. */
const RUNNING_MAX = 8;
const WAITING_MAX = 256;
const ALWAYS_PASSED = ["PATH", "HOME"];

/** Runs commands for secrets, a few at a time. Errors say how a command ended and nothing of what it printed. */
export class SecretCommands {
  #running = 0;
  readonly #waiting = new Set<() => void>();

  /** What `source` prints, without the line end at its end. Rejects with an Error that may be shown. */
  async read(source: CommandSource, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<string> {
    await this.#turn(signal);
    try {
      await checkProgram(source.command[0]);
      return await run(source, env, signal);
    } finally {
      const next = this.#waiting.values().next().value;
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** A place that becomes free passes to the first that waits. */
  async #turn(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#running < RUNNING_MAX) return void this.#running++;
    if (this.#waiting.size >= WAITING_MAX) throw new Error("too many commands for secrets wait");
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const take = (): void => {
      this.#waiting.delete(take);
      signal?.removeEventListener("abort", leave);
      resolve();
    };
    const leave = (): void => {
      this.#waiting.delete(take);
      reject(new Error("nobody waits for it any more"));
    };
    this.#waiting.add(take);
    signal?.addEventListener("abort", leave, { once: true });
    return promise;
  }
}

/** Throws for a program that is none, or that anybody could replace. */
export async function checkProgram(path: string): Promise<void> {
  const file = await stat(path).catch(() => null);
  if (file === null || !file.isFile()) throw new Error("its program is not there");
  if ((file.mode & 0o111) === 0) throw new Error("its program cannot be run");
  if ((file.mode & 0o002) !== 0) throw new Error("anybody may write its program");
}

function run(source: CommandSource, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<string> {
  const [program, ...args] = source.command;
  const passed = [...ALWAYS_PASSED, ...source.environment].map((name) => [name, env[name]]);
  const environment = Object.fromEntries(passed.filter(([, value]) => value !== undefined)) as NodeJS.ProcessEnv;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // A group of its own, so that what it started ends with it. What it complains of may quote what it read: not taken.
  const child = spawn(program, args, {
    env: environment,
    cwd: "/",
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const giveUp = (why: string): void => {
    endGroup(child);
    reject(new Error(why));
  };
  const timer = setTimeout(() => giveUp(`it took over ${source.timeoutMs} ms`), source.timeoutMs);
  const onAbort = (): void => giveUp("nobody waits for it any more");
  signal?.addEventListener("abort", onAbort, { once: true });
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout?.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > OUTPUT_BYTES_MAX) giveUp("it printed too much");
    else chunks.push(chunk);
  });
  child.once("error", () => reject(new Error("it could not be started")));
  child.once("close", (code, killedBy) => {
    if (code === 0)
      resolve(
        Buffer.concat(chunks)
          .toString("utf8")
          .replace(/\r?\n$/, ""),
      );
    else reject(new Error(code === null ? `it was ended by ${killedBy ?? "a signal"}` : `it ended with ${code}`));
  });
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  });
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // it had ended
  }
}
