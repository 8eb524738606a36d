// The command line against a server that lies, breaks off or is not there: it shows, it never obeys.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { Json } from "../../src/core/json.ts";
import { startStandIn } from "./stand-in.ts";

const EVIL = "\u001b[2J\u202eevil\u009b1A\r\n\u0007";
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}]/u;

const NAMES =
  "id status kind environment service agent agentKind person resource code run incident duplicateOf repeat planHash " +
  "operand effect source detector signature claimedSeverity verdict signal mode scope brake actor type subject reason " +
  "text title detail decision engine bundleHash route gate severity team provider model modelVersion reported missing " +
  "resolution name cursor next origin href action retention keys erased seq";

/** Every field that any command reads, each of them hostile. */
function evilDocument(): Record<string, Json> {
  const flat: Record<string, Json> = Object.fromEntries(NAMES.split(" ").map((name) => [name, EVIL]));
  const leaf = { ...flat, [EVIL]: EVIL, roles: [EVIL, EVIL], evidence: { [EVIL]: EVIL }, facts: { [EVIL]: EVIL } };
  const inner = { ...leaf, verdicts: [leaf], plan: { ...leaf, calls: [EVIL], diff: leaf, inverse: EVIL }, args: leaf };
  const lists = ["items", "timeline", "answers", "brakes", "stopped", "wouldStop", "resumes", "actions"];
  const objects = ["hold", "evaluation", "classification", "classifier", "content", "grant", "scope"];
  return {
    ...leaf,
    ...Object.fromEntries(lists.map((name) => [name, [inner]])),
    ...Object.fromEntries(objects.map((name) => [name, inner])),
    ...Object.fromEntries(["signals", "runs", "problems", "erased"].map((name) => [name, [EVIL, EVIL]])),
  };
}

test("no field of any document reaches the terminal unescaped, in any command or format", async (t) => {
  const body = evilDocument();
  const { terminal } = await startStandIn(t, () => ({ body }));
  const commands = [
    ...["signals", "incidents", "runs", "actions", "policies", "events"].flatMap((name) =>
      ["table", "wide", "json", "yaml", "name"].map((format) => `get ${name} -o ${format}`),
    ),
    ...["signal", "incident", "run", "action"].map((name) => `describe ${name} x`),
    "explain x",
    "propose a.b -e e -s s",
    "approve x --yes",
    "cancel x",
    "kill",
    "kill --preview",
    "kill --resume",
    "kill status",
    "erase x --retention content",
    "receipt x",
    "doctor",
  ];
  for (const command of commands) {
    const { out, err } = await terminal(command.split(" "));
    for (const text of [out, err]) assert.ok(!UNSAFE.test(text.replaceAll("\n", "")), command);
  }
});

test("a problem's own words are shown escaped, with its code first", async (t) => {
  const problem = { code: "request-invalid", detail: EVIL, facts: { place: EVIL } };
  const { terminal } = await startStandIn(t, () => ({ status: 400, body: problem }));
  const { code, out, err } = await terminal(["get", "actions"]);
  assert.equal(code, 1);
  assert.equal(out, "");
  assert.match(err, /^holdpoint: request-invalid: /);
  assert.doesNotMatch(err.replaceAll("\n", ""), UNSAFE);
});

function heldAction(plan: Json, planHash: string): Json {
  return {
    id: "act_1",
    status: "held",
    kind: "a.b",
    effect: "external",
    planHash,
    content: { plan },
    hold: { roles: ["x"] },
  };
}

test("a plan that is not the one on hold is never answered", async (t) => {
  const shown = { calls: ["harmless"] };
  const planHash = hash("sha256", canonicalJson({ calls: ["harmful"] }));
  const { terminal, requests } = await startStandIn(t, () => ({ body: heldAction(shown, planHash) }));
  for (const rest of [["--yes"], ["--plan-hash", planHash]]) {
    const { code, err } = await terminal(["approve", "act_1", ...rest]);
    assert.equal(code, 7);
    assert.match(err, /is not the one on hold/);
  }
  assert.ok(requests.every(({ method }) => method === "GET"));
});

test("a plan that cannot be read is approved by its hash alone, as read before", async (t) => {
  const planHash = "ab".repeat(32);
  const { terminal, requests } = await startStandIn(t, ({ method }) =>
    method === "GET"
      ? { body: { ...(heldAction(null, planHash) as object), content: null } }
      : { body: { id: "act_1", status: "granted" } },
  );
  assert.equal((await terminal(["approve", "act_1", "--yes"])).code, 1);
  assert.equal(requests.filter(({ method }) => method === "POST").length, 0);
  assert.equal((await terminal(["approve", "act_1", "--plan-hash", planHash])).code, 0);
  assert.deepEqual(JSON.parse(requests.at(-1)?.body ?? ""), { decision: "approve", planHash });
});

