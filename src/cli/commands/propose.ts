// `propose`: asks for an action and says what was decided; the exit code says it to scripts.

import { readFileSync, statSync } from "node:fs";
import { type Command, Option } from "commander";
import type { Json, JsonObject } from "../../core/json.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import { apiPath } from "../api-client.ts";
import { CliError, ProblemError, usageError } from "../cli-error.ts";
import { EXIT, exitOfStatus, isEnded, type ExitCode } from "../exit-codes.ts";
import { Fields } from "../fields.ts";
import { parseInstant } from "../instants.ts";
import { outputOption, type OutputFormat } from "../output.ts";
import { readProposalFile } from "../proposal-file.ts";
import { proposeList } from "../proposal-list.ts";
import { findResource, idOf } from "../resources.ts";
import { signIfAgent } from "../signed-proposal.ts";
import { pause, type Runner, type Session } from "../session.ts";
import { checkWatched, watchAction, watchOption } from "../watch-action.ts";

const ARGS_BYTES_MAX = 256 * 1024;
const WAIT_S_MAX = 86_400;
const POLL_MS = 500;

export type ArgumentFlags = { readonly arg?: readonly string[]; readonly argsFile?: string };

type ProposeFlags = ArgumentFlags & {
  readonly environment?: string;
  readonly service?: string;
  readonly file?: string;
  readonly notBefore?: string;
  readonly notAfter?: string;
  readonly resource?: string;
  readonly reason?: string;
  readonly idempotencyKey?: string;
  readonly wait?: string;
  readonly model?: string;
  readonly promptHash?: string;
  readonly dryRun?: true;
  readonly watch?: true;
  readonly promptFile?: string;
  readonly output: OutputFormat;
};

export function addPropose(program: Command, runner: Runner): void {
  program
    .command("propose")
    .description("Propose an action; exits 0 when allowed, 3 when held, 4 when refused, 5 when expired")
    .argument("[kind]", "such as pagerduty.trigger")
    .option("-e, --environment <name>")
    .option("-s, --service <name>")
    .option("-r, --resource <name>")
    .addOption(
      new Option("-f, --file <file>", "a list of proposals instead (JSON or YAML), in order; - reads standard input"),
    )
    .option("--not-before <instant>", "when it may begin: RFC 3339, or from now as 30m, 2h")
    .option("--not-after <instant>", "when it is too late to begin")
    .addOption(new Option("-a, --arg <name=value...>", "an argument: name=text, or name:=JSON").conflicts("argsFile"))
    .option("--args-file <file>", "all arguments as a JSON object; - reads standard input")
    .option("--reason <text>", "why, for those who decide")
    .option("--idempotency-key <key>", "the same key never makes a second action (made up when absent)")
    .option("--dry-run", "plan and decide, with every verdict: nobody is asked, nothing runs")
    .option("--model <provider/name@version>", "of an agent: which model made the proposal")
    .option("--prompt-file <file>", "of an agent: the prompt that led to it, of which only the hash is sent")
    .option("--prompt-hash <sha256>", "of an agent: that hash itself")
    .addOption(new Option("--wait <seconds>", "wait this long for it to end").conflicts("watch"))
    .addOption(watchOption())
    .addOption(outputOption(["table", "json", "yaml", "name"]))
    .action(runner.action(propose));
}

export function addRevert(program: Command, runner: Runner): void {
  program
    .command("revert")
    .description("Ask for a finished action to be taken back, by the inverse that its plan recorded")
    .argument("<action>", "its id, or action/ID", idOf("action"))
    .requiredOption("--reason <text>", "why, for those who decide")
    .option("--idempotency-key <key>", "the same key never makes a second action (made up when absent)")
    .addOption(new Option("--wait <seconds>", "wait this long for it to end").conflicts("watch"))
    .addOption(watchOption())
    .addOption(outputOption(["table", "json", "yaml", "name"]))
    .action(runner.action(revert));
}

type RevertFlags = Pick<ProposeFlags, "idempotencyKey" | "wait" | "watch" | "output"> & { readonly reason: string };

