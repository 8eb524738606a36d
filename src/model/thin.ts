// Thinning: of what was only measured long ago one version a month stays. Beginnings, ends, words and tests all stay.

import type { Column } from "./columns.ts";
import type { Version, Versions } from "./versions.ts";

const MONTH_S = 30 * 86_400;

type Thinning = {
  /** All chains there are; they are given their new numbers. */
  readonly chains: readonly Column<Uint32Array>[];
  /** Whether those of a column are thinned. */
  readonly isThinned: (column: number) => boolean;
  /** Seconds since 1970. */
  readonly before: number;
};

/** Rewrites `versions` with what stays. */
export function thinVersions(versions: Versions, { chains, before, isThinned }: Thinning): void {
  const thinned = versions.empty();
  for (const [i, column] of chains.entries()) {
    for (let index = 0; index < column.length; index++) {
      const all = [...versions.chain(column.get(index), Infinity)].toReversed().map((one) => versions.get(one));
      let chain = 0;
      for (const version of isThinned(i) ? keptOf(all, before) : all) chain = thinned.add(chain, version);
      column.set(index, chain);
    }
  }
  versions.takeFrom(thinned);
}

/**
 * Oldest recorded first, as they come. What may go says nothing that the latest beginning before it does not say, and no
 * correction came later that reaches back before it.
 */
function keptOf(all: readonly Version[], before: number): readonly Version[] {
  const earliestLater = all.map(() => Infinity);
  for (let i = all.length - 2; i >= 0; i--) {
    earliestLater[i] = Math.min(earliestLater[i + 1] ?? Infinity, all[i + 1]?.validFrom ?? Infinity);
  }
  let latest: Version | undefined;
  return all.filter((version, i) => {
    if (latest === undefined || version.validFrom < latest.validFrom) {
      latest ??= version;
      return true;
    }
    const isOnlyMeasured =
      version.validFrom < before &&
      version.validFrom <= (earliestLater[i] ?? Infinity) &&
      version.state === latest.state &&
      version.declaration === latest.declaration &&
      Math.floor(version.validFrom / MONTH_S) === Math.floor(latest.validFrom / MONTH_S);
    if (!isOnlyMeasured) latest = version;
    return !isOnlyMeasured;
  });
}
