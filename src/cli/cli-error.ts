// Failures of a command: a message for people, the next command to try, and the exit code.

import { dirname } from "node:path";
import { AppError } from "../core/errors.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";

/** `hint` is a whole command or sentence that helps further. */
export class CliError extends Error {
  override name = "CliError";
  readonly exitCode: ExitCode;
  readonly hint: string | null;

  constructor(message: string, options: { exitCode?: ExitCode; hint?: string | null; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? EXIT.error;
    this.hint = options.hint ?? null;
  }
}

/** The command was not used as it is meant to be. */
export function usageError(message: string, hint: string | null = null): CliError {
  return new CliError(message, { exitCode: EXIT.usage, hint });
}

/** A file that was to be written is not. */
export function writeError(path: string, error: unknown): CliError {
  const { code } = error as NodeJS.ErrnoException;
  const why = code === "ENOENT" ? `there is no folder ${dirname(path)}` : (code ?? String(error));
  return new CliError(`${path} cannot be written: ${why}`, { cause: error });
}

/** A problem document (RFC 9457) that the server answered with. */
export class ProblemError extends CliError {
  override name = "ProblemError";
  readonly code: string;
  readonly status: number;

  constructor(problem: { code: string; detail: string; status: number }, hint: string | null) {
    super(`${problem.code}: ${problem.detail}`, { hint });
    this.code = problem.code;
    this.status = problem.status;
  }
}

/** Any failure as a CliError; what is unexpected keeps its message, so that it can be reported. */
export function toCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof AppError) return new CliError(`${error.code}: ${error.message}`, { cause: error });
  return new CliError(error instanceof Error ? error.message : String(error), { cause: error });
}
