// A record as an OCSF 1.9 event: API Activity (6003) with the profiles ai_operation and record_integrity.
// https://schema.ocsf.io/1.9.0/classes/api_activity

import { hash } from "node:crypto";
import { canonicalJson } from "../../core/canonical-json.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { ExportRecord } from "../../wire/contracts/export.ts";

const OCSF_VERSION = "1.9.0";
const CATEGORY_UID = 6;
const CLASS_UID = 6003;

/** The last event of the chain, as the next one refers to it. */
export interface ChainLink {
  readonly uid: string;
  readonly typeUid: number;
  readonly fingerprint: string;
}

export interface EventContext {
  /** Of this program. */
  readonly version: string;
  /** Which exporter: each keeps a chain of its own. */
  readonly exporter: string;
  /** Null for the first event of the chain. */
  readonly previous: ChainLink | null;
}

const ACTIVITY = { 1: "Create", 3: "Update", 99: "Other" } as const;
const CREATES = new Set(["pagerduty.trigger", "servicenow.incident.create", "incident.declare-major"]);
const UPDATES = new Set(["pagerduty.acknowledge", "pagerduty.resolve", "servicenow.incident.update"]);
const SEVERITY: Readonly<Record<string, readonly [number, string]>> = {
  low: [2, "Low"],
  medium: [3, "Medium"],
  high: [4, "High"],
  sev1: [5, "Critical"],
};
const SUCCESS = new Set(["classified", "granted", "approved", "succeeded", "executing"]);
const FAILURE = new Set([
  "unclassified",
  "advised",
  "refused",
  "suppressed",
  "denied",
  "cancelled",
  "expired",
  "failed",
]);
const USER_TYPES: Readonly<Record<string, readonly [number, string]>> = { person: [1, "User"], system: [3, "System"] };

/** The event, and what the next of the chain refers to. */
export function toOcsfEvent(record: ExportRecord, context: EventContext): { event: JsonObject; link: ChainLink } {
  const activityId = activityOf(record);
  const typeUid = CLASS_UID * 100 + activityId;
  const [severityId, severity] = SEVERITY[record.classification?.severity ?? ""] ?? [1, "Informational"];
  const attestation = attestationOf(record, context);
  const event = {
    activity_id: activityId,
    activity_name: ACTIVITY[activityId],
    category_uid: CATEGORY_UID,
    category_name: "Application Activity",
    class_uid: CLASS_UID,
    class_name: "API Activity",
    type_uid: typeUid,
    type_name: `API Activity: ${ACTIVITY[activityId]}`,
    severity_id: severityId,
    severity,
    time: record.time,
    ...statusOf(record),
    metadata: metadataOf(record, context),
    actor: { user: userOf(record) },
    api: apiOf(record, context),
    src_endpoint: { name: record.ledger.origin, svc_name: "holdpoint" },
    ...(record.created === null ? {} : { dst_endpoint: { svc_name: record.created.system } }),
    ...resourcesOf(record),
    ...aiOperationOf(record),
    unmapped: { holdpoint: record as unknown as Json },
  } satisfies JsonObject;
  // Everything but fingerprint and signatures is under the fingerprint, the reference to the event before included.
  const fingerprint = hash("sha256", canonicalJson({ ...event, attestation_list: [attestation] }));
  return {
    event: { ...event, attestation_list: [{ ...attestation, fingerprint: fingerprintOf(fingerprint) }] },
    link: { uid: record.id, typeUid, fingerprint },
  };
}

function activityOf({ action }: ExportRecord): keyof typeof ACTIVITY {
  if (action === null) return 99;
  if (CREATES.has(action.kind)) return 1;
  return UPDATES.has(action.kind) ? 3 : 99;
}

function statusOf({ status, code, event }: ExportRecord): JsonObject {
  const id = SUCCESS.has(status) ? 1 : FAILURE.has(status) ? 2 : 99;
  return {
    status_id: id,
    status: id === 1 ? "Success" : id === 2 ? "Failure" : status,
    status_detail: `${event}: ${status}`,
    ...(code === null ? {} : { status_code: code }),
  };
}

