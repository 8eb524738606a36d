// `revoke`: takes a grant back, at once, and tells what became of a call under way.

import type { Command } from "commander";
import { apiPath } from "../api-client.ts";
import { EXIT, isEnded, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import { idOf } from "../resources.ts";
import type { Runner, Session } from "../session.ts";
import { parseWait, waitForEnd } from "./propose.ts";

export function addRevoke(program: Command, runner: Runner): void {
  program
    .command("revoke")
    .description("Take a grant back at once: nothing begins under it, a call under way is stopped and asked about")
    .argument("<grant>", "its id, or grant/ID", idOf("grant"))
    .option("--reason <text>", "kept with it")
    .option("--wait <seconds>", "wait this long for the end of a call under way", "10")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(revoke));
}

type RevokeFlags = { readonly reason?: string; readonly wait: string; readonly output: OutputFormat };

/** A bounded one: what runs under it is stopped too, each with an end of its own. */
function printSet({ output }: Session, revoked: Fields, format: OutputFormat): ExitCode {
  if (format === "json" || format === "yaml") output.printValue(revoked.value, format);
  else output.print(`${revoked.text("id")} revoked\n`);
  output.note("what was under way under it: holdpoint get actions --status reconciling");
  return EXIT.ok;
}

/** 0 when it is known how it ended, 1 when it is not, yet or at all. */
async function revoke(session: Session, id: string, { reason, wait, output: format }: RevokeFlags): Promise<ExitCode> {
  const { api, output } = session;
  const waitMs = parseWait(wait);
  const body = reason === undefined ? {} : { reason };
  const revoked = new Fields(
    (await api.call({ method: "POST", path: apiPath("v1", "grants", id, "revoke"), body })).body,
  );
  if (revoked.exact("status") === "revoked") return printSet(session, revoked, format);
  const isOpen = !isEnded(revoked.exact("status"));
  const shown = isOpen ? await waitForEnd(session, revoked.exact("action"), waitMs) : revoked;
  const status = shown.exact("status");
  if (format === "json" || format === "yaml") output.printValue(shown.value, format);
  else {
    const code = shown.has("code") ? ` (${shown.text("code")})` : "";
    output.print(`${revoked.text("id")} revoked; ${revoked.text("action")} ${shown.text("status")}${code}\n`);
  }
  if (status === "succeeded") output.note("it had taken effect: `holdpoint revert` undoes what can be undone");
  return isEnded(status) && status !== "needs-attention" ? EXIT.ok : EXIT.error;
}
