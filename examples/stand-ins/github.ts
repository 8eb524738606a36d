// A stand-in for GitHub's REST API: one repository with blobs, trees, commits, branches, pull requests and reviews.

import { createHash } from "node:crypto";
import { GithubApp } from "./github-app.ts";
import { compareCommits } from "./github-history.ts";
import type { GithubOptions, GithubStandIn, StandInPull, StandInRun } from "./github-shapes.ts";
import { runStandIn, startStandIn, type Received, type Reply, type Vendor } from "./stand-in.ts";

type TreeFiles = ReadonlyMap<string, { readonly sha: string; readonly mode: string }>;
type Commit = {
  readonly sha: string;
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
};

const BOT = "holdpoint[bot]";
const REPO = "/repos/acme/shop";
const NOT_FOUND: Reply = { status: 404, json: { message: "Not Found" } };

class Refusal extends Error {
  readonly reply: Reply;
  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.reply = { status, headers, json: { message, documentation_url: "https://docs.github.com/rest" } };
  }
}

class Github implements Vendor {
  readonly pulls: StandInPull[] = [];
  readonly branches = new Map<string, string>();
  readonly runs: StandInRun[] = [];
  readonly complaints: string[] = [];
  readonly limits: ("secondary" | "primary")[] = [];
  readonly #blobs = new Map<string, string>();
  readonly #trees = new Map<string, TreeFiles>();
  readonly #commits = new Map<string, Commit>();
  readonly #options: GithubOptions;
  readonly app: GithubApp | null;