async function revert(session: Session, id: string, flags: RevertFlags): Promise<ExitCode> {
  const key = flags.idempotencyKey ?? madeUpKey(session);
  const request = { path: apiPath("v1", "actions", id, "revert"), body: { reason: flags.reason } };
  return decide(session, { request: { ...request, headers: { "idempotency-key": key } }, key, flags });
}

/** Of one command; what is sent under it again makes no second action. */
export function madeUpKey({ host }: Session): string {
  return `cli-${Buffer.from(host.random.bytes(12)).toString("hex")}`;
}

async function propose(session: Session, kind: string | undefined, flags: ProposeFlags): Promise<ExitCode> {
  const key = flags.idempotencyKey ?? madeUpKey(session);
  const { environment, service, resource, reason, file } = flags;
  if (file !== undefined) return proposeFile(session, file, { kind, key, flags });
  if (kind === undefined) throw usageError("say which kind of action, or -f with a list of them");
  if (environment === undefined || service === undefined)
    throw usageError("say what it is about: --environment and --service");
  const body: JsonObject = {
    kind,
    target: { environment, service, ...(resource === undefined ? {} : { resource }) },
    arguments: await readArguments(session, flags),
    ...(reason === undefined ? {} : { reason }),
    ...(flags.dryRun === true ? { dryRun: true } : {}),
    ...windowOf(session, flags),
  };
  const request = { path: apiPath("v1", "actions"), ...signIfAgent(session, body, { key, flags }) };
  return decide(session, { request, key, flags });
}

/** When it may begin, where somebody says so. */
function windowOf({ host }: Session, { notBefore, notAfter }: ProposeFlags): JsonObject {
  if (notBefore === undefined && notAfter === undefined) return {};
  if (notAfter === undefined) throw usageError("--not-before needs --not-after: when it is too late to begin");
  const nowMs = host.clock.nowMs(); // both count from one moment
  const at = (flag: string, text: string): string => {
    const instant = parseInstant(text, nowMs);
    if (instant === null) throw usageError(`${flag} is an RFC 3339 instant, or a time from now such as 30m or 2h`);
    return instant;
  };
  const begin = notBefore === undefined ? {} : { notBefore: at("--not-before", notBefore) };
  return { window: { ...begin, notAfter: at("--not-after", notAfter) } };
}

const BESIDE_FILE = [
  "environment",
  "service",
  "resource",
  "arg",
  "argsFile",
  "reason",
  "notBefore",
  "notAfter",
] as const;

type Listing = { readonly kind: string | undefined; readonly key: string; readonly flags: ProposeFlags };

function proposeFile(session: Session, file: string, { kind, key, flags }: Listing): Promise<ExitCode> {
  if (kind !== undefined || BESIDE_FILE.some((name) => flags[name] !== undefined))
    throw usageError("each proposal of the list says by itself what it is: -f goes without");
  if (flags.wait !== undefined || flags.watch)
    throw usageError("-f answers what was decided: it neither waits nor watches");
  return readFileOrInput(session, file).then((bytes) =>
    proposeList(session, { list: readProposalFile(decodeUtf8(bytes, file), file), key, flags }),
  );
}

type Asking = {
  readonly request: ReturnType<typeof signIfAgent> & { readonly path: string };
  readonly key: string;
  readonly flags: Pick<ProposeFlags, "wait" | "watch" | "output">;
};

async function decide(session: Session, { request, key, flags }: Asking): Promise<ExitCode> {
  const waitMs = parseWait(flags.wait);
  if (flags.watch) checkWatched(flags.output);
  const decision = new Fields(await send(session, request, key));
  const id = decision.exact("id");
  if (flags.watch) return watchAction(session, id, { format: flags.output });
  // "known" says only that the key was used before: the action itself says what became of it.
  const isSettled = decision.exact("status") !== "known" && waitMs === 0;
  const shown = isSettled ? decision : await waitForEnd(session, id, waitMs);
  printDecision(session, shown, flags.output);
  return exitOfStatus(shown.exact("status"));
}

