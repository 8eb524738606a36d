// What effects run with: what is missing is said at the start.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { TRIAGE_KINDS } from "../../src/kernel/triage-kinds.ts";
import { warnOfMissing } from "../../src/main/effect-parts.ts";

function warned(kinds: readonly string[]): readonly string[] {
  const lines: string[] = [];
  const log = pino({ level: "info" }, { write: (line: string) => void lines.push(line) });
  warnOfMissing({ executors: new Map(kinds.map((kind) => [kind, {}])) } as never, log);
  return lines;
}

test("the log names the kinds of triage that no executor offers, and nothing when there are none", () => {
  const [line] = warned(["pagerduty.trigger", "pagerduty.resolve"]);
  const { kinds, code, msg } = JSON.parse(line ?? "{}") as { kinds: string[]; code: string; msg: string };
  assert.equal(code, "executor-missing");
  assert.ok(kinds.includes("servicenow.incident.create") && !kinds.includes("pagerduty.trigger"));
  assert.match(msg, /docs\/executors\.md/);
  assert.deepEqual(warned(Object.keys(TRIAGE_KINDS)), []);
});
