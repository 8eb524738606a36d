// Proof that a delivery is a source's own: signatures of vendors over the exact bytes that arrived.

import { createHmac, timingSafeEqual } from "node:crypto";
import { AppError } from "../../core/errors.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { SourceFile } from "../../wire/schemas/identity.ts";
import type { SourceIdentity } from "../../wire/types/identity.ts";
import { SOURCE_KINDS, type SourceKind, type SourceProof } from "../../wire/types/source-kinds.ts";
import type { SnsMessages } from "./sns-messages.ts";

/** Where a vendor puts its signature, and how it begins: HMAC with SHA-256, in hex. */
const SIGNATURES: Readonly<Partial<Record<SourceKind, { readonly header: string; readonly prefix: string }>>> = {
  // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
  github: { header: "x-hub-signature-256", prefix: "sha256=" },
  // https://developer.pagerduty.com/docs/verifying-webhook-signatures: one for each secret while they rotate.
  pagerduty: { header: "x-pagerduty-signature", prefix: "v1=" },
};
const SIGNATURES_MAX = 8;
const SNS_HEADER = "x-amz-sns-message-type";

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The kinds of which these headers announce a signed delivery. */
export function signedFor(headers: Headers): readonly SourceKind[] {
  const announced = Object.entries(SIGNATURES).filter(([, { header }]) => typeof headers[header] === "string");
  return [
    ...announced.map(([kind]) => kind as SourceKind),
    ...(typeof headers[SNS_HEADER] === "string" ? ["sns" as const] : []),
  ];
}

export interface SignedDelivery {
  readonly bytes: Uint8Array;
  /** The same as JSON; throws what reading it throws. */
  readonly json: () => unknown;
  readonly headers: Headers;
  readonly receivedAtMs: number;
}

interface ProofParts {
  readonly find: (source: string) => SourceFile | undefined;
  readonly credentials: Credentials;
  readonly sns: SnsMessages;
}

export class SourceProofs {
  readonly #parts: ProofParts;

  constructor(parts: ProofParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the delivery is the source's own; a source that showed its secret at the door has nothing more to
   * prove. Rejects with `source-secret-invalid`, or `target-unavailable` where Amazon's certificate cannot be had.
   */
  async prove({ name, sourceKind }: SourceIdentity, delivery: SignedDelivery): Promise<void> {
    const { proof }: { proof: SourceProof } = SOURCE_KINDS[sourceKind];
    if (proof === "secret" || proof === "address") return;
    const source = this.#parts.find(name);
    if (source === undefined) throw new AppError("source-unknown", "no source of that name is configured");
    if (proof === "sns") {
      return this.#parts.sns.accept(delivery.json(), { source, receivedAtMs: delivery.receivedAtMs });
    }
    const secrets = await this.#secretsOf(source);
    const place = SIGNATURES[sourceKind];
    const header = place === undefined ? undefined : delivery.headers[place.header];
    if (place === undefined || typeof header !== "string" || !isSigned(delivery.bytes, { ...place, header, secrets })) {
      throw new AppError("source-secret-invalid", "no signature of this delivery was made with the source's secret");
    }
  }

  /** One a line: a second is there while the vendor's is being changed. */
  async #secretsOf({ signingSecret = "" }: SourceFile): Promise<readonly string[]> {
    const text = await this.#parts.credentials.get(signingSecret);
    const secrets = text.split(/\r?\n/).filter((line) => line !== "");
    if (secrets.length === 0) throw new AppError("source-secret-invalid", "the source has no signing secret");
    return secrets.slice(0, SIGNATURES_MAX);
  }
}

type Signed = { readonly header: string; readonly prefix: string; readonly secrets: readonly string[] };

/** Every signature is compared with every secret's, in constant time, whichever matches first. */
function isSigned(bytes: Uint8Array, { header, prefix, secrets }: Signed): boolean {
  const expected = secrets.map((secret) => createHmac("sha256", secret).update(bytes).digest());
  let matched = 0;
  for (const part of header.slice(0, 4096).split(",", SIGNATURES_MAX)) {
    const text = part.trim();
    const hex = text.slice(prefix.length);
    if (!text.startsWith(prefix) || !/^[0-9a-f]{64}$/.test(hex)) continue;
    const given = Buffer.from(hex, "hex");
    for (const one of expected) matched |= timingSafeEqual(given, one) ? 1 : 0;
  }
  return matched === 1;
}
