// `model predict`: what is at stake when a node fails, what policy would say of an action on it, and what came of it before.

import type { Command } from "commander";
import { apiPath } from "../api-client.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { formatDuration, formatInstant } from "../instants.ts";
import { outputOption, type Output, type OutputFormat } from "../output.ts";
import type { Runner, Session } from "../session.ts";
import { renderTable } from "../table.ts";

export function addModelPredict(model: Command, runner: Runner): void {
  model
    .command("predict")
    .description("What suffers when a node fails; with --kind also whether to proceed, and what came of it before")
    .argument("<node>", "kind:environment:name, as listed")
    .option("--kind <kind>", "the action that you would propose; exits 0 to proceed, 3 for a review, 4 refused")
    .option("--resource <name>", "what the action is aimed at within the service, with --kind")
    .option("--failing <part>", "the part of its requests that fail, up to 1 (default: 1)")
    .option("--at <instant>", "what was true then (default: now)")
    .option("--known-at <instant>", "as it was known then (default: now)")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(predict));
}

type PredictFlags = {
  readonly kind?: string;
  readonly resource?: string;
  readonly failing?: string;
  readonly at?: string;
  readonly knownAt?: string;
  readonly output: OutputFormat;
};

const EXITS: Readonly<Record<string, ExitCode>> = { proceed: EXIT.ok, review: EXIT.held, refuse: EXIT.refused };

async function predict({ api, output }: Session, target: string, flags: PredictFlags): Promise<ExitCode> {
  const { kind, resource, failing, at, knownAt, output: format } = flags;
  const action = kind === undefined ? undefined : { kind, ...(resource === undefined ? {} : { resource }) };
  const body = {
    target,
    ...(failing === undefined ? {} : { failing: Number(failing) }),
    ...(at === undefined ? {} : { at }),
    ...(knownAt === undefined ? {} : { knownAt }),
    ...(action === undefined ? {} : { action }),
  };
  const answer = await api.call({ method: "POST", path: apiPath("v1", "model", "predict"), body });
  const found = new Fields(answer.body);
  const advice = found.fields("advice");
  if (format !== "table") output.printValue(found.value, format);
  else {
    if (advice !== null) printAdvice(output, advice, found.fields("history"));
    printImpact(output, found);
  }
  return advice === null ? EXIT.ok : (EXITS[advice.text("answer")] ?? EXIT.error);
}

function printAdvice(output: Output, advice: Fields, history: Fields | null): void {
  const why = advice.has("code") && advice.text("code") !== "" ? `: ${advice.text("code")}` : "";
  const route = advice.has("route") ? ` (by ${advice.text("route")})` : "";
  output.print(`${advice.text("answer")}${why}${route}\n\n`);
  const columns = [
    { heading: "POLICY", cell: (row: Fields) => row.text("gate") },
    { heading: "SAYS", cell: (row: Fields) => row.text("verdict") },
    { heading: "BECAUSE", cell: (row: Fields) => row.text("code") },
  ];
  const verdicts = advice.list("verdicts");
  if (verdicts.length > 0) output.print(`${renderTable(columns, verdicts)}\n`);
  if (history !== null) printHistory(output, history);
}

function printHistory(output: Output, history: Fields): void {
  const count = history.number("count") ?? 0;
  if (count === 0) output.print("never done before here\n\n");
  else printDone(output, { history, count });
  const columns = [
    { heading: "INCIDENT", cell: (row: Fields) => row.text("id") },
    { heading: "OPENED", cell: (row: Fields) => formatInstant(row.number("openedAt")) },
    { heading: "STATUS", cell: (row: Fields) => row.text("status") },
    { heading: "LAID TO", cell: (row: Fields) => row.fields("cause")?.strings("chain").join(" → ") ?? "-" },
  ];
  const incidents = history.list("incidents");
  if (incidents.length > 0) output.print(`${renderTable(columns, incidents)}\n`);
}

function printDone(output: Output, { history, count }: { history: Fields; count: number }): void {
  const outcomes = Object.entries((history.fields("outcomes")?.value ?? {}) as Record<string, number>);
  const more = history.isTrue("isTruncated") ? " or more" : "";
  const told = outcomes.map(([status, times]) => `${times} ${status}`).join(", ");
  output.print(`done here ${count} times${more}: ${told}\n`);
  const columns = [
    { heading: "ACTION", cell: (row: Fields) => row.text("id") },
    { heading: "PROPOSED", cell: (row: Fields) => formatInstant(row.number("proposedAt")) },
    { heading: "STATUS", cell: (row: Fields) => row.text("status") },
  ];
  const actions = history.list("actions");
  output.print(actions.length === 0 ? "\n" : `${renderTable(columns, actions)}\n`);
}

function printImpact(output: Output, found: Fields): void {
  output.print(`${bounds(found.fields("trafficShare"))} of the traffic from outside\n`);
  const partColumn = { heading: "FAILING", cell: (row: Fields) => bounds(row.fields("part")) };
  const entries = found.list("entries");
  if (entries.length > 0) {
    output.print(
      `\n${renderTable([{ heading: "ENTRY", cell: (row: Fields) => row.text("id") }, partColumn], entries)}`,
    );
  }
  const services = found.list("services");
  const via = { heading: "ALONG", cell: (row: Fields) => row.strings("path").join(" → ") };
  if (services.length > 0) {
    output.print(
      `\n${renderTable([{ heading: "SERVICE", cell: (row) => row.text("id") }, partColumn, via], services)}`,
    );
  }
  for (const one of found.strings("unknown")) output.note(`never measured: ${one}`);
  const staleS = found.number("staleS");
  if (staleS === null) output.note("no telemetry has come: nothing is measured");
  else if (found.isTrue("isStale")) output.note(`the last telemetry is ${formatDuration(staleS * 1000)} old`);
}

/** `12.0% (8.1% to 17.5%)`. */
function bounds(interval: Fields | null): string {
  const at = (name: string): string => {
    const value = interval?.number(name) ?? null;
    return value === null ? "-" : `${(value * 100).toFixed(1)}%`;
  };
  return `${at("mid")} (${at("low")} to ${at("high")})`;
}
