// `model calibration`: how good predictions were, by kind of action.

import type { Command } from "commander";
import { apiPath } from "../api-client.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { formatInstant } from "../instants.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import type { Runner, Session } from "../session.ts";
import { renderTable } from "../table.ts";

export function addModelCalibration(model: Command, runner: Runner): void {
  model
    .command("calibration")
    .description(
      "How good predictions are, by kind of action or change: what was said before, and what was measured after",
    )
    .argument("[kind]", "of this kind alone: kubernetes.restart, change:deploy")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(calibration));
}

type Flags = { readonly output: OutputFormat };

async function calibration({ api, output }: Session, kind: string | undefined, flags: Flags): Promise<ExitCode> {
  const answer = await api.call({ path: apiPath("v1", "model", "calibration"), query: { kind } });
  const found = new Fields(answer.body);
  if (flags.output !== "table") {
    output.printValue(found.value, flags.output);
    return EXIT.ok;
  }
  const outcomes = found.list("outcomes");
  if (outcomes.length === 0) output.note("nothing has been measured yet");
  else output.print(`${renderTable(KINDS, found.list("kinds"))}\n${renderTable(OUTCOMES, outcomes)}`);
  return EXIT.ok;
}

const percent = (value: number | null): string => (value === null ? "-" : `${(value * 100).toFixed(1)}%`);
const ofMillion = (row: Fields, interval: string, end: string): string => {
  const value = row.fields(interval)?.number(end) ?? null;
  return percent(value === null ? null : value / 1_000_000);
};

const KINDS = [
  { heading: "KIND", cell: (row: Fields) => row.text("kind") },
  { heading: "OUTCOMES", cell: (row: Fields) => row.text("count") },
  { heading: "STATED", cell: (row: Fields) => percent(row.number("stated")) },
  { heading: "WITHIN", cell: (row: Fields) => percent(row.number("coverage")) },
  {
    heading: "NEXT, OF WHAT IS AT STAKE",
    cell: (row: Fields) =>
      `${percent(row.fields("ofStake")?.number("low") ?? null)} to ${percent(row.fields("ofStake")?.number("high") ?? null)}`,
  },
];
const OUTCOMES = [
  { heading: "AT", cell: (row: Fields) => formatInstant(row.number("at")) },
  { heading: "WHAT", cell: (row: Fields) => `${row.text("kind")} ${row.text("id")}` },
  { heading: "TO", cell: (row: Fields) => row.text("target") },
  {
    heading: "SAID",
    cell: (row: Fields) => `${ofMillion(row, "stated", "low")} to ${ofMillion(row, "stated", "high")}`,
  },
  { heading: "WAS", cell: (row: Fields) => ofMillion(row, "actual", "mid") },
  { heading: "HOW", cell: (row: Fields) => row.text("outcome") },
];
