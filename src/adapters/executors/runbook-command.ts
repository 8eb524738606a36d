// Runbook commands: programs that configuration lists, with typed arguments, without a shell, in a sandbox.

import { hash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type {
  ActionKind,
  ExecuteRequest,
  Executor,
  Plan,
  PlanRequest,
  Reach,
  StepOutcome,
} from "../../wire/contracts/executor.ts";
import { argumentsJsonSchema, parseArguments } from "../../wire/schemas/executor-arguments.ts";
import {
  runbookArguments,
  runbookArgv,
  type RunbookCommand,
  type RunbookConfig,
} from "../../wire/schemas/runbook-config.ts";
import { IRREVERSIBLE } from "../../wire/types/approvals.ts";
import { boundTarget, boundTo, isFor } from "./bound-target.ts";
import { knownLeft } from "./known-left.ts";
import { digestOf } from "./program-digest.ts";
import { runSandboxed, type Sandboxed, type SandboxEnd } from "./runbook-sandbox.ts";
import { readSecret } from "./secret-reading.ts";
import { withoutSecrets } from "./step-outcomes.ts";

const AGAIN_MS = 30_000;
/** Of what a program writes, so much goes into the record. */
const OUTPUT_CHARS_MAX = 2_000;

const shared = {
  argumentsSchema: argumentsJsonSchema(runbookArguments),
  planning: "reads",
  effect: "external",
  reversible: true,
  risks: ["configuration", "performance", "security"],
} as const;
const REPEATABLE: ActionKind = {
  ...shared,
  kind: "runbook.command",
  title: "Run a runbook command",
  repeat: "idempotent",
};
const ONCE: ActionKind = {
  ...shared,
  kind: "runbook.command-once",
  title: "Run a runbook command that must not be repeated",
  repeat: "neither",
};

export interface RunbookParts {
  readonly config: RunbookConfig;
  readonly credentials: Credentials;
  /** Folders that no program may see: where keys, secrets and the ledger are. */
  readonly hidden: readonly string[];
  readonly installation: string;
  /** What kind of secret a text looks like, or null. */
  readonly findSecret: (text: string) => string | null;
}

/** Offers `runbook.command` and `runbook.command-once`. */
export function createRunbookExecutor(parts: RunbookParts): Executor {
  const { commands } = parts.config;
  const room: Room = { ...parts, known: new Map(commands.map((one) => [one.name, one])) };
  return {
    kinds: [REPEATABLE, ONCE],
    credentials: commands.flatMap(({ secrets }) => Object.values(secrets)),
    plan: (request, signal) => planCommand(room, request, signal),
    execute: (request, signal) => runCommand(room, request, signal),
    // A program leaves no trace that we could ask for: what may be repeated is, and the rest is for people.
    reconcile: () => Promise.resolve({ status: "unclear", detail: { code: "cannot-be-asked" } }),
    probe: (signal) => probeCommands(parts, signal),
  };
}

type Room = RunbookParts & { readonly known: ReadonlyMap<string, RunbookCommand> };

async function planCommand(room: Room, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const { known } = room;
  const { command: name, parameters = {} } = parseArguments(runbookArguments, request.args);
  const command = known.get(name);
  if (command === undefined || !isOffered(command, request)) {
    throw new AppError("arguments-invalid", `the target has no command ${name} of this kind`, { command: name });
  }
  const argv = runbookArgv(command, parameters);
  if ("misfit" in argv) {
    throw new AppError("arguments-invalid", `the parameter ${argv.misfit} does not fit`, { parameter: argv.misfit });
  }
  const digest = await digestOf(command.program);
  if (digest === undefined) {
    throw new AppError("target-not-found", "there is no such program, or others may change it", { command: name });
  }
  const left = knownLeft(request);
  if (left !== undefined) refuseUnlessStanding(await standing(room, { command, parameters }, signal), left);
  const { program, network, limits, repeat, irreversible } = command;
  const terms = { target: boundTo(request.target), repeat, irreversible };
  const undone = undoing(room, command);
  const inverse = undone === undefined ? null : inverseOf(undone, request, parameters);
  return {
    kind: request.kind,
    calls: [
      { args: [...argv], command: name, digest, limits, network, program, parameters, ...terms, ...leaving(left) },
    ],
    diff: { runs: [program, ...argv], network, limits, ...takenBack(undone) },
    inverse,
    ...(undone === undefined || undone.check !== undefined ? {} : { blind: true as const }),
    reversible: inverse !== null,
    fingerprint: digest,
    ...(irreversible ? { signature: IRREVERSIBLE } : {}),
  };
}

/** Nobody knows that it was changed while the check does not tell. */
function refuseUnlessStanding(found: string, left: string): void {
  if (left !== UNTOLD && found === SILENT) throw new AppError("target-unavailable", "its check does not tell");
  if (left === UNTOLD || found !== left) {
    throw new AppError("target-moved", "it was changed since, or did not tell: undoing would overwrite that");
  }
}

const leaving = (left: string | undefined): { readonly left?: string } => (left === undefined ? {} : { left });

function undoing({ known }: Room, { undo }: RunbookCommand): RunbookCommand | undefined {
  return undo === undefined ? undefined : known.get(undo);
}

function takenBack(undone: RunbookCommand | undefined): JsonObject {
  if (undone === undefined) return {};
  return { takenBack: undone.check === undefined ? "changes-since-are-not-seen" : "unless-changed-since" };
}

function isOffered(command: RunbookCommand, { kind, target }: PlanRequest): boolean {
  return isFor(command, target) && kindOf(command.repeat) === kind;
}

function kindOf(repeat: RunbookCommand["repeat"]): string {
  return repeat === "idempotent" ? REPEATABLE.kind : ONCE.kind;
}

function inverseOf(command: RunbookCommand, { target }: PlanRequest, given: Given): JsonObject {
  const { name, repeat } = command;
  return { kind: kindOf(repeat), target: { ...target }, args: { command: name, parameters: ownOf(command, given) } };
}

type Given = Readonly<Record<string, string | number>>;

/** Those that the command has too. */
function ownOf({ parameters }: RunbookCommand, given: Given): Record<string, string | number> {
  return Object.fromEntries(Object.entries(given).filter(([parameter]) => Object.hasOwn(parameters, parameter)));
}

const callSchema = z.strictObject({
  args: z.array(z.string()),
  command: z.string(),
  digest: z.string(),
  limits: z.object({ seconds: z.int(), memoryMiB: z.int(), outputKiB: z.int() }),
  network: z.enum(["none", "host"]),
  program: z.string(),
  parameters: z.record(z.string(), z.union([z.string(), z.int()])),
  target: boundTarget,
  repeat: z.enum(["idempotent", "neither"]),
  irreversible: z.boolean(),
  left: z.string().optional(),
});
type Call = z.infer<typeof callSchema>;

/** The configuration may have changed since: what it does not say any more, or on other terms, is not run. */
function isAsConfigured(call: Call, command: RunbookCommand): boolean {
  const argv = runbookArgv(command, call.parameters);
  if ("misfit" in argv || !isFor(command, call.target)) return false;
  const said = ({ args, limits, network, program, repeat, irreversible }: Said): string =>
    canonicalJson({ args, limits, network, program, repeat, irreversible });
  return said({ ...command, args: [...argv] }) === said(call);
}

type Said = Pick<Call, "args" | "limits" | "network" | "program" | "repeat" | "irreversible">;

async function runCommand(parts: Room, request: ExecuteRequest, outer: AbortSignal): Promise<StepOutcome> {
  const parsed = callSchema.safeParse(request.plan.calls[0]);
  const command = parsed.success ? parts.known.get(parsed.data.command) : undefined;
  if (!parsed.success || command === undefined || !isAsConfigured(parsed.data, command)) {
    return { status: "failed", code: "plan-invalid", detail: null };
  }
  const timeMs = Math.min(request.timeoutMs, command.limits.seconds * 1_000);
  const signal = AbortSignal.any([outer, AbortSignal.timeout(timeMs)]);
  const secrets = await readSecrets(parts, command, signal);
  if (typeof secrets === "string") {
    return signal.aborted
      ? { status: "retry", afterMs: 5_000, code: "aborted", detail: null }
      : { status: "failed", code: "credential-missing", detail: { secretRef: secrets } };
  }
  if ((await digestOf(command.program)) !== parsed.data.digest) {
    return { status: "failed", code: "target-moved", detail: null };
  }
  const environment = { ...secrets, HOLDPOINT_ACTION: `${parts.installation}:${request.idempotencyKey}` };
  const { args, parameters, left } = parsed.data;
  if (left !== undefined) {
    const found = await standing(parts, { command, parameters }, signal);
    if (found === SILENT) return { status: "retry", afterMs: AGAIN_MS, code: "check-failed", detail: null };
    if (found !== left) return { status: "failed", code: "target-moved", detail: null };
  }
  const end = await runSandboxed(sandboxed(parts, command, { args, environment }), signal);
  const ran = { parts, command, request, secrets: Object.values(secrets), isTimeout: !outer.aborted };
  const outcome = outcomeOf(end, ran);
  const undone = undoing(parts, command);
  if (outcome.status !== "succeeded" || undone?.check === undefined) return outcome;
  const found = await standing(parts, { command: undone, parameters }, outer);
  return { ...outcome, left: found === SILENT ? UNTOLD : found };
}

/** Of a check that has to be asked again: it could not be run, or did not end well. */
const SILENT = "silent";
/** How a command left things whose check could not be had then, or is not there any more: nothing will ever match it. */
const UNTOLD = "untold";

/** A digest of what the check of a command says now, or one of the two above. */
async function standing(
  room: Room,
  { command, parameters }: { readonly command: RunbookCommand; readonly parameters: Given },
  outer: AbortSignal,
): Promise<string> {
  const check = command.check === undefined ? undefined : room.known.get(command.check);
  if (check === undefined) return UNTOLD;
  const args = runbookArgv(check, ownOf(check, parameters));
  const signal = AbortSignal.any([outer, AbortSignal.timeout(check.limits.seconds * 1_000)]);
  if ("misfit" in args) return UNTOLD;
  const environment = await readSecrets(room, check, signal);
  if (typeof environment === "string") return SILENT;
  const end = await runSandboxed({ ...sandboxed(room, check, { args, environment }), isApart: true }, signal);
  return end.kind === "ended" && end.exit === 0 && !end.isCut ? hash("sha256", end.output) : SILENT;
}

/** By environment variable, or the reference that gave none. */
async function readSecrets(
  { credentials }: RunbookParts,
  { secrets }: RunbookCommand,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>> | string> {
  const values: Record<string, string> = {};
  for (const [variable, ref] of Object.entries(secrets)) {
    const secret = await readSecret(credentials, ref, signal);
    if (secret === undefined) return ref;
    values[variable] = secret;
  }
  return values;
}

type Run = Pick<Sandboxed, "args" | "environment">;

function sandboxed(
  { config, hidden }: RunbookParts,
  { program, network, limits }: RunbookCommand,
  run: Run,
): Sandboxed {
  const { memoryMiB, outputKiB } = limits;
  return { program, network, memoryMiB, outputBytesMax: outputKiB * 1_024, user: config.user, hidden, ...run };
}

type Ran = {
  readonly parts: RunbookParts;
  readonly command: RunbookCommand;
  readonly request: ExecuteRequest;
  readonly secrets: readonly string[];
  readonly isTimeout: boolean;
};

/** A program that failed says that it failed, not that it did nothing, unless configuration says what its code means. */
function outcomeOf(end: SandboxEnd, { parts, command, request, secrets, isTimeout }: Ran): StepOutcome {
  if (end.kind === "unstarted") {
    if (end.code === "aborted") return { status: "retry", afterMs: 5_000, code: "aborted", detail: null };
    return { status: "failed", code: end.code, detail: null };
  }
  const output = shown(end.output, secrets, parts);
  if (end.kind === "killed") return { status: "unknown", code: isTimeout ? "timeout" : "aborted", detail: { output } };
  const { exit, isCut } = end;
  const detail: Json = { exit, output, isCut };
  if (exit === 0) return { status: "succeeded", reference: `${command.name}:${request.idempotencyKey}`, detail };
  if (exit !== null && command.unchangedCodes.includes(exit))
    return { status: "failed", code: "program-failed", detail };
  if (exit !== null && command.againCodes.includes(exit)) {
    return { status: "retry", afterMs: AGAIN_MS, code: "program-failed", detail };
  }
  return { status: "unknown", code: "program-failed", detail };
}

/** The secrets of the call are taken out; what looks like another is not shown at all. */
function shown(output: string, secrets: readonly string[], { findSecret }: RunbookParts): string {
  const kind = findSecret(output);
  return kind === null
    ? withoutSecrets(output, secrets, OUTPUT_CHARS_MAX)
    : `(not shown: it holds what looks like a secret, ${kind})`;
}

async function probeCommands(parts: RunbookParts, signal: AbortSignal): Promise<readonly Reach[]> {
  const { commands, user } = parts.config;
  const limits = { memoryMiB: 512, outputBytesMax: 1_024, user, hidden: parts.hidden } as const;
  /** Nothing of the program runs: it is looked for from where it would. */
  const isThere = async (program: string): Promise<boolean> => {
    const look = { program: "/bin/sh", args: ["-c", 'test -x "$0"', program], environment: {} } as const;
    const trial = await runSandboxed({ ...look, network: "none", ...limits }, signal);
    return trial.kind === "ended" && trial.exit === 0;
  };
  const isUsable = await isThere("/bin/sh");
  const sandbox: Reach = { target: "sandbox", ...(isUsable ? READY : { status: "away", code: "sandbox-unavailable" }) };
  const programs = commands.map(async ({ name, program, secrets }): Promise<Reach> => {
    const target = `command ${name}`;
    if ((await digestOf(program)) === undefined) return { target, status: "away", code: "program-missing" };
    if (isUsable && !(await isThere(program))) return { target, status: "away", code: "program-hidden" };
    for (const ref of Object.values(secrets)) {
      const secret = await readSecret(parts.credentials, ref, signal);
      if (secret === undefined) return { target, status: "missing", code: "credential-missing" };
    }
    return { target, ...READY };
  });
  return [sandbox, ...(await Promise.all(programs))];
}

const READY = { status: "ready", code: "" } as const;
