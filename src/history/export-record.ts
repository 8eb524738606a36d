// From recorded events to the record that other systems keep of them: what a run or an action came to, joined with what
// it goes back to. A pure function of facts; contents are handed in by whoever may read them.

import type { Json, JsonObject } from "../core/json.ts";
import type { EvaluationFacts, EventFacts, EventType, KernelEvent } from "../kernel/events.ts";
import type { ExportedContent, ExportRecord } from "../wire/contracts/export.ts";
import type { LedgerEvent } from "../wire/types/event.ts";
import { answeredBy } from "./answered-by.ts";

/** Status of a run or an action after each event that is exported; a function where the event itself says it. */
const STATUS: { readonly [T in EventType]?: string | ((facts: EventFacts[T]) => string) } = {
  "run.classified": "classified",
  "run.unclassified": "unclassified",
  "action.advised": "advised",
  "action.labelled": "advised",
  "action.refused": "refused",
  "action.suppressed": "suppressed",
  "action.waiting": "waiting",
  "action.held": "held",
  "action.approved": "approved",
  "action.glass-broken": "approved",
  "action.denied": "denied",
  "action.cancelled": "cancelled",
  "action.expired": "expired",
  "action.granted": ({ completed }) => (completed === null ? "granted" : "succeeded"),
  "action.grant-revoked": ({ status }) => status,
  "action.completed": ({ status }) => status,
  "action.verified": "succeeded",
  "action.reverting": "reverting",
  "action.reverted": "reverted",
  "step.finished": ({ action }) => action,
  "step.reconciled": ({ action }) => action,
};

/** Whether the event is one that receivers get a record of. */
export function isExported(event: Pick<LedgerEvent, "type">): boolean {
  return Object.hasOwn(STATUS, event.type);
}

/** An exported event and the events that it goes back to, each null where there is none. */
export interface RecordSources {
  readonly event: LedgerEvent;
  readonly proposed: LedgerEvent | null;
  /** The last one that carries an evaluation, this one included. */
  readonly evaluated: LedgerEvent | null;
  readonly runOpened: LedgerEvent | null;
  readonly runEnded: LedgerEvent | null;
  readonly signal: LedgerEvent | null;
  /** Payload of a step's end. */
  readonly evidence: Json;
  readonly contents: Readonly<Record<string, ExportedContent>> | null;
  /** Lower-case hex. */
  readonly leafHash: string;
  readonly checkpoint: string;
}

export function toExportRecord(origin: string, sources: RecordSources): ExportRecord {
  const { event, contents, leafHash, checkpoint } = sources;
  const proposed = as("action.proposed", sources.proposed);
  const opened = as("run.opened", sources.runOpened);
  const signal = as("signal.received", sources.signal);
  const incident = proposed?.facts.incident ?? opened?.facts.incident ?? null;
  return {
    id: `${origin}#${event.seq}`,
    time: event.time,
    event: event.type,
    actor: event.actor,
    correlationId: incident ?? event.subject,
    incident,
    run: isOfRun(event) ? event.subject : (proposed?.facts.run ?? null),
    environment: proposed?.facts.environment ?? signal?.facts.environment ?? null,
    service: proposed?.facts.service ?? signal?.facts.service ?? null,
    signal: signalPart(signal),
    ...classifierParts(sources, proposed),
    action: actionPart(sources, proposed),
    decision: decisionPart(sources.evaluated),
    ...outcomeParts(sources, proposed),
    label: labelPart(as("action.labelled", event)),
    ledger: { origin, seq: event.seq, leafHash, checkpoint, receipt: `/v1/ledger/events/${event.seq}/receipt` },
    contents,
  };
}

export function isOfRun(event: Pick<LedgerEvent, "type">): boolean {
  return event.type.startsWith("run.");
}

function as<T extends EventType>(type: T, event: LedgerEvent | null): KernelEvent<T> | null {
  return event?.type === type ? (event as unknown as KernelEvent<T>) : null;
}

