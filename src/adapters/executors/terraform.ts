// Terraform and OpenTofu: a saved plan is the plan, shown as what it does, and applied as exactly those bytes.

import { closeSync } from "node:fs";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type {
  ActionKind,
  ExecuteRequest,
  Executor,
  Plan,
  PlanRequest,
  Reach,
  Reconciliation,
  StepOutcome,
} from "../../wire/contracts/executor.ts";
import { argumentsJsonSchema, parseArguments } from "../../wire/schemas/executor-arguments.ts";
import { terraformApplyArguments, type TerraformWorkspace } from "../../wire/schemas/terraform-config.ts";
import { IRREVERSIBLE } from "../../wire/types/approvals.ts";
import { boundTarget, boundTo, isFor } from "./bound-target.ts";
import { digestOf } from "./program-digest.ts";
import type { SandboxEnd } from "./runbook-sandbox.ts";
import { withoutSecrets } from "./step-outcomes.ts";
import { openLog, readLog, settleLog, type ApplyLog } from "./terraform-log.ts";
import { readSavedPlan, type SavedPlan } from "./terraform-plan.ts";
import {
  applyPlan,
  readEnvironment,
  readPlanFile,
  readSerial,
  showPlan,
  type ProgramParts,
  type Run,
} from "./terraform-program.ts";

const APPLY: ActionKind = {
  kind: "terraform.apply",
  title: "Apply a saved plan of Terraform or OpenTofu",
  argumentsSchema: argumentsJsonSchema(terraformApplyArguments),
  repeat: "conditional",
  planning: "reads",
  effect: "external",
  reversible: false,
  risks: ["configuration", "performance", "security", "compliance"],
};
/** Headings of Terraform and OpenTofu for a plan that was made from another state than there is. */
const STALE: ReadonlySet<string> = new Set(["Saved plan is stale", "Saved plan does not match the given state"]);
const LOCKED = "Error acquiring the state lock";
const LOCKED_AGAIN_MS = 15_000;

export interface TerraformParts extends ProgramParts {
  readonly installation: string;
  /** What kind of secret a text looks like, or null. */
  readonly findSecret: (text: string) => string | null;
}

/** Offers `terraform.apply`. */
export function createTerraformExecutor(parts: TerraformParts): Executor {
  const { workspaces } = parts.config;
  const busy = new Set<string>();
  return {
    kinds: [APPLY],
    credentials: [...new Set(workspaces.flatMap(({ secrets }) => Object.values(secrets)))],
    plan: (request, signal) => planApply(parts, request, signal),
    execute: async (request, signal) => {
      const step = readStep(parts, request);
      if (step === undefined || !isStillFor(step)) return { status: "failed", code: "plan-invalid", detail: null };
      const { name } = step.workspace;
      if (busy.has(name)) return { status: "retry", afterMs: 5_000, code: "target-busy", detail: null };
      busy.add(name);
      try {
        return await executeApply(step, signal);
      } finally {
        busy.delete(name);
      }
    },
    reconcile: async (request, signal) => {
      const step = readStep(parts, request);
      if (step === undefined) return { status: "unclear", detail: { code: "plan-invalid" } };
      // Its log is still being written to: nobody may put another in its place, or take what it says for the end.
      if (busy.has(step.workspace.name)) return { status: "unclear", detail: { code: "under-way" }, afterMs: 5_000 };
      return reconcileApply(step, signal);
    },
    probe: (signal) => Promise.all(workspaces.map((one) => probe(parts, one, signal))),
  };
}

const callSchema = z.strictObject({
  program: z.string(),
  programDigest: z.string(),
  workspace: z.string(),
  directory: z.string(),
  plan: z.string(),
  digest: z.string(),
  target: boundTarget.optional(),
  /** Terraform's own workspace; null for the one that it calls default. */
  within: z.string().nullable().optional(),
});
type Call = z.output<typeof callSchema>;

