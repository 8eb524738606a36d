// `login`: who the command line is to the server, and a one-time link that signs the same person in to a browser.

import type { Command } from "commander";
import { apiPath } from "../api-client.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { formatDuration } from "../instants.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import type { Runner, Session } from "../session.ts";

export function addLogin(program: Command, runner: Runner): void {
  program
    .command("login")
    .description("Who you are to the server; with --web a link that signs you in to a browser")
    .option("--web", "print a link that works once, within ten minutes")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(login));
}

type Flags = { readonly web?: boolean; readonly output: OutputFormat };

async function login(session: Session, { web = false, output: format }: Flags): Promise<ExitCode> {
  const { api, output, host } = session;
  const path = web ? apiPath("v1", "session", "codes") : apiPath("v1", "session");
  const answer = new Fields((await api.call({ method: web ? "POST" : "GET", path })).body);
  if (format !== "table") {
    output.printValue(answer.value, format);
    return EXIT.ok;
  }
  const leftMs = (answer.number("expiresAt") ?? 0) - host.clock.nowMs();
  if (web) {
    output.print(`${answer.text("url")}\n`);
    output.note(`open it in a browser: it works once, within ${formatDuration(leftMs)}; give it to nobody else`);
  } else {
    output.print(`${answer.text("identity")}\n`);
    output.note(`at ${api.server}, roles: ${answer.texts("roles")}`);
    output.note("next: holdpoint login --web   # sign in to a browser");
  }
  return EXIT.ok;
}
