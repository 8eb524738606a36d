// `login`: who the command line is to the server, and a one-time link that signs the same person in to a browser.

import type { Command } from "commander";
import { apiPath } from "../api-client.ts";
import { CliError, ProblemError, usageError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { formatDuration } from "../instants.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import { signInThroughBrowser } from "../sign-in.ts";
import { forgetSession, readSession } from "../stored-session.ts";
import type { Runner, Session } from "../session.ts";

export function addLogin(program: Command, runner: Runner): void {
  program
    .command("login")
    .description("Who you are to the server; with --web a link that signs you in to a browser")
    .option("--web", "print a link that works once, within ten minutes")
    .option("--sso", "sign in at the identity provider, in a browser on this machine")
    .option("--issuer <name>", "which provider, where the server has several")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(login));
  program.command("logout").description("End the session that login --sso began").action(runner.action(logout));
}

const NO_CLIENT = "take it out of config.yaml, or use a context without one: --context";

type Flags = {
  readonly web?: boolean;
  readonly sso?: boolean;
  readonly issuer?: string;
  readonly output: OutputFormat;
};

async function login(session: Session, { web = false, sso = false, issuer, output: format }: Flags): Promise<ExitCode> {
  const { api, output, host, settings } = session;
  if (web && sso) throw usageError("--web and --sso are two things: to sign in to a browser, and by one");
  if (issuer !== undefined && !sso) throw usageError("--issuer goes with --sso");
  if (sso) {
    if (settings.client !== null)
      throw usageError(`the client ${settings.client} is configured, and comes first`, NO_CLIENT);
    await signInThroughBrowser(session, issuer);
  }
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

async function logout({ api, output, settings }: Session): Promise<ExitCode> {
  if (readSession(settings) === null) throw new CliError(`there is no session at ${api.server}`);
  if (settings.client !== null)
    throw usageError(`the client ${settings.client} is configured, and comes first`, NO_CLIENT);
  await api.call({ method: "DELETE", path: apiPath("v1", "session") }).catch((error: unknown) => {
    // It had ended by itself.
    if (!(error instanceof ProblemError) || error.code !== "session-invalid") throw error;
  });
  forgetSession(settings);
  output.note("signed out");
  return EXIT.ok;
}