function metadataOf(record: ExportRecord, { version }: EventContext): JsonObject {
  return {
    version: OCSF_VERSION,
    product: { name: "Holdpoint", vendor_name: "Holdpoint", version },
    profiles: ["ai_operation", "record_integrity"],
    uid: record.id,
    correlation_uid: record.correlationId,
    sequence: record.ledger.seq,
    event_code: record.event,
    log_name: record.ledger.origin,
    log_provider: "holdpoint",
  };
}

/** Who proposed the action, or ran the triage. */
function userOf({ action, actor }: ExportRecord): JsonObject {
  const [typeId, type] = USER_TYPES[action?.agentKind ?? "system"] ?? [99, "AI Agent"];
  const uid = action?.agent ?? actor;
  return { uid, name: uid, type_id: typeId, type };
}

function apiOf({ action, run, id, status, code }: ExportRecord, { version }: EventContext): JsonObject {
  return {
    operation: action?.kind ?? "triage",
    service: { name: "holdpoint", version },
    request: { uid: action?.id ?? run ?? id },
    response: { message: status, ...(code === null ? {} : { error: code }) },
  };
}

function resourcesOf({ environment, service, action }: ExportRecord): JsonObject {
  if (environment === null || service === null) return {};
  const resource = action?.resource ?? null;
  const uid = `${environment}/${service}${resource === null ? "" : `/${resource}`}`;
  return { resources: [{ uid, name: service, namespace: environment, type: "service" }] };
}

/** The profile: which model spoke, for which agent, under which grant. */
function aiOperationOf(record: ExportRecord): JsonObject {
  const { ai, action, run, decision, contents } = record;
  const model = ai === null ? {} : { ai_model: { name: ai.model, ai_provider: ai.provider, version: ai.modelVersion } };
  const isAgent = action === null || action.agentKind !== "person";
  const agent = action?.agent ?? "system:triage";
  const answer = contents?.["answer"];
  const text = answer !== undefined && "value" in answer ? { response_text: canonicalJson(answer.value) } : {};
  return {
    ...model,
    ...(isAgent
      ? { ai_agent: { uid: agent, name: agent, type_id: 0, ...(run === null ? {} : { instance_uid: run }), ...model } }
      : {}),
    ...(run === null
      ? {}
      : { message_context: { uid: run, ai_role_id: 4, service: { name: "holdpoint" }, ...tokensOf(record), ...text } }),
    ...delegationOf(record, decision),
  };
}

/** Of the run's own event alone, so that a sum counts them once; nothing where nothing was counted. */
function tokensOf({ ai, action }: ExportRecord): JsonObject {
  if (action !== null || ai?.inputTokens === undefined || ai.outputTokens === undefined) return {};
  const { inputTokens, outputTokens } = ai;
  return { prompt_tokens: inputTokens, completion_tokens: outputTokens, total_tokens: inputTokens + outputTokens };
}

function delegationOf({ ledger }: ExportRecord, decision: ExportRecord["decision"]): JsonObject {
  if (decision === null || decision.grant === null) return {};
  const { grant, time, grantExpiresAt } = decision;
  return {
    delegation: {
      uid: grant,
      issuer_uid: ledger.origin,
      created_time: time,
      ...(grantExpiresAt === null ? {} : { expiration_time: grantExpiresAt }),
    },
  };
}

function attestationOf(record: ExportRecord, { exporter, previous }: EventContext): JsonObject {
  const { origin, leafHash } = record.ledger;
  const before =
    previous === null
      ? {}
      : {
          prev_event: {
            uid: previous.uid,
            type_uid: previous.typeUid,
            fingerprint: fingerprintOf(previous.fingerprint),
          },
        };
  return { uid: leafHash, authority_uid: origin, chain_uid: `${origin}/exports/${exporter}`, ...before };
}

/** SHA-256 over the JSON Canonicalization Scheme, in hex. */
function fingerprintOf(value: string): JsonObject {
  return {
    algorithm_id: 3,
    algorithm: "SHA-256",
    encoding_id: 1,
    encoding: "Hex",
    serialization_id: 2,
    serialization: "JCS",
    value,
  };
}
