// `agent`: a key and a registration made on the agent's machine, proposed by a person, revoked by whoever may.

import type { Command } from "commander";
import { registrationOperand } from "../../wire/schemas/agents.ts";
import { usageError } from "../cli-error.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import {
  proposeRegistration,
  readRequest,
  REGISTRATION_FORMATS as FORMATS,
  revokeRegistered,
  writeKeyedRequest,
  type ProposeFlags,
  type RevokeFlags,
} from "../registrations.ts";
import type { Runner, Session } from "../session.ts";
import { watchOption } from "../watch-action.ts";

type InitFlags = {
  readonly owner: string;
  readonly purpose: string;
  readonly models: readonly string[];
  readonly kinds: readonly string[];
  readonly environments: readonly string[];
  readonly services: readonly string[];
  readonly volume: string;
  readonly reads?: readonly string[];
  readonly scopes?: readonly string[];
  readonly roles?: readonly string[];
  readonly parent?: string;
  readonly dpop?: true;
  readonly reuseKey?: true;
  readonly out?: string;
  readonly output: OutputFormat;
};

export function addAgents(program: Command, runner: Runner): void {
  const agent = program.command("agent").description("Make, register and revoke agents");
  agent
    .command("init")
    .description("Make a key for an agent on this machine and write the request to register it")
    .argument("<name>")
    .requiredOption("--owner <person>", "person:<name>, who answers for it and never approves what it proposes")
    .requiredOption("--purpose <text>", "what it is for")
    .requiredOption("--models <provider/name...>", "the models it may use")
    .requiredOption("--kinds <kind...>", "what it may propose: record.note, pagerduty.* or *")
    .requiredOption("--environments <name...>", "where, or *")
    .requiredOption("--services <name...>", "about what, or *")
    .requiredOption("--volume <count>", "proposals in an hour, at most")
    .option("--reads <source=class...>", "data it reads, as logs=internal,personal")
    .option("--scopes <scope...>", "beside proposing, such as runs:read")
    .option("--roles <role...>")
    .option("--parent <agent>", "the agent that it acts for")
    .option("--dpop", "its tokens must be bound to a key")
    .option("--reuse-key", "the key that is there already, to register something else for it")
    .option("--out <file>", "where the request goes (default: <name>.agent.json)")
    .addOption(outputOption(FORMATS))
    .action(runner.action(init));
  agent
    .command("register")
    .description("Propose an agent as its request says; exits 3 while it waits for somebody else's approval")
    .argument("<file>", "the request that `agent init` wrote")
    .addOption(watchOption())
    .addOption(outputOption(FORMATS))
    .action(runner.action(register));
  agent
    .command("revoke")
    .description("Revoke an agent and all below it, at once")
    .argument("<id>")
    .option("--reason <text>", "kept with the revocation")
    .addOption(outputOption(FORMATS))
    .action(runner.action(revoke));
}

function init(session: Session, name: string, flags: InitFlags): ExitCode {
  const { output } = session;
  const id = name.startsWith("agent:") ? name : `agent:${name}`;
  const out = flags.out ?? `${id.slice("agent:".length)}.agent.json`;
  const asked = registrationOf(id, flags);
  const reuseKey = flags.reuseKey === true;
  const made = writeKeyedRequest(session, { id, asked, check: registrationOperand, reuseKey, out });
  output.printResult(new Fields(made), `${out}\n`, flags.output);
  output.note(`the private key of ${id} is ${made.keyFile}; it stays on this machine`);
  output.note(`next: somebody signed in runs \`holdpoint agent register ${out}\`, and an owner approves it`);
  return EXIT.ok;
}

function registrationOf(id: string, flags: InitFlags): object {
  const { owner, purpose, kinds, environments, services, parent } = flags;
  const volumePerHour = Number(flags.volume);
  if (!Number.isInteger(volumePerHour) || volumePerHour < 1) throw usageError("--volume is a whole number from 1 on");
  return {
    id,
    owner,
    purpose,
    models: flags.models.map(parseModel),
    kinds: [...kinds],
    environments: [...environments],
    services: [...services],
    volumePerHour,
    ...(flags.reads === undefined ? {} : { reads: flags.reads.map(parseRead) }),
    ...(flags.scopes === undefined ? {} : { scopes: [...flags.scopes] }),
    ...(flags.roles === undefined ? {} : { roles: [...flags.roles] }),
    ...(parent === undefined ? {} : { parent }),
    ...(flags.dpop === true ? { dpop: true } : {}),
  };
}

function parseModel(text: string): { provider: string; name: string } {
  const slash = text.indexOf("/");
  if (slash < 1) throw usageError(`${JSON.stringify(text)} is not provider/name`);
  return { provider: text.slice(0, slash), name: text.slice(slash + 1) };
}

function parseRead(text: string): { source: string; classes: readonly string[] } {
  const [source = "", classes] = text.split("=");
  if (classes === undefined) throw usageError(`${JSON.stringify(text)} is not source=class,class`);
  return { source, classes: classes.split(",") };
}

function register(session: Session, path: string, flags: ProposeFlags): Promise<ExitCode> {
  return proposeRegistration(session, { noun: "agents", body: readRequest(path), flags });
}

function revoke(session: Session, id: string, flags: RevokeFlags): Promise<ExitCode> {
  return revokeRegistered(session, { noun: "agents", id, flags });
}
