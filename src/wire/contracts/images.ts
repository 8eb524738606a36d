// What Holdpoint needs to know of an image before it deploys it: whose word there is for it, offline.

import type { ImageFact } from "../types/image.ts";

export interface ImageVerifier {
  /** Of an image as a plan names it: `registry/app@sha256:…`. Never throws: what cannot be told is its code. */
  verify(image: string): Promise<ImageFact>;
}
