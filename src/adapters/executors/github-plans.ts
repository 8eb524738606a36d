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
import type { Entry, Pull, Repository, Tree } from "./github-repository.ts";
import type { Got } from "./step-outcomes.ts";

const SHOWN_CHARS_MAX = 16_384;
/** More than is shown of it: no pattern knows half a secret at the cut. */
const JUDGED_CHARS_MAX = 16 * SHOWN_CHARS_MAX;
const UNSHOWN = "(not shown)";
/** Of a manifest, in YAML or JSON: the values of a Secret look like anything. */
const SECRET_KIND = /\bkind["']?[ \t]*:[ \t]*["']?Secret(?![\w-])/;
const SECRET_DATA = /\b(?:d|stringD)ata["']?[ \t]*:/;
const FILE = "100644";
const FILE_MODES = new Set([FILE, "100755"]);

export type PlanParts = {
  readonly origin: string;
  readonly installation: string;
  readonly config: GithubRepository;
  readonly people: GithubConfig["people"];
  readonly repository: Repository;
  readonly findSecret: (text: string) => string | null;
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
  const texts = await textsOf(parts, changes, signal);
  if (texts.every(({ was, becomes }) => was !== null && was === becomes)) {
    throw new AppError("arguments-invalid", "the files are as they would become", { repository: config.name });
  }
  const text = args.body === undefined ? "" : withoutMentions(args.body);
  const { labels = [], reviewers = [] } = args;
  return openPlan(parts, request, { texts, title: args.title, text, labels, reviewers });
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
  const texts = await textsOf(parts, changes, signal);
  const title = `Revert "${withoutMentions(shownTitle(parts, pull)).replace(/\p{Cc}/gu, " ")}"`
    .slice(0, 200)
    .toWellFormed();
  const text = `Takes back pull request ${number} of this repository, file by file.`;
  return openPlan(parts, request, { texts, title, text, labels: [], reviewers: [] });
}

type Opening = {
  readonly texts: readonly Texts[];
  readonly title: string;
  readonly text: string;
  readonly labels: readonly string[];
  readonly reviewers: readonly string[];
};

function openPlan(parts: PlanParts, request: PlanRequest, of: Opening): Plan {
  const { origin, installation, config } = parts;
  const changes = of.texts.map(({ change }) => change);
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
    changes: changes as unknown as Json,
    labels: [...new Set([...config.labels, ...of.labels])],
    reviewers: [...new Set([...config.reviewers, ...of.reviewers])],
    teamReviewers: [...config.teamReviewers],
  };
  const inverse: Json = {
    kind: "github.close",
    target: { ...request.target },
    args: { repository: config.name, branch },
  };
  const files = of.texts.map((texts) => show(parts, texts));
  return {
    kind: request.kind,
    calls: [call],
    diff: { opens: `${config.repository}: ${call.title}`, into: config.base, branch, files },
    inverse,
    reversible: true,
    fingerprint: fingerprintOf(changes),
    size: changes.length,
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

/** A file as it is and as it becomes; null where it is not there, or is no text. */
type Texts = { readonly change: PlannedChange; readonly was: string | null; readonly becomes: string | null };

async function textsOf(
  { repository }: PlanParts,
  changes: readonly PlannedChange[],
  signal: AbortSignal,
): Promise<readonly Texts[]> {
  const texts: Texts[] = [];
  for (const change of changes) {
    const { before, content, sha } = change;
    const was = before === null ? null : need(await repository.text(before, signal));
    const becomes = content ?? (sha == null ? null : need(await repository.text(sha, signal)));
    texts.push({ change, was, becomes });
  }
  return texts;
}

/** For people, and for whoever proposed it: what a file holds that looks like a secret is kept from both. */
function show(parts: PlanParts, { change, was, becomes }: Texts): JsonObject {
  const { path, before, content, sha } = change;
  const isCut = Math.max(was?.length ?? 0, becomes?.length ?? 0) > SHOWN_CHARS_MAX;
  const what = before === null ? "adds" : content === undefined && sha == null ? "deletes" : "changes";
  const shown = { path, change: what, before: shownText(parts, was), after: shownText(parts, becomes) };
  return { ...shown, ...(isCut ? { isCut } : {}) };
}

function shownText({ findSecret }: PlanParts, text: string | null): string | null {
  if (text === null) return null;
  const isManifest = SECRET_KIND.test(text) && SECRET_DATA.test(text);
  return isManifest || findSecret(text.slice(0, JUDGED_CHARS_MAX)) !== null
    ? UNSHOWN
    : text.slice(0, SHOWN_CHARS_MAX).toWellFormed();
}

/** Anybody at GitHub may have written it. */
export function shownTitle({ findSecret }: PlanParts, { title }: Pull): string {
  return findSecret(title) === null ? title : UNSHOWN;
}
