// How the stand-in for PagerDuty answers over the REST API v2: incidents, notes, escalation, responders, status updates.

import type { PagerdutyIncident } from "./pagerduty.ts";
import type { Received, Reply } from "./stand-in.ts";

export interface PagerdutyRestOptions {
  readonly token: string;
  /** Users that there are, by id: their addresses. */
  readonly users: Readonly<Record<string, string>>;
  /** Like an account whose incidents do not show who was asked to help. */
  readonly hidesRequests?: boolean;
}

/** What has been done with an incident, beside its alert. */
export type WorkedOn = {
  readonly id: string;
  readonly notes: { readonly id: string; readonly content: string }[];
  readonly requests: { readonly message: string; readonly targets: readonly string[] }[];
  readonly updates: string[];
  readonly snoozed: number[];
  /** Policy and level of each escalation. */
  readonly escalations: string[];
  policy: string;
  assignee: string;
  urgency: string;
};

type Body = Readonly<Record<string, unknown>>;

const VERSION = "application/vnd.pagerduty+json;version=2";
const SNOOZE_S_MAX = 604_800;

class Refusal extends Error {
  readonly reply: Reply;
  constructor(status: number, message: string, errors: readonly string[] = []) {
    super(message);
    this.reply = { status, json: { error: { message, code: 2001, errors } } };
  }
}

export class PagerdutyRest {
  readonly worked: WorkedOn[] = [];
  readonly #options: PagerdutyRestOptions;
  readonly #incidents: readonly PagerdutyIncident[];
  readonly #complaints: string[];

  constructor(
    options: PagerdutyRestOptions,
    { incidents, refusals }: { incidents: readonly PagerdutyIncident[]; refusals: string[] },
  ) {
    this.#options = options;
    this.#incidents = incidents;
    this.#complaints = refusals;
  }

  act(request: Received): Reply {
    try {
      return this.#answer(request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.reply.status === 400) this.#complaints.push(error.message);
      return error.reply;
    }
  }

  /** Of an incident, by its place among them. */
  workOn(index: number): WorkedOn {
    for (let next = this.worked.length; next <= index; next++) {
      const lists = { notes: [], requests: [], updates: [], snoozed: [], escalations: [] };
      const id = `PINC${String(next).padStart(4, "0")}`;
      this.worked.push({ id, ...lists, policy: "PFIRST0", assignee: "PONCALL1", urgency: "high" });
    }
    return this.worked[index] as WorkedOn;
  }

