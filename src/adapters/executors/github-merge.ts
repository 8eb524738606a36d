// Merging a pull request as soon as somebody else has approved it at GitHub, and closing one that Holdpoint opened.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { Awaited, Plan, PlanRequest, StepOutcome } from "../../wire/contracts/executor.ts";
import { parseArguments } from "../../wire/schemas/executor-arguments.ts";
import { githubCloseArguments, githubMergeArguments } from "../../wire/schemas/github-arguments.ts";
import { need, shownTitle, type PlanParts } from "./github-plans.ts";
import { isWithin } from "./github-proposal.ts";
import type { Repository } from "./github-repository.ts";
import { behindMerge, isByOtherRules, isUnreviewed, otherApprovals, type Reviewers } from "./github-reviews.ts";
import { knownLeft } from "./known-left.ts";

export const mergeCallSchema = z.strictObject({
  method: z.literal("PUT"),
  origin: z.string(),
  repository: z.string(),
  base: z.string(),
  number: z.int().min(1),
  body: z.strictObject({ sha: z.string(), merge_method: z.enum(["squash", "merge"]) }),
  /** Whose review does not count; absent where nobody could tell whose any is. */
  behind: z.array(z.string()).optional(),
});
export const closeCallSchema = z.strictObject({
  method: z.literal("PATCH"),
  origin: z.string(),
  repository: z.string(),
  base: z.string(),
  branch: z.string(),
  /** The commit that the branch is at; null where it is gone. */
  sha: z.string().nullable(),
});

const MOVED: StepOutcome = { status: "failed", code: "target-moved", detail: null };

export async function planMerge(parts: PlanParts, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const { number, method } = parseArguments(githubMergeArguments, request.args);
  const { config, installation, origin, people, repository } = parts;
  const pull = need(await repository.pull(number, signal));
  if (pull === null || pull.state !== "open" || pull.draft === true || pull.base.ref !== config.base) {
    throw new AppError("arguments-invalid", "it is no open pull request into the base branch", { number });
  }
  const behind = await behindMerge({ installation, people, pull }, request);
  const approvals = need(await otherApprovals(repository, { pull, people, behind }, signal));
  const files = need(await repository.touched(number, signal));
  if (files === null) throw new AppError("arguments-invalid", "it touches nothing, or too many files", { number });
  const outside = files.find((path) => !isWithin(config, path));
  if (outside !== undefined) {
    throw new AppError("arguments-invalid", "it changes a file outside the target's paths", { path: outside });
  }
  const { sha } = pull.head;
  return {
    kind: request.kind,
    calls: [
      {
        method: "PUT",
        origin,
        repository: config.repository,
        base: config.base,
        number,
        body: { sha, merge_method: method },
        ...(behind === undefined ? {} : { behind }),
      },
    ],
    diff: {
      merges: `${config.repository}#${number}: ${shownTitle(parts, pull)}`,
      into: config.base,
      commit: sha,
      approvedBy: [...approvals],
      reviewedBy: behind === undefined ? "anybody-but-the-author" : "somebody-else",
      files: [...files],
    },
    inverse: { kind: "github.revert", target: { ...request.target }, args: { repository: config.name, number } },
    reversible: true,
    fingerprint: sha,
    size: files.length,
    ...(isUnreviewed({ installation, people, pull }) ? { signature: "unreviewed" } : {}),
    ...(approvals.length > 0 ? {} : { awaits: true as const }),
  };
}

type MergeCall = z.output<typeof mergeCallSchema>;
type Merging = { readonly repository: Repository; readonly call: MergeCall; readonly people: Reviewers["people"] };

/** A review of what was planned: another commit is another plan. What others have merged meanwhile is there, too. */
export async function awaitedMerge({ repository, call, people }: Merging, signal: AbortSignal): Promise<Awaited> {
  const { behind } = call;
  if (isByOtherRules({ people, behind })) return { status: "over", code: "plan-invalid" };
  const pull = await repository.pull(call.number, signal);
  if (pull.kind === "not") return cannotTell(pull.outcome);
  if (pull.value === null) return { status: "over", code: "target-not-found" };
  const { head, base, state, merged_at: mergedAt } = pull.value;
  if (head.sha !== call.body.sha || base.ref !== call.base) return { status: "over", code: "target-moved" };
  if (mergedAt !== null) return { status: "come" };
  if (state !== "open") return { status: "over", code: "target-moved" };
  const approvals = await otherApprovals(repository, { pull: pull.value, people, behind }, signal);
  if (approvals.kind === "not") return cannotTell(approvals.outcome);
  return approvals.value.length > 0 ? { status: "come" } : { status: "pending", code: "approval-missing" };
}

