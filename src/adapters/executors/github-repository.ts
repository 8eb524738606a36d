// One repository at GitHub: what its base branch holds, and the branches, commits and pull requests that are made of it.

import { z } from "zod";
import type { Json, JsonObject } from "../../core/json.ts";
import type { StepOutcome } from "../../wire/contracts/executor.ts";
import type { GithubRepository } from "../../wire/schemas/github-config.ts";
import type { GithubApi } from "./github-api.ts";
import type { GithubScope, Permissions } from "./github-login.ts";
import type { Reply } from "./github-wire.ts";
import type { Got } from "./step-outcomes.ts";

const SHA = z.string().regex(/^[0-9a-f]{40}$/);
const refSchema = z.looseObject({ object: z.looseObject({ sha: SHA }) });
const commitSchema = z.looseObject({
  sha: SHA,
  tree: z.looseObject({ sha: SHA }),
  parents: z.array(z.looseObject({ sha: SHA })).max(64),
  message: z.string(),
});
const comparisonSchema = z.looseObject({ status: z.enum(["ahead", "behind", "diverged", "identical"]) });
const entrySchema = z.looseObject({ path: z.string(), mode: z.string(), type: z.string(), sha: SHA });
const treeSchema = z.looseObject({ truncated: z.boolean(), tree: z.array(entrySchema) });
const madeSchema = z.looseObject({ sha: SHA });
const pullSchema = z.looseObject({
  number: z.int().min(1),
  state: z.enum(["open", "closed"]),
  draft: z.boolean().optional(),
  merged_at: z.string().nullable(),
  merge_commit_sha: SHA.nullable().optional(),
  title: z.string(),
  user: z.looseObject({ login: z.string() }).nullable(),
  head: z.looseObject({ ref: z.string(), sha: SHA }),
  base: z.looseObject({ ref: z.string() }),
});
export type Pull = z.output<typeof pullSchema>;
const reviewSchema = z.looseObject({
  state: z.string(),
  commit_id: SHA.nullable().optional(),
  user: z.looseObject({ login: z.string() }).nullable(),
});
type Review = z.output<typeof reviewSchema>;
const pullFileSchema = z.looseObject({
  filename: z.string(),
  previous_filename: z.string().optional(),
  status: z.string(),
});

export type Entry = { readonly sha: string; readonly mode: string; readonly type: string };
export type Tree = ReadonlyMap<string, Entry>;
/** A commit, its tree's id, and the commits before it. */
export type Commit = {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
};
/** As the tree is to have it: new text, a blob that GitHub has, or neither: then the file goes. */
export type Change = {
  readonly path: string;
  readonly mode: string;
  readonly content?: string;
  readonly sha?: string | null;
};

const UNREADABLE: StepOutcome = { status: "retry", afterMs: 5_000, code: "answer-unexpected", detail: null };
const PAGE = 100;
const REVIEW_PAGES_MAX = 10;

export class Repository {
  readonly #api: GithubApi;
  readonly #place: JsonObject;
  readonly #owner: string;
  readonly #scope: GithubScope;

  constructor(api: GithubApi, { repository }: Pick<GithubRepository, "repository">, permissions: Permissions) {
    const [owner = "", repo = ""] = repository.split("/");
    this.#api = api;
    this.#scope = { repository, permissions };
    this.#owner = owner;
    this.#place = { owner, repo };
  }

