// What a feed of the runtime model gives, and what it is given: it asks the outside world and tells a sink.

import type { ClusterObject } from "../types/cluster-object.ts";
import type { MeasuredRows } from "../types/measured-rows.ts";

/** An object that was made different while a feed looked. */
export interface ObjectChange {
  readonly object: ClusterObject;
  /** The API's version of it, or of a file when it was written. */
  readonly version: string;
  /** In milliseconds since 1970. */
  readonly at: number;
  /** Keys of a ConfigMap, places in a template. */
  readonly keys: readonly string[];
  /** Lines `key: value` before and after, as a unified diff. */
  readonly diff: string;
}

/** Takes what a cluster, or a folder of manifests, has. What is told resolves when it is durable. */
export interface ClusterSink {
  /** All of it, as it is now. */
  objects(objects: readonly ClusterObject[]): Promise<void>;
  changed(change: ObjectChange): Promise<void>;
  /** A code where it does not get what it asks for, null where it does. */
  status(failing: string | null): void;
}

/** Takes what was measured, each time as it is now. */
export interface MetricsSink {
  readonly measured: (rows: MeasuredRows) => void;
  readonly status: (failing: string | null) => void;
}
