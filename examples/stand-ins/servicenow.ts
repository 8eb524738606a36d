// A stand-in for ServiceNow: the Table API for incidents, and the OAuth token endpoint, by their documented rules.

import { randomBytes } from "node:crypto";
import { runStandIn, startStandIn, type Received, type Reply, type StandIn, type Vendor } from "./stand-in.ts";

export type Incident = Record<string, string>;

export interface ServicenowOptions {
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Seconds that a token lives. */
  readonly tokenLifetimeS?: number;
  /** Like an instance whose caller may not query by correlation_id: conditions are dropped, not refused. */
  readonly dropsConditions?: boolean;
  /** Fields that rules protect: writes leave them out and still succeed. */
  readonly protectedFields?: readonly string[];
}

export interface ServicenowStandIn extends StandIn {
  readonly incidents: readonly Incident[];
  /** Change requests, each with `number`, `approval`, `state`, `start_date` and `end_date`. */
  readonly changes: Incident[];
  /** What was wrong with requests that were refused, or that a strict reader of the manual would complain about. */
  readonly complaints: readonly string[];
  readonly tokensIssued: () => number;
  /** Makes every token invalid at once. */
  revokeTokens(): void;
  /** A change by somebody else. */
  touch(sysId: string, fields: Incident): void;
}

const TABLE = "/api/now/table/incident";
const CHANGES = "/api/now/table/change_request";
const LENGTHS: Readonly<Record<string, number>> = {
  short_description: 160,
  description: 4000,
  correlation_id: 100,
  correlation_display: 100,
  category: 40,
  close_code: 40,
  close_notes: 4000,
  state: 40,
  urgency: 40,
  major_incident_state: 40,
  impact: 40,
  assignment_group: 32,
  caller_id: 32,
  work_notes: 65_536,
};
const REFERENCES = ["assignment_group", "caller_id"];
const NOT_FOUND: Reply = {
  status: 404,
  json: {
    error: { message: "No Record found", detail: "Record doesn't exist or ACL restricts the record retrieval" },
    status: "failure",
  },
};
const UNAUTHENTICATED: Reply = {
  status: 401,
  headers: { "www-authenticate": 'BASIC realm="Service-now"' },
  json: {
    error: { message: "User Not Authenticated", detail: "Required to provide Auth information" },
    status: "failure",
  },
};

class Servicenow implements Vendor {
  readonly incidents: Incident[] = [];
  readonly changes: Incident[] = [];
  readonly complaints: string[] = [];
  readonly tokens = new Map<string, number>();
  issued = 0;
  readonly #options: ServicenowOptions;

  constructor(options: ServicenowOptions) {
    this.#options = options;
  }

  act(request: Received): Reply {
    if (request.path === "/oauth_token.do") return this.#issueToken(request);
    if (!this.#isAuthenticated(request)) return UNAUTHENTICATED;
    if (request.headers.accept !== "application/json") this.complaints.push("no Accept: application/json");
    const sysId = request.path.startsWith(`${TABLE}/`) ? request.path.slice(TABLE.length + 1) : undefined;
    if (request.path === CHANGES && request.method === "GET") return this.#list(request, this.changes);
    if (sysId === undefined && request.path !== TABLE) return this.#refuse(400, "Invalid table");
    switch (`${request.method} ${sysId === undefined ? "table" : "record"}`) {
      case "GET table":
        return this.#list(request);
      case "POST table":
        return this.#create(request);
      case "GET record":
        return this.#one(sysId ?? "", request);
      case "PATCH record":
        return this.#change(sysId ?? "", request);
      default:
        return this.#refuse(405, "Method not supported");
    }
  }

  report(): unknown {
    return { incidents: this.incidents, complaints: this.complaints };
  }

  #refuse(status: number, message: string): Reply {
    this.complaints.push(message);
    return { status, json: { error: { message, detail: null }, status: "failure" } };
  }

