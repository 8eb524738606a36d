// `receipt` and `erase`: proof of one event, and the end of what it held.

import { writeFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { canonicalJson } from "../../core/canonical-json.ts";
import { apiPath } from "../api-client.ts";
import { CliError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import type { Runner, Session } from "../session.ts";

export function addRecords(program: Command, runner: Runner): void {
  program
    .command("receipt")
    .description("Offline proof that the event which brought an action to its status, or one event, is in the ledger")
    .argument("<action-or-seq>", "an action's id or an event's sequence number")
    .option("--out <file>", "write it here instead of to standard output")
    .action(runner.action(receipt));
  program
    .command("erase")
    .description("Destroy the payloads of a subject; facts and proofs stay. This cannot be undone")
    .argument("<subject>", "such as act_00000000c")
    .addOption(
      new Option("--retention <class>", "which payloads").choices(["content", "evidence"]).makeOptionMandatory(),
    )
    .action(runner.action(erase));
}

async function receipt({ api, output }: Session, id: string, { out }: { out?: string }): Promise<ExitCode> {
  const path = /^[0-9]+$/.test(id)
    ? apiPath("v1", "ledger", "events", id, "receipt")
    : apiPath("v1", "actions", id, "receipt");
  // Its one form is canonical JSON: what was signed are these bytes, so nothing in them can be escaped.
  const text = `${canonicalJson(await api.get(path))}\n`;
  if (!/^[\x20-\x7e]*\n$/.test(text)) throw new CliError("the server's answer is no receipt");
  if (out === undefined) output.print(text);
  else {
    writeFileSync(out, text);
    output.note(`next: holdpoint verify ${out}`);
  }
  return EXIT.ok;
}

async function erase(
  { api, output }: Session,
  subject: string,
  { retention }: { retention: string },
): Promise<ExitCode> {
  const { body } = await api.call({
    method: "POST",
    path: apiPath("v1", "ledger", "erasures"),
    body: { subject, retention },
  });
  const done = new Fields(body);
  output.print(
    `${done.text("subject")} ${done.text("retention")}: ${done.text("erased")} of ${done.text("keys")} keys destroyed\n`,
  );
  return EXIT.ok;
}
