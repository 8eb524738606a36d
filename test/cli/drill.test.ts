// What a drill says where it ends halfway: what stands, and what takes it back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startStandIn } from "./stand-in.ts";

test("an inverse that waits for a person is named, with how to approve it: the action stands until then", async (t) => {
  const { terminal } = await startStandIn(t, ({ path, body }) => {
    if (body.includes('"dryRun":true')) return { body: { id: "act_plan", status: "advised", reversible: true } };
    if (path === "/v1/actions/act_plan") return { body: { id: "act_plan", status: "advised", reversible: true } };
    if (path.endsWith("/revert") || path.endsWith("/act_undo")) return { body: { id: "act_undo", status: "held" } };
    return { body: { id: "act_done", status: "succeeded" } };
  });
  const { code, out, err } = await terminal("drill sql.migrate -e staging -s cart --wait 1".split(" "));
  assert.equal(code, 3, err);
  assert.match(out, /^action +act_done succeeded\nrevert +act_undo held\nnot passed\n$/);
  assert.match(err, /the action stands until its inverse is approved: holdpoint approve act_undo/);
});
