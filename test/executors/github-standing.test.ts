// What stands already under the name of an action's branch: it counts where it is what was planned, and is left alone where not.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor, Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { codeOf, githubStage, planOf, PULL_ARGS, runPlan, TOKEN, type GithubStage } from "./github-stage.ts";

type Room = { readonly stage: GithubStage; readonly executor: Executor; readonly plan: Plan; readonly call: Call };
type Call = { readonly branch: string; readonly title: string; readonly message: string };

async function planned(t: TestContext): Promise<Room> {
  const stage = await githubStage();
  t.after(() => stage.close());
  const executor = stage.build();
  const plan = await planOf(executor, "github.pull-request", PULL_ARGS);
  return { stage, executor, plan, call: plan.calls[0] as unknown as Call };
}

const run = ({ executor, plan }: Room): Promise<StepOutcome> => runPlan(executor, plan);

/** As somebody with a login of their own asks GitHub. */
async function ask({ github }: GithubStage, path: string, body: JsonObject): Promise<string> {
  const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
  const text = JSON.stringify(body);
  const reply = await fetch(`${github.url}/repos/acme/shop${path}`, { method: "POST", headers, body: text });
  assert.equal(reply.status, 201, path);
  return ((await reply.json()) as { sha: string }).sha;
}

type Made = {
  readonly onto?: string;
  readonly files?: readonly JsonObject[];
  readonly message?: string;
  readonly merges?: readonly string[];
};

const PLANNED: readonly JsonObject[] = [
  { path: "deploy/cart.yaml", mode: "100644", content: "replicas: 4\nimage: cart:1\n" },
  { path: "deploy/new.yaml", mode: "100644", content: "new\n" },
  { path: "deploy/old.yaml", mode: "100644", sha: null },
];

/** Somebody makes the branch of the action, whose name is easily guessed. */
async function makeBranch({ stage, call }: Room, made: Made = {}): Promise<string> {
  const { onto = stage.github.branches.get("main") ?? "", files = PLANNED, message = call.message } = made;
  const headers = { authorization: `Bearer ${TOKEN}` };
  const got = await fetch(`${stage.github.url}/repos/acme/shop/git/commits/${onto}`, { headers });
  const { tree: base } = (await got.json()) as { tree: { sha: string } };
  const tree = await ask(stage, "/git/trees", { base_tree: base.sha, tree: [...files] });
  const parents = [onto, ...(made.merges ?? [])];
  const sha = await ask(stage, "/git/commits", { message, tree, parents });
  await ask(stage, "/git/refs", { ref: `refs/heads/${call.branch}`, sha });
  return sha;
}

const EVIL = { path: "deploy/cart.yaml", mode: "100644", content: "image: evil/miner:1\n" };
const EXTRA = { path: "README.md", mode: "100644", content: "# owned\n" };
const RUNNABLE = PLANNED.map((file) => (file["path"] === "deploy/new.yaml" ? { ...file, mode: "100755" } : file));
type Make = (room: Room) => Promise<Made>;
const OTHERS: Readonly<Record<string, Make>> = {
  "another content": async () => ({ files: [EVIL] }),
  "another file beside it": async () => ({ files: [...PLANNED, EXTRA] }),
  "a file of it missing": async () => ({ files: PLANNED.slice(0, 2) }),
  "another mode": async () => ({ files: RUNNABLE }),
  "another message, which a squash takes over": async () => ({ message: "Nothing to see [skip ci]" }),
  "a commit before it that is none of the base branch": async ({ stage }) => {
    const { headSha } = stage.github.propose("mine", { title: "Mine", files: { "README.md": "# owned\n" } });
    return { onto: headSha };
  },
  "a merge of another branch": async ({ stage }) => {
    const { headSha } = stage.github.propose("mine", { title: "Mine", files: { "README.md": "# owned\n" } });
    return { merges: [headSha] };
  },
};

