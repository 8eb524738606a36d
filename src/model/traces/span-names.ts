// From what a span says to names of nodes: nothing that differs from request to request becomes a name.

import { plainName } from "../../core/names.ts";
import { nodeText } from "../../wire/schemas/model.ts";
import { SPAN_KIND, type TelemetrySpan } from "../../wire/types/telemetry-span.ts";

const OPERATION_CHARS_MAX = 120;
const UNKNOWN = "unknown";
/** A path's segment or a word that names an operation: letters first, at most two digits. */
const STEADY = /^(?:[A-Za-z_][A-Za-z._~-]*\d{0,2}|v\d{1,3}|\*)$/;

/** The nearest plain name: other characters become dashes. */
function plainly(text: string): string {
  const cleaned = text.slice(0, 200).replaceAll(/[^A-Za-z0-9._/-]+/g, "-");
  return plainName(cleaned.replace(/^[^A-Za-z0-9]+/, "").slice(0, 128)) ?? UNKNOWN;
}

export type Place = { readonly service: string; readonly environment: string | null };

export function placeOf({ service, environment }: Pick<TelemetrySpan, "service" | "environment">): Place {
  return { service: plainly(service), environment: environment === "" ? null : plainly(environment) };
}

export function serviceText({ service, environment }: Place): string {
  return nodeText({ kind: "service", environment, name: service });
}

export function operationText({ service, environment }: Place, operation: string): string {
  return nodeText({ kind: "operation", environment, name: `${service} ${operation}` });
}

/** `GET /cart/{}`, `shop.Cart/Add`, or the span's own name without what looks like an id. */
export function operationOf({ name, names, kind }: TelemetrySpan): string {
  if (names.route !== undefined) return steady(`${names.method ?? ""} ${names.route}`);
  if (names.rpcService !== undefined) return steady(`${names.rpcService}/${names.rpcMethod ?? ""}`);
  if (kind === SPAN_KIND.consumer && names.destination !== undefined) return steady(`process ${names.destination}`);
  return steady(name);
}

function steady(text: string): string {
  const words = (text.split("?", 1)[0] ?? "").trim().split(/\s+/).slice(0, 8);
  const told = words.map((word) => word.split("/").map(steadySegment).join("/")).join(" ");
  const operation = told.slice(0, OPERATION_CHARS_MAX).trim();
  return operation === "" ? UNKNOWN : operation;
}

function steadySegment(segment: string): string {
  return segment === "" || STEADY.test(segment) ? segment : "{}";
}

/** What a span that ends outside every service we hear of went to, and how. */
export interface Dependency {
  readonly kind: "calls" | "reads" | "writes";
  readonly node: string;
}

const READING =
  /^(?:select|get|mget|hget|hgetall|exists|ttl|scan|find|query|read|fetch|search|count|aggregate|describe|show)/i;
const RECEIVING = /^(?:receive|process|deliver|poll)/i;

/** Null where nothing is named. `service` is what an address was seen to be. */
export function dependencyOf(
  { names, kind, name }: TelemetrySpan,
  { environment }: Place,
  serviceAt: (address: string) => string | undefined,
): Dependency | null {
  const at = (of: "datastore" | "queue", text: string): string =>
    nodeText({ kind: of, environment, name: plainly(text) });
  if (names.messagingSystem !== undefined || kind === SPAN_KIND.producer) {
    if (names.destination === undefined) return null;
    const isReading = kind === SPAN_KIND.consumer || RECEIVING.test(names.messagingOperation ?? "");
    return { kind: isReading ? "reads" : "writes", node: at("queue", names.destination) };
  }
  if (kind !== SPAN_KIND.client) return null;
  if (names.dbSystem !== undefined) {
    const place = names.serverAddress ?? names.dbName;
    const node = at("datastore", place === undefined ? names.dbSystem : `${names.dbSystem}/${place}`);
    return { kind: READING.test(names.dbOperation ?? name) ? "reads" : "writes", node };
  }
  const address = names.peerService ?? names.serverAddress;
  if (address === undefined || isNumeric(address)) return null;
  return { kind: "calls", node: serviceText({ service: serviceAt(address) ?? plainly(address), environment }) };
}

/** Addresses by number are one machine's for a while; they name nothing. */
function isNumeric(address: string): boolean {
  return /^[\d.]+$/.test(address) || address.includes(":");
}
