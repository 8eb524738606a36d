// Thinning: of what was only measured long ago one version a month stays. Beginnings, ends, words and tests all stay.

import type { Column } from "./columns.ts";
import type { Version, Versions } from "./versions.ts";

const MONTH_S = 30 * 86_400;

type Thinning = {
  /** Chains that are thinned, and are given their new numbers. */
  readonly heads: readonly Column<Uint32Array>[];
  /** Seconds since 1970. */
  readonly before: number;
};

/** Rewrites `versions` with the thinned chains alone. */
export function thinVersions(versions: Versions, { heads, before }: Thinning): void {
  const thinned = versions.empty();
  for (const column of heads) {
    for (let index = 0; index < column.length; index++) {
      const all = [...versions.chain(column.get(index), Infinity)].toReversed().map((one) => versions.get(one));
      let chain = 0;
      for (const version of keptOf(all, before)) chain = thinned.add(chain, version);
      column.set(index, chain);
    }
  }
  versions.takeFrom(thinned);
}

/** Oldest recorded first, as they come. */
function keptOf(all: readonly Version[], before: number): readonly Version[] {
  let last: Version | undefined;
  return all.filter((version) => {
    const isOnlyMeasured =
      last !== undefined &&
      version.validFrom < before &&
      version.validFrom >= last.validFrom &&
      version.state === last.state &&
      version.declaration === last.declaration &&
      Math.floor(version.validFrom / MONTH_S) === Math.floor(last.validFrom / MONTH_S);
    if (!isOnlyMeasured) last = version;
    return !isOnlyMeasured;
  });
}