  #issueToken({ method, headers, body }: Received): Reply {
    const form = new URLSearchParams(body);
    const { clientId = "holdpoint", clientSecret = "", tokenLifetimeS = 1799 } = this.#options;
    const isForm = headers["content-type"] === "application/x-www-form-urlencoded";
    const isClient = form.get("client_id") === clientId && form.get("client_secret") === clientSecret;
    if (method !== "POST" || !isForm || form.get("grant_type") !== "client_credentials" || !isClient) {
      return { status: 401, json: { error: "access_denied", error_description: "access_denied" } };
    }
    const token = randomBytes(32).toString("base64url");
    this.issued += 1;
    this.tokens.set(token, Date.now() + tokenLifetimeS * 1000);
    return {
      status: 200,
      json: { access_token: token, scope: "useraccount", token_type: "Bearer", expires_in: tokenLifetimeS },
    };
  }

  #isAuthenticated({ headers }: Received): boolean {
    const [scheme, value = ""] = (headers.authorization ?? "").split(" ");
    if (scheme === "Bearer") return (this.tokens.get(value) ?? 0) > Date.now();
    const { user = "holdpoint", password } = this.#options;
    return (
      scheme === "Basic" && password !== undefined && Buffer.from(value, "base64").toString() === `${user}:${password}`
    );
  }

  #list({ query }: Received, records: readonly Incident[] = this.incidents): Reply {
    const conditions = (query.get("sysparm_query") ?? "").split("^").filter((part) => !part.startsWith("ORDERBY"));
    const wanted = conditions.map((condition) => /^(\w+)=(.*)$/.exec(condition));
    if (wanted.some((match) => match === null)) return this.#refuse(400, "a query this stand-in does not know");
    const matches = records.filter((incident) => {
      if (this.#options.dropsConditions === true) return true;
      // Comparisons in ServiceNow do not mind upper and lower case.
      return wanted.every((match) => incident[match?.[1] ?? ""]?.toLowerCase() === match?.[2]?.toLowerCase());
    });
    const limit = Number(query.get("sysparm_limit") ?? "10000");
    return { status: 200, json: { result: matches.slice(0, limit).map((incident) => shown(incident, query)) } };
  }

  #one(sysId: string, { query }: Received): Reply {
    const incident = this.incidents.find((candidate) => candidate["sys_id"] === sysId);
    return incident === undefined ? NOT_FOUND : { status: 200, json: { result: shown(incident, query) } };
  }

  #create(request: Received): Reply {
    const fields = this.#fields(request);
    if (fields === undefined) return this.#refuse(400, "Exception while reading request");
    const sysId = randomBytes(16).toString("hex");
    const number = `INC${String(10_001 + this.incidents.length).padStart(7, "0")}`;
    const empty = Object.fromEntries(Object.keys(LENGTHS).map((field) => [field, ""]));
    const system = { sys_id: sysId, number, sys_mod_count: "0", sys_updated_on: now() };
    const incident: Incident = { ...empty, urgency: "3", impact: "3", state: "1", ...fields, ...system };
    this.incidents.push(incident);
    const result = shown(incident, request.query);
    return { status: 201, headers: { location: `${TABLE}/${sysId}` }, json: { result } };
  }

  #change(sysId: string, request: Received): Reply {
    const incident = this.incidents.find((candidate) => candidate["sys_id"] === sysId);
    if (incident === undefined) return NOT_FOUND;
    const fields = this.#fields(request);
    if (fields === undefined) return this.#refuse(400, "Exception while reading request");
    this.apply(incident, fields);
    return { status: 200, json: { result: shown(incident, request.query) } };
  }

  /** Counts as one change when anything changed; the journal grows, the rest is replaced. */
  apply(incident: Incident, { work_notes: note, ...values }: Incident): void {
    const isChange = note !== undefined || Object.entries(values).some(([field, value]) => incident[field] !== value);
    if (!isChange) return;
    Object.assign(incident, values);
    if (note !== undefined)
      incident["work_notes"] = [incident["work_notes"], note].filter((text) => text !== "").join("\n---\n");
    incident["sys_mod_count"] = String(Number(incident["sys_mod_count"]) + 1);
    incident["sys_updated_on"] = now();
  }

  #fields({ headers, body }: Received): Incident | undefined {
    if (!/^application\/json\b/.test(headers["content-type"] ?? "")) return undefined;
    let parsed: unknown;
    try {
      parsed = JSON.parse(body);
    } catch {
      return undefined;
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
    const fields: Incident = {};
    for (const [field, value] of Object.entries(parsed)) {
      const complaint = complaintAbout(field, value);
      if (complaint !== undefined) this.complaints.push(complaint);
      else if (this.#options.protectedFields?.includes(field) !== true) fields[field] = String(value);
    }
    return fields;
  }
}

/** ServiceNow itself would ignore such a field, or cut it; nobody should send one. */
function complaintAbout(field: string, value: unknown): string | undefined {
  const length = LENGTHS[field];
  if (length === undefined) return `unknown or read-only field: ${field}`;
  if (typeof value !== "string") return `not a text: ${field}`;
  if (value.length > length) return `longer than ${length}: ${field}`;
  const isReference = REFERENCES.includes(field) && value !== "";
  return isReference && !/^[0-9a-f]{32}$/.test(value) ? `not a sys_id: ${field}` : undefined;
}

/** The record as an answer shows it: chosen fields, references as links unless that is excluded, no journal. */
function shown(incident: Incident, query: URLSearchParams): Record<string, unknown> {
  const chosen = query.get("sysparm_fields")?.split(",");
  const isPlain = query.get("sysparm_exclude_reference_link") === "true";
  const result: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(incident)) {
    if (chosen?.includes(field) === false) continue;
    const isLink = REFERENCES.includes(field) && value !== "" && !isPlain;
    result[field] = field === "work_notes" ? "" : isLink ? { link: `https://instance/${value}`, value } : value;
  }
  return result;
}

function now(): string {
  return new Date().toISOString().slice(0, 19).replace("T", " ");
}

export async function startServicenow(options: ServicenowOptions = {}): Promise<ServicenowStandIn> {
  const vendor = new Servicenow(options);
  const standIn = await startStandIn(vendor, options.port);
  return {
    ...standIn,
    incidents: vendor.incidents,
    changes: vendor.changes,
    complaints: vendor.complaints,
    tokensIssued: () => vendor.issued,
    revokeTokens: () => vendor.tokens.clear(),
    touch: (sysId, fields) => {
      const incident = vendor.incidents.find((candidate) => candidate["sys_id"] === sysId);
      if (incident !== undefined) vendor.apply(incident, fields);
    },
  };
}

if (import.meta.main) {
  // For examples only: a real instance's secret never stands on a command line or in an environment of this kind.
  const {
    STAND_IN_PASSWORD: password = "stand-in-password",
    STAND_IN_CLIENT_SECRET: clientSecret = "stand-in-secret",
  } = process.env;
  await runStandIn("servicenow", (port) => startServicenow({ port, password, clientSecret }));
}
