// Rights of people and groups, as identity needs them: what main tells of the ledger.

import type { RightsHolder } from "../types/rights.ts";

export interface RightsDirectory {
  /** Grows whenever anybody's rights may have changed. */
  readonly generation: number;
  find(id: string): RightsHolder | undefined;
  all(): Iterable<RightsHolder>;
}
