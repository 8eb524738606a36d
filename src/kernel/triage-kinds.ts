// The actions that a triage run asks for; their arguments are composed outside and come back as a plan.

import { hash } from "node:crypto";
import { assert } from "../core/assert.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { idFromSeq } from "../core/ids.ts";
import type { ClassificationFacts } from "./events.ts";
import type { ProposalFacts } from "./proposal-facts.ts";
import type { REVERT_AGENT } from "./reverts.ts";
import type { Incident } from "./state.ts";
import type { Transaction } from "./transaction.ts";

/** As the executors declare them; a test holds the two together. */
export const TRIAGE_KINDS = {
  "pagerduty.trigger": { repeat: "idempotent", reversible: true },
  "pagerduty.resolve": { repeat: "idempotent", reversible: false },
  "servicenow.incident.create": { repeat: "conditional", reversible: true },
  "servicenow.incident.update": { repeat: "conditional", reversible: true },
  "incident.declare-major": { repeat: "conditional", reversible: true },
} as const;

type TriageKind = keyof typeof TRIAGE_KINDS;

function isTriageKind(kind: string): kind is TriageKind {
  return Object.hasOwn(TRIAGE_KINDS, kind);
}

/** The most urgent first: nobody who is asked about a major incident keeps the page of it from being asked about. */
const URGENCY: readonly string[] = ["pagerduty.trigger", "incident.declare-major", "servicenow.incident.create"];

/** True when people must be asked about `kind` even where they are asked about `other` already. */
export function isMoreUrgent(kind: string, other: string): boolean {
  return URGENCY.includes(kind) && (!URGENCY.includes(other) || URGENCY.indexOf(kind) < URGENCY.indexOf(other));
}

export const TICKET = "servicenow.incident.create";
export const TICKET_UPDATE = "servicenow.incident.update";
export const TRIAGE_AGENT = "system:triage";
/** Whose its actions are, as brakes see it. */
export const BY_TRIAGE = { agent: TRIAGE_AGENT, agentKind: "system", person: null } as const;
/** Asks for the page of an incident whose review nobody answered; policy says whether it goes out. */
export const DEAD_MAN = "system:dead-man";

type Wanted = {
  readonly kind: string;
  readonly incident: Pick<Incident, "id" | "environment" | "service" | "signature">;
  readonly run: string | null;
  readonly signal: string | null;
  readonly classification: ClassificationFacts | null;
  readonly agent?: typeof TRIAGE_AGENT | typeof DEAD_MAN | typeof REVERT_AGENT;
  /** What a ticket's update is to say. */
  readonly operand?: string | null;
};

/** Records the proposal; it is evaluated when its plan has come (`plan-action`), or refused when none does. */
export function proposeTriage(tx: Transaction, wanted: Wanted): void {
  const { kind, incident, run, signal, classification, agent = TRIAGE_AGENT, operand = null } = wanted;
  assert(isTriageKind(kind), `${kind} is a kind of triage`);
  const { repeat, reversible } = TRIAGE_KINDS[kind];
  const { environment, service, signature } = incident;
  const about = operand === null ? {} : { operand };
  const request = { environment, incident: incident.id, kind, run, service, ...about };
  const proposal: ProposalFacts = {
    kind,
    environment,
    service,
    resource: null,
    agentKind: "system",
    person: null,
    requestHash: hash("sha256", canonicalJson(request)),
    planHash: null,
    repeat,
    effect: "external",
    reversible,
    run,
    incident: incident.id,
    cause: { signature, signal },
    classification,
    operand,
  };
  const subject = idFromSeq("act", tx.nextSeq);
  // No deadline: an alert that waited out an outage is still worth its page. Planning always answers.
  tx.emit({ type: "action.proposed", subject, facts: { ...proposal, deadline: null } }, agent);
}
