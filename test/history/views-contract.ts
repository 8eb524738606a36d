// What every view store must do, whatever it is made of.

import assert from "node:assert/strict";
import { test } from "node:test";
import { isAppError } from "../../src/core/errors.ts";
import { idFromSeq } from "../../src/core/ids.ts";
import type { ViewChange, ViewPage, ViewStore } from "../../src/wire/contracts/views.ts";
import type { IncidentView } from "../../src/wire/types/incident-views.ts";
import type { BrakeView, RefusalView } from "../../src/wire/types/views.ts";

export type Opened = {
  readonly store: ViewStore;
  /** Closes it and opens what it stored again, under the same or another generation. */
  readonly reopen: (generation?: string) => ViewStore;
};

function incident(seq: number, over: Partial<IncidentView> = {}): IncidentView {
  return {
    id: idFromSeq("inc", seq),
    seq,
    status: "open",
    environment: "production",
    service: "cart",
    services: ["cart"],
    signature: "s",
    openedAt: seq,
    reopened: 0,
    flapping: false,
    mergedInto: null,
    absorbed: [],
    related: [],
    explained: null,
    splitInto: [],
    splitFrom: null,
    lastSignalAt: seq,
    resolvedAt: null,
    resolution: null,
    claimedSeverity: "high",
    signalCount: 1,
    signals: [],
    runs: [],
    actions: [],
    paged: false,
    pageClosing: null,
    systems: {},
    erased: [],
    ...over,
  };
}

function changes(...incidents: readonly IncidentView[]): readonly ViewChange[] {
  return incidents.map((document) => ({ view: "incidents", document }));
}

const BRAKE: BrakeView = {
  id: "brk_1",
  seq: 3,
  status: "applied",
  mode: "pause",
  scope: {},
  appliedAt: 1,
  appliedBy: "person:ada",
  releasedAt: null,
  code: null,
  command: null,
  releaseAction: null,
  counts: { "in-flight": 0, granted: 0, scheduled: 0, held: 0, evaluating: 0 },
  report: null,
};
const REFUSAL: RefusalView = { id: "9", seq: 9, time: 1, minute: 1, source: "am", counts: { "token-invalid": 2 } };

