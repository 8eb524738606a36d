// Verification of what agents signed: each proposal's JWS is over exactly what is recorded, by a key registered then.

import { Buffer } from "node:buffer";
import { createPublicKey, hash, verify, type KeyObject } from "node:crypto";
import { canonicalJson } from "../core/canonical-json.ts";
import { canonicalEnvironment } from "../core/environment.ts";
import { AppError, isAppError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { plainName } from "../core/names.ts";
import { keyThumbprint } from "../wire/schemas/agents.ts";
import type { AgentJwk } from "../wire/types/agent.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import type { Findings } from "./findings.ts";
import type { Opening } from "./payload-box.ts";

export interface SignatureCounts {
  /** Signed proposals that hold, each against its payload. */
  verified: number;
  /** Their payload is erased, sealed or not included: what was signed cannot be told. */
  unread: number;
}

export function noSignatures(): SignatureCounts {
  return { verified: 0, unread: 0 };
}

/** A key of an agent as `agent.registered` keeps it. */
type RegisteredKey = { readonly jwk: AgentJwk; readonly thumbprint: string };
type Registration = { readonly seq: number; readonly keys: readonly RegisteredKey[] };

/** Follows a log: which keys agents have, and each proposal that one of them signed as its payload is opened. */
export class ProposalSignatures {
  readonly counts: SignatureCounts = noSignatures();
  readonly #findings: Findings;
  readonly #registrations = new Map<string, Registration[]>();
  /** Of the batch at hand. */
  readonly #proposals = new Map<number, LedgerEvent>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** Every event of a batch, in order, before its payloads. */
  event(event: LedgerEvent): void {
    const { seq, type, subject, facts } = event;
    if (type === "agent.registered") this.#register(subject, { seq, keys: keysOf(facts) });
    else if (type === "agent.revoked") this.#register(subject, { seq, keys: [] });
    else if (type === "action.proposed" && facts["signed"] !== undefined) this.#proposals.set(seq, event);
  }

  /** A payload that is the one its leaf speaks of. */
  opened({ seq, payload }: Opening): void {
    const event = this.#proposals.get(seq);
    if (event === undefined) return;
    this.#proposals.delete(seq);
    const keys = this.#registrations.get(event.actor)?.findLast((one) => one.seq < seq)?.keys ?? [];
    const check = (): void => checkSignedProposal(event, payload.body, keys);
    if (this.#findings.guard(seq, "signature-invalid", check)) this.counts.verified += 1;
  }

  endBatch(): void {
    this.counts.unread += this.#proposals.size;
    this.#proposals.clear();
  }

  #register(agent: string, registration: Registration): void {
    const before = this.#registrations.get(agent);
    if (before === undefined) this.#registrations.set(agent, [registration]);
    else before.push(registration);
  }
}

/** The keys that a registration names. */
export function keysOf(facts: JsonObject): readonly RegisteredKey[] {
  const { keys } = facts;
  return Array.isArray(keys) ? keys.filter(isKey) : [];
}

/**
 * Checks one recorded proposal against its payload: the signature is by a registered key, over a request that is the
 * recorded one in kind, target, arguments, agent, model, prompt and time. Throws `ledger-corrupt`.
 */
export function checkSignedProposal(event: LedgerEvent, body: Json, keys: readonly RegisteredKey[]): void {
  try {
    checkWhole(event, body, keys);
  } catch (error) {
    // What has no canonical form, say, was signed by nobody.
    if (isAppError(error) && error.code !== "ledger-corrupt") throw wrong(error.message);
    throw error;
  }
}

function checkWhole({ facts, actor }: LedgerEvent, body: Json, keys: readonly RegisteredKey[]): void {
  const stated = objectOf(facts["signed"], "signed");
  const content = objectOf(body, "the payload");
  const record = objectOf(content["signed"], "the signature in the payload");
  const { jws } = record;
  if (typeof jws !== "string" || hash("sha256", jws) !== stated["jwsHash"]) {
    throw wrong("the signature is not the one whose hash is recorded");
  }
  const request: JsonObject = {
    ...objectOf(record["request"], "the signed request"),
    arguments: content["args"] ?? null,
    ...(content["context"] === undefined ? {} : { context: content["context"] }),
  };
  checkSameRequest(facts, request);
  const isStated =
    request["agent"] === actor &&
    request["promptHash"] === stated["promptHash"] &&
    Number(request["iat"]) * 1000 === stated["signedAt"] &&
    canonicalJson(request["model"] ?? null) === canonicalJson(stated["model"] ?? null);
  if (!isStated) throw wrong("agent, model, prompt or time are not those that were signed");
  checkJws(jws, canonicalJson(request), keyNamed(stated["key"], keys));
}

/** Kind, target and arguments as they were recorded: the hash is over their canonical form. */
function checkSameRequest(facts: JsonObject, request: JsonObject): void {
  const { environment, service, resource } = objectOf(request["target"], "the signed target");
  const target = {
    environment: canonicalEnvironment(nameOf(environment)),
    service: nameOf(service),
    ...(resource === undefined ? {} : { resource }),
  };
  const { kind = null, arguments: args = null } = request;
  const undone = facts["undoes"] === undefined ? {} : { undoes: facts["undoes"] };
  const isSame =
    kind === facts["kind"] &&
    target.environment === facts["environment"] &&
    target.service === facts["service"] &&
    (resource ?? null) === facts["resource"] &&
    hash("sha256", canonicalJson({ arguments: args, kind, target, ...undone })) === facts["requestHash"];
  if (!isSame) throw wrong("kind, target or arguments are not those that were signed");
}

function nameOf(value: Json | undefined): string {
  return typeof value === "string" ? (plainName(value) ?? "") : "";
}

function keyNamed(thumbprint: Json | undefined, keys: readonly RegisteredKey[]): RegisteredKey {
  const key = keys.find((one) => one.thumbprint === thumbprint);
  if (key === undefined) throw wrong("the key was not registered for the agent then");
  return key;
}

const PARTS = /^([A-Za-z0-9_-]{1,512})\.\.([A-Za-z0-9_-]{1,256})$/;
const TYPE = "holdpoint-proposal+jws";

/** JWS with detached payload (RFC 7515 appendix F). */
function checkJws(jws: string, payload: string, { jwk, thumbprint }: RegisteredKey): void {
  const [, header = "", signature = ""] = PARTS.exec(jws) ?? [];
  const { alg, kid, typ } = parseHeader(header);
  const isOurs = typ === TYPE && kid === thumbprint && (jwk.kty === "EC") === (alg === "ES256");
  if (!isOurs || !(alg === "ES256" || alg === "EdDSA" || alg === "Ed25519")) {
    throw wrong("the signature's header is not of a proposal by that key");
  }
  const input = Buffer.from(`${header}.${Buffer.from(payload).toString("base64url")}`);
  const key = { key: keyOf(jwk, thumbprint), dsaEncoding: "ieee-p1363" } as const;
  const isGood = verify(alg === "ES256" ? "sha256" : null, input, key, Buffer.from(signature, "base64url"));
  if (!isGood) throw wrong("the signature is not over what is recorded");
}

function parseHeader(part: string): JsonObject {
  try {
    return objectOf(JSON.parse(Buffer.from(part, "base64url").toString("utf8")) as Json, "the header");
  } catch {
    throw wrong("the signature is no JWS with detached payload");
  }
}

function keyOf(jwk: AgentJwk, thumbprint: string): KeyObject {
  try {
    if (keyThumbprint(jwk) === thumbprint) return createPublicKey({ key: { ...jwk }, format: "jwk" });
  } catch {
    // Said below.
  }
  throw wrong("the registered key is none, or not the one that its thumbprint names");
}

function objectOf(value: Json | undefined, what: string): JsonObject {
  if (isObject(value)) return value;
  throw wrong(`${what} is not there`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isKey(value: unknown): value is RegisteredKey {
  return isObject(value) && isObject(value["jwk"]) && typeof value["thumbprint"] === "string";
}

function wrong(detail: string): AppError {
  return new AppError("ledger-corrupt", detail);
}
