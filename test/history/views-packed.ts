// What every view store must do with many documents that settle, compared with a plain list of them.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { idFromSeq } from "../../src/core/ids.ts";
import type { ViewChange, ViewStore } from "../../src/wire/contracts/views.ts";
import type { ActionStatus } from "../../src/wire/types/action-status.ts";
import type { ActionView } from "../../src/wire/types/views.ts";
import type { Opened } from "./views-contract.ts";

const STATUSES: readonly ActionStatus[] = ["held", "granted", "succeeded", "succeeded", "succeeded", "refused"];
const SERVICES = ["cart", 'se"arch', "pay\\ments", "ünïcode"];
const AGENTS = ["agent:a", "agent:b", "service"];

function action(seq: number, status: ActionStatus): ActionView {
  return {
    id: idFromSeq("act", seq),
    seq,
    status,
    statusSeq: seq,
    code: null,
    kind: "record.note",
    environment: seq % 97 === 0 ? "production" : "staging",
    service: SERVICES[seq % SERVICES.length] as string,
    resource: null,
    agent: AGENTS[Math.floor(seq / 300) % AGENTS.length] as string,
    agentKind: "agent",
    person: null,
    actsFor: [],
    run: seq % 5 === 0 ? idFromSeq("run", seq - (seq % 100)) : null,
    incident: null,
    correlationId: "c",
    classification: null,
    requestHash: "",
    planHash: null,
    repeat: "idempotent",
    effect: "none",
    reversible: false,
    undoneBy: null,
    findings: null,
    operand: null,
    signed: null,
    confidencePpm: null,
    proposedAt: seq,
    updatedAt: seq,
    endedAt: null,
    evaluation: null,
    hold: null,
    answers: [],
    review: null,
    grant: null,
    would: null,
    dryRun: false,
    attempt: 0,
    stops: [],
    prediction: null,
    impact: null,
    inverseCheck: null,
    labels: [],
    window: null,
    waiting: null,
    verification: null,
    revert: null,
    revertOf: null,
    duplicateOf: null,
    contentSeq: seq,
    planSeq: null,
    stepEnd: null,
    events: [seq],
    eventsOmitted: 0,
    erased: [],
  };
}

class Model {
  readonly documents = new Map<number, ActionView>();
  position = 1;

  /** A write of new actions and of changes to old ones; `pick` gives numbers below its argument. */
  write(store: ViewStore, news: number, pick: (below: number) => number): void {
    const changed = new Map<number, ActionView>();
    const known = [...this.documents.values()];
    for (let i = 0; i < 5 && known.length > 0; i++) {
      const old = known[pick(known.length)] as ActionView;
      changed.set(old.seq, { ...old, status: STATUSES[pick(STATUSES.length)] as ActionStatus, attempt: i });
    }
    for (let i = 0; i < news; i++) {
      const made = action(this.position, STATUSES[pick(STATUSES.length)] as ActionStatus);
      changed.set(made.seq, made);
      this.position += 1 + pick(3);
    }
    for (const document of changed.values()) this.documents.set(document.seq, document);
    store.write(
      [...changed.values()].map((document): ViewChange => ({ view: "actions", document })),
      this.position,
    );
  }

  list(filters: Readonly<Record<string, string>>): readonly ActionView[] {
    return [...this.documents.values()]
      .filter((document) =>
        Object.entries(filters).every(([name, value]) => document[name as keyof ActionView] === value),
      )
      .sort((a, b) => b.seq - a.seq);
  }

  counts(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { status } of this.documents.values()) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }
}

function listed(store: ViewStore, filters: Readonly<Record<string, string>>, limit: number): readonly ActionView[] {
  const items: ActionView[] = [];
  let cursor: string | null = null;
  do {
    const page: ReturnType<typeof store.list<"actions">> = store.list("actions", { filters, cursor, limit });
    assert.ok(page.items.length <= limit);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}

const QUERIES: readonly Readonly<Record<string, string>>[] = [
  {},
  { status: "succeeded" },
  { status: "held" },
  { service: 'se"arch' },
  { service: "pay\\ments", status: "refused" },
  { agent: "agent:b", environment: "production" },
  { agent: "service", service: "ünïcode", status: "granted" },
  { run: idFromSeq("run", 100) },
  { agent: "nobody" },
];

export function testPacked(name: string, withStore: (use: (opened: Opened) => void) => void): void {
  test(`${name}: many actions that settle are found, listed, filtered and counted as if each stood alone`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(400), { minLength: 1, maxLength: 6 }),
        fc.infiniteStream(fc.nat(9_999)),
        (bursts, numbers) => {
          withStore(({ store, reopen }) => {
            const model = new Model();
            const pick = (below: number): number => (numbers.next().value as number) % below;
            for (const news of bursts) model.write(store, news, pick);
            const again = reopen();
            for (const filters of QUERIES) {
              assert.deepEqual(listed(again, filters, 1 + pick(200)), model.list(filters), JSON.stringify(filters));
            }
            assert.deepEqual(again.counts("actions"), model.counts());
            for (const document of model.documents.values())
              assert.deepEqual(again.find("actions", document.id), document);
            assert.equal(again.find("actions", idFromSeq("act", model.position)), null);
          });
        },
      ),
      { numRuns: 12 },
    );
  });

  test(`${name}: actions that change after they settled, and settle again, are there once`, () => {
    withStore(({ store }) => {
      const model = new Model();
      model.write(store, 300, () => 2);
      for (const status of ["held", "failed", "granted", "succeeded"] as const) {
        for (const [seq, document] of model.documents) model.documents.set(seq, { ...document, status });
        const changes = [...model.documents.values()].map((document): ViewChange => ({ view: "actions", document }));
        store.write(changes, model.position);
        assert.deepEqual(listed(store, {}, 70), model.list({}));
        assert.deepEqual(listed(store, { status }, 70), model.list({}));
        assert.deepEqual(store.counts("actions"), { [status]: 300 });
      }
    });
  });

  test(`${name}: a value that few of many actions have is found in bounded reads`, () => {
    withStore(({ store }) => {
      const rare = new Set([2, 4_000, 4_001, 29_999]);
      const documents = Array.from({ length: 30_000 }, (_, seq) => ({
        ...action(seq, "succeeded"),
        service: rare.has(seq) ? "rare" : "cart",
        environment: seq % 300 === 7 ? "seldom" : "staging",
      }));
      store.write(
        documents.map((document): ViewChange => ({ view: "actions", document })),
        documents.length,
      );
      const seqs = (filters: Readonly<Record<string, string>>) => listed(store, filters, 50).map(({ seq }) => seq);
      assert.deepEqual(seqs({ service: "rare" }), [29_999, 4_001, 4_000, 2]);
      assert.equal(seqs({ environment: "seldom", service: "cart" }).length, 100);
      const page = store.list("actions", { filters: { environment: "seldom" }, cursor: null, limit: 50 });
      assert.ok(page.items.length < 50 && page.next !== null);
      assert.deepEqual(store.counts("actions"), { succeeded: 30_000 });
    });
  });
}