test("each status of an action has the documented exit code", async (t) => {
  let status = "";
  const { terminal } = await startStandIn(t, () => ({ body: { id: "act_1", status } }));
  const expected = {
    succeeded: 0,
    granted: 0,
    executing: 0,
    evaluating: 3,
    held: 3,
    refused: 4,
    suppressed: 4,
    denied: 4,
    cancelled: 4,
    expired: 5,
    failed: 1,
    "needs-attention": 1,
    "something-new": 1,
    constructor: 1,
  };
  for (const [name, code] of Object.entries(expected)) {
    status = name;
    assert.equal((await terminal(["propose", "a.b", "-e", "e", "-s", "s"])).code, code, name);
  }
});

test("waiting sees a hold expire", async (t) => {
  let reads = 0;
  const { terminal } = await startStandIn(t, ({ method }) => ({
    body: { id: "act_1", status: method === "POST" || reads++ < 1 ? "held" : "expired", code: "hold-timeout" },
  }));
  const { code, out } = await terminal(["propose", "a.b", "-e", "e", "-s", "s", "--wait", "20"]);
  assert.equal(code, 5);
  assert.equal(out, "act_1 expired (hold-timeout)\n");
});

test("a proposal of unknown fate names the key under which it can be repeated", async (t) => {
  const { terminal } = await startStandIn(t, () => ({
    status: 503,
    body: { code: "commit-unknown", detail: "unknown" },
  }));
  const { code, err } = await terminal(["propose", "a.b", "-e", "e", "-s", "s", "--idempotency-key", "k1"]);
  assert.equal(code, 1);
  assert.match(err, /commit-unknown: unknown\nnext: run it again with --idempotency-key k1/);
});

test("a server that is not there, does not answer in time, or breaks off is unreachable", async (t) => {
  const { terminal } = await startStandIn(t, () => "hang");
  const late = await terminal(["get", "actions", "--timeout", "0.2"]);
  assert.equal(late.code, 6);
  assert.match(late.err, /no answer within 0\.2 s\nnext: holdpoint doctor/);
  const nobody = await terminal(["get", "actions", "--server", "http://127.0.0.1:1"]);
  assert.equal(nobody.code, 6);
  assert.match((await terminal(["kill", "--server", "http://127.0.0.1:1"])).err, /touch .*BRAKE/);
  assert.equal((await terminal(["doctor", "--server", "http://127.0.0.1:1"])).code, 6);
});

test("a read is asked again while the views are behind, and not for ever; what writes is not", async (t) => {
  let behind = 2;
  const problem = { type: "x", title: "x", status: 503, code: "views-behind", detail: "ask again" };
  const { terminal, requests } = await startStandIn(t, () =>
    behind-- > 0 ? { status: 503, body: problem } : { body: { items: [] } },
  );
  assert.equal((await terminal(["get", "runs"])).code, 0);
  assert.equal(requests.length, 3);
  behind = Infinity;
  const { code, err } = await terminal(["get", "runs"]);
  assert.match(err, /views-behind: ask again/);
  assert.notEqual(code, 0);
  assert.equal(requests.length, 7);
  await terminal(["kill"]);
  assert.deepEqual(
    requests.slice(7).map(({ method }) => method),
    ["PUT"],
  );
});

test("a redirect is not followed: the token stays with the server it is for", async (t) => {
  const other = await startStandIn(t, () => ({ body: {} }));
  const { terminal } = await startStandIn(t, () => ({ status: 307, headers: { location: `${other.url}/v1/actions` } }));
  const { code } = await terminal(["get", "actions"]);
  assert.equal(code, 6);
  assert.equal(other.requests.length, 0);
});

test("what is not JSON is an error that asks whether this is the right server", async (t) => {
  const { terminal } = await startStandIn(t, () => ({ body: "<html>" }));
  const { code, err } = await terminal(["get", "actions"]);
  assert.equal(code, 1);
  assert.match(err, /is this a Holdpoint server\?/);
});

test("an id is one part of a path, whatever is in it", async (t) => {
  const { terminal, requests } = await startStandIn(t, () => ({ body: {} }));
  await terminal(["get", "actions", "../../killswitch?preview=true#x"]);
  assert.equal(requests[0]?.path, "/v1/actions/..%2F..%2Fkillswitch%3Fpreview%3Dtrue%23x");
  assert.equal((await terminal(["get", "actions", ".."])).code, 2);
  assert.equal((await terminal(["get", "actions", ""])).code, 2);
});
