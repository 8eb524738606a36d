// `describe` and `explain`: one document in words.

import type { Command } from "commander";
import { apiPath } from "../api-client.ts";
import { usageError } from "../cli-error.ts";
import { describeAction } from "../describe-action.ts";
import { describeAgent } from "../describe-agent.ts";
import { describeIncident, describeRun, describeSignal } from "../describe-triage.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Fields } from "../fields.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import { findNamed, idOf } from "../resources.ts";
import { escapeLines } from "../safe-text.ts";
import type { Runner, Session } from "../session.ts";
import { watchAction, watchOption } from "../watch-action.ts";
import { readOne } from "./get.ts";

type Describe = (document: Fields, nowMs: number) => string;

const DESCRIPTIONS: Readonly<Record<string, Describe>> = {
  action: describeAction,
  agent: describeAgent,
  incident: describeIncident,
  run: describeRun,
  signal: describeSignal,
};

export function addDescribe(program: Command, runner: Runner): void {
  program
    .command("describe")
    .description("Everything about one action, agent, incident, run or signal, in words")
    .argument("<resource>", Object.keys(DESCRIPTIONS).join(", "))
    .argument("[id]", "or both in one: RESOURCE/ID")
    .addOption(watchOption())
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(describe));
  program
    .command("explain")
    .description("Who approved the agent's authority, what constrained the action, how it was decided")
    .argument("<action>", "its id, or action/ID", idOf("action"))
    .addOption(watchOption())
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(explain));
}

type DescribeFlags = { readonly watch?: true; readonly output: OutputFormat };

async function describe(
  session: Session,
  name: string,
  given: string | undefined,
  { watch, output: format }: DescribeFlags,
): Promise<ExitCode> {
  const { host, output } = session;
  const { resource, id } = findNamed(name, given);
  if (id === undefined) throw usageError(`which one? \`holdpoint get ${resource.plural}\` lists them`);
  const describeOne = DESCRIPTIONS[resource.singular];
  if (describeOne === undefined)
    throw usageError(`${resource.plural} have no description; try \`holdpoint get ${resource.plural} ${id}\``);
  if (watch && resource.singular !== "action") throw usageError("--watch follows an action");
  if (watch) {
    const show = (action: Fields): string => `${describeOne(action, host.clock.nowMs())}\n`;
    return watchAction(session, id, { format, show });
  }
  const document = await readOne(session, resource, id);
  output.printResult(document, describeOne(document, host.clock.nowMs()), format);
  return EXIT.ok;
}

async function explain(session: Session, action: string, flags: DescribeFlags): Promise<ExitCode> {
  const { api, output } = session;
  if (flags.watch) {
    const show = async (): Promise<string> =>
      `${escapeLines((await api.document(apiPath("v1", "actions", action, "explain"))).exact("text"))}\n\n`;
    return watchAction(session, action, { format: flags.output, show });
  }
  const explanation = await api.document(apiPath("v1", "actions", action, "explain"));
  if (flags.output !== "table") output.printValue(explanation.value, flags.output);
  else output.print(`${escapeLines(explanation.exact("text"))}\n`);
  return EXIT.ok;
}
