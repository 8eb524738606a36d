// `stage`: how much the triage agent may do without a person. Down is one command; up is asked of owners.

import { Argument, type Command } from "commander";
import type { JsonObject } from "../../core/json.ts";
import { STAGES } from "../../wire/types/stage.ts";
import { apiPath } from "../api-client.ts";
import { EXIT, exitOfStatus, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { formatDuration, formatInstant } from "../instants.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import type { Runner, Session } from "../session.ts";
import { renderTable } from "../table.ts";

export function addStage(program: Command, runner: Runner): void {
  const stage = program
    .command("stage")
    .description("The stage of the triage agent: which is in force, until when, and what each permits")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(show));
  stage
    .command("set")
    .description("Go down a stage at once, or propose to go up or to stay longer, which another owner approves")
    .addArgument(new Argument("<name>").choices(STAGES))
    .option("--reason <text>", "why, for those who decide")
    .action(runner.action(set));
}

async function show({ api, output, host }: Session, flags: { output: OutputFormat }): Promise<ExitCode> {
  const now = await api.document(apiPath("v1", "stage"));
  if (flags.output !== "table") {
    output.printValue(now.value, flags.output);
    return EXIT.ok;
  }
  output.print(`${now.text("stage")}${whyOrUntil(now, host.clock.nowMs())}\n`);
  const columns = [
    { heading: "STAGE", cell: (row: Fields) => row.text("stage") },
    { heading: "WITHOUT A PERSON", cell: permitted },
  ];
  const ladder = now.list("ladder");
  if (ladder.length > 0) output.print(renderTable(columns, ladder));
  else output.note("the policy in force has no ladder: triage stays in shadow");
  return EXIT.ok;
}

function whyOrUntil(now: Fields, nowMs: number): string {
  const granted = now.fields("granted");
  if (granted === null) return " (none was ever granted)";
  const action = granted.text("action");
  const by = granted.isTrue("isSigned")
    ? "signed by the root key at the first start"
    : `by ${granted.text("grantedBy")} in ${action}`;
  const expiresAt = granted.number("expiresAt");
  if (expiresAt === null) return ` (${by})`;
  if (now.isTrue("hasEnded")) return ` (${granted.text("stage")}, ${by}, ended ${formatInstant(expiresAt)})`;
  return ` (${by}, until ${formatInstant(expiresAt)}: ${formatDuration(expiresAt - nowMs)} left)`;
}

function permitted(row: Fields): string {
  const permits = row.list("permits").map((permit) => {
    const max = permit.has("maxSeverity") ? ` up to ${permit.text("maxSeverity")}` : "";
    return `${permit.texts("actions")}${max}`;
  });
  if (permits.length > 0) return permits.join("; ");
  return row.exact("stage") === "shadow" ? "nothing, and nobody is asked" : "nothing: everything is a draft";
}

async function set({ api, output }: Session, stage: string, { reason }: { reason?: string }): Promise<ExitCode> {
  const body: JsonObject = {
    kind: "stage.set",
    target: { environment: "holdpoint", service: "holdpoint" },
    arguments: { stage },
    ...(reason === undefined ? {} : { reason }),
  };
  const decision = new Fields((await api.call({ method: "POST", path: apiPath("v1", "actions"), body })).body);
  output.print(`${decision.text("id")} ${decision.text("status")}\n`);
  const status = decision.exact("status");
  if (status === "held") output.note(`next: another owner runs \`holdpoint approve ${decision.text("id")}\``);
  return exitOfStatus(status);
}
