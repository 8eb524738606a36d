// `model causes`: changes that explain a symptom, by rank.

import type { Command } from "commander";
import { Option } from "commander";
import { Fields } from "../fields.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import type { Runner, Session } from "../session.ts";

type CausesFlags = {
  readonly measure: string;
  readonly at?: string;
  readonly knownAt?: string;
  readonly output: OutputFormat;
};

export function addModelCauses(model: Command, runner: Runner): void {
  model
    .command("causes")
    .description(
      "What explains a symptom, surest first: changes, load, infrastructure, others' services; exits 1 where nothing does",
    )
    .argument("<node>", "the node that shows it: service:production:cart")
    .addOption(
      new Option("--measure <name>", "what is wrong").choices(["errors", "latency", "traffic"]).default("errors"),
    )
    .option("--at <instant>", "when it was noticed (default: now)")
    .option("--known-at <instant>", "as it was known then")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(causes));
}

async function causes({ api, output }: Session, node: string, flags: CausesFlags): Promise<ExitCode> {
  const { measure, at, knownAt } = flags;
  const body = { node, measure, ...(at === undefined ? {} : { at }), ...(knownAt === undefined ? {} : { knownAt }) };
  const { body: answer } = await api.call({ method: "POST", path: "/v1/model/causes", body });
  const found = new Fields(answer).list("causes");
  if (flags.output !== "table") output.printValue(answer, flags.output);
  else if (found.length === 0) output.print("Nothing that is known explains it.\n");
  if (flags.output === "table") {
    for (const [index, cause] of found.entries()) output.print(describeCause(cause, index + 1));
    noteDoubts(output, new Fields(answer));
  }
  return found.length > 0 ? EXIT.ok : EXIT.error;
}

function noteDoubts(output: Session["output"], answer: Fields): void {
  if (answer.isTrue("none") && answer.list("causes").length > 0) output.note("no change explains it");
  const unjudged = answer.strings("unjudged");
  if (unjudged.length > 0) output.note(`nothing was measured to judge these changes by: ${unjudged.join(", ")}`);
}

function describeCause(cause: Fields, rank: number): string {
  const lines = [
    `${rank}. ${cause.text("kind")} ${cause.text("cause")}  (${cause.text("score")})`,
    `   ${cause.strings("chain").join(" → ")}`,
    ...cause.strings("evidence").map((line) => `   - ${line}`),
  ];
  return `${lines.join("\n")}\n`;
}
