// The root key's statement that the triage agent may begin at a stage: signed at the first start, checked offline.

import { AppError } from "../core/errors.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import type { JsonObject } from "../core/json.ts";
import { decodeBase64 } from "./base64.ts";
import { preAuthEncoding, signEnvelope } from "./dsse.ts";
import type { Signer, Verifier } from "./ed25519.ts";

export interface StageStatement {
  readonly agent: string;
  /** Milliseconds since the epoch; null where the stage has no end. */
  readonly expiresAt: number | null;
  /** The log that it is given in. */
  readonly origin: string;
  readonly stage: string;
}

const PAYLOAD_TYPE = "application/vnd.holdpoint.stage-grant+json";

/** The agent that stages are about. */
export const STAGED_AGENT = "system:triage";

/** Base64 of the Ed25519 signature over the DSSE encoding of the statement's canonical JSON. */
export function signStageStatement(statement: StageStatement, root: Signer): string {
  return signEnvelope(PAYLOAD_TYPE, statementText(statement), root).signatures[0]?.sig ?? "";
}

/** Throws `ledger-corrupt` unless the root key signed this. */
function checkStageStatement(statement: StageStatement, signature: string, root: Verifier): void {
  const bytes = decodeBase64(signature);
  const message = preAuthEncoding(PAYLOAD_TYPE, Buffer.from(statementText(statement)));
  if (bytes === undefined || !root.verify(message, bytes)) {
    throw new AppError("ledger-corrupt", "the initial stage is not signed by the root key");
  }
}

function statementText({ agent, expiresAt, origin, stage }: StageStatement): string {
  return canonicalJson({ agent, expiresAt, origin, stage });
}

/** Checks what a `stage.granted` event says: given by an action, or signed. Throws `ledger-corrupt`. */
export function checkStageGrant(facts: JsonObject, log: { readonly origin: string; readonly root: Verifier }): void {
  const { action, expiresAt, signature, stage } = facts;
  if (typeof action === "string" && signature === null) return;
  const isStated = typeof stage === "string" && (expiresAt === null || typeof expiresAt === "number");
  if (!isStated || typeof signature !== "string") {
    throw new AppError("ledger-corrupt", "a stage was granted by no action and without a signature");
  }
  checkStageStatement({ agent: STAGED_AGENT, expiresAt, origin: log.origin, stage }, signature, log.root);
}
