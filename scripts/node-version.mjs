// The oldest Node.js that runs the sources as they are: type stripping, node:sqlite and ML-DSA are there from 24.15 on.

export const NODE_OLDEST = "24.15.0";

/**
 * True when `version` (with or without the leading "v") is at least `oldest`.
 * @param {string} version
 * @param {string} [oldest]
 */
export function isNodeNewEnough(version, oldest = NODE_OLDEST) {
  const have = version.replace(/^v/, "").split(".").map(Number);
  const want = oldest.split(".").map(Number);
  for (let i = 0; i < want.length; i++) {
    const difference = (have[i] ?? 0) - (want[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
