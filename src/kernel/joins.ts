// What signals find incidents by, beside the key that an open one has.

import type { Shares } from "./bounded.ts";

/** Ids of incidents by `environment|name`, and of the one that absorbed another by that one's id. */
export type Joins = {
  readonly services: Shares;
  readonly failures: Shares;
  /** By `environment|service|signature`, of those that ended. */
  readonly resolved: Shares;
  readonly absorbed: Map<string, string>;
};
