// `incident`: what people do to incidents.

import type { Command } from "commander";
import { apiPath } from "../api-client.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { addIncidentMemory } from "./incident-memory.ts";
import type { Runner, Session } from "../session.ts";

export function addIncidents(program: Command, runner: Runner): void {
  const incident = program.command("incident").description("Change an incident");
  incident
    .command("split")
    .description("Take services out of an incident that fail for another reason")
    .argument("<incident>")
    .requiredOption("-s, --service <names...>", "the services to take out")
    .option("--reason <text>", "kept with the split")
    .action(runner.action(split));
  incident
    .command("command")
    .description("Hold back agents in its services while it lasts; it ends with the incident, or with --end")
    .argument("<incident>")
    .option("-e, --except <names...>", "let these through: agents (agent:…) and kinds (`servicenow.*`)")
    .option("-s, --service <names...>", "these services; without, all that it names and comes to name")
    .option("--end", "hand back: agents go on")
    .option("--reason <text>", "kept with the command")
    .action(runner.action(command));
  addIncidentMemory(incident, runner);
}

type CommandFlags = {
  readonly except?: readonly string[];
  readonly service?: readonly string[];
  readonly end?: true;
  readonly reason?: string;
};

async function command({ api, output }: Session, id: string, flags: CommandFlags): Promise<ExitCode> {
  const path = apiPath("v1", "incidents", id, "command");
  if (flags.end === true) {
    const answer = new Fields((await api.call({ method: "DELETE", path })).body);
    output.print(`${answer.text("brake")} released\n`);
    return EXIT.ok;
  }
  const { except = [], service = [], reason } = flags;
  const agents = except.filter((name) => name.startsWith("agent:"));
  const kinds = except.filter((name) => !agents.includes(name));
  const body = { services: [...service], except: { agents, kinds }, ...(reason === undefined ? {} : { reason }) };
  const answer = new Fields((await api.call({ method: "POST", path, body })).body);
  output.print(`${answer.text("brake")}\n`);
  output.note(`next: holdpoint kill report ${answer.text("brake")}    holdpoint incident command ${id} --end`);
  return EXIT.ok;
}

type SplitFlags = { readonly service: readonly string[]; readonly reason?: string };

async function split({ api, output }: Session, id: string, { service, reason }: SplitFlags): Promise<ExitCode> {
  const body = { services: [...service], ...(reason === undefined ? {} : { reason }) };
  const answer = await api.call({ method: "POST", path: apiPath("v1", "incidents", id, "split"), body });
  output.print(`${new Fields(answer.body).text("id")}\n`);
  return EXIT.ok;
}
