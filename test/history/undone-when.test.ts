// What is promised of taking an action back: that it runs by itself only where it was granted so.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import { describeAction } from "../../src/cli/describe-action.ts";
import { Fields } from "../../src/cli/fields.ts";
import { undoneWhen } from "../../src/console/text/undo-words.ts";
import { explainAction } from "../../src/history/explain.ts";
import { timelineEntry } from "../../src/history/timeline.ts";
import type { LedgerEvent } from "../../src/wire/types/event.ts";
import { Rig } from "../kernel/rig.ts";

const INVERSE = { kind: "test.undo", repeat: "idempotent", hash: hash("sha256", "inverse") } as const;

/** In the words of `describe`, `explain` and the action's page. */
async function told(of: { readonly kind: string; readonly granted: boolean }): Promise<readonly string[]> {
  const rig = await Rig.open();
  const { subject: id } = await rig.propose({ kind: of.kind, inverse: INVERSE });
  const events = (rig.writer.kept as unknown as readonly LedgerEvent[])
    .map((event, seq) => ({ ...event, seq }))
    .filter(({ subject, type }) => subject === id && (of.granted || type !== "action.granted"));
  const timeline = events.map(timelineEntry);
  const action = { id, status: "granted", reversible: true, undoneBy: "test.undo", timeline };
  return [describeAction(new Fields(structuredClone(action)), 0), explainAction(events, id).text, undoneWhen(timeline)];
}

const BY_ITSELF = /[Ww]here (its )?checks fail (that|it) runs by itself/;

test("an action whose checks take it back is said to be taken back by itself", async () => {
  for (const text of await told({ kind: "test.checked", granted: true })) assert.match(text, BY_ITSELF);
});

test("one whose checks page, and one without checks, is not", async () => {
  for (const kind of ["test.watched", "test.turn"]) {
    for (const text of await told({ kind, granted: true })) {
      assert.doesNotMatch(text, /nobody is asked/);
      assert.match(text, /a person may ask for it/, kind);
    }
  }
});

test("before the grant nobody can tell which it will be", async () => {
  for (const text of await told({ kind: "test.checked", granted: false })) {
    assert.doesNotMatch(text, BY_ITSELF);
    assert.match(text, /[Ww]here a verification takes it back/);
  }
});
