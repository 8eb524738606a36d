// One run of the command line: the host, the settings of this command, the client to the server, and how to print.

import type { Command } from "commander";
import { ApiClient } from "./api-client.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { CliHost } from "./host.ts";
import { Output } from "./output.ts";
import { resolveSettings, type GlobalFlags, type Settings } from "./settings.ts";

export type Session = {
  readonly host: CliHost;
  readonly settings: Settings;
  readonly api: ApiClient;
  readonly output: Output;
};

/** A command's work: what it answers is the exit code. */
export type Work<A extends readonly unknown[]> = (session: Session, ...args: A) => Promise<ExitCode> | ExitCode;

/** Registers commands; `run` ends with the exit code of the one that was asked for. */
export class Runner {
  readonly #host: CliHost;
  exitCode: ExitCode = 0;

  constructor(host: CliHost) {
    this.#host = host;
  }

  get host(): CliHost {
    return this.#host;
  }

  /** A commander action that opens a session and keeps the exit code. Commander adds options and the command last. */
  action<A extends readonly unknown[]>(work: Work<A>): (...args: unknown[]) => Promise<void> {
    return async (...args) => {
      const command = args.at(-1) as Command;
      const flags = command.optsWithGlobals<GlobalFlags & { quiet?: boolean }>();
      this.exitCode = await work(this.#session(flags), ...(args.slice(0, -1) as unknown as A));
    };
  }

  /** As `action`, of a command that shares flags with the one above it: commander gives those to that one, wherever they stand. */
  nested<A extends readonly unknown[]>(work: Work<A>): (...args: unknown[]) => Promise<void> {
    const act = this.action(work);
    return (...args) => {
      const command = args.at(-1) as Command;
      return act(...args.slice(0, -2), command.optsWithGlobals(), command);
    };
  }

  #session(flags: GlobalFlags & { quiet?: boolean }): Session {
    const host = this.#host;
    const settings = resolveSettings(flags, host.env);
    const { clock, random, interrupted } = host;
    return {
      host,
      settings,
      api: new ApiClient({ settings, clock, random, stop: interrupted }),
      output: new Output(host, flags.quiet ?? false),
    };
  }
}

/** Waits, or ends early when the person interrupts; false then. */
export function pause(delayMs: number, stop: AbortSignal): Promise<boolean> {
  if (stop.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      stop.removeEventListener("abort", end);
      resolve(!stop.aborted);
    };
    const timer = setTimeout(end, delayMs);
    stop.addEventListener("abort", end, { once: true });
  });
}
