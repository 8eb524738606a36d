// `client`, `source` and `token`: who may speak to this installation, administered on its data folder.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { createClient, disableClient } from "../../adapters/identity/clients.ts";
import { createFile } from "../../adapters/identity/durable-files.ts";
import { createSource, type NewSource } from "../../adapters/identity/source-secrets.ts";
import type { ClientKind } from "../../wire/types/identity.ts";
import { SOURCE_KINDS, type SourceKind, type SourceProof } from "../../wire/types/source-kinds.ts";
import { isClientScope, PLAIN_SCOPES, type ClientScope } from "../../wire/types/scopes.ts";
import { CliError, usageError } from "../cli-error.ts";
import { checkClientId, keyPathOf } from "../credentials.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Runner, Session } from "../session.ts";

/** Where nothing is said: people read, answer and stop; agents propose, and read what they proposed. */
const DEFAULT_SCOPES: Readonly<Record<ClientKind, readonly ClientScope[]>> = {
  person: [
    "signals:read",
    "incidents:read",
    "runs:read",
    "actions:read",
    "actions:approve",
    "actions:cancel",
    "killswitch:read",
    "killswitch:pause",
    "ledger:read",
    "policies:read",
    "payloads:read",
  ],
  agent: ["actions:propose:*"],
};

type ClientFlags = {
  readonly kind: ClientKind;
  readonly role?: readonly string[];
  readonly scope?: readonly string[];
  readonly person?: string;
  readonly owner?: string;
  readonly data?: string;
};

const DATA = ["--data <dir>", "the data folder (default: HOLDPOINT_DATA)"] as const;

export function addIdentities(program: Command, runner: Runner): void {
  const client = program.command("client").description("Register and disable people and agents (on the data folder)");
  client
    .command("add")
    .description("Register a person or an agent with a new key; works while the server runs")
    .argument("<id>", "person:<name> or agent:<name>")
    .addOption(new Option("--kind <kind>").choices(["person", "agent"]).makeOptionMandatory())
    .option("--role <role...>", "roles that holds ask for, such as on-call")
    .option(
      "--scope <scope...>",
      `default: what people or agents usually need; scopes: ${PLAIN_SCOPES.join(", ")}, actions:propose:<kind>`,
    )
    .option("--person <name>", "the human it speaks for, where the id does not say")
    .option("--owner <id>", "who answers for it and never approves for it: person:<name>, or team:<name>")
    .option(...DATA)
    .action(runner.action(addClient));
  client
    .command("disable")
    .description("Disable a client: its tokens end within a second")
    .argument("<id>")
    .option(...DATA)
    .action(runner.action(disable));
  program
    .command("source")
    .description("Configure webhook sources (on the data folder)")
    .command("add")
    .description("Configure a source; its secret is shown once")
    .argument("<name>", "it sends to /v1/signals/<name>")
    .addOption(new Option("--kind <kind>").choices(Object.keys(SOURCE_KINDS)).makeOptionMandatory())
    .option("--secret-file <file>", "write the secret here, mode 0600, instead of printing it")
    .option("--signing-secret-file <file>", "the secret that the vendor made and signs with (pagerduty)")
    .option("--topic <arn...>", "topics that are listened to (sns)")
    .option("--certificate <file...>", "certificates that Amazon signs with, instead of fetching them (sns)")
    .option("--environment <name>", "of signals that name none")
    .option("--service <name>", "of signals that name none")
    .option("--derived", "it relays what others detected, or is made by an AI: it confirms no major incident")
    .option(...DATA)
    .action(runner.action(addSource));
  program
    .command("token")
    .description("Print a fresh access token of the configured client (or --client)")
    .action(runner.action(token));
}

function addClient({ host, settings, output }: Session, id: string, flags: ClientFlags): ExitCode {
  const { kind, person, role = [], owner } = flags;
  const dataDir = dataFolder(flags.data ?? host.env.dataDir);
  const keyPath = keyPathOf(settings.configDir, id);
  if (!checkClientId(id).startsWith(`${kind}:`)) throw usageError(`an id of kind ${kind} begins with ${kind}:`);
  mkdirSync(dirname(keyPath), { recursive: true, mode: 0o700 });
  const optional = { ...(person === undefined ? {} : { person }), ...(owner === undefined ? {} : { owner }) };
  const client = {
    id,
    kind,
    ...optional,
    roles: [...role],
    scopes: parseScopes(flags.scope) ?? [...DEFAULT_SCOPES[kind]],
  };
  createClient(join(dataDir, "clients"), client, { keyPath, random: host.random });
  output.print(`${id}\n`);
  output.note(`its private key is ${keyPath}; give it to nobody else`);
  output.note(`next: holdpoint token --client ${id}`);
  return EXIT.ok;
}

