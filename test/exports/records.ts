// Records as the mapping makes them, for transports.

import type { ExportRecord } from "../../src/wire/contracts/export.ts";

const ORIGIN = "holdpoint.test/log";
const HEX = "0123456789abcdef".repeat(4);

/** A granted page of a triage run. */
export function recordOf(seq: number, over: Partial<ExportRecord> = {}): ExportRecord {
  return {
    id: `${ORIGIN}#${seq}`,
    time: 1_790_000_000_000 + seq,
    event: "action.granted",
    actor: "system:kernel",
    correlationId: "inc_000000004",
    incident: "inc_000000004",
    run: "run_000000005",
    environment: "production",
    service: "cart",
    signal: {
      id: "sig_000000003",
      time: 1_790_000_000_000,
      source: "alertmanager",
      detector: "prometheus:HighErrorRate",
      status: "firing",
      signature: HEX,
      deliveryKey: "alertmanager:abc",
      claimedSeverity: "high",
    },
    ai: { provider: "rules", model: "rules", modelVersion: "1", promptHash: HEX, answerHash: HEX },
    classification: {
      severity: "high",
      confidencePpm: 900_000,
      requiresTicket: true,
      requiresPaging: true,
      requiresMim: false,
      team: "sre",
    },
    action: {
      id: "act_000000007",
      kind: "pagerduty.trigger",
      resource: null,
      agent: "system:triage",
      agentKind: "system",
      person: null,
      requestHash: HEX,
      planHash: HEX,
      proposedAt: 1_790_000_000_001,
    },
    decision: {
      seq,
      time: 1_790_000_000_000 + seq,
      decision: "allow",
      verdicts: [{ gate: "pager/serious", verdict: "pass", code: "condition", evidence: { confidence: 0.9 } }],
      bundleHash: HEX,
      engine: "holdpoint/0",
      grant: "grt_000000009",
      grantExpiresAt: 1_790_000_300_000,
      dryRun: false,
    },
    status: "granted",
    code: null,
    attempt: null,
    created: null,
    label: null,
    ledger: {
      origin: ORIGIN,
      seq,
      leafHash: HEX,
      checkpoint: `${ORIGIN}\n${seq + 1}\nAAAA\n\n— ${ORIGIN} sig\n`,
      receipt: `/v1/ledger/events/${seq}/receipt`,
    },
    contents: null,
    ...over,
  };
}

export function recordsFrom(seq: number, count: number): readonly ExportRecord[] {
  return Array.from({ length: count }, (_, index) => recordOf(seq + index));
}
