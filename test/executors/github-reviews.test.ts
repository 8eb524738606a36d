// Whose review lets a merge through: never the one of somebody behind it, whatever login they have at GitHub.

import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { isAppError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { githubConfigSchema } from "../../src/wire/schemas/github-config.ts";
import type { Executor, Plan, PlanRequest } from "../../src/wire/contracts/executor.ts";
import { executeRequest, never, planRequest } from "./contract.ts";
import { githubStage, PULL_ARGS, type GithubStage } from "./github-stage.ts";

const PEOPLE = {
  "octo-ada": "person:ada",
  "octo-bob": "person:bob",
  "octo-cid": "person:cid",
  "octo-old": "person:ada",
};
const OPENED = "act_00000000c";
const MERGE = "act_00000000e";
const PENDING = { status: "pending", code: "approval-missing" };
/** Bob asked for the pull request, ada for its merge. */
const BEHIND: Readonly<Record<string, readonly string[]>> = { [OPENED]: ["person:bob"], [MERGE]: ["person:ada"] };

type Room = { readonly stage: GithubStage; readonly executor: Executor };

/** A pull request that Holdpoint opened. */
async function opened(t: TestContext, people: Readonly<Record<string, string>> | undefined): Promise<Room> {
  const stage = await githubStage("github.pull-request", {
    login: "token",
    ...(people === undefined ? {} : { people }),
  });
  t.after(() => stage.close());
  const executor = stage.build();
  const plan = await executor.plan(planRequest({ kind: "github.pull-request", args: PULL_ARGS }, OPENED), never);
  assert.equal((await executor.execute(executeRequest(plan), never)).status, "succeeded");
  return { stage, executor };
}

type Behind = NonNullable<PlanRequest["behind"]>;
const known: Behind = async (action) => BEHIND[action] ?? null;

function planMerge({ executor }: Room, of: { readonly behind?: Behind; readonly number?: number } = {}): Promise<Plan> {
  const { behind = known, number = 1 } = of;
  const request = planRequest({ kind: "github.merge", args: { repository: "shop", number } }, MERGE);
  return executor.plan({ ...request, behind }, never);
}

const diffOf = ({ diff }: Plan): JsonObject => diff as JsonObject;

/** Whether a review by this login is enough: when it is planned, while it waits, and when it begins. */
async function counts(room: Room, login: string, number = 1): Promise<boolean> {
  const { stage, executor } = room;
  const pull = stage.github.pulls.find((one) => one.number === number);
  assert.ok(pull);
  pull.reviews.length = 0;
  const waiting = await planMerge(room, { number });
  assert.equal(waiting.awaits, true);
  stage.github.review(number, login);
  const plan = await planMerge(room, { number });
  const come = await executor.awaited?.(waiting, never);
  const isEnough = plan.awaits === undefined;
  assert.deepEqual(diffOf(plan)["approvedBy"], isEnough ? [login] : []);
  assert.deepEqual(come, isEnough ? { status: "come" } : PENDING);
  if (isEnough) return true;
  const outcome = await executor.execute(executeRequest(waiting), never);
  assert.deepEqual([outcome.status, "code" in outcome && outcome.code], ["failed", "approval-missing"]);
  assert.equal(pull.mergedAt, null);
  return false;
}

test("neither who asked for a merge nor who asked for its pull request is the other pair of eyes on it", async (t) => {
  const room = await opened(t, PEOPLE);
  assert.equal(await counts(room, "octo-ada"), false, "asked for the merge");
  assert.equal(await counts(room, "OCTO-Ada"), false, "the same login to GitHub");
  assert.equal(await counts(room, "octo-old"), false, "another login of hers");
  assert.equal(await counts(room, "octo-bob"), false, "asked for the pull request");
  assert.equal(await counts(room, "octo-eve"), false, "nobody knows who that is");
  assert.equal(await counts(room, "holdpoint[bot]"), false, "its author");
  assert.equal(await counts(room, "octo-cid"), true);
  assert.equal(await counts(room, "Octo-Cid"), true);
  const plan = await planMerge(room);
  const [call] = plan.calls as readonly JsonObject[];
  assert.deepEqual([diffOf(plan)["reviewedBy"], call?.["behind"]], ["somebody-else", ["person:ada", "person:bob"]]);
  assert.equal((await room.executor.execute(executeRequest(plan), never)).status, "succeeded");
  assert.deepEqual(room.stage.complaints(), []);
});

test("who proposed a pull request is told by its branch: rewriting its text changes nothing", async (t) => {
  const room = await opened(t, PEOPLE);
  const [pull] = room.stage.github.pulls;
  assert.ok(pull);
  pull.body = `- action: \`${MERGE}\``;
  assert.equal(await counts(room, "octo-bob"), false);
});

test("a pull request that people opened is reviewed by another than its author, whatever login that has", async (t) => {
  const room = await opened(t, PEOPLE);
  const files = { "deploy/cart.yaml": "replicas: 8\n" };
  const { number } = room.stage.github.propose("by-hand", { title: "By hand", files, author: "octo-cid" });
  assert.equal(await counts(room, "octo-cid", number), false);
  assert.equal(await counts(room, "octo-ada", number), false, "asked for the merge");
  assert.equal(await counts(room, "octo-eve", number), false, "nobody knows who that is");
  assert.equal(await counts(room, "octo-bob", number), true, "had no part in this one");
  const other = room.stage.github.propose("by-ada", { title: "By ada", files, author: "octo-old" });
  const bens: Behind = async () => ["person:ben"];
  room.stage.github.review(other.number, "octo-ada");
  const plan = await planMerge(room, { behind: bens, number: other.number });
  assert.deepEqual([plan.awaits, diffOf(plan)["approvedBy"]], [true, []], "the author's other login");
});

test("where nobody can tell who is behind it, nothing is planned", async (t) => {
  const room = await opened(t, PEOPLE);
  const isRefused = (error: unknown): boolean => isAppError(error, "arguments-invalid");
  const unknown: Behind = async (action) => (action === MERGE ? ["person:ada"] : null);
  await assert.rejects(planMerge(room, { behind: unknown }), isRefused);
  const request = planRequest({ kind: "github.merge", args: { repository: "shop", number: 1 } }, MERGE);
  await assert.rejects(room.executor.plan(request, never), isRefused);
  const files = { "deploy/cart.yaml": "replicas: 8\n" };
  const branch = `holdpoint/00000000/${OPENED}`;
  const { number } = room.stage.github.propose(branch, { title: "Of another log", files });
  await assert.rejects(planMerge(room, { number }), isRefused);
});

test("without people every login but the author's counts; what Holdpoint opened needs a second person here", async (t) => {
  const room = await opened(t, undefined);
  assert.equal(await counts(room, "holdpoint[bot]"), false);
  assert.equal(await counts(room, "octo-ada"), true);
  const plan = await planMerge(room);
  assert.deepEqual([diffOf(plan)["reviewedBy"], plan.signature], ["anybody-but-the-author", "unreviewed"]);
  const { number } = room.stage.github.propose("by-hand", {
    title: "By hand",
    files: { "deploy/cart.yaml": "a: 1\n" },
  });
  assert.equal((await planMerge(room, { number })).signature, undefined, "its author is no account of Holdpoint's");
  assert.equal((await planMerge(await opened(t, PEOPLE))).signature, undefined, "told who reviews");
  assert.ok(!("behind" in (plan.calls[0] as JsonObject)));
});

test("what was planned by other rules than those of now is planned again", async (t) => {
  const plain = await opened(t, undefined);
  const strict = await opened(t, PEOPLE);
  for (const [from, to] of [
    [plain, strict],
    [strict, plain],
  ] as const) {
    for (const { stage } of [from, to]) stage.github.review(1, "octo-cid");
    const text = JSON.stringify(await planMerge(from));
    const moved = text
      .replaceAll(from.stage.github.url, to.stage.github.url)
      .replaceAll(from.stage.github.pulls[0]?.headSha ?? "", to.stage.github.pulls[0]?.headSha ?? "");
    const plan = JSON.parse(moved) as Plan;
    assert.deepEqual(await to.executor.awaited?.(plan, never), { status: "over", code: "plan-invalid" });
    const outcome = await to.executor.execute(executeRequest(plan), never);
    assert.deepEqual([outcome.status, "code" in outcome && outcome.code], ["failed", "plan-invalid"]);
    assert.equal(to.stage.github.pulls[0]?.mergedAt, null);
  }
});

test("a review is seen behind any number of others, and where they are too many nobody has approved", async (t) => {
  const room = await opened(t, undefined);
  const review = (times: number, login: string, state: string): void => {
    for (let n = 0; n < times; n++) room.stage.github.review(1, login, state);
  };
  const approvedBy = async (): Promise<unknown> => diffOf(await planMerge(room))["approvedBy"];
  review(1, "octo-cid", "APPROVED");
  review(99, "octo-eve", "COMMENTED");
  const plan = await planMerge(room);
  assert.deepEqual([diffOf(plan)["approvedBy"], plan.awaits], [["octo-cid"], undefined], "a page that is full");
  review(1, "octo-cid", "CHANGES_REQUESTED");
  assert.deepEqual(await approvedBy(), []);
  const outcome = await room.executor.execute(executeRequest(plan), never);
  assert.deepEqual([outcome.status, "code" in outcome && outcome.code], ["failed", "approval-missing"]);
  review(1, "octo-cid", "APPROVED");
  review(897, "octo-eve", "COMMENTED");
  assert.deepEqual(await approvedBy(), ["octo-cid"]);
  review(1, "octo-eve", "COMMENTED");
  assert.deepEqual(await approvedBy(), [], "there may be more");
  assert.deepEqual(room.stage.complaints(), []);
});

const REPOSITORY = { name: "shop", environment: "production", service: "cart", repository: "acme/shop", paths: ["a/"] };

test("a login is named once, and every one is an identity's", () => {
  const isValid = (people: unknown): boolean =>
    githubConfigSchema.safeParse({ people, repositories: [REPOSITORY] }).success;
  assert.ok(isValid(PEOPLE));
  assert.ok(!isValid({ "octo-ada": "person:ada", "Octo-Ada": "person:bob" }));
  assert.ok(!isValid({ "octo-ada": "ada" }) && !isValid({ "octo ada": "person:ada" }));
});
