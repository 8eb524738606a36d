// The emergency exit over HTTP, and the review that it owes.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { metric, note, startServer, type Answer, type Who } from "./fixture.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: notes }
spec:
  match: { actions: [record.note] }
  rules: [{ name: asked, decision: hold, route: pair }]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: pair }
spec:
  steps: [{ approvers: { all: [{ role: owner }, { role: on-call }] }, within: 10m }]
  breakGlass: { roles: [on-call], people: 2, within: 5m, review: { roles: [owner], within: 1s } }
`;

let server: Awaited<ReturnType<typeof startServer>>;
const bearers = new Map<Who, string>();

before(async () => {
  server = await startServer({ policy: POLICY });
  for (const who of ["ada", "grace", "iris", "adaPhone", "visitor"] as const) {
    bearers.set(who, await server.bearer(who));
  }
});
after(() => server.stop());

const as = (who: Who): string => bearers.get(who) ?? "";

async function read(path: string): Promise<JsonObject> {
  return { ...(await server.ask(path, { as: as("ada") })).json };
}

async function held(): Promise<{ id: string; planHash: string }> {
  const { json } = await server.ask("/v1/actions", { as: as("visitor"), body: note("production", "now or never") });
  const id = json?.["id"] as string;
  return { id, planHash: (await read(`/v1/actions/${id}`))["planHash"] as string };
}

function smash(who: Who, { id, planHash }: { id: string; planHash: string }, more: JsonObject = {}): Promise<Answer> {
  const body = { planHash, reason: "the site is down", ...more };
  return server.ask(`/v1/actions/${id}/break-glass`, { as: as(who), body });
}

it("two of those named let it go, loudly; somebody else says afterwards whether it had to be", async () => {
  const action = await held();
  const before = await metric(server, "holdpoint_glass_broken_total");
  assert.equal((await smash("ada", action)).json?.["status"], "held");
  assert.equal((await smash("adaPhone", action)).json?.["code"], "already-answered");
  assert.equal((await smash("iris", action)).json?.["status"], "succeeded");
  assert.equal(await metric(server, "holdpoint_glass_broken_total"), before + 1);
  assert.equal(await metric(server, "holdpoint_reviews_owed"), 1);

  const document = await read(`/v1/actions/${action.id}`);
  const id = document["review"] as string;
  const answers = document["answers"] as unknown as readonly JsonObject[];
  assert.deepEqual(
    answers.map(({ decision, person }) => [decision, person]),
    [
      ["break-glass", "ada"],
      ["break-glass", "iris"],
    ],
  );
  const { text } = await read(`/v1/actions/${action.id}/explain`);
  assert.match(text as string, /let go at once, by breaking the glass, by iris/);

  const outcome = { outcome: "unjustified", note: "nobody had asked the owner" };
  const give = (who: Who) => server.ask(`/v1/reviews/${id}`, { as: as(who), body: outcome });
  assert.equal((await give("ada")).json?.["code"], "self-approval");
  assert.equal((await give("visitor")).json?.["code"], "self-approval", "it was hers");
  assert.equal((await give("iris")).json?.["code"], "self-approval");
  for (let i = 0; i < 200 && (await read(`/v1/reviews/${id}`))["status"] !== "overdue"; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual(((await read("/v1/reviews?status=overdue"))["items"] as JsonObject[]).length, 1);
  assert.equal((await give("grace")).json?.["status"], "unjustified");
  assert.equal((await give("grace")).json?.["code"], "review-closed");
  const review = await read(`/v1/reviews/${id}`);
  assert.deepEqual(
    [review["status"], review["person"], review["by"]],
    ["unjustified", "grace", ["person:ada", "person:iris"]],
  );
  assert.deepEqual(review["content"], { note: "nobody had asked the owner" });
  assert.equal(await metric(server, "holdpoint_reviews_owed"), 0);
});

it("nobody breaks it without a reason, a role, or the plan that is on hold", async () => {
  const action = await held();
  assert.equal((await smash("ada", action, { reason: "" })).json?.["code"], "request-invalid");
  assert.equal((await smash("visitor", action)).json?.["code"], "self-approval");
  assert.equal((await smash("ada", { ...action, planHash: "0".repeat(64) })).json?.["code"], "plan-mismatch");
  const narrow = await server.bearer("ada", ["actions:read"]);
  const body = { planHash: action.planHash, reason: "x" };
  const { json } = await server.ask(`/v1/actions/${action.id}/break-glass`, { as: narrow, body });
  assert.equal(json?.["code"], "scope-insufficient");
  assert.equal((await read(`/v1/actions/${action.id}`))["status"], "held");
  const nothing = await server.ask("/v1/reviews/rev_zzzzzzzzz", {
    as: as("ada"),
    body: { outcome: "justified", note: "x" },
  });
  assert.equal(nothing.json?.["code"], "review-not-found");
});
