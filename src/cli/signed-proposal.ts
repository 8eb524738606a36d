// What an agent adds to its proposal at the command line: who it is, which model spoke, and its signature.

import { hash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { signDetached } from "../adapters/identity/detached-jws.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import type { JsonObject } from "../core/json.ts";
import { usageError } from "./cli-error.ts";
import { readClientKey } from "./credentials.ts";
import type { Session } from "./session.ts";

export type SignFlags = { readonly model?: string; readonly promptHash?: string; readonly promptFile?: string };

type Signed = { readonly body: JsonObject; readonly headers: Readonly<Record<string, string>> };

/** The proposal as it is sent: signed when the client is an agent, as it is for a person. `key` stands for it for ever. */
export function signIfAgent(
  { settings, host }: Session,
  proposal: JsonObject,
  of: { key: string; flags: SignFlags },
): Signed {
  const { key, flags } = of;
  if (settings.client?.startsWith("agent:") !== true) return { body: proposal, headers: { "idempotency-key": key } };
  const { clientId, jwk } = readClientKey(settings);
  const body: JsonObject = {
    ...proposal,
    agent: clientId,
    model: parseModel(flags.model),
    promptHash: promptHashOf(flags),
    iat: Math.floor(host.clock.nowMs() / 1000),
    jti: hash("sha256", key, "base64url"),
  };
  const jws = signDetached(canonicalJson(body), { jwk, type: "holdpoint-proposal+jws" });
  return { body, headers: { "holdpoint-signature": jws } };
}

function parseModel(text = ""): JsonObject {
  const [, provider, name, version] = /^([^/]+)\/(.+)@([^@]+)$/.exec(text) ?? [];
  if (provider === undefined || name === undefined || version === undefined) {
    throw usageError("an agent says which model made the proposal: --model provider/name@version");
  }
  return { provider, name, version };
}

const PROMPT_BYTES_MAX = 16 * 1024 * 1024;

function promptHashOf({ promptHash, promptFile }: SignFlags): string {
  if (promptHash !== undefined) return promptHash;
  if (promptFile === undefined)
    throw usageError("an agent names its prompt: --prompt-file, or its SHA-256 as --prompt-hash");
  const stat = statSync(promptFile, { throwIfNoEntry: false });
  if (stat?.isFile() !== true || stat.size > PROMPT_BYTES_MAX) throw usageError(`${promptFile} is no file of a prompt`);
  return hash("sha256", readFileSync(promptFile));
}
