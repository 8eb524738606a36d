// `incident memory` and `incident draft`: what is remembered of incidents like one, and the policy that one suggests.

import { type Command } from "commander";
import { apiPath } from "../api-client.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { formatInstant } from "../instants.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import { pairLines, section } from "../paragraphs.ts";
import { escapeLines } from "../safe-text.ts";
import type { Runner, Session } from "../session.ts";

export function addIncidentMemory(incident: Command, runner: Runner): void {
  incident
    .command("memory")
    .description("Incidents like this one, what explained them, what was tried, and which policies followed")
    .argument("<incident>")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(memory));
  incident
    .command("draft")
    .description("The policy that an incident suggests once it is over, for you to review and propose")
    .argument("<incident>")
    .action(runner.action(draft));
}

async function read({ api }: Session, id: string): Promise<Fields> {
  return new Fields((await api.call({ path: apiPath("v1", "incidents", id, "memory") })).body);
}

async function memory(session: Session, id: string, flags: { readonly output: OutputFormat }): Promise<ExitCode> {
  const found = await read(session, id);
  if (flags.output !== "table") session.output.printValue(found.value, flags.output);
  else session.output.print(memoryText(found));
  return EXIT.ok;
}

async function draft(session: Session, id: string): Promise<ExitCode> {
  const found = await read(session, id);
  if (found.has("draft")) {
    session.output.print(escapeLines(found.exact("draft")));
    const trial = found.fields("trial");
    if (trial !== null) session.output.note(trialText(trial));
    return EXIT.ok;
  }
  session.output.note("no policy is drafted: it is not over yet, or nothing that was done explains it");
  return EXIT.error;
}

/** On standard error: what is printed is a file. */
function trialText(trial: Fields): string {
  const [decisions = 0, wouldHold = 0] = [trial.number("decisions"), trial.number("wouldHold")].map((one) => one ?? 0);
  if (decisions === 0) return "nothing was decided about these services yet to hold it against";
  const since = formatInstant(trial.number("since"));
  const rest = `${trial.text("held")} were held and ${trial.text("refused")} refused anyway`;
  return `of the last ${decisions} decisions there, since ${since}, it would have held ${wouldHold} that were allowed; ${rest}`;
}

function memoryText(found: Fields): string {
  const similar = found.list("similar").map(similarText).join("\n");
  return (
    pairLines([
      ["Incident", found.text("incident")],
      ["Explained by", causeText(found.fields("explained")?.list("causes")[0] ?? null)],
      ["Tried", actionsText(found)],
      ["Policies", policiesText(found)],
    ]) + section("Like it", similar === "" ? "none\n" : similar)
  );
}

function similarText(one: Fields): string {
  const when = formatInstant(one.number("openedAt"));
  return pairLines([
    [one.text("id"), `${endOf(one)}, ${when}, ${one.texts("services")}; alike by ${one.texts("by")}`],
    ["  explained by", causeText(one.fields("cause"))],
    ["  tried", actionsText(one)],
    ["  policies", policiesText(one)],
  ]);
}

function endOf(one: Fields): string {
  return one.has("resolution") ? `${one.text("status")} (${one.text("resolution")})` : one.text("status");
}

function causeText(cause: Fields | null): string | null {
  if (cause === null) return null;
  const kind = cause.has("changeKind") ? cause.text("changeKind") : cause.text("kind");
  return `${kind} ${cause.text("cause")} (${cause.texts("chain")})`;
}

function actionsText(of: Fields): string | null {
  const told = of.list("actions").map((one) => `${one.text("kind")} ${one.text("status")} (${one.text("id")})`);
  return told.length === 0 ? null : told.join(", ");
}

function policiesText(of: Fields): string | null {
  const told = of.list("policies").map((one) => `${one.text("id").slice(0, 12)} ${one.text("status")}`);
  return told.length === 0 ? null : told.join(", ");
}
