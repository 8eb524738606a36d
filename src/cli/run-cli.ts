// The command line: its commands, and how each run ends.

import { Command, CommanderError } from "commander";
import { toCliError, type CliError } from "./cli-error.ts";
import { addAgents } from "./commands/agents.ts";
import { addPeople } from "./commands/people.ts";
import { addAnswers } from "./commands/answer.ts";
import { addClassify } from "./commands/classify.ts";
import { addCompletion } from "./commands/completion.ts";
import { addDescribe } from "./commands/describe.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addDrill } from "./commands/drill.ts";
import { addExport } from "./commands/export.ts";
import { addGet } from "./commands/get.ts";
import { addIdentities } from "./commands/identities.ts";
import { addIncidents } from "./commands/incidents.ts";
import { addKeys } from "./commands/keys.ts";
import { addKill } from "./commands/kill.ts";
import { addLabel } from "./commands/label.ts";
import { addLogin } from "./commands/login.ts";
import { addModel } from "./commands/model.ts";
import { addPolicy } from "./commands/policy.ts";
import { addPropose, addRevert } from "./commands/propose.ts";
import { addRca } from "./commands/rca.ts";
import { addRecords } from "./commands/records.ts";
import { addGrant, addRevoke } from "./commands/grants.ts";
import { addSilences } from "./commands/silences.ts";
import { addSources } from "./commands/sources.ts";
import { addStage } from "./commands/stage.ts";
import { addVerify } from "./commands/verify.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { CliHost } from "./host.ts";
import { escapeLines } from "./safe-text.ts";
import { Runner, type Session } from "./session.ts";

/** Runs one command to its end; never throws. The answer is the exit code. */
export async function runCli(host: CliHost): Promise<ExitCode> {
  const runner = new Runner(host);
  try {
    await createProgram(runner).parseAsync(host.argv, { from: "user" });
    return runner.exitCode;
  } catch (error) {
    // Commander has printed its own messages; its help and version are no failures.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return tell(host, toCliError(error));
  }
}

function tell(host: CliHost, error: CliError): ExitCode {
  host.stderr.write(`${escapeLines(`holdpoint: ${error.message}`)}\n`);
  if (error.hint !== null) host.stderr.write(`${escapeLines(`next: ${error.hint}`)}\n`);
  return error.exitCode;
}

function createProgram(runner: Runner): Command {
  const { host } = runner;
  const program = new Command("holdpoint")
    .description("The control plane for AI agents that act in production")
    .version(host.version, "-V, --version")
    .option("--server <url>", "the server (HOLDPOINT_SERVER)")
    .option("--client <id>", "sign in as this client (HOLDPOINT_CLIENT)")
    .option("--context <name>", "a context of the configuration file")
    .option("--timeout <seconds>", "how long to wait for each answer (default: 15)")
    .option("-q, --quiet", "no messages beside data and errors")
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(escapeLines(text)),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    });
  program.command("serve").description("Run the server until it is told to stop").action(runner.action(serve));
  for (const add of COMMANDS) add(program, runner);
  program.command("version").description("Print the version").action(runner.action(version));
  return program;
}

const COMMANDS = [
  addGet,
  addDescribe,
  addPropose,
  addRevert,
  addDrill,
  addAnswers,
  addLabel,
  addIncidents,
  addGrant,
  addRevoke,
  addSilences,
  addKill,
  addStage,
  addVerify,
  addExport,
  addRecords,
  addClassify,
  addDoctor,
  addModel,
  addPolicy,
  addRca,
  addLogin,
  addAgents,
  addPeople,
  addIdentities,
  addSources,
  addKeys,
  addCompletion,
] as const;

async function serve({ host }: Session): Promise<ExitCode> {
  await host.serve();
  return EXIT.ok;
}

function version({ host, output }: Session): ExitCode {
  output.print(`${host.version}\n`);
  return EXIT.ok;
}
