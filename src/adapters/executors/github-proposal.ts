// A pull request from a change of files: a commit on a branch of the action's own, opened once whatever becomes of answers.

import { hash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import type { JsonObject } from "../../core/json.ts";
import type { ExecuteRequest, PlanRequest, StepOutcome } from "../../wire/contracts/executor.ts";
import type { GithubRepository } from "../../wire/schemas/github-config.ts";

import { pullIn, type Change, type Pull, type Repository, type Tree } from "./github-repository.ts";
import type { Reply } from "./github-wire.ts";
import type { Got } from "./step-outcomes.ts";

/** Of a call of a plan, as it comes back from the ledger; `before` is the blob that it was planned against. */
const changeSchema = z.strictObject({
  path: z.string(),
  mode: z.string(),
  before: z.string().nullable(),
  content: z.string().optional(),
  sha: z.string().nullable().optional(),
});
export const openCallSchema = z.strictObject({
  method: z.literal("POST"),
  origin: z.string(),
  repository: z.string(),
  base: z.string(),
  branch: z.string(),
  title: z.string(),
  body: z.string(),
  message: z.string(),
  changes: z.array(changeSchema).min(1),
  labels: z.array(z.string()),
  reviewers: z.array(z.string()),
  teamReviewers: z.array(z.string()),
});
export type OpenCall = z.output<typeof openCallSchema>;
export type PlannedChange = z.output<typeof changeSchema>;

/** Ours alone for each action, and with it the key under which its pull request is found again. */
export function branchOf(installation: string, actionId: string): string {
  return `holdpoint/${hash("sha256", installation).slice(0, 8)}/${actionId}`;
}

/** The action that a branch of Holdpoint's is of; empty for another installation's, null for a branch of somebody's. */
export function actionOfBranch(installation: string, branch: string): string | null {
  const own = branchOf(installation, "");
  if (branch.startsWith(own)) return branch.slice(own.length);
  return /^holdpoint\/[0-9a-f]{8}\//.test(branch) ? "" : null;
}

/** Whether a file may be changed: as configured, in a folder or by its name. */
export function isWithin({ paths }: Pick<GithubRepository, "paths">, path: string): boolean {
  return paths.some((allowed) => (allowed.endsWith("/") ? path.startsWith(allowed) : path === allowed));
}

/** Keywords that close an issue by its address (docs.github.com/issues, "Linking a pull request to an issue"). */
const CLOSES = /\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?=:?\s+https?:)/gi;
/** What keeps workflows and checks from running (docs.github.com/actions, "Skipping workflow runs"). */
const SKIPS = /\[(?=(?:skip|no|ci|actions)\s+(?:skip|ci|actions)\])|\bskip-checks(?=\s*:)/gi;

