// Sigstore bundles that come with a proposal, as its artifact: what they are worth, the pinned root of trust says.

import { z } from "zod";

const BUNDLES_MAX = 8;

export const imageBundlesSchema = z
  .array(z.record(z.string(), z.unknown()))
  .max(BUNDLES_MAX)
  .describe("Sigstore bundles about the images, beside those in the registry and the folder of bundles");

/** Those among the arguments of a kind that takes them. */
export function bundlesIn(args: Readonly<Record<string, unknown>>): readonly string[] {
  const parsed = imageBundlesSchema.safeParse(args["bundles"]);
  return parsed.success ? parsed.data.map((bundle) => JSON.stringify(bundle)) : [];
}
