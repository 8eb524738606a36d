// Plans of pull requests: what files become, what a merged change was before, and how each looks beside what is there.

import { AppError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Plan, PlanRequest, StepOutcome } from "../../wire/contracts/executor.ts";
import { parseArguments } from "../../wire/schemas/executor-arguments.ts";
import { githubPullRequestArguments, githubRevertArguments } from "../../wire/schemas/github-arguments.ts";
import type { GithubConfig, GithubRepository } from "../../wire/schemas/github-config.ts";
import {
  baseCommit,
  branchOf,
  fingerprintOf,
  isWithin,
  withContext,
  withoutMentions,
  type PlannedChange,
} from "./github-proposal.ts";
import type { Entry, Repository, Tree } from "./github-repository.ts";
import type { Got } from "./step-outcomes.ts";

const SHOWN_CHARS_MAX = 16_384;
const FILE = "100644";
const FILE_MODES = new Set([FILE, "100755"]);

export type PlanParts = {
  readonly origin: string;
  readonly installation: string;
  readonly config: GithubRepository;
  readonly people: GithubConfig["people"];
  readonly repository: Repository;
};

/** Throws `target-unavailable` for a question without an answer, and `arguments-invalid` for what is not there. */
export function need<T>(got: Got<T>): T {
  if (got.kind === "got") return got.value;
  throw unavailable(got.outcome);
}

function unavailable(outcome: StepOutcome): AppError {
  const code = "code" in outcome ? outcome.code : outcome.status;
  if (code === "target-not-found") throw new AppError("arguments-invalid", "GitHub has no such branch", { code });
  return new AppError("target-unavailable", "GitHub did not answer as needed", { code });
}

async function baseTree({ config, repository }: PlanParts, signal: AbortSignal): Promise<Tree> {
  const base = need(await baseCommit(repository, config.base, signal));
  return need(await repository.tree(base.tree, signal));
}

export async function planPullRequest(parts: PlanParts, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const args = parseArguments(githubPullRequestArguments, request.args);
  const { config } = parts;
  const outside = args.files.find(({ path }) => !isWithin(config, path));
  if (outside !== undefined) throw invalid("a file lies outside the paths that configuration allows", outside.path);
  const tree = await baseTree(parts, signal);
  const changes = args.files.map((file): PlannedChange => {
    const there = fileAt(tree, file.path);
    if (file.content === null && there === undefined) throw invalid("there is no such file to delete", file.path);
    const change = { path: file.path, mode: there?.mode ?? FILE, before: there?.sha ?? null };
    return file.content === null ? { ...change, sha: null } : { ...change, content: file.content };
  });
  const diff = await showChanges(parts, changes, signal);
  if (diff.every((shown) => shown["before"] !== null && shown["before"] === shown["after"])) {
    throw new AppError("arguments-invalid", "the files are as they would become", { repository: config.name });
  }
  const text = args.body === undefined ? "" : withoutMentions(args.body);
  const { labels = [], reviewers = [] } = args;
  return openPlan(parts, request, { changes, diff, title: args.title, text, labels, reviewers });
}