for (const [what, make] of Object.entries(OTHERS)) {
  test(`the branch of an action with ${what} becomes no pull request of Holdpoint's, and is left alone`, async (t) => {
    const room = await planned(t);
    const { github } = room.stage;
    const sha = await makeBranch(room, await make(room));
    const before = github.pulls.length;
    assert.equal(codeOf(await run(room)), "target-moved");
    assert.deepEqual([github.branches.get(room.call.branch), github.pulls.length], [sha, before]);
    const { title, branch: head } = room.call;
    await ask(room.stage, "/pulls", { title, head, base: "main", body: "" });
    assert.equal(codeOf(await run(room)), "target-moved", "nor does somebody's pull request of it");
    const pull = github.pulls.at(-1);
    assert.deepEqual([pull?.state, pull?.labels.size, pull?.reviewers.size], ["open", 0, 0]);
    assert.equal(github.branches.get(room.call.branch), sha);
    assert.deepEqual(github.complaints, []);
  });
}

test("a branch that an attempt left is gone on with, also where the base branch has moved since", async (t) => {
  for (const moved of [false, true]) {
    const room = await planned(t);
    const { github } = room.stage;
    const onto = github.branches.get("main") ?? "";
    if (moved) github.commit("main", { "README.md": "# a better shop\n" });
    // GitHub takes the end of a message off.
    const sha = await makeBranch(room, { onto, message: room.call.message.trimEnd() });
    assert.equal((await run(room)).status, "succeeded");
    assert.deepEqual([github.pulls.length, github.pulls[0]?.headSha, github.pulls[0]?.labels.size], [1, sha, 2]);
    github.merge(1);
    const again = await run(room);
    assert.ok(again.status === "succeeded" && (again.detail as JsonObject)["foundBefore"] === true);
    assert.deepEqual(github.complaints, []);
  }
});

test("a commit of earlier files than those that were planned against is not taken for the planned one", async (t) => {
  const stage = await githubStage();
  t.after(() => stage.close());
  const executor = stage.build();
  const earlier = stage.github.branches.get("main") ?? "";
  stage.github.commit("main", { "deploy/cart.yaml": "replicas: 3\n" });
  const plan = await planOf(executor, "github.pull-request", PULL_ARGS);
  const room = { stage, executor, plan, call: plan.calls[0] as unknown as Call };
  await makeBranch(room, { onto: earlier });
  assert.equal(codeOf(await run(room)), "target-moved");
  assert.equal(stage.github.pulls.length, 0);
});

test("a pull request of the branch into another branch is not the planned one", async (t) => {
  const room = await planned(t);
  const { github } = room.stage;
  await makeBranch(room);
  const sha = github.branches.get("main") ?? "";
  await ask(room.stage, "/git/refs", { ref: "refs/heads/release", sha });
  await ask(room.stage, "/pulls", { title: room.call.title, head: room.call.branch, base: "release", body: "" });
  assert.equal(codeOf(await run(room)), "target-moved");
  assert.deepEqual([github.pulls.length, github.pulls[0]?.labels.size], [1, 0]);
});

test("what somebody pushes while the step is under way is neither labelled nor removed", async (t) => {
  for (const mode of ["opened", "refused"] as const) {
    const room = await planned(t);
    const { github } = room.stage;
    const refs = github.branches as Map<string, string>;
    // As soon as the branch is there, somebody pushes to it.
    const set = refs.set.bind(refs);
    Object.assign(refs, {
      set(branch: string, sha: string) {
        set(branch, sha);
        Object.assign(refs, { set });
        github.commit(branch, { "deploy/cart.yaml": "image: evil/miner:1\n" });
        return refs;
      },
    });
    if (mode === "refused") github.fail({ ...room.stage.write, mode: "status-400" });
    const outcome = await run(room);
    assert.deepEqual([outcome.status, codeOf(outcome)], [mode === "opened" ? "partial" : "failed", "target-moved"]);
    assert.equal(github.filesOf(room.call.branch)["deploy/cart.yaml"], "image: evil/miner:1\n");
    assert.deepEqual(
      github.pulls.map(({ labels }) => labels.size),
      mode === "opened" ? [0] : [],
    );
  }
});
