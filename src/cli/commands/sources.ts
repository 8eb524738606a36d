// `source`: who may send signals, configured on the data folder.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { createFile } from "../../adapters/identity/durable-files.ts";
import { createSource, type NewSource } from "../../adapters/identity/source-secrets.ts";
import { SOURCE_KINDS, type SourceKind, type SourceProof } from "../../wire/types/source-kinds.ts";
import { CliError, usageError } from "../cli-error.ts";
import { DATA, dataFolder } from "../data-folder.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Runner, Session } from "../session.ts";

export function addSources(program: Command, runner: Runner): void {
  const source = program.command("source").description("Configure webhook sources (on the data folder)");
  source
    .command("add")
    .description("Configure a source; its secret is shown once")
    .argument("<name>", "it sends to /v1/signals/<name>")
    .addOption(new Option("--kind <kind>").choices(KINDS).argParser(parseKind).makeOptionMandatory())
    .option("--secret-file <file>", "write the secret here, mode 0600, instead of printing it")
    .option("--signing-secret-file <file>", "the secret that the vendor made and signs with (pagerduty)")
    .option("--topic <arn...>", "topics that are listened to (sns)")
    .option("--certificate <file...>", "certificates that Amazon signs with, instead of fetching them (sns)")
    .option("--environment <name>", "of signals that name none")
    .option("--service <name>", "of signals that name none")
    .option("--derived", "it relays what others detected, or is made by an AI: it confirms no major incident")
    .option(...DATA)
    .action(runner.action(addSource));
  source
    .command("kinds")
    .description("List the kinds of sources, and how each proves itself")
    .action(runner.action(listKinds));
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
  checkFlags(flags);
  const signing = signingSecretFile === undefined ? undefined : readFileSync(signingSecretFile, "utf8").trim();
  const secret = createSource(join(dataDir, "sources"), newSource(name, flags), host.random, signing);
  output.note(setupNote(kind, `${settings.server}/v1/signals/${name}`));
  output.note(`what to do there: docs/signals.md, section ${SOURCE_KINDS[kind].title}`);
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

/** What the schema would refuse in the words of the file, in the words of the command. */
function checkFlags({ kind, signingSecretFile, topic, certificate }: SourceFlags): void {
  const { title, proof }: { title: string; proof: SourceProof } = SOURCE_KINDS[kind];
  if (kind === "pagerduty" && signingSecretFile === undefined) {
    throw usageError("PagerDuty makes the secret that it signs with: give it as --signing-secret-file");
  }
  if (kind === "sns" && topic === undefined) {
    throw usageError("a source of kind sns listens to topics that it names: give them as --topic");
  }
  if (proof !== "hmac" && signingSecretFile !== undefined) throw usageError(`${title} signs with no secret`);
  if (kind !== "sns" && (topic ?? certificate) !== undefined) throw usageError("topics are for kind sns");
}

/** What to give to whoever configures the sender. */
function setupNote(kind: SourceKind, address: string): string {
  const { title, proof }: { title: string; proof: SourceProof } = SOURCE_KINDS[kind];
  switch (proof) {
    case "secret":
      return `${title} sends to ${address} with the secret as a bearer token`;
    case "address":
      return `${title} sends to ${address}?secret=<the secret>`;
    case "hmac":
      return `${title} sends to ${address} and signs with the secret`;
    case "sns":
      return `subscribe ${address} to the topic; egress.allow needs https://sns.<region>.amazonaws.com`;
  }
}

const KINDS = Object.keys(SOURCE_KINDS) as SourceKind[];

/** What people may call a kind, or look for. */
const CALLED: ReadonlyMap<string, string> = new Map([
  ["prometheus", "alertmanager"],
  ["grafana", "alertmanager, whose payload Grafana sends as well"],
  ["argo", "argocd"],
  ["aws", "eventbridge, or sns"],
  ["cloudwatch", "eventbridge, or sns where the alarm's action is a topic"],
  ["k8s", "kubernetes"],
  ["opentelemetry", "otlp"],
  ["otel", "otlp"],
  ["webhook", "cloudevents, which anything can send"],
  ["generic", "cloudevents, which anything can send"],
]);

function parseKind(text: string): SourceKind {
  const plain = text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  const kind = KINDS.find((one) => one === text || one === plain);
  if (kind !== undefined) return kind;
  const called = CALLED.get(plain);
  const advice = called === undefined ? "cloudevents is for what has no kind of its own" : `use ${called}`;
  throw new InvalidArgumentError(`${advice}; kinds: ${KINDS.join(", ")}.`);
}

const PROOFS: Readonly<Record<SourceProof, string>> = {
  secret: "sends a secret",
  address: "sends a secret in the address",
  hmac: "signs with a secret",
  sns: "is signed by Amazon",
};

function listKinds({ output }: Session): ExitCode {
  for (const kind of KINDS) {
    const { title, proof }: { title: string; proof: SourceProof } = SOURCE_KINDS[kind];
    output.print(`${kind.padEnd(14)}${title.padEnd(19)}${PROOFS[proof]}\n`);
  }
  return EXIT.ok;
}
