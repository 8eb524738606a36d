// What the main thread and the follower thread say to each other.

import type { FollowerStatus } from "../history/follower.ts";
import type { Mismatch } from "../history/redecide.ts";
import type { StorePlace } from "./open-store.ts";

export type FollowerData = {
  readonly place: StorePlace;
  readonly viewsPath: string;
  /** The engine version, and how many events make a snapshot. */
  readonly engine: string;
  readonly snapshotEveryEvents: number;
};

export type FollowerRequest = { readonly do: "catch-up" | "move-journal" | "stop" } | SnapshotAnswer;

/** The main thread signs and stores snapshots: the follower holds no key and writes to no log. */
export type SnapshotAnswer = { readonly do: "snapshot-kept"; readonly size: number; readonly ok: boolean };

export type FollowerReport =
  | { readonly type: "ready" }
  | { readonly type: "status"; readonly status: FollowerStatus }
  | { readonly type: "snapshot"; readonly size: number; readonly bytes: Uint8Array }
  | { readonly type: "mismatch"; readonly mismatch: Mismatch }
  | { readonly type: "problem"; readonly message: string; readonly fatal: boolean }
  | { readonly type: "stopped" };