  constructor(options: GithubOptions) {
    this.#options = options;
    this.app = options.app === undefined ? null : new GithubApp(options.app);
    const files = Object.entries(options.files ?? {}).map(([path, text]) => [path, this.#blob(text)] as const);
    const tree = this.#tree(new Map(files.map(([path, sha]) => [path, { sha, mode: "100644" }])));
    this.branches.set("main", this.#commit({ tree, parents: [], message: "first" }));
  }

  act(whole: Received): Reply {
    const { prefix = "" } = this.#options;
    if (!whole.path.startsWith(`${prefix}/`)) return NOT_FOUND;
    const request = { ...whole, path: whole.path.slice(prefix.length) };
    let reply: Reply;
    try {
      reply = this.#answer(request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      reply = error.reply;
    }
    this.complaints.push(...(this.#options.check?.(request, reply) ?? []));
    return reply;
  }

  report(): unknown {
    return { pulls: this.pulls.map(({ number, title, state }) => ({ number, title, state })) };
  }

  #answer(request: Received): Reply {
    const limit = this.limits.shift();
    if (limit === "secondary")
      throw new Refusal(403, "You have exceeded a secondary rate limit.", { "retry-after": "7" });
    if (limit === "primary") {
      const reset = String(Math.floor(1_790_000_000 + 30));
      throw new Refusal(403, "API rate limit exceeded.", { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset });
    }
    const turnedAway = this.app?.answer(request, "acme/shop");
    if (turnedAway !== undefined) return turnedAway;
    const { authorization = "" } = request.headers;
    if (this.app === null && authorization !== `Bearer ${this.#options.token ?? "token"}`)
      throw new Refusal(401, "Bad credentials");
    if (!request.path.startsWith(REPO)) throw new Refusal(404, "Not Found");
    const path = decodeURIComponent(request.path.slice(REPO.length));
    const body = request.body === "" ? {} : (JSON.parse(request.body) as Body);
    return this.#git(request, { path, body }) ?? this.#pullRoute(request, { path, body });
  }

  #git({ method, query }: Received, { path, body }: Asked): Reply | undefined {
    const [, kind, rest = ""] = /^(?:\/git)?\/(ref|refs|commits|trees|blobs|compare)(?:\/(.+))?$/.exec(path) ?? [];
    switch (`${method} ${kind ?? path}`) {
      case "GET ":
        return ok({ id: 1, name: "shop", full_name: "acme/shop", default_branch: "main" });
      case "GET ref":
        return ok(this.#ref(rest.replace(/^heads\//, "")));
      case "POST refs":
        return this.#makeRef(body);
      case "DELETE refs":
        if (!this.branches.delete(rest.replace(/^heads\//, ""))) throw new Refusal(422, "Reference does not exist");
        return { status: 204, json: "" };
      case "GET compare":
        return ok(compareCommits(this.#commits, rest));
      case "GET commits":
        return ok(this.#showCommit(this.#found(this.#commits, rest)));
      case "POST commits": {
        const { message, tree, parents } = body as { message: string; tree: string; parents: string[] };
        const sha = this.#commit({ message, tree, parents });
        return { status: 201, json: this.#showCommit(this.#found(this.#commits, sha)) };
      }
      case "GET trees":
        return ok(this.#showTree(rest, query.get("recursive") === "1"));
      case "POST trees":
        return this.#makeTree(body);
      case "GET blobs": {
        const text = this.#found(this.#blobs, rest);
        return ok({ sha: rest, encoding: "base64", content: Buffer.from(text).toString("base64"), size: text.length });
      }
      default:
        return undefined;
    }
  }

  #found<T>(map: ReadonlyMap<string, T>, key: string): T {
    const value = map.get(key);
    if (value === undefined) throw new Refusal(404, "Not Found");
    return value;
  }

  #ref(branch: string): object {
    const sha = this.#found(this.branches, branch);
    return { ref: `refs/heads/${branch}`, object: { type: "commit", sha } };
  }

  #makeRef(body: Body): Reply {
    const { ref, sha } = body as { ref: string; sha: string };
    const branch = ref.replace(/^refs\/heads\//, "");
    if (this.branches.has(branch)) throw new Refusal(422, "Reference already exists");
    if (!this.#commits.has(sha)) throw new Refusal(422, "Object does not exist");
    this.branches.set(branch, sha);
    return { status: 201, json: this.#ref(branch) };
  }

  #makeTree(body: Body): Reply {
    const { base_tree: base = "", tree } = body as { base_tree?: string; tree: TreeChange[] };
    const files = new Map(this.#found(this.#trees, base));
    for (const { path, mode, content, sha } of tree) {
      if (content === undefined && sha === null) files.delete(path);
      else files.set(path, { mode, sha: content === undefined ? (sha as string) : this.#blob(content) });
    }
    const made = this.#tree(files);
    return { status: 201, json: this.#showTree(made, true) };
  }

  #blob(text: string): string {
    const sha = shaOf(`blob ${text}`);
    this.#blobs.set(sha, text);
    return sha;
  }

  #tree(files: TreeFiles): string {
    const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
    const sha = shaOf(`tree ${JSON.stringify(sorted)}`);
    this.#trees.set(sha, new Map(sorted));
    return sha;
  }

  #commit(of: Omit<Commit, "sha">): string {
    // A time is in a commit of Git's, and so no two are the same.
    const sha = shaOf(`commit ${this.#commits.size} ${JSON.stringify(of)}`);
    this.#commits.set(sha, { ...of, sha });
    return sha;
  }

  #showCommit({ sha, tree, parents, message }: Commit): object {
    return { sha, message, tree: { sha: tree }, parents: parents.map((parent) => ({ sha: parent })) };
  }

  #showTree(sha: string, isRecursive: boolean): object {
    if (!isRecursive) this.complaints.push("a tree was asked for without its folders");
    const files = [...this.#found(this.#trees, sha)];
    return { sha, truncated: false, tree: files.map(([path, of]) => ({ path, type: "blob", ...of })) };
  }

  #pullRoute({ method, query }: Received, { path, body }: Asked): Reply {
    const workflow = /^\/actions\/workflows\/([\w.-]+)\/dispatches$/.exec(path)?.[1];
    if (workflow !== undefined) return this.#dispatch(workflow, body);
    if (`${method} ${path}` === "GET /pulls") return ok(this.#pullsOf(query).map((pull) => this.#showPull(pull)));
    if (`${method} ${path}` === "POST /pulls") return this.#open(body);
    const [, number, rest = ""] = /^\/(?:pulls|issues)\/(\d+)(\/[a-z_]+)?$/.exec(path) ?? [];
    const pull = this.pulls.find((one) => one.number === Number(number));
    if (pull === undefined) throw new Refusal(404, "Not Found");
    switch (`${method} ${rest}`) {
      case "GET ":
        return ok(this.#showPull(pull));
      case "PATCH ":
        if (pull.mergedAt === null) pull.state = body["state"] as "open" | "closed";
        return ok(this.#showPull(pull));
      case "GET /files":
        return ok(this.#filesOf(pull));
      case "GET /reviews":
        return ok(pageOf(pull.reviews, query).map(reviewAs));
      case "PUT /merge":
        return this.#merge(pull, body);
      case "POST /labels":
        for (const label of body["labels"] as string[]) pull.labels.add(label);
        return ok([...pull.labels].map((name) => ({ name })));
      case "POST /requested_reviewers":
        return this.#askReview(pull, body);
      default:
        throw new Refusal(404, "Not Found");
    }
  }

  #dispatch(workflow: string, body: Body): Reply {
    const { ref, inputs = {} } = body as { ref: string; inputs?: Readonly<Record<string, string>> };
    if (!this.branches.has(ref)) throw new Refusal(422, `No ref found for: ${ref}`);
    this.runs.push({ workflow, inputs, commit: this.branches.get(ref) ?? "" });
    if (this.#options.prefix !== undefined) return { status: 204, json: "" };
    const at = `https://api.github.com${REPO}/actions/runs/${this.runs.length}`;
    return ok({ workflow_run_id: this.runs.length, run_url: at, html_url: at });
  }

  #pullsOf(query: URLSearchParams): readonly StandInPull[] {
    const head = query.get("head");
    const state = query.get("state") ?? "open";
    return this.pulls
      .filter((pull) => `acme:${pull.head}` === head && (state === "all" || pull.state === state))
      .reverse();
  }

  #showPull(pull: StandInPull): object {
    return {
      number: pull.number,
      state: pull.state,
      draft: false,
      title: pull.title,
      body: pull.body,
      merged_at: pull.mergedAt,
      merge_commit_sha: pull.mergeSha,
      user: { login: pull.author },
      head: { ref: pull.head, sha: pull.headSha },
      base: { ref: pull.base, sha: pull.baseSha },
    };
  }

  #open(body: Body, author = BOT): Reply {
    const { title, head, base, body: text = "" } = body as Record<string, string>;
    const [from, to] = [this.branches.get(head ?? ""), this.branches.get(base ?? "")];
    if (from === undefined || to === undefined || from === to) throw new Refusal(422, "Validation Failed");
    if (this.pulls.some((pull) => pull.head === head && pull.state === "open")) {
      throw new Refusal(422, "Validation Failed: A pull request already exists");
    }
    const made: StandInPull = {
      number: this.pulls.length + 1,
      author,
      title: title ?? "",
      body: text,
      state: "open",
      head: head ?? "",
      headSha: from,
      base: base ?? "",
      baseSha: to,
      mergedAt: null,
      mergeSha: null,
      labels: new Set(),
      reviewers: new Set(),
      reviews: [],
    };
    this.pulls.push(made);
    return { status: 201, json: this.#showPull(made) };
  }

  #filesOf({ headSha, baseSha }: StandInPull): readonly object[] {
    const [after, before] = [headSha, baseSha].map((sha) => this.#treeOf(sha)) as [TreeFiles, TreeFiles];
    const paths = [...new Set([...before.keys(), ...after.keys()])].filter(
      (path) => before.get(path)?.sha !== after.get(path)?.sha,
    );
    return paths.map((filename) => {
      const status = before.has(filename) ? (after.has(filename) ? "modified" : "removed") : "added";
      return { filename, status, sha: after.get(filename)?.sha ?? null };
    });
  }

  #treeOf(commit: string): TreeFiles {
    return this.#found(this.#trees, this.#found(this.#commits, commit).tree);
  }

  #merge(pull: StandInPull, body: Body): Reply {
    if (pull.state !== "open") throw new Refusal(405, "Pull Request is not mergeable");
    if (body["sha"] !== pull.headSha)
      throw new Refusal(409, "Head branch was modified. Review and try the merge again.");
    const base = this.branches.get(pull.base) ?? "";
    const files = new Map(this.#treeOf(base));
    const [after, before] = [this.#treeOf(pull.headSha), this.#treeOf(pull.baseSha)];
    for (const path of new Set([...before.keys(), ...after.keys()])) {
      const [was, is] = [before.get(path), after.get(path)];
      if (was?.sha === is?.sha) continue;
      if (is === undefined) files.delete(path);
      else files.set(path, is);
    }
    const sha = this.#commit({ tree: this.#tree(files), parents: [base], message: pull.title });
    this.branches.set(pull.base, sha);
    Object.assign(pull, { state: "closed", mergedAt: "2026-09-21T14:13:20Z", mergeSha: sha });
    return ok({ sha, merged: true, message: "Pull Request successfully merged" });
  }

  #askReview(pull: StandInPull, body: Body): Reply {
    const { reviewers = [], team_reviewers: teams = [] } = body as Record<string, string[]>;
    const unknown = reviewers.find((login) => !(this.#options.collaborators ?? []).includes(login));
    if (unknown !== undefined) throw new Refusal(422, "Reviews may only be requested from collaborators.");
    for (const who of [...reviewers, ...teams]) pull.reviewers.add(who);
    return { status: 201, json: this.#showPull(pull) };
  }

  filesOf(branch: string): Readonly<Record<string, string>> {
    const files = this.#treeOf(this.branches.get(branch) ?? "");
    return Object.fromEntries([...files].map(([path, { sha }]) => [path, this.#blobs.get(sha) ?? ""]));
  }

  commitByHand(branch: string, changes: Readonly<Record<string, string | null>>): string {
    const parent = this.branches.get(branch) ?? "";
    const files = new Map(this.#treeOf(parent));
    for (const [path, text] of Object.entries(changes)) {
      if (text === null) files.delete(path);
      else files.set(path, { sha: this.#blob(text), mode: "100644" });
    }
    const sha = this.#commit({ tree: this.#tree(files), parents: [parent], message: "by hand" });
    this.branches.set(branch, sha);
    for (const pull of this.pulls) if (pull.head === branch && pull.state === "open") pull.headSha = sha;
    return sha;
  }

  mergeByHand(number: number): void {
    const pull = this.pulls.find((one) => one.number === number);
    if (pull !== undefined) this.#merge(pull, { sha: pull.headSha });
  }

  /** As `POST /pulls` by somebody else. */
  proposeByHand(
    branch: string,
    { title, files, author = BOT }: { title: string; files: Readonly<Record<string, string>>; author?: string },
  ): StandInPull {
    this.branches.set(branch, this.branches.get("main") ?? "");
    this.commitByHand(branch, files);
    this.#open({ title, head: branch, base: "main" }, author);
    return this.pulls.at(-1) as StandInPull;
  }
}

type Body = Readonly<Record<string, unknown>>;
type Asked = { readonly path: string; readonly body: Body };
type TreeChange = {
  readonly path: string;
  readonly mode: string;
  readonly content?: string;
  readonly sha?: string | null;
};

function pageOf<T>(all: readonly T[], query: URLSearchParams): readonly T[] {
  const [page, size] = [Number(query.get("page") ?? 1), Number(query.get("per_page") ?? 30)];
  return all.slice((page - 1) * size, page * size);
}

function reviewAs({ login, state, commit }: StandInPull["reviews"][number]): object {
  return { state, commit_id: commit, user: { login } };
}

function ok(json: unknown): Reply {
  return { status: 200, json };
}

function shaOf(text: string): string {
  return createHash("sha1").update(text).digest("hex");
}

export async function startGithub(options: GithubOptions = {}): Promise<GithubStandIn> {
  const vendor = new Github(options);
  const standIn = await startStandIn(vendor, options.port);
  return {
    ...standIn,
    pulls: vendor.pulls,
    branches: vendor.branches,
    runs: vendor.runs,
    complaints: vendor.complaints,
    app: vendor.app,
    filesOf: (branch) => vendor.filesOf(branch),
    commit: (branch, files) => vendor.commitByHand(branch, files),
    propose: (branch, of) => vendor.proposeByHand(branch, of),
    review(number, login, state = "APPROVED") {
      const pull = vendor.pulls.find((one) => one.number === number);
      pull?.reviews.push({ login, state, commit: pull.headSha });
    },
    merge: (number) => vendor.mergeByHand(number),
    limit: (kind) => void vendor.limits.push(kind),
  };
}

const TOKEN = process.env["STAND_IN_GITHUB_TOKEN"] ?? "token";
const FILES = { "deploy/cart.yaml": "replicas: 2\n" };
if (import.meta.main) await runStandIn("github", (port) => startGithub({ port, token: TOKEN, files: FILES }));
