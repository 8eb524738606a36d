// `incident`: what people do to incidents.

import type { Command } from "commander";
import { apiPath } from "../api-client.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
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
}

type SplitFlags = { readonly service: readonly string[]; readonly reason?: string };

async function split({ api, output }: Session, id: string, { service, reason }: SplitFlags): Promise<ExitCode> {
  const body = { services: [...service], ...(reason === undefined ? {} : { reason }) };
  const answer = await api.call({ method: "POST", path: apiPath("v1", "incidents", id, "split"), body });
  output.print(`${new Fields(answer.body).text("id")}\n`);
  return EXIT.ok;
}
