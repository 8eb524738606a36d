// One Sigstore bundle against the configured signers: whose it is, and what it says about an image. Offline.

import { bundleFromJSON, isBundleWithDsseEnvelope, type Bundle } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { PolicyError, toSignedEntity, toTrustMaterial, VerificationError, Verifier } from "@sigstore/verify";
import { createPublicKey } from "node:crypto";
import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { ImagesConfig, ImageSigner } from "../../wire/schemas/images-config.ts";
import type { ImageCode } from "../../wire/types/image.ts";

/** What a bundle is good for: a signer, and whether it is provenance by that signer's builder. */
export type Told =
  | { readonly kind: "signed"; readonly signer: string; readonly isProvenance: boolean }
  | { readonly kind: "not"; readonly code: Exclude<ImageCode, "verified"> };

export type VerifyBundle = (text: string, digest: string) => readonly Told[];

type Check = { readonly signer: ImageSigner; readonly verify: (bundle: Bundle) => void };

/** `trustedRoot` is the text of that file. Throws `config-invalid` for a root or a key that cannot be used. */
export function createBundleVerifier(config: ImagesConfig, trustedRoot: string | null): VerifyBundle {
  const root = trustedRoot === null ? null : readRoot(trustedRoot);
  const checks = config.signers.map((signer): Check => ({ signer, verify: verifierOf(signer, config, root) }));
  return (text, digest) => {
    const bundle = readBundle(text);
    if (bundle === undefined) return [{ kind: "not", code: "unreadable" }];
    if (!isBundleWithDsseEnvelope(bundle)) return [{ kind: "not", code: "unreadable" }];
    const found = checks.map((check) => told(check, bundle));
    const [first] = found.filter(({ code }) => code === "altered");
    const signers = found.filter(({ code }) => code === null);
    if (signers.length === 0) return [{ kind: "not", code: first === undefined ? "untrusted" : "altered" }];
    const statement = readStatement(bundle.content.dsseEnvelope);
    if (statement === undefined) return [{ kind: "not", code: "unreadable" }];
    if (!statement.subject.some((subject) => subject.digest["sha256"] === digest)) {
      return [{ kind: "not", code: "wrong-digest" }];
    }
    const builder = builderOf(statement);
    return signers.map(({ signer }) => {
      const isProvenance = signer.builder !== undefined && builder === signer.builder;
      return { kind: "signed", signer: signer.name, isProvenance };
    });
  };
}

function told(
  { signer, verify }: Check,
  bundle: Bundle,
): { signer: ImageSigner; code: "altered" | "untrusted" | null } {
  try {
    verify(bundle);
    return { signer, code: null };
  } catch (error) {
    const isSignature =
      error instanceof VerificationError && (error.code === "SIGNATURE_ERROR" || error.code.startsWith("TLOG"));
    return { signer, code: isSignature && !(error instanceof PolicyError) ? "altered" : "untrusted" };
  }
}

type Root = ReturnType<typeof TrustedRoot.fromJSON>;

function readRoot(text: string): Root {
  try {
    return TrustedRoot.fromJSON(JSON.parse(text));
  } catch {
    throw new AppError("config-invalid", "images.trustedRoot is no Sigstore trusted root");
  }
}

const NO_ROOT: Root = TrustedRoot.fromJSON({});

function verifierOf(signer: ImageSigner, config: ImagesConfig, root: Root | null): Check["verify"] {
  const { publicKey: pem, identity = "", issuer = "" } = signer;
  if (pem !== undefined) {
    const publicKey = readKey(pem, signer.name);
    // Whichever key the bundle names: this one has to fit.
    const trust = toTrustMaterial(root ?? NO_ROOT, () => ({ publicKey, validFor: () => true }));
    const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
    return (bundle) => {
      const entity = toSignedEntity(bundle);
      if (entity.key.$case !== "public-key") throw new PolicyError(notBy("a key"));
      verifier.verify(root === null ? { ...entity, tlogEntries: [], timestamps: [] } : entity);
    };
  }
  const trust = toTrustMaterial(root ?? NO_ROOT);
  const ctlogThreshold = config.certificateTransparency ? 1 : 0;
  const verifier = new Verifier(trust, { tlogThreshold: 1, ctlogThreshold, timestampThreshold: 1 });
  const policy = { subjectAlternativeName: patternOf(identity), extensions: { issuer } };
  return (bundle) => {
    const entity = toSignedEntity(bundle);
    if (entity.key.$case !== "certificate") throw new PolicyError(notBy("a certificate"));
    verifier.verify(entity, policy);
  };
}

function notBy(what: string): { code: "UNTRUSTED_SIGNER_ERROR"; message: string } {
  return { code: "UNTRUSTED_SIGNER_ERROR", message: `it is not signed by ${what}` };
}

function readKey(pem: string, name: string): ReturnType<typeof createPublicKey> {
  try {
    return createPublicKey(pem);
  } catch {
    throw new AppError("config-invalid", `images.signers: the public key of ${name} cannot be read`);
  }
}

/** The whole of it: what stands before or after the pattern is another identity. */
function patternOf(pattern: string): RegExp {
  const parts = pattern.split(/(\*\*|\*)/).map((part) => {
    if (part === "**") return ".*";
    return part === "*" ? "[^/]*" : part.replaceAll(/[.+?^${}()|[\]\\/]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`);
}

function readBundle(text: string): Bundle | undefined {
  try {
    return bundleFromJSON(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const PAYLOAD_TYPE = "application/vnd.in-toto+json";
const PAYLOAD_BYTES_MAX = 1_048_576;

const statementSchema = z.object({
  _type: z.enum(["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"]),
  subject: z
    .array(z.object({ digest: z.record(z.string(), z.string()) }))
    .min(1)
    .max(1_000),
  predicateType: z.string(),
  predicate: z.unknown(),
});
type Statement = z.infer<typeof statementSchema>;

function readStatement({ payloadType, payload }: { payloadType: string; payload: Buffer }): Statement | undefined {
  if (payloadType !== PAYLOAD_TYPE || payload.length > PAYLOAD_BYTES_MAX) return undefined;
  try {
    return statementSchema.parse(JSON.parse(payload.toString("utf8")));
  } catch {
    return undefined;
  }
}

const provenanceV1 = z.object({ runDetails: z.object({ builder: z.object({ id: z.string() }) }) });
const provenanceV02 = z.object({ builder: z.object({ id: z.string() }) });

function builderOf({ predicateType, predicate }: Statement): string | null {
  if (predicateType === "https://slsa.dev/provenance/v1") {
    const parsed = provenanceV1.safeParse(predicate);
    return parsed.success ? parsed.data.runDetails.builder.id : null;
  }
  if (predicateType !== "https://slsa.dev/provenance/v0.2") return null;
  const parsed = provenanceV02.safeParse(predicate);
  return parsed.success ? parsed.data.builder.id : null;
}