/** Markdown that mentions nobody, closes nothing and skips no check: a zero-width space ends a name, an issue or a keyword. */
export function withoutMentions(text: string): string {
  const unlinked = text.replace(/[@#](?=\w)/g, "$&\u200b").replace(/\b(GH-)(?=\d)/gi, "$1\u200b");
  return unlinked.replace(CLOSES, "$&\u200b").replace(SKIPS, "$&\u200b");
}

/** What people read beside the change: who asked, and where to look. */
export function withContext(text: string, { actionId, context, target }: PlanRequest): string {
  const facts = ["agent", "incident", "run"].flatMap((name) => {
    const value = context[name];
    return typeof value === "string" ? [`- ${name}: \`${value.replaceAll("`", "")}\``] : [];
  });
  const about = [`- action: \`${actionId}\``, `- target: \`${target.environment}/${target.service}\``, ...facts];
  return `${text}${text === "" ? "" : "\n\n"}---\nProposed through Holdpoint:\n\n${about.join("\n")}\n`;
}

export function fingerprintOf(changes: readonly PlannedChange[]): string {
  return hash("sha256", canonicalJson(changes.map(({ path, before }) => ({ path, before }))));
}

/** True while every file is the one that the change was planned against. */
function isUnmoved(tree: Tree, changes: readonly PlannedChange[]): boolean {
  return changes.every(({ path, before }) => (tree.get(path)?.sha ?? null) === before);
}

const MOVED: StepOutcome = { status: "failed", code: "target-moved", detail: null };
const PLAN_INVALID: StepOutcome = { status: "failed", code: "plan-invalid", detail: null };

type At = { readonly repository: Repository; readonly call: OpenCall; readonly request: ExecuteRequest };

/**
 * Each part is looked for before it is made, and GitHub makes none of them twice: a branch has one name, and at most one
 * open pull request. So running it again, after whatever end, does the rest.
 */
export async function executeOpen(at: At, signal: AbortSignal): Promise<StepOutcome> {
  const { repository, call } = at;
  const found = await repository.pullOf(call.branch, signal);
  if (found.kind === "not") return found.outcome;
  if (found.value !== null) return finishOpen(at, { pull: found.value, foundBefore: true }, signal);
  const branched = await ensureBranch(at, signal);
  if (branched !== null) return branched;
  const { title, branch: head, base } = call;
  const body = `${call.body}- grant: \`${at.request.grantId}\`\n`;
  const reply = await repository.open({ title, head, base, body, maintainer_can_modify: true }, signal);
  const pull = reply.status === 201 ? pullIn(reply) : undefined;
  if (pull !== undefined) return finishOpen(at, { pull, foundBefore: false }, signal);
  if (reply.asWrite.status !== "failed") return reply.asWrite;
  return afterRefusal(at, reply, signal);
}

/** Null when the branch stands with its commit. */
async function ensureBranch({ repository, call }: At, signal: AbortSignal): Promise<StepOutcome | null> {
  const standing = await repository.head(call.branch, signal);
  if (standing.kind === "not") return standing.outcome;
  if (standing.value !== null) return null;
  const parent = await baseCommit(repository, call.base, signal);
  if (parent.kind === "not") return parent.outcome;
  const tree = await repository.tree(parent.value.tree, signal);
  if (tree.kind === "not") return tree.outcome;
  if (!isUnmoved(tree.value, call.changes)) return MOVED;
  const changes = call.changes.map(changeOf);
  const commit = await repository.makeCommit({ parent: parent.value, changes, message: call.message }, signal);
  if (commit.kind === "not") return commit.outcome;
  const made = await repository.makeBranch(call.branch, commit.value, signal);
  if (made.status === 201 || /already exists/.test(made.message)) return null;
  return made.asWrite.status === "failed" ? made.asRead : made.asWrite;
}

function changeOf({ path, mode, content, sha }: PlannedChange): Change {
  if (content !== undefined) return { path, mode, content };
  return { path, mode, sha: sha ?? null };
}

/** The commit that the base branch is at now. */
export async function baseCommit(
  repository: Repository,
  base: string,
  signal: AbortSignal,
): Promise<Got<{ readonly sha: string; readonly tree: string; readonly parents: readonly string[] }>> {
  const head = await repository.head(base, signal);
  if (head.kind === "not") return head;
  const gone: StepOutcome = { status: "failed", code: "target-not-found", detail: { branch: base } };
  if (head.value === null) return { kind: "not", outcome: gone };
  const commit = await repository.commit(head.value, signal);
  if (commit.kind === "not") return commit;
  return commit.value === null ? { kind: "not", outcome: gone } : { kind: "got", value: commit.value };
}

/** GitHub says no: because it has one already, or for good, and then the branch goes again. */
async function afterRefusal(at: At, reply: Reply, signal: AbortSignal): Promise<StepOutcome> {
  const { repository, call } = at;
  const found = reply.status === 422 ? await repository.pullOf(call.branch, signal) : undefined;
  if (found?.kind === "not") return { status: "unknown", code: "answer-unexpected", detail: null };
  if (found?.value != null) return finishOpen(at, { pull: found.value, foundBefore: true }, signal);
  const removed = await repository.removeBranch(call.branch, signal);
  const isGone = removed.status === 204 || removed.status === 404 || /does not exist/.test(removed.message);
  if (isGone) return reply.asWrite;
  return { status: "partial", afterMs: 0, code: "branch-left", detail: { branch: call.branch } };
}

type Opened = { readonly pull: Pull; readonly foundBefore: boolean };

/** Labels and reviewers: adding them again changes nothing. */
async function finishOpen({ repository, call }: At, of: Opened, signal: AbortSignal): Promise<StepOutcome> {
  const { pull, foundBefore } = of;
  const detail: JsonObject = { branch: call.branch, commit: pull.head.sha, number: pull.number, foundBefore };
  const reviewers = { reviewers: call.reviewers, team_reviewers: call.teamReviewers };
  const isOpen = pull.state === "open";
  const parts: readonly (readonly [code: string, ask: (() => Promise<Reply>) | null])[] = [
    ["labels-missing", call.labels.length === 0 ? null : () => repository.label(pull.number, call.labels, signal)],
    [
      "reviewers-missing",
      call.reviewers.length + call.teamReviewers.length === 0
        ? null
        : () => repository.askReview(pull.number, reviewers, signal),
    ],
  ];
  for (const [code, ask] of isOpen ? parts : []) {
    const reply = await ask?.();
    if (reply === undefined || (reply.status >= 200 && reply.status < 300)) continue;
    const { asRead } = reply;
    return { status: "partial", afterMs: asRead.status === "retry" ? asRead.afterMs : 0, code, detail };
  }
  return {
    status: "succeeded",
    reference: `${call.repository}#${pull.number}`,
    detail,
    left: canonicalJson({ number: pull.number, sha: pull.head.sha }),
  };
}

/** The one call of a plan, as configuration still has it. */
export function readOpenCall(
  { plan }: ExecuteRequest,
  { origin, known }: { readonly origin: string; readonly known: readonly GithubRepository[] },
): { readonly call: OpenCall; readonly config: GithubRepository } | StepOutcome {
  const parsed = openCallSchema.safeParse(plan.calls[0]);
  if (!parsed.success || plan.calls.length !== 1 || parsed.data.origin !== origin) return PLAN_INVALID;
  const call = parsed.data;
  // The configuration may have changed since: what it does not allow any more is not done.
  const config = known.find((one) => {
    const isIt = one.repository === call.repository && one.base === call.base;
    return isIt && call.changes.every(({ path }) => isWithin(one, path));
  });
  return config === undefined ? PLAN_INVALID : { call, config };
}
