// `person` and `group`: who holds which roles, asked for by actions that somebody else approves, revoked at once.

import type { Command } from "commander";
import type { JsonObject } from "../../core/json.ts";
import { groupId, personOperand } from "../../wire/schemas/rights.ts";
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
  writeRequest,
  type ProposeFlags,
  type RevokeFlags,
} from "../registrations.ts";
import type { Runner, Session } from "../session.ts";
import { watchOption } from "../watch-action.ts";

type InitFlags = {
  readonly role?: readonly string[];
  readonly scope?: readonly string[];
  readonly person?: string;
  readonly issuer?: string;
  readonly subject?: string;
  readonly dpop?: true;
  readonly reuseKey?: true;
  readonly out?: string;
  readonly output: OutputFormat;
};

export function addPeople(program: Command, runner: Runner): void {
  const person = program.command("person").description("Register and revoke people");
  person
    .command("init")
    .description("Make a key for a person on this machine and write the request to register them")
    .argument("<name>")
    .option("--role <role...>", "roles that holds ask for, such as on-call")
    .option("--scope <scope...>", "default: what people usually need")
    .option("--person <name>", "the human it speaks for, where the name does not say")
    .option("--issuer <url>", "who vouches for them instead of a key of their own: one of the issuers in the settings")
    .option("--subject <text>", "who they are to that issuer, exactly as its tokens say")
    .option("--dpop", "their tokens must be bound to a key (RFC 9449)")
    .option("--reuse-key", "the key that is there already, to register something else for it")
    .option("--out <file>", "where the request goes (default: <name>.person.json)")
    .addOption(outputOption(FORMATS))
    .action(runner.action(init));
  person
    .command("register")
    .description("Propose a person as their request says; exits 3 while it waits for somebody else's approval")
    .argument("<file>", "the request that `person init` wrote")
    .addOption(watchOption())
    .addOption(outputOption(FORMATS))
    .action(runner.action(register));
  person
    .command("revoke")
    .description("Revoke a person, at once: tokens, sessions, and approvals that were not used yet")
    .argument("<id>", "person:<name>")
    .option("--reason <text>", "kept with the revocation")
    .addOption(outputOption(FORMATS))
    .action(runner.action(revokePerson));
  addGroups(program, runner);
}

function addGroups(program: Command, runner: Runner): void {
  const group = program.command("group").description("Register and revoke what groups at another issuer give");
  group
    .command("register")
    .description("Propose what a group gives its members; exits 3 while it waits for somebody else's approval")
    .argument("<issuer>", "the issuer's address, exactly as its tokens name it")
    .argument("<group>", "the group's name there")
    .option("--role <role...>", "roles that holds ask for, such as on-call")
    .option("--scope <scope...>", "default: what people usually need")
    .addOption(watchOption())
    .addOption(outputOption(FORMATS))
    .action(runner.action(registerGroup));
  group
    .command("revoke")
    .description("Take back what a group gives, at once")
    .argument("<issuer>")
    .argument("<group>")
    .option("--reason <text>", "kept with the revocation")
    .addOption(outputOption(FORMATS))
    .action(runner.action(revokeGroup));
}

function init(session: Session, name: string, flags: InitFlags): ExitCode {
  const { output } = session;
  const id = name.startsWith("person:") ? name : `person:${name}`;
  const out = flags.out ?? `${id.slice("person:".length)}.person.json`;
  const made = flags.issuer === undefined && flags.subject === undefined ? initKeyed : initVouched;
  output.printResult(new Fields(made(session, { id, out, flags })), `${out}\n`, flags.output);
  output.note(`next: somebody signed in runs \`holdpoint person register ${out}\`, and an owner approves it`);
  return EXIT.ok;
}

type Initial = { readonly id: string; readonly out: string; readonly flags: InitFlags };

function initKeyed(session: Session, { id, out, flags }: Initial): JsonObject {
  const asked = personOf(id, flags);
  const made = writeKeyedRequest(session, { id, asked, check: personOperand, reuseKey: flags.reuseKey === true, out });
  session.output.note(`the private key of ${id} is ${made.keyFile}; it stays on this machine`);
  return made;
}

/** Another issuer vouches for them: there is no key of their own. */
function initVouched(_session: Session, { id, out, flags }: Initial): JsonObject {
  const { issuer, subject } = flags;
  if (issuer === undefined || subject === undefined) throw usageError("--issuer and --subject go together");
  const request = { ...personOf(id, flags), subjects: [{ issuer, subject }] };
  personOperand(request);
  writeRequest(out, request);
  return { id, request: out };
}

function personOf(id: string, { role = [], scope, person, dpop }: InitFlags): object {
  return {
    id,
    roles: [...role],
    ...(scope === undefined ? {} : { scopes: [...scope] }),
    ...(person === undefined ? {} : { person }),
    ...(dpop === true ? { dpop: true } : {}),
  };
}

function register(session: Session, path: string, flags: ProposeFlags): Promise<ExitCode> {
  return proposeRegistration(session, { noun: "people", body: readRequest(path), flags });
}

function revokePerson(session: Session, id: string, flags: RevokeFlags): Promise<ExitCode> {
  return revokeRegistered(session, { noun: "people", id, flags });
}

type GroupFlags = ProposeFlags & { readonly role?: readonly string[]; readonly scope?: readonly string[] };

function registerGroup(session: Session, issuer: string, group: string, flags: GroupFlags): Promise<ExitCode> {
  const { role = [], scope } = flags;
  const scopes = scope === undefined ? {} : { scopes: [...scope] };
  return proposeRegistration(session, { noun: "groups", body: { issuer, group, roles: [...role], ...scopes }, flags });
}

function revokeGroup(session: Session, issuer: string, group: string, flags: RevokeFlags): Promise<ExitCode> {
  return revokeRegistered(session, { noun: "people", id: groupId({ issuer, group }), flags });
}
