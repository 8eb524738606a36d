// What is known of an image that a plan brings: by its digest, and whose word there is for it.

/**
 * `verified`: somebody whom configuration names has signed for this very digest. `unpinned`: it names no digest, so that
 * nobody can say what would run. `missing`: there is no bundle for it. `altered`: a signature does not hold over what it
 * signs. `wrong-digest`: what is signed is another image. `untrusted`: the signature is whole, and nobody's whom
 * configuration names. `unreadable`: a bundle is no bundle. `unseen`: the plan does not show which image. `unavailable`:
 * nothing is configured to verify with, or it cannot be read.
 */
export const IMAGE_CODES = [
  "verified",
  "unpinned",
  "missing",
  "altered",
  "wrong-digest",
  "untrusted",
  "unreadable",
  "unseen",
  "unavailable",
] as const;
export type ImageCode = (typeof IMAGE_CODES)[number];

export type ImageFact = {
  /** Lower-case hex SHA-256; null where none is named. */
  readonly digest: string | null;
  readonly code: ImageCode;
  /** Names of the configured signers that signed for it; sorted. */
  readonly signers: readonly string[];
  /** Those of them that signed its SLSA provenance, by the builder that configuration names. */
  readonly provenance: readonly string[];
};

export const IMAGES_MAX = 16;