/** What a pull request brought is taken back by one that brings the files as they were, where nobody changed them since. */
export async function planRevert(parts: PlanParts, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const { number } = parseArguments(githubRevertArguments, request.args);
  const { config, repository } = parts;
  const pull = need(await repository.pull(number, signal));
  if (pull?.merged_at == null || pull.merge_commit_sha == null || pull.base.ref !== config.base) {
    throw new AppError("arguments-invalid", "it is no pull request that was merged into the base branch", { number });
  }
  const paths = need(await repository.touched(number, signal));
  if (paths === null) throw new AppError("arguments-invalid", "it changes nothing, or too many files", { number });
  const merged = need(await repository.commit(pull.merge_commit_sha, signal));
  const [first] = merged?.parents ?? [];
  const parent = first === undefined ? null : need(await repository.commit(first, signal));
  if (merged === null || parent === null) throw new AppError("target-unavailable", "its commit is gone", { number });
  const trees = await Promise.all([merged.tree, parent.tree].map((sha) => repository.tree(sha, signal)));
  const [after, before] = trees.map(need) as [Tree, Tree];
  const now = await baseTree(parts, signal);
  const changes = paths.map((path): PlannedChange => {
    if (!isWithin(config, path)) throw invalid("it changed a file outside the paths that configuration allows", path);
    const [there, was] = [fileAt(now, path), fileAt(before, path)];
    // Its commits came one by one: the last of them alone does not tell what was before.
    if (after.get(path)?.sha === was?.sha) throw invalid("it was merged as several commits", path);
    if (there?.sha !== after.get(path)?.sha) {
      throw new AppError("target-moved", "a file that it changed has been changed since", { path });
    }
    return { path, mode: was?.mode ?? there?.mode ?? FILE, before: there?.sha ?? null, sha: was?.sha ?? null };
  });
  const diff = await showChanges(parts, changes, signal);
  const title = `Revert "${withoutMentions(pull.title).replace(/\p{Cc}/gu, " ")}"`.slice(0, 200).toWellFormed();
  const text = `Takes back pull request ${number} of this repository, file by file.`;
  return openPlan(parts, request, { changes, diff, title, text, labels: [], reviewers: [] });
}

type Opening = {
  readonly changes: readonly PlannedChange[];
  readonly diff: readonly JsonObject[];
  readonly title: string;
  readonly text: string;
  readonly labels: readonly string[];
  readonly reviewers: readonly string[];
};

function openPlan({ origin, installation, config }: PlanParts, request: PlanRequest, of: Opening): Plan {
  const branch = branchOf(installation, request.actionId);
  const title = withoutMentions(of.title);
  const call = {
    method: "POST",
    origin,
    repository: config.repository,
    base: config.base,
    branch,
    title,
    body: withContext(of.text, request),
    message: `${title}\n\nHoldpoint-Action: ${request.actionId}\n`,
    changes: of.changes as unknown as Json,
    labels: [...new Set([...config.labels, ...of.labels])],
    reviewers: [...new Set([...config.reviewers, ...of.reviewers])],
    teamReviewers: [...config.teamReviewers],
  };
  const inverse: Json = {
    kind: "github.close",
    target: { ...request.target },
    args: { repository: config.name, branch },
  };
  return {
    kind: request.kind,
    calls: [call],
    diff: { opens: `${config.repository}: ${call.title}`, into: config.base, branch, files: [...of.diff] },
    inverse,
    reversible: true,
    fingerprint: fingerprintOf(of.changes),
    size: of.changes.length,
  };
}

/** A plain file; throws for a link, a submodule or a folder in its place. */
function fileAt(tree: Tree, path: string): Entry | undefined {
  const entry = tree.get(path);
  if (entry !== undefined && !FILE_MODES.has(entry.mode)) throw invalid("it is no plain file", path);
  const isFolder = entry === undefined && [...tree.keys()].some((other) => other.startsWith(`${path}/`));
  if (isFolder) throw invalid("it is a folder", path);
  return entry;
}

function invalid(what: string, path: string): AppError {
  return new AppError("arguments-invalid", what, { path });
}

/** Each file as it is and as it becomes; null where it is not there, or cannot be shown as text. */
async function showChanges(
  { repository }: PlanParts,
  changes: readonly PlannedChange[],
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const shown: JsonObject[] = [];
  for (const { path, before, content, sha } of changes) {
    const was = before === null ? null : need(await repository.text(before, signal));
    const becomes = content ?? (sha == null ? null : need(await repository.text(sha, signal)));
    const isCut = Math.max(was?.length ?? 0, becomes?.length ?? 0) > SHOWN_CHARS_MAX;
    const change = before === null ? "adds" : content === undefined && sha == null ? "deletes" : "changes";
    shown.push({ path, change, before: shorten(was), after: shorten(becomes), ...(isCut ? { isCut } : {}) });
  }
  return shown;
}

function shorten(text: string | null): string | null {
  return text === null ? null : text.slice(0, SHOWN_CHARS_MAX).toWellFormed();
}
