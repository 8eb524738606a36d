// Images by their digest: bundles about one come with the proposal, from a folder or from its registry; each is verified
// offline.

import { readdir, readFile, stat } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../core/errors.ts";
import type { ImageRegistries, ImageVerifier } from "../../wire/contracts/images.ts";
import type { ImagesConfig } from "../../wire/schemas/images-config.ts";
import { IMAGE_CODES, type ImageCode, type ImageFact } from "../../wire/types/image.ts";
import { NO_REGISTRIES } from "./image-registries.ts";
import { createBundleVerifier, type Told, type VerifyBundle } from "./bundle-verifier.ts";

const PINNED = /^[^\s@]{1,512}@sha256:([0-9a-f]{64})$/;
const BUNDLES_MAX = 32;
const BUNDLE_BYTES_MAX = 1_048_576;

const ASK_TIMEOUT_MS = 10_000;

/** Throws `config-invalid` for a root of trust or a key that cannot be used. */
export function createImageVerifier(
  config: ImagesConfig,
  registries: Pick<ImageRegistries, "findBundles"> = NO_REGISTRIES,
): ImageVerifier {
  const check = createBundleVerifier(config, config.trustedRoot === undefined ? null : readRoot(config.trustedRoot));
  return {
    async verify(image, given) {
      const digest = PINNED.exec(image)?.[1];
      if (digest === undefined) return nothing(null, "unpinned");
      const [kept, held] = await Promise.all([
        config.bundles === undefined ? [] : readBundles(join(config.bundles, `sha256-${digest}`)),
        registries.findBundles(image, AbortSignal.timeout(ASK_TIMEOUT_MS)),
      ]);
      const texts = [...given, ...(kept ?? []), ...(held ?? [])];
      const fact = texts.length === 0 ? nothing(digest, "missing") : judge(texts, digest, check);
      // What could not be asked might have had the word that is missing.
      const isAsked = kept !== undefined && held !== undefined;
      return isAsked || fact.code === "verified" ? fact : nothing(digest, "unavailable");
    },
  };
}

/** Where nothing is configured to verify with. */
export const NO_IMAGE_VERIFIER: ImageVerifier = {
  verify: (image) => {
    const digest = PINNED.exec(image)?.[1] ?? null;
    return Promise.resolve(nothing(digest, digest === null ? "unpinned" : "unavailable"));
  },
};

function nothing(digest: string | null, code: ImageCode): ImageFact {
  return { digest, code, signers: [], provenance: [] };
}

function readRoot(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    throw new AppError("config-invalid", `images.trustedRoot cannot be read: ${path}`);
  }
}

/** Empty where there are none; undefined where they cannot be read, or are more than can be looked at. */
async function readBundles(folder: string): Promise<readonly string[] | undefined> {
  let names: readonly string[];
  try {
    names = (await readdir(folder)).filter((name) => name.endsWith(".json")).toSorted();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? [] : undefined;
  }
  if (names.length > BUNDLES_MAX) return undefined;
  try {
    return await Promise.all(names.map((name) => readBounded(join(folder, name))));
  } catch {
    return undefined;
  }
}

async function readBounded(path: string): Promise<string> {
  const { size } = await stat(path);
  return size > BUNDLE_BYTES_MAX ? "" : readFile(path, "utf8"); // what is too large is no bundle
}

/** One good bundle is enough; without one, the reason is that of the bundle that came furthest. */
function judge(texts: readonly string[], digest: string, check: VerifyBundle): ImageFact {
  const all = texts.flatMap((text) => check(text, digest));
  const signed = all.filter((one) => one.kind === "signed");
  if (signed.length === 0) return nothing(digest, reasonOf(all));
  const namesOf = (some: readonly { readonly signer: string }[]): readonly string[] =>
    [...new Set(some.map(({ signer }) => signer))].toSorted();
  const provenance = namesOf(signed.filter(({ isProvenance }) => isProvenance));
  return { digest, code: "verified", signers: namesOf(signed), provenance };
}

const FURTHEST: readonly ImageCode[] = ["wrong-digest", "untrusted", "altered", "unreadable"];

function reasonOf(all: readonly Told[]): ImageCode {
  const codes: ReadonlySet<ImageCode> = new Set(all.map((one) => (one.kind === "not" ? one.code : "verified")));
  return FURTHEST.find((code) => codes.has(code)) ?? IMAGE_CODES[2];
}
