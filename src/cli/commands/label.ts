// `label`: what a person thinks of what an agent at level 0 advised.

import { Option, type Command } from "commander";
import { FAULTS, LABELS } from "../../wire/types/label.ts";
import { apiPath } from "../api-client.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import { idOf } from "../resources.ts";
import type { Runner, Session } from "../session.ts";

type Flags = {
  readonly as: string;
  readonly fault?: readonly string[];
  readonly reason: string;
  readonly output: OutputFormat;
};

export function addLabel(program: Command, runner: Runner): void {
  program
    .command("label")
    .description("Say what advice was worth, as somebody who has no part in the agent; your last word counts")
    .argument("<action>", "its id, or action/ID", idOf("action"))
    .addOption(new Option("--as <label>", "what you think of it").choices(LABELS).makeOptionMandatory())
    .addOption(new Option("--fault <fault...>", "what is wrong with it, where you disagree").choices(FAULTS))
    .requiredOption("--reason <text>", "kept with it")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(label));
}

async function label({ api, output }: Session, id: string, flags: Flags): Promise<ExitCode> {
  const { as, fault: faults = [], reason } = flags;
  const body = { label: as, faults: [...faults], reason };
  const result = new Fields(
    (await api.call({ method: "POST", path: apiPath("v1", "actions", id, "labels"), body })).body,
  );
  output.printResult(result, `${result.text("id")}: ${result.text("label")}\n`, flags.output);
  return EXIT.ok;
}
