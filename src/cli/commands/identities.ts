// `client` and `token`: who may speak to this installation, administered on its data folder.

import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Command, Option } from "commander";
import { createClient, disableClient, registerSubject } from "../../adapters/identity/clients.ts";
import type { NewClient, Subject } from "../../adapters/identity/clients.ts";
import type { ClientKind } from "../../wire/types/identity.ts";
import { isClientScope, PERSON_SCOPES, PLAIN_SCOPES, type ClientScope } from "../../wire/types/scopes.ts";
import { CliError, usageError } from "../cli-error.ts";
import { checkClientId, keyPathOf } from "../credentials.ts";
import { DATA, dataFolder } from "../data-folder.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import type { Runner, Session } from "../session.ts";

/** Where nothing is said: people read, answer and stop; agents propose, and read what they proposed. */
const DEFAULT_SCOPES: Readonly<Record<ClientKind, readonly ClientScope[]>> = {
  person: PERSON_SCOPES,
  agent: ["actions:propose:*"],
};

type ClientFlags = {
  readonly kind: ClientKind;
  readonly role?: readonly string[];
  readonly scope?: readonly string[];
  readonly person?: string;
  readonly owner?: string;
  readonly issuer?: string;
  readonly subject?: string;
  readonly dpop?: boolean;
  readonly data?: string;
};

export function addIdentities(program: Command, runner: Runner): void {
  const client = program.command("client").description("Register and disable people and agents (on the data folder)");
  client
    .command("add")
    .description("Before the first start: a person or an agent with a new key; afterwards agents of other issuers")
    .argument("<id>", "person:<name> or agent:<name>")
    .addOption(new Option("--kind <kind>").choices(["person", "agent"]).makeOptionMandatory())
    .option("--role <role...>", "roles that holds ask for, such as on-call")
    .option(
      "--scope <scope...>",
      `default: what people or agents usually need; scopes: ${PLAIN_SCOPES.join(", ")}, actions:propose:<kind>`,
    )
    .option("--person <name>", "the human it speaks for, where the id does not say")
    .option("--owner <id>", "who answers for it and never approves for it: person:<name>, or team:<name>")
    .option("--issuer <url>", "who vouches for it instead of a key of its own: one of the issuers in the settings")
    .option("--subject <text>", "who it is to that issuer, exactly as its tokens say")
    .option("--dpop", "it gets only tokens that are bound to a key (RFC 9449)")
    .option(...DATA)
    .action(runner.action(addClient));
  client
    .command("disable")
    .description("Disable a client: its tokens end within a second")
    .argument("<id>")
    .option(...DATA)
    .action(runner.action(disable));
  program
    .command("token")
    .description("Print a fresh access token of the configured client (or --client)")
    .addOption(outputOption(["table", "json", "yaml"]))
    .action(runner.action(token));
}

function addClient(session: Session, id: string, flags: ClientFlags): ExitCode {
  const { host, settings } = session;
  const { kind, person, role = [], owner, dpop } = flags;
  const dataDir = dataFolder(flags.data ?? host.env.dataDir);
  const keyPath = keyPathOf(settings.configDir, id);
  if (!checkClientId(id).startsWith(`${kind}:`)) throw usageError(`an id of kind ${kind} begins with ${kind}:`);
  // Its file would have no effect: from the first start on people are registered by an action.
  if (kind === "person" && existsSync(join(dataDir, "keys")))
    throw usageError(
      `Holdpoint has started with ${dataDir}; people are registered by an action`,
      "holdpoint person init --help",
    );
  const optional = {
    ...(person === undefined ? {} : { person }),
    ...(owner === undefined ? {} : { owner }),
    ...(dpop === true ? { dpopBound: true } : {}),
  };
  const client = {
    id,
    kind,
    ...optional,
    roles: [...role],
    scopes: parseScopes(flags.scope) ?? [...DEFAULT_SCOPES[kind]],
  };
  addTo(join(dataDir, "clients"), { client, keyPath, subject: subjectOf(flags), session });
  return EXIT.ok;
}

type Addition = {
  readonly client: NewClient;
  readonly keyPath: string;
  readonly subject: Subject | null;
  readonly session: Session;
};

/** With a new key, or with another issuer that vouches for it. */
function addTo(clients: string, { client, keyPath, subject, session: { host, output } }: Addition): void {
  if (subject === null) {
    mkdirSync(dirname(keyPath), { recursive: true, mode: 0o700 });
    createClient(clients, client, { keyPath, random: host.random });
  } else if (!registerSubject(clients, { ...client, subjects: [subject] })) {
    throw new CliError(`${client.id} is registered already`);
  }
  output.print(`${client.id}\n`);
  if (subject !== null) return output.note(`it acts with tokens of ${subject.issuer}`);
  output.note(`its private key is ${keyPath}; give it to nobody else`);
  output.note(`next: holdpoint token --client ${client.id}`);
}

function subjectOf({ issuer, subject }: ClientFlags): Subject | null {
  if (issuer === undefined && subject === undefined) return null;
  if (issuer === undefined || subject === undefined) throw usageError("--issuer and --subject go together");
  return { issuer, subject };
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

async function token({ api, output }: Session, flags: { readonly output: OutputFormat }): Promise<ExitCode> {
  const text = await api.token();
  output.printResult(new Fields({ token: text, ...claimsOf(text) }), `${text}\n`, flags.output);
  return EXIT.ok;
}

/** What a token says of itself, unchecked: for whoever prints it. Nothing for a session's secret, which says nothing. */
function claimsOf(text: string): { readonly client?: string; readonly scope?: string; readonly expiresAt?: number } {
  try {
    const [, payload = ""] = text.split(".");
    const { sub, scope, exp } = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
    return {
      ...(typeof sub === "string" ? { client: sub } : {}),
      ...(typeof scope === "string" ? { scope } : {}),
      ...(typeof exp === "number" ? { expiresAt: exp * 1000 } : {}),
    };
  } catch {
    return {};
  }
}
