// imageSignature: what a plan would run has the word of somebody named, for the very digest that runs.

import { IMAGES_MAX, type ImageFact } from "../../wire/types/image.ts";
import type { Field } from "../yaml-reader.ts";
import { type BoundGate, readFailure } from "./gate.ts";

const SIGNER = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const SIGNER_CHARS_MAX = 63;

/**
 * `{signers, provenance?, onFail?, route?}`: passes when each image that the plan brings was signed for by one of these
 * (names of the configuration), with `provenance: true` when one of them signed its SLSA provenance by its builder. A plan
 * that brings no image passes.
 */
export function readImageSignature(params: Field): BoundGate | undefined {
  const fields = params.fields(["signers", "provenance", "onFail", "route"], ["signers"]);
  const signers = fields?.signers
    ?.items(IMAGES_MAX)
    ?.map((name) => name.textLike(SIGNER, "the name of a signer", SIGNER_CHARS_MAX));
  const isBuilt = fields?.provenance === undefined ? false : fields.provenance.boolean();
  if (fields === undefined || signers === undefined || signers.includes(undefined) || isBuilt === undefined)
    return undefined;
  const named: ReadonlySet<string> = new Set(signers as string[]);
  return {
    ...readFailure(fields),
    label: `imageSignature:${[...named].toSorted().join(",")}${isBuilt ? "/provenance" : ""}`,
    check: ({ images }) => {
      const [problem] = images.flatMap((image) => problemOf(image, { named, isBuilt }));
      const passed = problem === undefined;
      const code = passed ? (images.length === 0 ? "no-image" : "image-signed") : problem.code;
      return { passed, code, evidence: { images: images.length, ...(passed ? {} : { digest: problem.digest }) } };
    },
  };
}

type Wanted = { readonly named: ReadonlySet<string>; readonly isBuilt: boolean };

function problemOf(image: ImageFact, { named, isBuilt }: Wanted): readonly { code: string; digest: string }[] {
  const digest = image.digest ?? "";
  if (image.code !== "verified") return [{ code: `image-${image.code}`, digest }];
  if (!image.signers.some((signer) => named.has(signer))) return [{ code: "image-untrusted", digest }];
  return isBuilt && !image.provenance.some((signer) => named.has(signer))
    ? [{ code: "image-provenance-missing", digest }]
    : [];
}
