// A follower over a recorded store, with its parts in memory and everything it reports kept.

import { hash } from "node:crypto";
import { Follower, type FollowerParts } from "../../src/history/follower.ts";
import { PROJECTIONS_VERSION } from "../../src/history/projections/project.ts";
import { openViewStore } from "../../src/adapters/stores/views-sqlite.ts";
import type { ViewStore } from "../../src/wire/contracts/views.ts";
import { VIEW_FILTERS, type ViewName } from "../../src/wire/types/views.ts";
import { engineWith } from "./fixed-policy.ts";
import type { RecordedStore } from "./recorder.ts";

export const ENGINE = "engine-under-test";

export type Reports = {
  readonly mismatches: Parameters<FollowerParts["onMismatch"]>[0][];
  readonly snapshotProblems: number[];
  readonly policies: { readonly seq: number; readonly hash: string }[];
};

export type Following = { readonly follower: Follower; readonly views: ViewStore; readonly reports: Reports };

export function memoryViews(): ViewStore {
  return openViewStore(":memory:", String(PROJECTIONS_VERSION));
}

/** Starts a follower; `over` replaces any of its parts. */
export async function follow(store: RecordedStore, over: Partial<FollowerParts> = {}): Promise<Following> {
  const engine = engineWith(ENGINE);
  const reports: Reports = { mismatches: [], snapshotProblems: [], policies: [] };
  const views = over.views ?? memoryViews();
  const follower = await Follower.start({
    store,
    views,
    engine,
    loadPolicy: async (bundle) => {
      reports.policies.push(bundle);
      engine.load(bundle.hash);
    },
    checkSnapshot: ({ size, bytes, note }) => {
      if (note !== noteOf(size, bytes)) throw new Error("the note is not of these bytes");
    },
    signSnapshot: noteOf,
    onSnapshotProblem: (size) => void reports.snapshotProblems.push(size),
    onMismatch: (mismatch) => void reports.mismatches.push(mismatch),
    pause: async () => undefined,
    ...over,
  });
  return { follower, views, reports };
}

function noteOf(size: number, bytes: Uint8Array): string {
  return `${size} ${hash("sha256", bytes)}`;
}

/** Every document of every view, for comparing one view store with another. */
export function dump(views: ViewStore): Readonly<Record<string, unknown>> {
  const dumped: Record<string, unknown> = { counts: views.counts("actions"), position: views.position() };
  for (const view of Object.keys(VIEW_FILTERS) as ViewName[]) dumped[view] = documentsOf(views, view);
  return dumped;
}

function documentsOf(views: ViewStore, view: ViewName): readonly unknown[] {
  const items: unknown[] = [];
  let cursor: string | null = null;
  do {
    const page: { readonly items: readonly unknown[]; readonly next: string | null } = views.list(view, {
      filters: {},
      cursor,
      limit: 200,
    });
    items.push(...page.items);
    cursor = page.next;
  } while (cursor !== null);
  return items;
}