function signalPart(signal: KernelEvent<"signal.received"> | null): ExportRecord["signal"] {
  if (signal === null) return null;
  const { source, detector, status, signature, deliveryKey, claimedSeverity } = signal.facts;
  const { subject: id, time } = signal;
  return { id, time, source, detector, status, signature, deliveryKey, claimedSeverity };
}

function classifierParts(
  sources: RecordSources,
  proposed: KernelEvent<"action.proposed"> | null,
): Pick<ExportRecord, "ai" | "classification"> {
  const classified = as("run.classified", sources.runEnded);
  const ended = classified ?? as("run.unclassified", sources.runEnded);
  return {
    ai: ended === null ? null : answeredBy(ended),
    classification: classified?.facts.classification ?? proposed?.facts.classification ?? null,
  };
}

function actionPart(sources: RecordSources, proposed: KernelEvent<"action.proposed"> | null): ExportRecord["action"] {
  if (proposed === null) return null;
  const { kind, resource, agentKind, person, requestHash } = proposed.facts;
  const latest = sources.evaluated?.facts["planHash"] ?? sources.event.facts["planHash"] ?? proposed.facts.planHash;
  const planHash = typeof latest === "string" ? latest : null;
  const { subject: id, actor: agent, time: proposedAt } = proposed;
  return { id, kind, resource, agent, agentKind, person, requestHash, planHash, proposedAt };
}

function decisionPart(event: LedgerEvent | null): ExportRecord["decision"] {
  const evaluation = event?.facts["evaluation"] as unknown as EvaluationFacts | null | undefined;
  if (event === null || evaluation == null) return null;
  const granted = as("action.granted", event)?.facts;
  return {
    seq: event.seq,
    time: event.time,
    decision: evaluation.decision,
    verdicts: evaluation.verdicts as unknown as Json,
    bundleHash: evaluation.bundleHash,
    engine: evaluation.engine,
    grant: granted?.grant ?? null,
    grantExpiresAt: granted?.expiresAt ?? null,
    dryRun: granted?.dryRun ?? false,
  };
}

function labelPart(labelled: KernelEvent<"action.labelled"> | null): ExportRecord["label"] {
  if (labelled === null) return null;
  const { label, faults, person, replaces } = labelled.facts;
  return { label, faults, person, replaces };
}

type Outcome = Pick<ExportRecord, "status" | "code" | "attempt" | "created">;

function outcomeParts(sources: RecordSources, proposed: KernelEvent<"action.proposed"> | null): Outcome {
  const { event } = sources;
  const rule = STATUS[event.type as EventType] as string | ((facts: JsonObject) => string) | undefined;
  const { code, attempt } = event.facts;
  return {
    status: typeof rule === "function" ? rule(event.facts) : (rule ?? ""),
    code: typeof code === "string" && code !== "" ? code : null,
    attempt: typeof attempt === "number" ? attempt : null,
    created: createdPart(sources, proposed?.facts.kind),
  };
}

const HAPPENED: ReadonlySet<unknown> = new Set(["succeeded", "happened"]);

/** The reference that a step came back with, and ServiceNow's own key beside it. */
function createdPart({ event, evidence }: RecordSources, kind: string | undefined): ExportRecord["created"] {
  if (kind === undefined || !event.type.startsWith("step.") || !HAPPENED.has(event.facts["status"])) return null;
  if (typeof evidence !== "object" || evidence === null || Array.isArray(evidence)) return null;
  const { reference, detail } = evidence as JsonObject;
  if (typeof reference !== "string" || reference === "") return null;
  const isObject = typeof detail === "object" && detail !== null && !Array.isArray(detail);
  const sysId = isObject ? (detail as JsonObject)["sysId"] : undefined;
  return { system: kind.split(".")[0] ?? kind, reference, sysId: typeof sysId === "string" ? sysId : null };
}
