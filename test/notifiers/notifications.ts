// A workload's ledger to notify from, and what a notifier is given of it.

import { NotificationSource } from "../../src/history/notification-source.ts";
import type { Notification, NotifiedAction } from "../../src/wire/contracts/notifier.ts";
import { ORIGIN, type ExportedLedger } from "../exports/ledger.ts";

export function sourceOf(ledger: ExportedLedger, content: "none" | "full" = "none"): NotificationSource {
  return new NotificationSource({ reader: ledger.store, origin: ORIGIN, payload: ledger.payload, content });
}

/** All that people are told from `from` on. */
export async function toldOf(
  source: NotificationSource,
  from = { seq: 0, readFrom: 0 },
): Promise<readonly Notification[]> {
  await source.resume(from);
  const told: Notification[] = [];
  for (let at = -1; ;) {
    const { drafts, end } = await source.next();
    for (const draft of drafts) told.push(await source.record(draft));
    if (end === at) return told;
    at = end;
  }
}

export const NOW_MS = 1_790_000_000_000;

const ACTION: NotifiedAction = {
  id: "act_00000000c",
  kind: "kubernetes.restart",
  environment: "production",
  service: "cart",
  resource: "deployment/cart",
  agent: "agent:deployer",
  agentKind: "agent",
  person: "ada",
  incident: null,
  reversible: true,
  undoneBy: "kubernetes.undo",
  findings: { risks: ["drift", "regulated"], tags: ["pci"] },
  planHash: "ab".repeat(32),
  proposedAt: NOW_MS - 1_000,
  status: "held",
  code: null,
  verdicts: [{ gate: "pager/otherwise", verdict: "hold", code: "held", evidence: {} }],
  hold: {
    id: "hld_00000000e",
    route: "on-call",
    step: 0,
    asks: "1 of sre",
    roles: ["sre"],
    deadline: NOW_MS + 600_000,
    isFrozen: false,
    answers: [],
  },
  awaited: null,
  reason: "memory grows since the last deploy",
  diff: '{ "replicas": 3 }',
};

/** One notification, as a source would give it. */
export function notification(
  of: Partial<Omit<Notification, "action">> & { readonly action?: Partial<NotifiedAction> | null } = {},
): Notification {
  const { action = {}, ledger = { origin: ORIGIN, seq: 42, receipt: "/v1/ledger/events/42/receipt" }, ...rest } = of;
  return {
    id: `0f3a9c41d2e85b67_${ledger.seq}`,
    kind: "hold.opened",
    time: NOW_MS,
    actor: "agent:deployer",
    brake: null,
    domain: null,
    ...rest,
    action: action === null ? null : { ...ACTION, ...action },
    ledger,
  };
}