async function planApply(parts: TerraformParts, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const { workspace: name, plan: file } = parseArguments(terraformApplyArguments, request.args);
  const workspace = workspaceOf(parts, request, name);
  const programDigest = await digestOf(parts.config.program);
  if (programDigest === undefined) {
    throw new AppError("target-not-found", "there is no such program, or others may change it", {});
  }
  const read = await readPlanFile(workspace, file);
  if (read === undefined) throw new AppError("target-not-found", "there is no such saved plan", { plan: file });
  const run = await runOf(parts, workspace, signal);
  if (typeof run === "string") throw new AppError("target-forbidden", "a secret cannot be had", { secretRef: run });
  const saved = shownAs(await showPlan(run, read.bytes, signal), parts);
  const serial = await readSerial(run, signal);
  if (serial === undefined) throw new AppError("target-unavailable", "the state could not be read", {});
  const { program } = parts.config;
  const { directory } = workspace;
  const call = {
    ...{ program, programDigest, workspace: name, directory, plan: file, digest: read.digest },
    ...{ target: boundTo(request.target), within: workspace.workspace ?? null },
  } satisfies Call;
  const signature = signatureOf(saved);
  return {
    kind: request.kind,
    calls: [call],
    diff: { plan: file, digest: read.digest, state: serial, ...(saved as unknown as Record<string, Json>) },
    inverse: null,
    reversible: false,
    fingerprint: serial,
    ...(signature === undefined ? {} : { signature }),
    size: Math.max(
      1,
      Object.values(saved.counts).reduce((sum, count) => sum + count, 0),
    ),
  };
}

function shownAs(text: string | undefined, { findSecret }: TerraformParts): SavedPlan {
  const saved = text === undefined ? "unreadable" : readSavedPlan(text, findSecret);
  switch (saved) {
    case "unreadable":
      throw new AppError("target-refused", "the program cannot read it as a saved plan", {});
    case "errored":
      throw new AppError("target-refused", "it was made although planning failed", {});
    case "empty":
      throw new AppError("arguments-invalid", "the saved plan does nothing", {});
    default:
      return saved;
  }
}

/** What goes does not come back by itself; what leaves the state, or is not listed, people have to see. */
function signatureOf({ counts, unlisted }: SavedPlan): string | undefined {
  if (counts.deletes + counts.replaces > 0) return IRREVERSIBLE;
  return unlisted > 0 || counts.forgets > 0 ? "opaque" : undefined;
}

function workspaceOf({ config }: TerraformParts, { target }: PlanRequest, name: string): TerraformWorkspace {
  const found = config.workspaces.find((one) => one.name === name && isFor(one, target));
  if (found !== undefined) return found;
  throw new AppError("arguments-invalid", "the target has no workspace of that name", { workspace: name });
}

async function runOf(parts: TerraformParts, workspace: TerraformWorkspace, signal: AbortSignal): Promise<Run | string> {
  const environment = await readEnvironment(parts, workspace, signal);
  return typeof environment === "string" ? environment : { parts, workspace, environment };
}

interface Step {
  readonly parts: TerraformParts;
  readonly workspace: TerraformWorkspace;
  readonly call: Call;
  readonly request: ExecuteRequest;
  readonly mark: string;
}

/** The configuration may have changed since: what it does not say any more is not run. */
function readStep(parts: TerraformParts, request: ExecuteRequest): Step | undefined {
  const parsed = callSchema.safeParse(request.plan.calls[0]);
  if (!parsed.success || parsed.data.program !== parts.config.program) return undefined;
  const call = parsed.data;
  const workspace = parts.config.workspaces.find(({ name }) => name === call.workspace);
  if (workspace === undefined || workspace.directory !== call.directory) return undefined;
  return { parts, workspace, call, request, mark: `${parts.installation}:${request.idempotencyKey}` };
}

/** What it did is asked wherever its log says so; it is begun only in the place that was approved. */
function isStillFor({ workspace, call }: Step): boolean {
  return isFor(workspace, call.target) && call.within === (workspace.workspace ?? null);
}

async function executeApply(step: Step, outer: AbortSignal): Promise<StepOutcome> {
  const { parts, workspace, call, request, mark } = step;
  const { seconds, stopSeconds } = workspace.limits;
  const { timeoutMs } = request;
  const timeMs = Math.min(seconds * 1_000, Math.max(timeoutMs / 2, timeoutMs - stopSeconds * 1_000));
  const signal = AbortSignal.any([outer, AbortSignal.timeout(Math.ceil(timeMs))]);
  const before = readLog(parts.records, mark);
  if (before?.done != null) return succeeded(step, before.done);
  if (before?.hasBegun === true || before?.isTold === false) {
    return { status: "unknown", code: "earlier-attempt-unsettled", detail: null };
  }
  const run = await runOf(parts, workspace, signal);
  if (typeof run === "string") {
    return signal.aborted
      ? { status: "retry", afterMs: 5_000, code: "aborted", detail: null }
      : { status: "failed", code: "credential-missing", detail: { secretRef: run } };
  }
  if ((await digestOf(call.program)) !== call.programDigest) {
    return { status: "failed", code: "target-moved", detail: { moved: "program" } };
  }
  const read = await readPlanFile(workspace, call.plan);
  if (read?.digest !== call.digest) return { status: "failed", code: "target-moved", detail: { moved: "plan" } };
  const serial = await readSerial(run, signal);
  if (serial === undefined) return { status: "retry", afterMs: 5_000, code: "unreachable", detail: { of: "state" } };
  if (serial !== request.plan.fingerprint)
    return { status: "failed", code: "target-moved", detail: { moved: "state" } };
  const log = openLog(parts.records, mark);
  try {
    const end = await applyPlan(run, { bytes: read.bytes, log }, signal);
    return outcomeOf(step, { end, run, isTimeout: !outer.aborted });
  } finally {
    closeSync(log);
    settleLog(parts.records, mark);
  }
}

