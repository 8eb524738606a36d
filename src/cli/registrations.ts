// Requests to register somebody: written with a key that is made on this machine, proposed by whoever is signed in.

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { signDetached } from "../adapters/identity/detached-jws.ts";
import { generatePrivateJwk, publicJwkOf, readPrivateJwk, writePrivateJwk } from "../adapters/identity/key-pairs.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import type { JsonObject } from "../core/json.ts";
import { parseStrictJson } from "../core/strict-json.ts";
import { keyThumbprint } from "../wire/schemas/agents.ts";
import { apiPath } from "./api-client.ts";
import { CliError, usageError } from "./cli-error.ts";
import { keyPathOf } from "./credentials.ts";
import { EXIT, exitOfStatus, type ExitCode } from "./exit-codes.ts";
import { Fields } from "./fields.ts";
import type { OutputFormat } from "./output.ts";
import type { Session } from "./session.ts";
import { checkWatched, statusLine, watchAction } from "./watch-action.ts";

const FILE_BYTES_MAX = 64 * 1024;

export const REGISTRATION_FORMATS = ["table", "json", "yaml"] as const;

type Wanted = {
  readonly id: string;
  /** All of the request but its keys and what proves them. */
  readonly asked: object;
  /** Throws for what the server would refuse: that is not written. */
  readonly check: (request: JsonObject) => unknown;
  readonly reuseKey: boolean;
  readonly out: string;
};

type Written = { readonly id: string; readonly request: string; readonly keyFile: string; readonly thumbprint: string };

/** Writes the request, and the private key unless it is there and used again. */
export function writeKeyedRequest({ host, settings }: Session, wanted: Wanted): Written {
  const { id, asked, check, reuseKey, out } = wanted;
  const keyPath = keyPathOf(settings.configDir, id);
  const isKept = existsSync(keyPath) && reuseKey;
  const jwk = isKept ? readPrivateJwk(keyPath) : generatePrivateJwk(host.random);
  const keyed = { ...asked, keys: [{ ...publicJwkOf(jwk) }] } as unknown as JsonObject;
  const proof = signDetached(canonicalJson(keyed), { jwk, type: "holdpoint-registration+jws" });
  const request = { ...keyed, proofs: [proof] };
  check(request);
  if (!isKept) {
    mkdirSync(dirname(keyPath), { recursive: true, mode: 0o700 });
    writePrivateJwk(keyPath, jwk);
  }
  writeRequest(out, request);
  return { id, request: out, keyFile: keyPath, thumbprint: keyThumbprint(publicJwkOf(jwk)) };
}

export function writeRequest(out: string, request: object): void {
  writeFileSync(out, `${JSON.stringify(request, null, 2)}\n`);
}

export function readRequest(path: string): JsonObject {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() !== true || stat.size > FILE_BYTES_MAX) throw usageError(`${path} is no request to register`);
  let value;
  try {
    value = parseStrictJson(readFileSync(path, "utf8"));
  } catch {
    throw new CliError(`${path} is not JSON`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw usageError(`${path} holds no object`);
  return value as JsonObject;
}

type Noun = "agents" | "people" | "groups" | "grants";

export type ProposeFlags = { readonly watch?: true; readonly output: OutputFormat };

/** Exits as the action that it makes. */
export async function proposeRegistration(
  session: Session,
  { noun, body, flags }: { readonly noun: Noun; readonly body: JsonObject; readonly flags: ProposeFlags },
): Promise<ExitCode> {
  const { api, output } = session;
  if (flags.watch) checkWatched(flags.output);
  const answer = await api.call({ method: "POST", path: apiPath("v1", noun), body });
  const decision = new Fields(answer.body);
  const status = decision.exact("status");
  if (!flags.watch) output.printResult(decision, statusLine(decision), flags.output);
  const who = noun === "grants" ? "somebody else" : "an owner";
  if (status === "held") output.note(`next: ${who} runs \`holdpoint approve ${decision.text("id")}\``);
  return flags.watch ? watchAction(session, decision.exact("id"), { format: flags.output }) : exitOfStatus(status);
}

export type RevokeFlags = { readonly reason?: string; readonly output: OutputFormat };

export async function revokeRegistered(
  { api, output }: Session,
  { noun, id, flags }: { readonly noun: "agents" | "people"; readonly id: string; readonly flags: RevokeFlags },
): Promise<ExitCode> {
  const { reason } = flags;
  const body = reason === undefined ? {} : { reason };
  const answer = await api.call({ method: "POST", path: apiPath("v1", noun, id, "revoke"), body });
  const revoked = new Fields(answer.body);
  output.printResult(revoked, statusLine(revoked), flags.output);
  return EXIT.ok;
}
