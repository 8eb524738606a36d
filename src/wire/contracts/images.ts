// What Holdpoint needs to know of an image before it deploys it: which one it is, and whose word there is for it.

import type { ImageFact } from "../types/image.ts";

export interface ImageVerifier {
  /**
   * Of an image as a plan names it: `registry/app@sha256:…`. `given` are bundles that came with the proposal. Never throws:
   * what cannot be told is its code.
   */
  verify(image: string, given: readonly string[]): Promise<ImageFact>;
}

/**
 * The image with the digest that its tag stands for now; as it is, where it has one or its registry is not configured.
 * Throws `target-unavailable`, `target-forbidden` or `target-not-found`.
 */
export type PinImage = (image: string, signal: AbortSignal) => Promise<string>;

export interface ImageRegistries {
  readonly pin: PinImage;
  /**
   * Bundles that a registry holds about an image with a digest; empty where its registry is not configured. Undefined when
   * it could not be asked.
   */
  findBundles(image: string, signal: AbortSignal): Promise<readonly string[] | undefined>;
}
