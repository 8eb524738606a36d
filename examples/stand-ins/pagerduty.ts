// A stand-in for PagerDuty: Events API v2, which checks each event and groups them by dedup key, and incidents over REST.

import { PagerdutyRest, type PagerdutyRestOptions, type WorkedOn } from "./pagerduty-rest.ts";
import { runStandIn, startStandIn, type Received, type Reply, type StandIn, type Vendor } from "./stand-in.ts";

export interface PagerdutyEvent {
  readonly routing_key: string;
  readonly event_action: "trigger" | "acknowledge" | "resolve";
  readonly dedup_key: string;
  readonly payload?: { readonly summary: string; readonly custom_details?: Readonly<Record<string, unknown>> };
}

export interface PagerdutyIncident {
  readonly dedupKey: string;
  status: "triggered" | "acknowledged" | "resolved";
  /** Trigger events that went into it; only the first one paged somebody. */
  triggers: number;
}

export interface PagerdutyOptions {
  readonly port?: number;
  /** A second check of each body, against the published schema: what is wrong with it, or nothing. */
  readonly check?: (body: unknown) => readonly string[];
  /** Routing keys that exist; any of 32 characters when absent. */
  readonly routingKeys?: readonly string[];
  /** The REST API; absent: there is none. */
  readonly rest?: PagerdutyRestOptions;
}

export interface PagerdutyStandIn extends StandIn {
  /** Accepted events, in order. */
  readonly events: readonly PagerdutyEvent[];
  /** Every incident that was opened: its number is the number of pages. */
  readonly incidents: readonly PagerdutyIncident[];
  /** What was wrong with the events that were refused. */
  readonly refusals: readonly string[];
  /** What was done with each incident over REST. */
  readonly worked: readonly WorkedOn[];
  /** Opens an incident, as an event of somebody else's would. */
  page(dedupKey: string): WorkedOn;
}

const ACTIONS = ["trigger", "acknowledge", "resolve"];
const SEVERITIES = ["critical", "error", "warning", "info"];
const BODY_BYTES_MAX = 524_288;

class Pagerduty implements Vendor {
  readonly events: PagerdutyEvent[] = [];
  readonly incidents: PagerdutyIncident[] = [];
  readonly refusals: string[] = [];
  readonly #options: PagerdutyOptions;
  readonly rest: PagerdutyRest;

  constructor(options: PagerdutyOptions) {
    this.#options = options;
    this.rest = new PagerdutyRest(options.rest ?? { token: "", users: {} }, this);
  }

  act(request: Received): Reply {
    if (this.#options.rest !== undefined && request.path !== "/v2/enqueue") return this.rest.act(request);
    if (request.method !== "POST" || request.path !== "/v2/enqueue") {
      return { status: 404, json: { status: "not found", message: "no such path" } };
    }
    const body = parse(request);
    const errors = [...checkEvent(body, this.#options.routingKeys), ...(this.#options.check?.(body) ?? [])];
    if (Buffer.byteLength(request.body) > BODY_BYTES_MAX) errors.push("event larger than 512 KiB");
    if (errors.length > 0) {
      this.refusals.push(...errors);
      return { status: 400, json: { status: "invalid event", message: "Event object is invalid", errors } };
    }
    const event = body as Omit<PagerdutyEvent, "dedup_key"> & { dedup_key?: string };
    const dedupKey = event.dedup_key ?? `stand-in-${this.events.length}`;
    this.events.push({ ...event, dedup_key: dedupKey });
    this.#apply(event.event_action, dedupKey);
    return { status: 202, json: { status: "success", message: "Event processed", dedup_key: dedupKey } };
  }

  /** A trigger joins the open incident of its key or opens one; the others change the open one, if there is any. */
  #apply(action: PagerdutyEvent["event_action"], dedupKey: string): void {
    const open = this.incidents.find((incident) => incident.dedupKey === dedupKey && incident.status !== "resolved");
    if (action === "trigger") {
      if (open === undefined) this.incidents.push({ dedupKey, status: "triggered", triggers: 1 });
      else open.triggers += 1;
    } else if (open !== undefined) open.status = action === "resolve" ? "resolved" : "acknowledged";
  }

  report(): unknown {
    const events = this.events.map((event) => ({ ...event, routing_key: "(hidden)" }));
    return { events, incidents: this.incidents, refusals: this.refusals };
  }
}

function parse(request: Received): unknown {
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) return undefined;
  try {
    return JSON.parse(request.body);
  } catch {
    return undefined;
  }
}

type Members = Readonly<Record<string, unknown>>;

function isMembers(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown, charsMax: number): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= charsMax;
}

function checkEvent(body: unknown, routingKeys: readonly string[] | undefined): string[] {
  if (!isMembers(body)) return ["not a JSON object with content type application/json"];
  const errors: string[] = [];
  const { routing_key: routingKey, event_action: action, dedup_key: dedupKey, payload } = body;
  const isKnown = routingKeys === undefined || routingKeys.includes(String(routingKey));
  if (typeof routingKey !== "string" || routingKey.length !== 32 || !isKnown) errors.push("'routing_key' is invalid");
  if (!ACTIONS.includes(String(action))) errors.push("'event_action' is invalid");
  const needsKey = action !== "trigger";
  if (dedupKey === undefined ? needsKey : !isText(dedupKey, 255))
    errors.push("'dedup_key' is missing or longer than 255");
  if (action === "trigger") errors.push(...checkPayload(payload));
  return errors;
}

function checkPayload(payload: unknown): string[] {
  if (!isMembers(payload)) return ["'payload' is missing"];
  const errors: string[] = [];
  if (!isText(payload["summary"], 1024)) errors.push("'payload.summary' is missing or longer than 1024");
  if (!isText(payload["source"], 1024)) errors.push("'payload.source' is missing");
  if (!SEVERITIES.includes(String(payload["severity"]))) errors.push("'payload.severity' is invalid");
  const details = payload["custom_details"];
  if (details !== undefined && !isMembers(details)) errors.push("'payload.custom_details' is no object");
  return errors;
}

export async function startPagerduty(options: PagerdutyOptions = {}): Promise<PagerdutyStandIn> {
  const vendor = new Pagerduty(options);
  const standIn = await startStandIn(vendor, options.port);
  const page = (dedupKey: string): WorkedOn => {
    vendor.incidents.push({ dedupKey, status: "triggered", triggers: 1 });
    return vendor.rest.workOn(vendor.incidents.length - 1);
  };
  const { events, incidents, refusals, rest } = vendor;
  return { ...standIn, events, incidents, refusals, worked: rest.worked, page };
}

if (import.meta.main) await runStandIn("pagerduty", (port) => startPagerduty({ port }));