function cannotTell(outcome: StepOutcome): Awaited {
  const afterMs = outcome.status === "retry" ? outcome.afterMs : 0;
  return { status: "pending", code: "code" in outcome ? outcome.code : outcome.status, afterMs };
}

/** Only the commit that was planned is merged, whatever arrives when: GitHub compares it itself. */
export async function executeMerge({ repository, call, people }: Merging, signal: AbortSignal): Promise<StepOutcome> {
  const { number, body, behind } = call;
  if (isByOtherRules({ people, behind })) return { status: "failed", code: "plan-invalid", detail: null };
  const got = await repository.pull(number, signal);
  if (got.kind === "not") return got.outcome;
  const pull = got.value;
  if (pull === null) return { status: "failed", code: "target-not-found", detail: null };
  if (pull.head.sha !== body.sha || pull.base.ref !== call.base) return MOVED;
  if (pull.merged_at !== null) return merged(call, { commit: pull.merge_commit_sha ?? "", foundBefore: true });
  if (pull.state !== "open") return MOVED;
  const approvals = await otherApprovals(repository, { pull, people, behind }, signal);
  if (approvals.kind === "not") return approvals.outcome;
  if (approvals.value.length === 0) return { status: "failed", code: "approval-missing", detail: null };
  const reply = await repository.merge(number, body, signal);
  const made = z.looseObject({ merged: z.literal(true), sha: z.string() }).safeParse(reply.data);
  if (reply.status === 200 && made.success) return merged(call, { commit: made.data.sha, foundBefore: false });
  if (reply.status === 409) return MOVED;
  return reply.asWrite;
}

function merged(
  { repository, number }: MergeCall,
  detail: { readonly commit: string; readonly foundBefore: boolean },
): StepOutcome {
  return { status: "succeeded", reference: `${repository}#${number}`, detail: { ...detail, number } };
}

export async function planClose(parts: PlanParts, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const { branch } = parseArguments(githubCloseArguments, request.args);
  const left = knownLeft(request);
  const { config, origin, repository } = parts;
  const pull = need(await repository.pullOf(branch, signal));
  if (pull?.merged_at != null) {
    throw new AppError("target-moved", "it has been merged: what takes that back is github.revert", {
      number: pull.number,
    });
  }
  const sha = need(await repository.head(branch, signal));
  if (left !== undefined && sha !== null && !isLeft(left, sha)) {
    throw new AppError("target-moved", "somebody added to its branch: removing it would lose that", { branch });
  }
  return {
    kind: request.kind,
    calls: [{ method: "PATCH", origin, repository: config.repository, base: config.base, branch, sha }],
    diff: {
      closes: pull === null ? null : `${config.repository}#${pull.number}: ${shownTitle(parts, pull)}`,
      removes: branch,
    },
    inverse: null,
    reversible: false,
    fingerprint: sha,
  };
}

/** `left` is as `finishOpen` wrote it. */
function isLeft(left: string, sha: string): boolean {
  return left.includes(`"sha":"${sha}"`);
}

/** Closed and gone already is done too. */
export async function executeClose(
  repository: Repository,
  call: z.output<typeof closeCallSchema>,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const got = await repository.pullOf(call.branch, signal);
  if (got.kind === "not") return got.outcome;
  const pull = got.value;
  if (pull?.merged_at != null) return MOVED;
  const head = await repository.head(call.branch, signal);
  if (head.kind === "not") return head.outcome;
  if (head.value !== null && head.value !== call.sha) return MOVED;
  if (pull?.state === "open") {
    const reply = await repository.close(pull.number, signal);
    if (reply.status !== 200) return reply.asWrite;
  }
  const removed = await repository.removeBranch(call.branch, signal);
  const isGone = removed.status === 204 || removed.status === 404 || /does not exist/.test(removed.message);
  const detail = { branch: call.branch, number: pull?.number ?? 0 };
  if (isGone) return { status: "succeeded", reference: `${call.repository}:${call.branch}`, detail };
  const { asRead } = removed;
  return {
    status: "partial",
    afterMs: asRead.status === "retry" ? asRead.afterMs : 0,
    code: "branch-left",
    detail,
  };
}