/** Every document of a list, page by page. */
function all(store: ViewStore, filters: Readonly<Record<string, string>>, limit: number): readonly IncidentView[] {
  const items: IncidentView[] = [];
  let cursor: string | null = null;
  do {
    const page: ViewPage<IncidentView> = store.list("incidents", { filters, cursor, limit });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}

function seqsOf(items: readonly { readonly seq: number }[]): readonly number[] {
  return items.map(({ seq }) => seq);
}

export function testViewStore(name: string, withStore: (use: (opened: Opened) => void) => void): void {
  test(`${name}: a new store is empty and stands at position 0`, () => {
    withStore(({ store }) => {
      assert.equal(store.position(), 0);
      assert.equal(store.find("incidents", "inc_000000001"), null);
      assert.deepEqual(store.list("runs", { filters: {}, cursor: null, limit: 10 }), { items: [], next: null });
      assert.deepEqual(store.counts("actions"), {});
    });
  });

  test(`${name}: documents of every view come back as they were written, with the position`, () => {
    withStore(({ store, reopen }) => {
      const document = incident(5, { service: 'quo"te', signals: ["sig_1"] });
      const written: readonly ViewChange[] = [
        ...changes(document),
        { view: "brakes", document: BRAKE },
        { view: "refusals", document: REFUSAL },
      ];
      store.write(written, 12);
      const again = reopen();
      assert.deepEqual(again.find("incidents", document.id), document);
      assert.deepEqual(again.find("brakes", "brk_1"), BRAKE);
      assert.deepEqual(again.list("refusals", { filters: { source: "am" }, cursor: null, limit: 1 }).items, [REFUSAL]);
      assert.equal(again.position(), 12);
    });
  });

  test(`${name}: a change replaces the document and moves it between filters and counts`, () => {
    withStore(({ store }) => {
      store.write(changes(incident(1), incident(2)), 3);
      store.write(changes(incident(1, { status: "resolved", resolvedAt: 9 })), 4);
      assert.deepEqual(seqsOf(all(store, { status: "open" }, 10)), [2]);
      assert.deepEqual(seqsOf(all(store, { status: "resolved" }, 10)), [1]);
      assert.deepEqual(store.counts("incidents"), { open: 1, resolved: 1 });
      assert.equal(store.find("incidents", incident(1).id)?.resolvedAt, 9);
    });
  });

  test(`${name}: lists are newest first, and pages join without a gap or a repeat`, () => {
    withStore(({ store }) => {
      const documents = Array.from({ length: 25 }, (_, i) => incident(i + 1, { service: i % 2 ? "cart" : "search" }));
      store.write(changes(...documents), 25);
      const expected = documents.map(({ seq }) => seq).reverse();
      for (const limit of [1, 7, 25, 200]) assert.deepEqual(seqsOf(all(store, {}, limit)), expected);
      const odd = expected.filter((seq) => seq % 2 === 1);
      assert.deepEqual(seqsOf(all(store, { service: "search" }, 4)), odd);
      assert.deepEqual(seqsOf(all(store, { service: "search", status: "open" }, 4)), odd);
      assert.deepEqual(all(store, { service: "search", status: "resolved" }, 4), []);
      assert.equal(store.list("incidents", { filters: {}, cursor: null, limit: 25 }).next, null);
    });
  });

  test(`${name}: filters that rarely meet are answered in bounded reads that still find everything`, () => {
    withStore(({ store }) => {
      const documents = Array.from({ length: 12_000 }, (_, i) =>
        incident(i + 1, { environment: i % 5_500 === 0 ? "staging" : "production" }),
      );
      store.write(changes(...documents), 12_000);
      const first = store.list("incidents", {
        filters: { service: "cart", environment: "staging" },
        cursor: null,
        limit: 9,
      });
      assert.notEqual(first.next, null);
      assert.deepEqual(seqsOf(all(store, { service: "cart", environment: "staging" }, 9)), [11_001, 5_501, 1]);
    });
  });

  test(`${name}: what a view does not take is refused as query-invalid`, () => {
    withStore(({ store }) => {
      const ok = { filters: {}, cursor: null, limit: 10 };
      const wrong = [
        { ...ok, filters: { document: "x" } },
        { ...ok, filters: { "status = status or 1": "x" } },
        { ...ok, filters: { __proto__x: "x" } },
        { ...ok, limit: 0 },
        { ...ok, limit: 201 },
        { ...ok, limit: 1.5 },
        { ...ok, cursor: "" },
        { ...ok, cursor: "1 or 1" },
        { ...ok, cursor: "-1" },
        { ...ok, cursor: "9".repeat(40) },
      ];
      for (const query of wrong) {
        assert.throws(
          () => store.list("incidents", query),
          (error) => isAppError(error, "query-invalid"),
        );
      }
    });
  });

  test(`${name}: a write that fails leaves documents, counts and position as they were`, () => {
    withStore(({ store }) => {
      store.write(changes(incident(1)), 2);
      const broken = { ...incident(2), id: incident(1).id }; // one id, two documents
      assert.throws(() => store.write(changes(incident(1, { status: "resolved" }), broken), 3));
      assert.equal(store.position(), 2);
      assert.deepEqual(store.counts("incidents"), { open: 1 });
      assert.equal(store.find("incidents", incident(1).id)?.status, "open");
    });
  });

  test(`${name}: a reset forgets everything and the store goes on`, () => {
    withStore(({ store }) => {
      store.write(changes(incident(1)), 1);
      store.reset();
      assert.equal(store.position(), 0);
      assert.deepEqual(all(store, {}, 10), []);
      assert.deepEqual(store.counts("incidents"), {});
      store.write(changes(incident(4)), 4);
      assert.deepEqual(seqsOf(all(store, {}, 10)), [4]);
    });
  });

  test(`${name}: what another version of the projections wrote is forgotten`, () => {
    withStore(({ store, reopen }) => {
      store.write(changes(incident(1)), 1);
      assert.equal(reopen().position(), 1);
      const other = reopen("2");
      assert.equal(other.position(), 0);
      assert.equal(other.find("incidents", incident(1).id), null);
    });
  });
}
