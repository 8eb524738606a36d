// `holdpoint stage`: what it shows, how it moves, and what `doctor` says before a stage ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { stageIn } from "../../src/cli/stage-health.ts";
import { registerPerson } from "./people.ts";
import { startServer } from "./running-server.ts";

test("the stage is shown, taken down alone, and raised by another owner who sees what they approve", async (t) => {
  const server = await startServer(t);
  const { terminal } = server;
  const shown = await terminal(["stage"]);
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /^controlled-paging \(signed by the root key at the first start, until \S+: 29d23h left\)\n/);
  assert.match(
    shown.out,
    /\nlimited-autonomy +servicenow\.incident\.create, servicenow\.incident\.update up to medium\n/,
  );
  const { out } = await terminal(["doctor"]);
  assert.match(out, /ok +stage +controlled-paging, ends in 30 days\n/);
  assert.match(out, /warn +owners +person:owner alone: .*\n +next: holdpoint person init NAME --role owner/);

  const down = await terminal(["stage", "set", "assist", "--reason", "too many pages"]);
  assert.deepEqual([down.code, /^act_\S+ succeeded\n$/.test(down.out)], [0, true], down.err);
  assert.match((await terminal(["stage"])).out, /^assist \(by person:owner in act_\S+, until /);

  const up = await terminal(["stage", "set", "mim-automation", "--reason", "two weeks without a fault"]);
  assert.equal(up.code, 3);
  const id = up.out.split(" ")[0] ?? "";
  assert.match(up.err, new RegExp(`another owner runs .holdpoint approve ${id}`));
  await registerPerson(server, "ada", "--role owner");
  const approved = await terminal(["--client", "person:ada", "approve", id], { typed: ["approve"] });
  assert.equal(approved.code, 0, approved.err);
  for (const part of ["Acts on", "mim-automation", "two weeks without a fault"])
    assert.ok(approved.err.includes(part), part);
  assert.match(
    (await terminal(["stage"])).out,
    new RegExp(`^mim-automation \\(by person:ada in ${id}, until \\S+: 89d`),
  );

  assert.equal((await terminal(["stage", "set", "everything"])).code, 2);
  assert.equal((await terminal(["stage", "set", "shadow"])).code, 0);
  assert.match((await terminal(["stage", "-o", "json"])).out, /"stage": "shadow"/);
  assert.match(
    (await terminal(["doctor"])).out,
    /ok +owners +person:ada, person:owner\nok +stage +shadow: nothing of triage runs\n/,
  );
});

test("doctor reads the stage out of metrics, and nothing out of what is none", () => {
  const metrics = (stage: string, days: string): string =>
    `holdpoint_triage_stage{stage="shadow"} 0\nholdpoint_triage_stage{stage="${stage}"} 1\nholdpoint_triage_stage_days_left ${days}\n`;
  assert.deepEqual(stageIn(metrics("assist", "6.25")), { stage: "assist", daysLeft: 6.25 });
  assert.deepEqual(stageIn(metrics("assist", "1.2e-7")), { stage: "assist", daysLeft: 1.2e-7 });
  assert.deepEqual(stageIn(metrics("shadow", "0")), { stage: "shadow", daysLeft: 0 });
  assert.deepEqual(stageIn('holdpoint_triage_stage{stage="shadow"} 1\n'), { stage: "shadow", daysLeft: null });
  assert.equal(stageIn(metrics("\u001b[31m", "1")), null);
  assert.equal(stageIn(""), null);
});
