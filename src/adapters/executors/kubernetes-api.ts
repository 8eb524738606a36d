// One cluster's API server over the way out: reads, dry runs and writes, each with the access of that moment.

import type { Clock } from "../../core/clock.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Answer, Egress, OutboundCall, OutboundRequest } from "../../wire/contracts/egress.ts";
import type { KubernetesCluster } from "../../wire/schemas/kubernetes-config.ts";
import { parseAddress } from "../../wire/schemas/origin.ts";
import { readAccess } from "./kubernetes-access.ts";
import { AccessProblem, type Access } from "./kubernetes-identity.ts";
import { parseObject, type KubernetesObject } from "./kubernetes-object.ts";
import { collectionPath, pathOf, type Place } from "./kubernetes-place.ts";
import { jsonObjectOf } from "./step-outcomes.ts";

/** An object has at most 1.5 MiB in etcd; lists are asked for in pages of at most this many. */
const ANSWER_BYTES_MAX = 8 * 1_048_576;
const LIST_MAX = 100;
const PAGES_MAX = 50;

/** How an object is written: `apply` is server-side apply, the others are what RFC 7396, RFC 6902 and DELETE do. */
export type Verb = "apply" | "merge" | "json" | "delete";

export interface Write {
  readonly verb: Verb;
  readonly body: Json;
  /** Under which name the API server remembers who set a field. */
  readonly manager: string;
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** An answer of the API server, or why there is none, and the values that must not be repeated. */
export interface Heard {
  readonly answer: Answer | { readonly kind: "no-access"; readonly reason: string };
  readonly secrets: readonly string[];
}

export interface KubernetesApi {
  readonly cluster: KubernetesCluster;
  /** Where it is, as configuration has it. */
  readonly server: string;
  read(place: Place, signal: AbortSignal): Promise<Heard>;
  /** A page of the objects of one kind in a namespace that carry the labels. */
  list(listed: Listed, signal: AbortSignal): Promise<Heard>;
  write(place: Place, write: Write, signal: AbortSignal): Promise<Heard>;
  /** Asks which versions the API has: whoever is known there may. */
  discover(signal: AbortSignal): Promise<Heard>;
  nowMs(): number;
}

export interface Listed {
  readonly word: Place["word"];
  readonly namespace: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Where the page before this one ended. */
  readonly continue?: string;
}

export interface ApiParts {
  readonly cluster: KubernetesCluster;
  readonly egress: Egress;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

const TYPES: Readonly<Record<Verb, string>> = {
  apply: "application/apply-patch+yaml", // JSON is YAML
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  delete: "application/json",
};

/** Throws `config-invalid` for an address that may not leave this machine. */
export function openKubernetesApi({ cluster, egress, credentials, clock }: ApiParts): KubernetesApi {
  const address = parseAddress(cluster.connection.server);
  const { origin } = address;
  const prefix = address.pathname.replace(/\/$/, "");
  const call = egress.callTo(origin, { answerBytesMax: ANSWER_BYTES_MAX });
  const send = async (request: Sent, signal: AbortSignal): Promise<Heard> => {
    let access: Access;
    try {
      access = await readAccess(cluster.connection, credentials, signal);
    } catch (error) {
      if (!(error instanceof AccessProblem)) throw error;
      if (signal.aborted) return { answer: { kind: "unsent", code: "aborted" }, secrets: [] };
      return { answer: { kind: "no-access", reason: error.message }, secrets: [] };
    }
    return sendAs(access, call, { ...request, origin, path: prefix + request.path }, signal);
  };
  return {
    cluster,
    server: address.href,
    read: (place, signal) => send({ method: "GET", path: pathOf(place) }, signal),
    list: (listed, signal) => send({ method: "GET", path: listPath(listed) }, signal),
    write: (place, write, signal) => send(requestOf(place, write), signal),
    discover: (signal) => send({ method: "GET", path: "/api" }, signal),
    nowMs: () => clock.nowMs(),
  };
}

function listPath({ word, namespace, labels = {}, continue: from }: Listed): string {
  const query = new URLSearchParams({ limit: String(LIST_MAX) });
  const selector = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  if (selector.length > 0) query.set("labelSelector", selector.join(","));
  if (from !== undefined) query.set("continue", from);
  return `${collectionPath(word, namespace)}?${query.toString()}`;
}

type Sent = Pick<OutboundRequest, "method" | "path" | "body"> & { readonly type?: string };

function requestOf(place: Place, { verb, body, manager, force, dryRun }: Write): Sent {
  const query = new URLSearchParams();
  if (verb !== "delete") query.set("fieldManager", manager);
  if (verb === "apply") query.set("force", String(force));
  // A field that the server does not know is an error, where the server can tell (1.25 and later).
  if (verb !== "delete") query.set("fieldValidation", "Strict");
  if (dryRun) query.set("dryRun", "All");
  const path = `${pathOf(place)}?${query.toString()}`;
  if (verb !== "delete") return { method: "PATCH", path, body: JSON.stringify(body), type: TYPES[verb] };
  // With options in the body the API server reads none from the query: left out here, a dry run would delete.
  const options = dryRun ? { ...(body as JsonObject), dryRun: ["All"] } : body;
  return { method: "DELETE", path, body: JSON.stringify(options), type: TYPES[verb] };
}

async function sendAs(
  { tls, token }: Access,
  call: OutboundCall,
  { type, ...request }: Sent & { readonly origin: string },
  signal: AbortSignal,
): Promise<Heard> {
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(type === undefined ? {} : { "content-type": type }),
  };
  const secrets = token === null ? [] : [token];
  return { answer: await call({ ...request, headers, tls }, signal), secrets };
}

/** The object in an answer that says 2xx; undefined for every other. */
export function objectIn({ answer }: Heard): KubernetesObject | undefined {
  return isGood(answer) ? parseObject(jsonObjectOf(answer)) : undefined;
}

/** What answers a deletion that left no object. */
export function isStatus({ answer }: Heard): boolean {
  return isGood(answer) && jsonObjectOf(answer)?.["kind"] === "Status";
}

/** All objects of a list, page by page, or the answer that stood in the way; thousands of them are none to go through. */
export async function listAll(
  api: KubernetesApi,
  listed: Listed,
  signal: AbortSignal,
): Promise<readonly JsonObject[] | Heard> {
  const objects: JsonObject[] = [];
  let from: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const heard = await api.list({ ...listed, ...(from === undefined ? {} : { continue: from }) }, signal);
    const body = isGood(heard.answer) ? jsonObjectOf(heard.answer) : undefined;
    const items = body?.["items"];
    if (!Array.isArray(items)) return heard;
    objects.push(...(items as readonly JsonObject[]));
    const next = (body?.["metadata"] as JsonObject | undefined)?.["continue"];
    if (typeof next !== "string" || next === "") return objects;
    from = next;
  }
  return { answer: { kind: "lost", code: "answer-too-large" }, secrets: [] };
}

function isGood(answer: Heard["answer"]): answer is Extract<Answer, { kind: "answered" }> {
  return answer.kind === "answered" && answer.status >= 200 && answer.status < 300;
}