type Ended = { readonly end: SandboxEnd; readonly run: Run; readonly isTimeout: boolean };

/** What it said counts, not its exit code alone: nothing is changed before the first message of something begun. */
function outcomeOf(step: Step, { end, run, isTimeout }: Ended): StepOutcome {
  if (end.kind === "unstarted") {
    if (end.code === "aborted") return { status: "retry", afterMs: 5_000, code: "aborted", detail: null };
    return { status: "failed", code: end.code, detail: null };
  }
  const log = readLog(step.parts.records, step.mark);
  if (log === undefined) return { status: "unknown", code: "program-failed", detail: null };
  if (log.done !== null) return succeeded(step, log.done);
  const detail: Json = { errors: shown(log, run), exit: end.kind === "ended" ? end.exit : null };
  if (log.hasBegun) {
    // Interrupted, it finishes what it began and writes its state before it ends by itself.
    if (end.kind === "ended") return { status: "partial", afterMs: 0, code: "partly-applied", detail };
    return isTimeout ? { status: "unknown", code: "timeout", detail } : { status: "unknown", code: "aborted", detail };
  }
  if (end.kind === "killed")
    return { status: "retry", afterMs: 5_000, code: isTimeout ? "timeout" : "aborted", detail };
  if (log.errors.some((error) => STALE.has(error))) return { status: "failed", code: "target-moved", detail };
  if (log.errors.includes(LOCKED)) {
    return { status: "retry", afterMs: LOCKED_AGAIN_MS, code: "target-busy", detail };
  }
  return { status: "failed", code: "program-failed", detail };
}

function succeeded({ call, request }: Step, counts: Json): StepOutcome {
  return { status: "succeeded", reference: `${call.workspace}:${request.idempotencyKey}`, detail: { applied: counts } };
}

/** Without the secrets of the call; what looks like another is not shown at all. */
function shown({ errors }: ApplyLog, { parts, environment, workspace }: Run): readonly string[] {
  const secrets = Object.keys(workspace.secrets).map((variable) => environment[variable] ?? "");
  const { findSecret } = parts as TerraformParts;
  return errors.map((error) => (findSecret(error) === null ? withoutSecrets(error, secrets) : "(not shown)"));
}

/** The log tells: the program died with us, and said what it began before it did. */
async function reconcileApply(step: Step, signal: AbortSignal): Promise<Reconciliation> {
  const { parts, call, request } = step;
  const log = readLog(parts.records, step.mark);
  settleLog(parts.records, step.mark);
  if (log?.done != null) {
    return {
      status: "happened",
      reference: `${call.workspace}:${request.idempotencyKey}`,
      detail: { applied: log.done },
    };
  }
  if (log?.hasBegun === true) return { status: "unclear", detail: { code: "partly-applied" } };
  if (log?.isTold === false) return { status: "unclear", detail: { code: "restarted-since" } };
  const run = await runOf(parts, step.workspace, signal);
  const serial = typeof run === "string" ? undefined : await readSerial(run, signal);
  if (serial === undefined) return { status: "unclear", detail: { code: "unreachable" }, afterMs: 5_000 };
  return { status: "absent", detail: { state: serial } };
}

async function probe(parts: TerraformParts, workspace: TerraformWorkspace, signal: AbortSignal): Promise<Reach> {
  const target = `workspace ${workspace.name}`;
  if ((await digestOf(parts.config.program)) === undefined) return { target, status: "away", code: "program-missing" };
  const run = await runOf(parts, workspace, signal);
  if (typeof run === "string") return { target, status: "missing", code: "credential-missing" };
  const serial = await readSerial(run, signal);
  return serial === undefined
    ? { target, status: "away", code: "program-failed" }
    : { target, status: "ready", code: "" };
}
