// `silence`: keep alerts quiet during maintenance, once somebody else agrees, and end that at once.

import type { Command } from "commander";
import type { JsonObject } from "../../core/json.ts";
import { apiPath } from "../api-client.ts";
import { usageError } from "../cli-error.ts";
import { EXIT, exitOfStatus, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import type { Runner, Session } from "../session.ts";

export function addSilences(program: Command, runner: Runner): void {
  const silence = program.command("silence").description("Keep alerts quiet during maintenance, or end that");
  silence
    .command("create")
    .description("Ask for a silence: what fires meanwhile is recorded, and triaged if it still fires afterwards")
    .requiredOption("-e, --environment <name>", "where it is quiet")
    .option("-s, --service <name>", "this service alone")
    .option("--signature <hash>", "this failure alone, as `describe signal` shows it")
    .option("--from <instant>", "when it starts, RFC 3339 (default: now)")
    .option("--for <duration>", "how long: 90m, 2h, 7d")
    .option("--until <instant>", "when it ends, RFC 3339")
    .requiredOption("--reason <text>", "for those who approve it")
    .action(runner.action(create));
  silence
    .command("end")
    .description("End a silence at once; nobody has to approve that")
    .argument("<silence>")
    .option("--reason <text>", "kept with its end")
    .action(runner.action(end));
}

type CreateFlags = {
  readonly environment: string;
  readonly service?: string;
  readonly signature?: string;
  readonly from?: string;
  readonly for?: string;
  readonly until?: string;
  readonly reason: string;
};

async function create({ api, output }: Session, flags: CreateFlags): Promise<ExitCode> {
  const { environment, service, signature, from, until, reason } = flags;
  if ((flags.for === undefined) === (until === undefined))
    throw usageError("say when it ends: one of --for and --until");
  const body: JsonObject = {
    environment,
    reason,
    ...(service === undefined ? {} : { service }),
    ...(signature === undefined ? {} : { signature }),
    ...(from === undefined ? {} : { startsAt: from }),
    ...(until === undefined ? { minutes: parseMinutes(flags.for ?? "") } : { endsAt: until }),
  };
  const decision = new Fields((await api.call({ method: "POST", path: apiPath("v1", "silences"), body })).body);
  output.print(`${decision.text("id")} ${decision.text("status")}\n`);
  const status = decision.exact("status");
  if (status === "held") output.note(`next: somebody else runs \`holdpoint approve ${decision.text("id")}\``);
  return exitOfStatus(status);
}

const UNIT_MINUTES = { m: 1, h: 60, d: 1_440 } as const;

function parseMinutes(text: string): number {
  const [, count = "", unit = ""] = /^([1-9]\d{0,4})([mhd])$/.exec(text) ?? [];
  const minutes = Number(count) * (UNIT_MINUTES[unit as keyof typeof UNIT_MINUTES] ?? 0);
  if (minutes === 0) throw usageError("--for is a duration such as 90m, 2h or 7d");
  return minutes;
}

async function end({ api, output }: Session, id: string, { reason }: { reason?: string }): Promise<ExitCode> {
  const body = reason === undefined ? {} : { reason };
  const answer = await api.call({ method: "POST", path: apiPath("v1", "silences", id, "end"), body });
  output.print(`${new Fields(answer.body).text("id")} ended\n`);
  return EXIT.ok;
}
