// `agent`: a key and a registration made on the agent's machine, proposed by a person, revoked by whoever may.

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Command } from "commander";
import { signDetached } from "../../adapters/identity/detached-jws.ts";
import { generatePrivateJwk, publicJwkOf, readPrivateJwk, writePrivateJwk } from "../../adapters/identity/key-pairs.ts";
import { canonicalJson } from "../../core/canonical-json.ts";
import type { JsonObject } from "../../core/json.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import { keyThumbprint, registrationOperand } from "../../wire/schemas/agents.ts";
import { apiPath } from "../api-client.ts";
import { CliError, usageError } from "../cli-error.ts";
import { keyPathOf } from "../credentials.ts";
import { EXIT, exitOfStatus, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import type { Runner, Session } from "../session.ts";
import { checkWatched, statusLine, watchAction, watchOption } from "../watch-action.ts";

const FILE_BYTES_MAX = 64 * 1024;

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

const FORMATS = ["table", "json", "yaml"] as const;

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
  const { host, settings, output } = session;
  const id = name.startsWith("agent:") ? name : `agent:${name}`;
  const keyPath = keyPathOf(settings.configDir, id);
  const isKept = existsSync(keyPath) && flags.reuseKey === true;
  const jwk = isKept ? readPrivateJwk(keyPath) : generatePrivateJwk(host.random);
  const asked = { ...registrationOf(id, flags), keys: [{ ...publicJwkOf(jwk) }] } as unknown as JsonObject;
  const proof = signDetached(canonicalJson(asked), { jwk, type: "holdpoint-registration+jws" });
  const request = { ...asked, proofs: [proof] };
  registrationOperand(request); // what the server would refuse is not written
  const out = flags.out ?? `${id.slice("agent:".length)}.agent.json`;
  if (!isKept) {
    mkdirSync(dirname(keyPath), { recursive: true, mode: 0o700 });
    writePrivateJwk(keyPath, jwk);
  }
  writeFileSync(out, `${JSON.stringify(request, null, 2)}\n`);
  const made = { id, request: out, keyFile: keyPath, thumbprint: keyThumbprint(publicJwkOf(jwk)) };
  output.printResult(new Fields(made), `${out}\n`, flags.output);
  output.note(`the private key of ${id} is ${keyPath}; it stays on this machine`);
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

type RegisterFlags = { readonly watch?: true; readonly output: OutputFormat };

async function register(session: Session, path: string, flags: RegisterFlags): Promise<ExitCode> {
  const { api, output } = session;
  if (flags.watch) checkWatched(flags.output);
  const { body } = await api.call({ method: "POST", path: apiPath("v1", "agents"), body: readRequest(path) });
  const decision = new Fields(body);
  const status = decision.exact("status");
  if (!flags.watch) output.printResult(decision, statusLine(decision), flags.output);
  if (status === "held") output.note(`next: an owner runs \`holdpoint approve ${decision.text("id")}\``);
  return flags.watch ? watchAction(session, decision.exact("id"), { format: flags.output }) : exitOfStatus(status);
}

function readRequest(path: string): JsonObject {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true || stat.size > FILE_BYTES_MAX) throw usageError(`${path} is no request to register`);
  let value;
  try {
    value = parseStrictJson(readFileSync(path, "utf8"));
  } catch {
    throw new CliError(`${path} is not JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw usageError(`${path} holds no object`);
  return value as JsonObject;
}

type RevokeFlags = { readonly reason?: string; readonly output: OutputFormat };

async function revoke({ api, output }: Session, id: string, flags: RevokeFlags): Promise<ExitCode> {
  const { reason } = flags;
  const body = reason === undefined ? {} : { reason };
  const answer = await api.call({ method: "POST", path: apiPath("v1", "agents", id, "revoke"), body });
  const revoked = new Fields(answer.body);
  output.printResult(revoked, statusLine(revoked), flags.output);
  return EXIT.ok;
}
