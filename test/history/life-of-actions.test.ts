// The manual's picture of an action's life, held against the kernel: every change of status in the golden ledger is in it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";
import { parseLeaves } from "../../src/history/leaves.ts";
import { Documents } from "../../src/history/projections/documents.ts";
import { project } from "../../src/history/projections/project.ts";
import { ACTION_STATUSES, ENDED_STATUSES, type ActionStatus } from "../../src/wire/types/action-status.ts";
import { declaredTypes } from "./declared-types.ts";

const MANUAL = readFileSync(new URL("../../docs/actions.md", import.meta.url), "utf8");
const PICTURE = /```mermaid\n([\s\S]*?)```/.exec(MANUAL)?.[1] ?? "";

type Change = { readonly from: string; readonly to: string; readonly by: string };

/** `evaluating --> held: action.held`; a dash in a name would end it there. */
function pictured(): readonly Change[] {
  return PICTURE.split("\n").flatMap((line) => {
    const [, from = "", to = "", by = ""] = /^\s+(\S+) --> (\S+?)(?:: (.*))?$/.exec(line) ?? [];
    return from === "" ? [] : [{ from: from.replace("_", "-"), to: to.replace("_", "-"), by }];
  });
}

function recorded(): readonly Change[] {
  const leaves = readFileSync(new URL("../golden/v1/workload.ndjson", import.meta.url), "utf8").trimEnd();
  const documents = new Documents({ find: () => null });
  const changes = new Map<string, Change>();
  for (const event of parseLeaves({ firstSeq: 0, count: leaves.split("\n").length, leaves })) {
    const before = documents.find("actions", event.subject)?.status ?? "[*]";
    project(documents, event);
    const after = documents.find("actions", event.subject)?.status;
    if (after === undefined || after === before) continue;
    changes.set(`${before} ${after} ${event.type}`, { from: before, to: after, by: event.type });
  }
  return [...changes.values()];
}

it("the picture shows every change of status that happens, with the event that makes it", () => {
  const picture = pictured();
  const missing = recorded().filter(
    ({ from, to, by }) => !picture.some((one) => one.from === from && one.to === to && one.by.includes(by)),
  );
  assert.deepEqual(missing, []);
  assert.ok(recorded().length > 30, "a ledger in which little happens proves little");
});

it("it names every status, each with what it means, and events that exist", () => {
  const picture = pictured();
  const types = new Set<string>(declaredTypes());
  for (const status of ACTION_STATUSES) {
    assert.ok(
      picture.some(({ to }) => to === status),
      `${status} is in the picture`,
    );
    assert.match(MANUAL, new RegExp(`^\\|.*\`${status}\`.*\\|`, "m"), `${status} is in the table`);
    const leads = picture.filter(({ from }) => from === status);
    const isEnd = leads.length === 1 && leads[0]?.to === "[*]";
    assert.equal(isEnd, ENDED_STATUSES.has(status satisfies ActionStatus), `${status} is an end or none`);
  }
  for (const { by } of picture) {
    for (const type of by.match(/[a-z]+\.[a-z-]+/g) ?? []) assert.ok(types.has(type), type);
  }
});