  #ask(route: string, parameters: JsonObject, signal: AbortSignal): Promise<Reply> {
    return this.#api.ask(this.#scope, route, { ...this.#place, ...parameters }, signal);
  }

  async #read<S extends z.ZodType>(
    schema: S,
    [route, parameters]: readonly [string, JsonObject],
    signal: AbortSignal,
  ): Promise<Got<z.output<S> | null>> {
    const reply = await this.#ask(`GET /repos/{owner}/{repo}${route}`, parameters, signal);
    if (reply.status === 404) return { kind: "got", value: null };
    if (reply.status !== 200) return { kind: "not", outcome: reply.asRead };
    const read = schema.safeParse(reply.data);
    return read.success ? { kind: "got", value: read.data } : { kind: "not", outcome: UNREADABLE };
  }

  /** The commit that a branch is at; null where there is no such branch. */
  async head(branch: string, signal: AbortSignal): Promise<Got<string | null>> {
    const got = await this.#read(refSchema, ["/git/ref/{ref}", { ref: `heads/${branch}` }], signal);
    return got.kind === "not" ? got : { kind: "got", value: got.value?.object.sha ?? null };
  }

  async commit(sha: string, signal: AbortSignal): Promise<Got<Commit | null>> {
    const got = await this.#read(commitSchema, ["/git/commits/{commit_sha}", { commit_sha: sha }], signal);
    if (got.kind === "not" || got.value === null) return got as Got<null>;
    const { tree, parents, message } = got.value;
    return { kind: "got", value: { sha, tree: tree.sha, parents: parents.map((parent) => parent.sha), message } };
  }

  /** Whether one commit is another, or comes before it. */
  async isUpTo(
    { head, sha }: { readonly head: string; readonly sha: string },
    signal: AbortSignal,
  ): Promise<Got<boolean>> {
    const asked = { basehead: `${head}...${sha}`, per_page: 1 };
    const got = await this.#read(comparisonSchema, ["/compare/{basehead}", asked], signal);
    if (got.kind === "not") return got;
    return { kind: "got", value: ["behind", "identical"].includes(got.value?.status ?? "") };
  }

  /** Every file of a tree; a tree that GitHub cuts is `target-refused`: what is missing would look deleted. */
  async tree(sha: string, signal: AbortSignal): Promise<Got<Tree>> {
    const got = await this.#read(treeSchema, ["/git/trees/{tree_sha}", { tree_sha: sha, recursive: "1" }], signal);
    if (got.kind === "not") return got;
    if (got.value === null) return { kind: "not", outcome: UNREADABLE };
    if (got.value.truncated) {
      return {
        kind: "not",
        outcome: { status: "failed", code: "target-refused", detail: { cause: "tree-too-large" } },
      };
    }
    const files = got.value.tree.filter(({ type }) => type !== "tree");
    return {
      kind: "got",
      value: new Map(files.map(({ path, mode, type, sha: id }) => [path, { sha: id, mode, type }])),
    };
  }

  /** A file's text; null where it is none that can be shown. */
  async text(blob: string, signal: AbortSignal): Promise<Got<string | null>> {
    const schema = z.looseObject({ content: z.string(), encoding: z.literal("base64") });
    const got = await this.#read(schema, ["/git/blobs/{file_sha}", { file_sha: blob }], signal);
    if (got.kind === "not" || got.value === null) return got as Got<null>;
    const bytes = Buffer.from(got.value.content, "base64");
    const text = bytes.toString("utf8");
    return { kind: "got", value: Buffer.from(text, "utf8").equals(bytes) && !text.includes("\0") ? text : null };
  }

  async pull(number: number, signal: AbortSignal): Promise<Got<Pull | null>> {
    return this.#read(pullSchema, ["/pulls/{pull_number}", { pull_number: number }], signal);
  }

  /** The pull request of a branch of ours, open or not: the newest. */
  async pullOf(branch: string, signal: AbortSignal): Promise<Got<Pull | null>> {
    const query = { head: `${this.#owner}:${branch}`, state: "all", per_page: 2 };
    const got = await this.#read(z.array(pullSchema), ["/pulls", query], signal);
    if (got.kind === "not") return got;
    // A filter that is not understood is dropped: only what really is of this branch counts.
    return { kind: "got", value: (got.value ?? []).find(({ head }) => head.ref === branch) ?? null };
  }

  /** In the order in which they were given; null where they are too many to be read. */
  async #reviews(number: number, signal: AbortSignal): Promise<Got<readonly Review[] | null>> {
    const all: Review[] = [];
    for (let page = 1; page <= REVIEW_PAGES_MAX; page++) {
      const query = { pull_number: number, per_page: PAGE, page };
      const got = await this.#read(z.array(reviewSchema), ["/pulls/{pull_number}/reviews", query], signal);
      if (got.kind === "not") return got;
      all.push(...(got.value ?? []));
      if ((got.value ?? []).length < PAGE) return { kind: "got", value: all };
    }
    return { kind: "got", value: null };
  }

  /** Logins whose newest review approves this commit; none where nobody can tell which is the newest. */
  async approvals(number: number, sha: string, signal: AbortSignal): Promise<Got<readonly string[]>> {
    const got = await this.#reviews(number, signal);
    if (got.kind === "not") return got;
    const newest = new Map<string, boolean>();
    for (const { user, state, commit_id: commit } of got.value ?? []) {
      // A comment takes no approval back (docs.github.com/pull-requests: reviews).
      if (user === null || !["APPROVED", "CHANGES_REQUESTED", "DISMISSED"].includes(state)) continue;
      newest.set(user.login, state === "APPROVED" && commit === sha);
    }
    return { kind: "got", value: [...newest].filter(([, approves]) => approves).map(([login]) => login) };
  }

  /** Paths that a pull request touches, both names of what it renames; null when they are too many to be read at once. */
  async touched(number: number, signal: AbortSignal): Promise<Got<readonly string[] | null>> {
    const query = { pull_number: number, per_page: PAGE };
    const got = await this.#read(z.array(pullFileSchema), ["/pulls/{pull_number}/files", query], signal);
    if (got.kind === "not") return got;
    const files = got.value ?? [];
    if (files.length === 0 || files.length >= PAGE) return { kind: "got", value: null };
    const paths = files.flatMap(({ filename, previous_filename: before }) =>
      before === undefined ? [filename] : [filename, before],
    );
    return { kind: "got", value: [...new Set(paths)] };
  }

  /** A commit on no branch yet: nobody sees it. */
  async makeCommit(
    {
      parent,
      changes,
      message,
    }: { readonly parent: Commit; readonly changes: readonly Change[]; readonly message: string },
    signal: AbortSignal,
  ): Promise<Got<string>> {
    const made = await this.makeTree({ base: parent.tree, changes }, signal);
    if (made.kind === "not") return made;
    return this.#make("/git/commits", { message, tree: made.value, parents: [parent.sha] }, signal);
  }

  /** Of the same files GitHub makes the same tree, with the same id. */
  makeTree(
    { base, changes }: { readonly base: string; readonly changes: readonly Change[] },
    signal: AbortSignal,
  ): Promise<Got<string>> {
    const tree = changes.map(({ path, mode, content, sha }) =>
      content === undefined ? { path, mode, type: "blob", sha: sha ?? null } : { path, mode, type: "blob", content },
    ) as Json;
    return this.#make("/git/trees", { base_tree: base, tree }, signal);
  }

  /** Objects that nothing refers to: what is unknown about them may be asked again. */
  async #make(route: string, body: JsonObject, signal: AbortSignal): Promise<Got<string>> {
    const reply = await this.#ask(`POST /repos/{owner}/{repo}${route}`, body, signal);
    const made = reply.status === 201 ? madeSchema.safeParse(reply.data) : undefined;
    return made?.success === true ? { kind: "got", value: made.data.sha } : { kind: "not", outcome: reply.asRead };
  }

  makeBranch(branch: string, sha: string, signal: AbortSignal): Promise<Reply> {
    return this.#ask("POST /repos/{owner}/{repo}/git/refs", { ref: `refs/heads/${branch}`, sha }, signal);
  }

  removeBranch(branch: string, signal: AbortSignal): Promise<Reply> {
    return this.#ask("DELETE /repos/{owner}/{repo}/git/refs/{ref}", { ref: `heads/${branch}` }, signal);
  }

  open(body: JsonObject, signal: AbortSignal): Promise<Reply> {
    return this.#ask("POST /repos/{owner}/{repo}/pulls", body, signal);
  }

  close(number: number, signal: AbortSignal): Promise<Reply> {
    return this.#ask(
      "PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
      { pull_number: number, state: "closed" },
      signal,
    );
  }

  merge(number: number, body: JsonObject, signal: AbortSignal): Promise<Reply> {
    return this.#ask("PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge", { pull_number: number, ...body }, signal);
  }

  label(number: number, labels: readonly string[], signal: AbortSignal): Promise<Reply> {
    const body = { issue_number: number, labels: [...labels] };
    return this.#ask("POST /repos/{owner}/{repo}/issues/{issue_number}/labels", body, signal);
  }

  /** An Enterprise Server does not name the run that it started. */
  dispatch(workflow: string, body: JsonObject, signal: AbortSignal): Promise<Reply> {
    const route = "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches";
    const named = this.#api.isEnterprise ? {} : { return_run_details: true };
    return this.#ask(route, { workflow_id: workflow, ...body, ...named }, signal);
  }

  /** `reviewers` and `team_reviewers`; who is asked already is not asked again. */
  askReview(number: number, body: JsonObject, signal: AbortSignal): Promise<Reply> {
    const route = "POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers";
    return this.#ask(route, { pull_number: number, ...body }, signal);
  }
}

/** A pull request in a write's answer. */
export function pullIn({ data }: Reply): Pull | undefined {
  const parsed = pullSchema.safeParse(data);
  return parsed.success ? parsed.data : undefined;
}
