// `kill`: the brake. Stopping is one command and asks nobody; resuming is an action that somebody else approves.

import { join } from "node:path";
import { type Command, Option } from "commander";
import type { JsonObject } from "../../core/json.ts";
import { apiPath } from "../api-client.ts";
import { CliError } from "../cli-error.ts";
import { EXIT, exitOfStatus, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import type { Runner, Session } from "../session.ts";
import { renderTable } from "../table.ts";
import { checkWatched } from "../watch-action.ts";
import { report, watchReport } from "./kill-report.ts";

const PATH = apiPath("v1", "killswitch");
const SCOPE = ["agent", "owner", "kind", "environment", "service"] as const;

type KillFlags = { readonly [name in (typeof SCOPE)[number]]?: string } & {
  readonly pause?: true;
  readonly dryRun?: true;
  readonly resume?: true;
  readonly brake?: string;
  readonly preview?: true;
  readonly reason?: string;
  readonly watch?: true;
  readonly output: OutputFormat;
};

export function addKill(program: Command, runner: Runner): void {
  const kill = program
    .command("kill")
    .description("Stop at once: everything, or what the scope names; resuming needs an approval")
    .addOption(
      new Option("--pause", "nothing in scope starts, calls under way are aborted (the default)").conflicts([
        "dryRun",
        "resume",
      ]),
    )
    .addOption(new Option("--dry-run", "decide and record, but run nothing in scope").conflicts(["pause", "resume"]))
    .addOption(
      new Option("--resume", "propose to lift the brake of exactly this scope").conflicts([
        "pause",
        "dryRun",
        "preview",
      ]),
    )
    .option("--brake <id>", "with --resume: this one brake");
  for (const name of SCOPE) kill.option(`--${name} <name>`, `only this ${name}`);
  kill
    .option("--preview", "show what would be stopped; change nothing")
    .option("--reason <text>")
    .addOption(
      new Option("-w, --watch", "follow what it found until all of it has ended").conflicts(["preview", "resume"]),
    )
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(pull));
  kill
    .command("status")
    .description("Which brakes are applied")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.nested(status));
  kill
    .command("report")
    .description("What a brake found, what became of it and how soon; without an id, of the newest")
    .argument("[brake]")
    .addOption(new Option("-w, --watch", "print it anew until all of what it found has ended"))
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.nested(report));
}

async function pull(session: Session, flags: KillFlags): Promise<ExitCode> {
  if (flags.watch) checkWatched(flags.output);
  const mode = flags.resume ? "run" : flags.dryRun ? "dry-run" : "pause";
  const scope: Record<string, string> = {};
  for (const name of SCOPE) if (flags[name] !== undefined) scope[name] = flags[name];
  const body: JsonObject = {
    mode,
    scope,
    ...(flags.brake === undefined ? {} : { brake: flags.brake }),
    ...(flags.reason === undefined ? {} : { reason: flags.reason }),
  };
  const query = flags.preview ? { preview: "true" } : {};
  const answer = new Fields(await put(session, { body, query, isStop: mode === "pause" && !flags.preview }));
  if (flags.output === "json" || flags.output === "yaml") {
    // Watched, what was answered is a line like the others.
    if (flags.watch) session.output.printLine(answer.value);
    else session.output.printValue(answer.value, flags.output);
  } else if (flags.preview) printStopped(session, { heading: "would stop", answer, list: "wouldStop" });
  else if (mode === "run") printResumes(session, answer.list("resumes"));
  else {
    session.output.print(`${answer.text("brake")} ${mode}${answer.isTrue("repeated") ? " (already applied)" : ""}\n`);
    printStopped(session, { heading: "under way in its scope", answer, list: "stopped" });
  }
  if (flags.watch) return watchReport(session, answer.exact("brake"), flags.output);
  return exitOfResumes(answer.list("resumes"));
}

type Put = { readonly body: JsonObject; readonly query: Record<string, string>; readonly isStop: boolean };

async function put({ api, host }: Session, { body, query, isStop }: Put): Promise<unknown> {
  try {
    return (await api.call({ method: "PUT", path: PATH, query, body })).body;
  } catch (error) {
    if (!isStop || !(error instanceof CliError)) throw error;
    // Whatever keeps the API from stopping things, the file does not need it.
    const hint = `on the server's machine, \`touch ${join(host.env.dataDir, "BRAKE")}\` (its data folder) stops everything`;
    throw new CliError(error.message, { exitCode: error.exitCode, hint, cause: error });
  }
}

const STAGES = ["in-flight", "granted", "scheduled", "held", "evaluating"] as const;

type Stopped = { readonly heading: string; readonly answer: Fields; readonly list: "wouldStop" | "stopped" };

function printStopped({ output }: Session, { heading, answer, list }: Stopped): void {
  const rows = answer.list(list);
  if (rows.length === 0) return output.note(`${heading}: nothing`);
  const counts = answer.fields("counts");
  const parts = STAGES.map((stage) => `${counts?.text(stage) ?? "?"} ${stage}`).filter(
    (part) => !part.startsWith("0 "),
  );
  output.note(`${heading}: ${parts.join(", ")}`);
  const columns = ["id", "stage", "status", "kind", "environment", "service", "agent"] as const;
  output.print(
    renderTable(
      columns.map((name) => ({ heading: name.toUpperCase(), cell: (row: Fields) => row.text(name) })),
      rows,
    ),
  );
}

function printResumes({ output }: Session, resumes: readonly Fields[]): void {
  for (const resume of resumes) output.print(`${resume.text("id")} ${resume.text("status")}\n`);
  const held = resumes.find((resume) => resume.exact("status") === "held");
  if (held !== undefined) output.note(`next: somebody else runs \`holdpoint approve ${held.text("id")}\``);
}

/** The most restrictive status of the releases is what a script gets to know. */
function exitOfResumes(resumes: readonly Fields[]): ExitCode {
  return resumes.map((resume) => exitOfStatus(resume.exact("status"))).find((code) => code !== EXIT.ok) ?? EXIT.ok;
}

async function status({ api, output }: Session, flags: { output: OutputFormat }): Promise<ExitCode> {
  const now = await api.document(PATH);
  if (flags.output !== "table") {
    output.printValue(now.value, flags.output);
    return EXIT.ok;
  }
  output.print(`${now.text("mode")}${now.isTrue("flagged") ? " (by the brake file or signal)" : ""}\n`);
  const brakes = now.list("brakes");
  if (brakes.length > 0) printBrakes(output, brakes);
  const closed = now.list("closed");
  if (closed.length > 0) printClosed(output, closed);
  return EXIT.ok;
}

function printBrakes(output: Session["output"], brakes: readonly Fields[]): void {
  output.print(
    renderTable(
      [
        { heading: "BRAKE", cell: (row: Fields) => row.text("id") },
        { heading: "MODE", cell: (row) => row.text("mode") },
        { heading: "SCOPE", cell: (row) => row.fields("scope")?.pairs() || "everything" },
      ],
      brakes,
    ),
  );
}

function printClosed(output: Session["output"], closed: readonly Fields[]): void {
  output.print(
    renderTable(
      [
        { heading: "CLOSED", cell: closedName },
        { heading: "BECAUSE", cell: (row) => row.text("because") },
      ],
      closed,
    ),
  );
  output.note("next, once it is well again: somebody runs `holdpoint propose domain.release`, and owners approve");
}

function closedName(row: Fields): string {
  return row.has("environment") ? `${row.text("environment")}/${row.text("service")}` : "everything";
}
