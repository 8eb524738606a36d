// `--watch` of one action: each change is printed until it has ended, and its last status is the exit code.

import { Option } from "commander";
import { apiPath } from "./api-client.ts";
import { usageError } from "./cli-error.ts";
import { exitOfStatus, isEnded, type ExitCode } from "./exit-codes.ts";
import type { Fields } from "./fields.ts";
import type { OutputFormat } from "./output.ts";
import { pause, type Session } from "./session.ts";

const INTERVAL_MS = 1_000;

export function watchOption(): Option {
  return new Option("-w, --watch", "print each change until it has ended");
}

type Watching = {
  readonly format: OutputFormat;
  /** What is printed of it for people, escaped; by default a line with its status. */
  readonly show?: (action: Fields) => string | Promise<string>;
};

/** As JSON one document a line. Ends when the action has, or when the person interrupts. */
export async function watchAction(
  { api, host, output }: Session,
  id: string,
  { format, show = statusLine }: Watching,
): Promise<ExitCode> {
  checkWatched(format);
  for (let before = ""; ;) {
    const action = await api.document(apiPath("v1", "actions", id));
    const now = JSON.stringify(action.value);
    const status = action.exact("status");
    if (now !== before && format === "json") output.printLine(action.value);
    else if (now !== before) output.print(await show(action));
    before = now;
    if (isEnded(status) || !(await pause(INTERVAL_MS, host.interrupted))) return exitOfStatus(status);
  }
}

/** Before anything is asked for: what cannot be printed is not done either. */
export function checkWatched(format: OutputFormat): void {
  if (format !== "table" && format !== "json") throw usageError("--watch prints table or json");
}

export function statusLine(action: Fields): string {
  const isTold = !action.has("code") || action.text("code") === action.text("status");
  const code = isTold ? "" : ` (${action.text("code")})`;
  return `${action.text("id")} ${action.text("status")}${code}\n`;
}