/** What is not known to have arrived can be sent again under its key, which is therefore told. */
export async function send({ api }: Session, request: Asking["request"], key: string): Promise<Json> {
  try {
    return (await api.call({ method: "POST", ...request })).body;
  } catch (error) {
    const isOpen =
      error instanceof ProblemError
        ? error.status >= 500
        : error instanceof CliError && error.exitCode === EXIT.unreachable;
    if (!isOpen || !(error instanceof CliError)) throw error;
    const hint = `run it again with --idempotency-key ${key}: it will not be proposed twice`;
    throw new CliError(error.message, { exitCode: error.exitCode, hint, cause: error });
  }
}

/** The action once it has ended, or as it stands when the time is up or the person interrupts. */
export async function waitForEnd({ api, host, output }: Session, id: string, waitMs: number): Promise<Fields> {
  const endAt = host.clock.monotonicMs() + waitMs;
  let told = "";
  for (;;) {
    const action = await api.document(apiPath("v1", "actions", id));
    const status = action.exact("status");
    if (isEnded(status)) return action;
    if (status !== told) output.note(`${action.text("id")} ${action.text("status")}`);
    told = status;
    const leftMs = endAt - host.clock.monotonicMs();
    if (leftMs <= 0 || !(await pause(Math.min(POLL_MS, leftMs), host.interrupted))) return action;
  }
}

function printDecision({ output }: Session, shown: Fields, format: OutputFormat): void {
  if (format === "json" || format === "yaml") output.printValue(shown.value, format);
  else if (format === "name") output.printRows(findResource("action"), [shown], { format });
  else
    output.print(`${shown.text("id")} ${shown.text("status")}${shown.has("code") ? ` (${shown.text("code")})` : ""}\n`);
  output.note(`next: holdpoint describe action ${shown.text("id")}`);
}

export function parseWait(text: string | undefined): number {
  if (text === undefined) return 0;
  const seconds = Number(text);
  if (text.trim() === "" || !Number.isFinite(seconds) || seconds < 0 || seconds > WAIT_S_MAX) {
    throw usageError(`--wait is a number of seconds from 0 to ${WAIT_S_MAX}`);
  }
  return seconds * 1000;
}

export async function readArguments(session: Session, { arg = [], argsFile }: ArgumentFlags): Promise<JsonObject> {
  if (argsFile === undefined) return parseArguments(arg);
  const bytes = await readFileOrInput(session, argsFile);
  const value = parseJson(decodeUtf8(bytes, argsFile), argsFile);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw usageError(`${argsFile} holds no JSON object`);
  }
  return value as JsonObject;
}

async function readFileOrInput({ host }: Session, path: string): Promise<Uint8Array> {
  const bytes = path === "-" ? await host.stdin.readAll() : readArgsFile(path);
  if (bytes.length > ARGS_BYTES_MAX) throw new CliError(`${path} is larger than ${ARGS_BYTES_MAX} bytes`);
  return bytes;
}

function readArgsFile(path: string): Uint8Array {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) throw usageError(`there is no file ${path}`);
  return readFileSync(path);
}

function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw usageError(`${path} is not UTF-8`);
  }
}

/** `name=text` or `name:=JSON`; a name given twice is an error, not a surprise. */
function parseArguments(pairs: readonly string[]): JsonObject {
  const values = new Map<string, Json>();
  for (const pair of pairs) {
    const [, name, sign, text] = /^([^=:]+)(:?=)([\s\S]*)$/.exec(pair) ?? [];
    if (name === undefined || text === undefined)
      throw usageError(`${JSON.stringify(pair)} is not name=value or name:=JSON`);
    if (values.has(name)) throw usageError(`the argument ${name} is given twice`);
    values.set(name, sign === ":=" ? parseJson(text, `the argument ${name}`) : text);
  }
  return Object.fromEntries(values);
}

function parseJson(text: string, what: string): Json {
  try {
    return parseStrictJson(text);
  } catch {
    throw usageError(`${what} is not JSON`);
  }
}