  #answer(request: Received): Reply {
    const { method, path, query, headers } = request;
    if (headers.authorization !== `Token token=${this.#options.token}`) throw new Refusal(401, "Unauthorized");
    if (headers.accept !== VERSION) this.#complaints.push(`not the version: ${headers.accept}`);
    const [, user] = /^\/users\/(\w+)$/.exec(path) ?? [];
    if (user !== undefined) {
      if (!Object.hasOwn(this.#options.users, user)) throw new Refusal(404, "Not Found");
      return { status: 200, json: { user: { id: user, email: this.#options.users[user] } } };
    }
    if (`${method} ${path}` === "GET /incidents") return this.#list(query);
    const [, id = "", rest = ""] = /^\/incidents\/(\w+)(\/\w+)?$/.exec(path) ?? [];
    const index = this.#incidents.findIndex((_, n) => this.workOn(n).id === id);
    const incident = this.#incidents[index];
    if (incident === undefined) throw new Refusal(404, "Not Found");
    if (method === "GET") return this.#show(index, rest);
    return this.#write(request, { index, rest });
  }

  #list(query: URLSearchParams): Reply {
    const statuses = query.getAll("statuses[]");
    const key = query.get("incident_key");
    const found = this.#incidents
      .map((incident, index) => ({ incident, index }))
      .filter(({ incident }) => incident.dedupKey === key && statuses.includes(incident.status));
    return { status: 200, json: { incidents: found.map(({ index }) => this.#incident(index)), more: false } };
  }

  #show(index: number, rest: string): Reply {
    const work = this.workOn(index);
    switch (rest) {
      case "":
        return { status: 200, json: { incident: this.#incident(index) } };
      case "/notes":
        return { status: 200, json: { notes: work.notes } };
      case "/alerts":
        return { status: 200, json: { alerts: [{ alert_key: this.#incidents[index]?.dedupKey }] } };
      default:
        throw new Refusal(404, "Not Found");
    }
  }

  #incident(index: number): object {
    const { id, policy, assignee, urgency, requests } = this.workOn(index);
    const { dedupKey, status } = this.#incidents[index] as PagerdutyIncident;
    const isHidden = this.#options.hidesRequests === true;
    return {
      id,
      type: "incident",
      incident_number: index + 1,
      incident_key: dedupKey,
      title: dedupKey,
      status,
      urgency,
      service: { id: "PSERVICE", type: "service_reference", summary: "Web" },
      escalation_policy: { id: policy, type: "escalation_policy_reference", summary: policy },
      assignments: status === "resolved" ? [] : [{ assignee: { id: assignee, type: "user_reference" } }],
      ...(isHidden ? {} : { responder_requests: requests.map(({ message }) => ({ message })) }),
    };
  }

  #write({ method, headers, body }: Received, { index, rest }: { index: number; rest: string }): Reply {
    if (!/^application\/json\b/.test(headers["content-type"] ?? "")) throw new Refusal(400, "no JSON");
    if (!Object.values(this.#options.users).includes(headers.from ?? ""))
      throw new Refusal(400, "Requester User Not Found");
    const given = JSON.parse(body) as Body;
    const work = this.workOn(index);
    const isResolved = this.#incidents[index]?.status === "resolved";
    switch (`${method} ${rest}`) {
      case "PUT ":
        return this.#change(index, given["incident"] as Body);
      case "POST /notes": {
        const { content } = given["note"] as { readonly content?: unknown };
        if (typeof content !== "string" || content === "") throw new Refusal(400, "Content cannot be empty.");
        const note = { id: `PNOTE${String(work.notes.length).padStart(3, "0")}`, content };
        work.notes.push(note);
        return { status: 200, json: { note } };
      }
      case "POST /responder_requests":
        return this.#ask(work, given);
      case "POST /status_updates": {
        const { message } = given;
        if (typeof message !== "string" || message === "") throw new Refusal(400, "Message cannot be empty.");
        work.updates.push(message);
        return { status: 200, json: { status_update: { id: `PUPD${work.updates.length}`, message } } };
      }
      case "POST /snooze": {
        const { duration } = given;
        const isSound = Number.isInteger(duration) && Number(duration) > 0 && Number(duration) <= SNOOZE_S_MAX;
        if (!isSound || isResolved) throw new Refusal(400, "Incident cannot be snoozed.");
        work.snoozed.push(Number(duration));
        return { status: 201, json: { incident: this.#incident(index) } };
      }
      default:
        throw new Refusal(404, "Not Found");
    }
  }

  #change(index: number, wanted: Body): Reply {
    const work = this.workOn(index);
    const { type, escalation_policy: policy, escalation_level: level, urgency } = wanted;
    if (type !== "incident_reference" && type !== "incident") throw new Refusal(400, "type is missing");
    if (this.#incidents[index]?.status === "resolved") throw new Refusal(400, "Incident Already Resolved");
    if (policy !== undefined) work.policy = (policy as { readonly id: string }).id;
    if (typeof urgency === "string") work.urgency = urgency;
    if (policy !== undefined || level !== undefined) {
      work.assignee = `${work.policy}${Number(level ?? 1)}`;
      work.escalations.push(work.assignee);
    }
    return { status: 200, json: { incident: this.#incident(index) } };
  }

  #ask(work: WorkedOn, given: Body): Reply {
    const { requester_id: requester, message, responder_request_targets: targets } = given;
    if (!Object.hasOwn(this.#options.users, String(requester))) throw new Refusal(400, "Requester not found.");
    if (typeof message !== "string" || !Array.isArray(targets) || targets.length === 0)
      throw new Refusal(400, "no targets");
    const ids = targets.map((one) => (one as Target).responder_request_target);
    if (ids.some(({ type }) => !/^(user|escalation_policy)_reference$/.test(type))) throw new Refusal(400, "no target");
    work.requests.push({ message, targets: ids.map(({ id }) => id) });
    return { status: 200, json: { responder_request: { message, incident: { id: work.id } } } };
  }
}

type Target = { readonly responder_request_target: { readonly id: string; readonly type: string } };
