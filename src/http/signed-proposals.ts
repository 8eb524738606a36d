// Agents sign what they propose: the signature checked, kept for auditors, and refusals of known agents put on record.

import { AppError, ERRORS, isAppError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { ProposalSignature } from "../wire/types/agent.ts";
import type { Identity } from "../wire/types/identity.ts";
import type { Services } from "./services.ts";

export const SIGNATURE_HEADER = "holdpoint-signature";

/** What of a proposal's body only agents send: with it they sign who they are, which model spoke, and when. */
type SignedMembers = {
  readonly agent?: string | undefined;
  readonly model?: { readonly provider: string; readonly name: string; readonly version: string } | undefined;
  readonly promptHash?: string | undefined;
  readonly iat?: number | undefined;
  readonly jti?: string | undefined;
};

export type SignedProposal = {
  readonly signature: ProposalSignature;
  /** Of this agent and this `jti`: the same proposal sent again is the same action. */
  readonly key: string;
  /** For the payload: with the arguments and the context beside it, everything that the signature is over. */
  readonly record: JsonObject;
};

type Asked = {
  readonly identity: Identity;
  readonly body: SignedMembers;
  readonly raw: JsonObject;
  readonly sent: Sent;
};

/** The detached JWS, and the idempotency key, as they came. */
type Sent = { readonly jws: unknown; readonly idempotencyKey: unknown };

/** For people, whose token is enough: what only agents send would look as if it had been checked. */
export function checkUnsigned({ agent, model, promptHash, iat, jti }: SignedMembers, { jws }: Sent): null {
  const isPlain = jws === undefined && (agent ?? model ?? promptHash ?? iat ?? jti) === undefined;
  if (isPlain) return null;
  throw new AppError("request-invalid", "agent, model, promptHash, iat, jti and a signature are for agents");
}

/** Rejects with `signature-missing`, `signature-invalid` or `agent-unregistered`. */
export async function checkSigned(services: Services, asked: Asked): Promise<SignedProposal> {
  const { identity, body, raw, sent } = asked;
  const { agent, model, promptHash, iat, jti } = body;
  const { jws, idempotencyKey } = sent;
  const isWhole = agent !== undefined && model !== undefined && promptHash !== undefined && iat !== undefined;
  if (typeof jws !== "string" || !isWhole || jti === undefined) {
    const detail = "send Holdpoint-Signature, and in the body agent, model, promptHash, iat and jti";
    throw new AppError("signature-missing", detail);
  }
  if (agent !== identity.id) throw new AppError("signature-invalid", "agent is not who the token was issued to");
  const { key, jwsHash } = await services.agents.verifyProposal({ agent, jws, request: raw });
  if (idempotencyKey !== undefined && idempotencyKey !== jti)
    throw new AppError("request-invalid", "Idempotency-Key is not the jti");
  const { arguments: _args, context: _context, ...rest } = raw;
  return {
    signature: { jwsHash, key, model, promptHash, signedAt: iat * 1000 },
    key: `${identity.id} ${jti}`,
    record: { jws, request: rest },
  };
}

/** A registered agent's refusal is an event, bounded by the kernel; that it could not be kept changes no answer. */
export async function recordRefusal(services: Services, identity: Identity, error: unknown): Promise<void> {
  if (!isAppError(error) || ERRORS[error.code].status >= 500 || error.code === "rate-limited") return;
  const input = { code: error.code };
  await services.submit({ type: "refuse-proposal", actor: identity.id, input }).catch(() => undefined);
}
