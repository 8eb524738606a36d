// A pull request from a change of files: a commit on a branch of the action's own, opened once whatever becomes of answers.

import { hash } from "node:crypto";
import { z } from "zod";
import { canonicalJson } from "../../core/canonical-json.ts";
import type { JsonObject } from "../../core/json.ts";
import type { ExecuteRequest, PlanRequest, StepOutcome } from "../../wire/contracts/executor.ts";
import type { GithubRepository } from "../../wire/schemas/github-config.ts";

import { pullIn, type Change, type Commit, type Pull, type Repository, type Tree } from "./github-repository.ts";
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
 * open pull request. So running it again, after whatever end, does the rest. But anybody who may push can make that branch
 * first, or add to it: what stands there counts where it is what was planned.
 */
export async function executeOpen(at: At, signal: AbortSignal): Promise<StepOutcome> {
  const { repository, call } = at;
  const found = await repository.pullOf(call.branch, signal);
  if (found.kind === "not") return found.outcome;
  if (found.value !== null) return finishFound(at, found.value, signal);
  const commit = await ensureBranch(at, signal);
  if (commit.kind === "not") return commit.outcome;
  const { title, branch: head, base } = call;
  const body = `${call.body}- grant: \`${at.request.grantId}\`\n`;
  const reply = await repository.open({ title, head, base, body, maintainer_can_modify: true }, signal);
  const pull = reply.status === 201 ? pullIn(reply) : undefined;
  if (pull !== undefined && pull.head.sha !== commit.value) return pushedOver(call, pull);
  if (pull !== undefined) return finishOpen(at, { pull, foundBefore: false }, signal);
  if (reply.asWrite.status !== "failed") return reply.asWrite;
  return afterRefusal(at, { reply, commit: commit.value }, signal);
}

/** Somebody pushed to the branch just before its pull request was opened, which stands with what they pushed. */
function pushedOver({ branch }: OpenCall, { head, number }: Pull): StepOutcome {
  return { status: "partial", afterMs: 0, code: "target-moved", detail: { branch, commit: head.sha, number } };
}

/** The commit that the branch stands at. */
async function ensureBranch(at: At, signal: AbortSignal): Promise<Got<string>> {
  const { repository, call } = at;
  const standing = await standingCommit(at, signal);
  if (standing.kind === "not") return standing;
  if (standing.value !== null) return { kind: "got", value: standing.value };
  const parent = await baseCommit(repository, call.base, signal);
  if (parent.kind === "not") return parent;
  const tree = await repository.tree(parent.value.tree, signal);
  if (tree.kind === "not") return tree;
  if (!isUnmoved(tree.value, call.changes)) return { kind: "not", outcome: MOVED };
  const changes = call.changes.map(changeOf);
  const commit = await repository.makeCommit({ parent: parent.value, changes, message: call.message }, signal);
  if (commit.kind === "not") return commit;
  const made = await repository.makeBranch(call.branch, commit.value, signal);
  if (made.status === 201) return commit;
  const other = /already exists/.test(made.message) ? await standingCommit(at, signal) : undefined;
  if (other?.kind === "not") return other;
  if (other?.value != null) return { kind: "got", value: other.value };
  return { kind: "not", outcome: made.asWrite.status === "failed" ? made.asRead : made.asWrite };
}

/** Null where there is no branch; `target-moved` where something else stands on it than what was planned. */
async function standingCommit(at: At, signal: AbortSignal): Promise<Got<string | null>> {
  const head = await at.repository.head(at.call.branch, signal);
  if (head.kind === "not" || head.value === null) return head;
  const planned = await isPlanned(at, head.value, signal);
  if (planned.kind === "not") return planned;
  return planned.value ? head : { kind: "not", outcome: MOVED };
}

/** Whether a commit, whoever made it, is the planned change of what the base branch held, and nothing beside it. */
async function isPlanned({ repository, call }: At, sha: string, signal: AbortSignal): Promise<Got<boolean>> {
  const no = { kind: "got", value: false } as const;
  const commit = await repository.commit(sha, signal);
  if (commit.kind === "not") return commit;
  const { parents = [], message = "", tree: standing } = commit.value ?? {};
  const [first, ...others] = parents;
  // A squash takes the message over.
  if (first === undefined || others.length > 0 || message.trimEnd() !== call.message.trimEnd()) return no;
  const head = await repository.head(call.base, signal);
  if (head.kind === "not") return head;
  const isOfBase = head.value === null ? no : await repository.isUpTo({ head: head.value, sha: first }, signal);
  if (isOfBase.kind === "not" || !isOfBase.value) return isOfBase;
  const parent = await repository.commit(first, signal);
  if (parent.kind === "not") return parent;
  if (parent.value === null) return no;
  const before = await repository.tree(parent.value.tree, signal);
  if (before.kind === "not") return before;
  if (!isUnmoved(before.value, call.changes)) return no;
  const made = await repository.makeTree({ base: parent.value.tree, changes: call.changes.map(changeOf) }, signal);
  return made.kind === "not" ? made : { kind: "got", value: made.value === standing };
}

function changeOf({ path, mode, content, sha }: PlannedChange): Change {
  if (content !== undefined) return { path, mode, content };
  return { path, mode, sha: sha ?? null };
}

/** The commit that the base branch is at now. */
export async function baseCommit(repository: Repository, base: string, signal: AbortSignal): Promise<Got<Commit>> {
  const head = await repository.head(base, signal);
  if (head.kind === "not") return head;
  const gone: StepOutcome = { status: "failed", code: "target-not-found", detail: { branch: base } };
  if (head.value === null) return { kind: "not", outcome: gone };
  const commit = await repository.commit(head.value, signal);
  if (commit.kind === "not") return commit;
  return commit.value === null ? { kind: "not", outcome: gone } : { kind: "got", value: commit.value };
}

type Refused = { readonly reply: Reply; readonly commit: string };

/** GitHub says no: because it has one already, or for good, and then the branch goes again as long as it is as it was. */
async function afterRefusal(at: At, { reply, commit }: Refused, signal: AbortSignal): Promise<StepOutcome> {
  const { repository, call } = at;
  const found = reply.status === 422 ? await repository.pullOf(call.branch, signal) : undefined;
  if (found?.kind === "not") return { status: "unknown", code: "answer-unexpected", detail: null };
  if (found?.value != null) return finishFound(at, found.value, signal);
  const head = await repository.head(call.branch, signal);
  if (head.kind === "got" && head.value !== null && head.value !== commit) return MOVED;
  const removed = head.kind === "got" ? await repository.removeBranch(call.branch, signal) : undefined;
  const isGone = removed?.status === 204 || removed?.status === 404 || /does not exist/.test(removed?.message ?? "");
  if (isGone) return reply.asWrite;
  return { status: "partial", afterMs: 0, code: "branch-left", detail: { branch: call.branch } };
}

/** Of an earlier attempt, or somebody else's. */
async function finishFound(at: At, pull: Pull, signal: AbortSignal): Promise<StepOutcome> {
  if (pull.base.ref !== at.call.base) return MOVED;
  const planned = await isPlanned(at, pull.head.sha, signal);
  if (planned.kind === "not") return planned.outcome;
  return planned.value ? finishOpen(at, { pull, foundBefore: true }, signal) : MOVED;
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
