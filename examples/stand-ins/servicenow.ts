// A stand-in for ServiceNow: the Table API for incidents and changes, standard changes from templates, and OAuth tokens.

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
  /** sys_ids of templates of standard changes. */
  readonly templates?: readonly string[];
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

const STANDARD = "/api/sn_chg_rest/change/standard/";
const SHARED: Readonly<Record<string, number>> = {
  short_description: 160,
  description: 4000,
  correlation_id: 100,
  correlation_display: 100,
  category: 40,
  close_code: 40,
  close_notes: 4000,
  state: 40,
  impact: 40,
  assignment_group: 32,
  assigned_to: 32,
  work_notes: 65_536,
  comments: 65_536,
};

/** Fields that may be written, with their lengths, and what a new record has where nobody says otherwise. */
type Table = {
  readonly path: string;
  readonly records: Incident[];
  readonly lengths: Readonly<Record<string, number>>;
  readonly numbers: string;
  readonly defaults: Incident;
};

function tables(): readonly Table[] {
  const incidents = { ...SHARED, urgency: 40, major_incident_state: 40, caller_id: 32 };
  const plans = { justification: 4000, implementation_plan: 4000, backout_plan: 4000, test_plan: 4000 };
  const changes = { ...SHARED, ...plans, type: 40, risk: 40, start_date: 40, end_date: 40, cmdb_ci: 32 };
  return [
    {
      path: "/api/now/table/incident",
      records: [],
      lengths: incidents,
      numbers: "INC",
      defaults: { urgency: "3", impact: "3", state: "1" },
    },
    {
      path: "/api/now/table/change_request",
      records: [],
      lengths: changes,
      numbers: "CHG",
      defaults: { type: "normal", risk: "3", impact: "3", state: "-5", approval: "not requested" },
    },
  ];
}

const REFERENCES = ["assignment_group", "assigned_to", "caller_id", "cmdb_ci"];
const JOURNALS = ["work_notes", "comments"];
/** When a change is to be carried out is written as stored: UTC. */
const INSTANTS = ["start_date", "end_date"];
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
  readonly #tables = tables();
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
    if (request.path.startsWith(STANDARD)) return this.#fromTemplate(request);
    const table = this.#tables.find(({ path }) => request.path === path || request.path.startsWith(`${path}/`));
    if (table === undefined) return this.#refuse(400, "Invalid table");
    const sysId = request.path.slice(table.path.length + 1);
    switch (`${request.method} ${sysId === "" ? "table" : "record"}`) {
      case "GET table":
        return this.#list(request, table);
      case "POST table":
        return this.#create(request, table);
      case "GET record":
        return this.#one(sysId, request, table);
      case "PATCH record":
        return this.#change(sysId, request, table);
      default:
        return this.#refuse(405, "Method not supported");
    }
  }

  get incidents(): Incident[] {
    return this.#tables[0]?.records ?? [];
  }

  get changes(): Incident[] {
    return this.#tables[1]?.records ?? [];
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

  #list({ query }: Received, { records }: Table): Reply {
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

  #one(sysId: string, { query }: Received, { records }: Table): Reply {
    const incident = records.find((candidate) => candidate["sys_id"] === sysId);
    return incident === undefined ? NOT_FOUND : { status: 200, json: { result: shown(incident, query) } };
  }

  #create(request: Received, table: Table): Reply {
    const fields = this.#fields(request, table);
    if (fields === undefined) return this.#refuse(400, "Exception while reading request");
    const record = this.#make(table, fields);
    const result = shown(record, request.query);
    return { status: 201, headers: { location: `${table.path}/${record["sys_id"]}` }, json: { result } };
  }

  #make({ records, lengths, numbers, defaults }: Table, fields: Incident): Incident {
    const number = `${numbers}${String(10_001 + records.length).padStart(7, "0")}`;
    const empty = Object.fromEntries(Object.keys(lengths).map((field) => [field, ""]));
    const system = { sys_id: randomBytes(16).toString("hex"), number, sys_mod_count: "0", sys_updated_on: now() };
    const record: Incident = { ...empty, ...defaults, ...fields, ...system };
    records.push(record);
    return record;
  }

  /** The change API: every field as a pair, 200, and what a template has comes from there. */
  #fromTemplate(request: Received): Reply {
    const template = request.path.slice(STANDARD.length);
    if (request.method !== "POST") return this.#refuse(405, "Method not supported");
    if (this.#options.templates?.includes(template) !== true) return NOT_FOUND;
    const changes = this.#tables[1];
    const fields = changes === undefined ? undefined : this.#fields(request, changes);
    if (changes === undefined || fields === undefined) return this.#refuse(400, "Exception while reading request");
    const plans = { implementation_plan: "As ever.", backout_plan: "As ever.", type: "standard" };
    const record = this.#make(changes, { ...fields, ...plans, approval: "approved", state: "-2" });
    const pairs = Object.entries(record).map(([name, value]) => [name, { value, display_value: value }] as const);
    return { status: 200, json: { result: { ...Object.fromEntries(pairs), __meta: { ignoredFields: [] } } } };
  }

  #change(sysId: string, request: Received, table: Table): Reply {
    const incident = table.records.find((candidate) => candidate["sys_id"] === sysId);
    if (incident === undefined) return NOT_FOUND;
    const fields = this.#fields(request, table);
    if (fields === undefined) return this.#refuse(400, "Exception while reading request");
    this.apply(incident, fields);
    return { status: 200, json: { result: shown(incident, request.query) } };
  }

  /** Counts as one change when anything changed; journals grow, the rest is replaced. */
  apply(incident: Incident, fields: Incident): void {
    const notes = Object.entries(fields).filter(([field]) => JOURNALS.includes(field));
    const values = Object.entries(fields).filter(([field]) => !JOURNALS.includes(field));
    if (notes.length === 0 && values.every(([field, value]) => incident[field] === value)) return;
    Object.assign(incident, Object.fromEntries(values));
    for (const [field, note] of notes)
      incident[field] = [incident[field] ?? "", note].filter((text) => text !== "").join("\n---\n");
    incident["sys_mod_count"] = String(Number(incident["sys_mod_count"]) + 1);
    incident["sys_updated_on"] = now();
  }

  #fields({ headers, body }: Received, { lengths }: Table): Incident | undefined {
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
      const complaint = complaintAbout(field, value, lengths[field]);
      if (complaint !== undefined) this.complaints.push(complaint);
      else if (this.#options.protectedFields?.includes(field) !== true) fields[field] = String(value);
    }
    return fields;
  }
}

/** ServiceNow itself would ignore such a field, or cut it; nobody should send one. */
function complaintAbout(field: string, value: unknown, length: number | undefined): string | undefined {
  if (length === undefined) return `unknown or read-only field: ${field}`;
  if (typeof value !== "string") return `not a text: ${field}`;
  if (value.length > length) return `longer than ${length}: ${field}`;
  if (INSTANTS.includes(field) && !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(value)) return `not a time: ${field}`;
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
    result[field] = JOURNALS.includes(field) ? "" : isLink ? { link: `https://instance/${value}`, value } : value;
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
      const records = [...vendor.incidents, ...vendor.changes];
      const incident = records.find((candidate) => candidate["sys_id"] === sysId);
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