function parseScopes(scopes: readonly string[] | undefined): ClientScope[] | null {
  if (scopes === undefined) return null;
  return scopes.map((scope) => {
    if (isClientScope(scope)) return scope;
    throw usageError(`${JSON.stringify(scope)} is no scope`, "holdpoint client add --help");
  });
}

function disable({ host, output }: Session, id: string, { data }: { data?: string }): ExitCode {
  disableClient(join(dataFolder(data ?? host.env.dataDir), "clients"), checkClientId(id));
  output.print(`${id} disabled\n`);
  return EXIT.ok;
}

type SourceFlags = {
  readonly kind: SourceKind;
  readonly secretFile?: string;
  readonly signingSecretFile?: string;
  readonly topic?: readonly string[];
  readonly certificate?: readonly string[];
  readonly environment?: string;
  readonly service?: string;
  readonly derived?: true;
  readonly data?: string;
};

function addSource(session: Session, name: string, flags: SourceFlags): ExitCode {
  const { host, output, settings } = session;
  const { kind, secretFile, signingSecretFile } = flags;
  const dataDir = dataFolder(flags.data ?? host.env.dataDir);
  if (secretFile !== undefined && existsSync(secretFile)) throw new CliError(`${secretFile} exists already`);
  if (kind === "pagerduty" && signingSecretFile === undefined) {
    throw usageError("PagerDuty makes the secret that it signs with: give it as --signing-secret-file");
  }
  const signing = signingSecretFile === undefined ? undefined : readFileSync(signingSecretFile, "utf8").trim();
  const secret = createSource(join(dataDir, "sources"), newSource(name, flags), host.random, signing);
  for (const line of setupNotes(kind, `${settings.server}/v1/signals/${name}`)) output.note(line);
  if (secret === "" || signing !== undefined) return EXIT.ok;
  if (secretFile === undefined) {
    output.note("the secret is shown this once:");
    output.print(`${secret}\n`);
  } else if (createFile(secretFile, `${secret}\n`)) output.note(`its secret is in ${secretFile}`);
  else throw new CliError(`${secretFile} exists already; the source is configured, its secret is lost`);
  return EXIT.ok;
}

function newSource(name: string, flags: SourceFlags): NewSource {
  const { kind, topic, certificate, environment, service, derived } = flags;
  const defaults = {
    ...(environment === undefined ? {} : { defaultEnvironment: environment }),
    ...(service === undefined ? {} : { defaultService: service }),
    ...(derived === undefined ? {} : { derived }),
  };
  return {
    name,
    kind,
    ...(topic === undefined ? {} : { topics: [...topic] }),
    ...(certificate === undefined ? {} : { certificates: certificate.map((file) => readFileSync(file, "utf8")) }),
    ...(Object.keys(defaults).length === 0 ? {} : { mapping: defaults }),
  };
}

/** What to give to whoever configures the sender; docs/signals.md has the rest. */
function setupNotes(kind: SourceKind, address: string): readonly string[] {
  const { proof }: { proof: SourceProof } = SOURCE_KINDS[kind];
  switch (proof) {
    case "secret":
      return [`it sends to ${address} with its secret as a bearer token`];
    case "address":
      return [`it sends to ${address}?secret=<its secret>`];
    case "hmac":
      return [`it sends to ${address} and signs with its secret`];
    case "sns":
      return [`subscribe ${address} to the topic; Amazon's certificates need egress.allow, or --certificate`];
  }
}

/** A folder that no server has used would take registrations that nobody ever reads. */
function dataFolder(path: string): string {
  if (existsSync(path)) return path;
  throw new CliError(`there is no data folder at ${path}`, { hint: "holdpoint serve   # its first start makes one" });
}

async function token({ api, output }: Session): Promise<ExitCode> {
  output.print(`${await api.token()}\n`);
  return EXIT.ok;
}
