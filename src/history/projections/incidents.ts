// Projections of incidents: opened, opened again, merged, split, ended.

import type { KernelEvent } from "../../kernel/events.ts";
import { latestWord } from "../../kernel/words.ts";
import type { SignalStatus } from "../../wire/types/signal.ts";
import type { IncidentView, TrackedViews } from "../../wire/types/incident-views.ts";
import type { Documents } from "./documents.ts";

const NAMED_MAX = 32;
const SERVICES_MAX = 64;
/** An incident that was absorbed by one that was absorbed, and so on. */
const FOLLOWED_MAX = 64;
const SEVERITY_RANK = ["none", "low", "medium", "high", "sev1"];

/** The newest last, the oldest beyond the bound dropped. */
export function withNewest(ids: readonly string[], id: string): readonly string[] {
  return ids.length < NAMED_MAX ? [...ids, id] : [...ids.slice(1 - NAMED_MAX), id];
}

/** Changes the incident, or the one that absorbed it. */
export function changeIncident(
  documents: Documents,
  id: string | null,
  to: (incident: IncidentView) => IncidentView,
): void {
  let name = id;
  for (let followed = 0; followed < FOLLOWED_MAX && name !== null; followed++) {
    const next: string | null = documents.find("incidents", name)?.mergedInto ?? null;
    if (next === null) break;
    name = next;
  }
  documents.change("incidents", name, to);
}

export function projectOpened(documents: Documents, event: KernelEvent<"incident.opened">): void {
  const { environment, service, signature } = event.facts;
  const { subject: id, seq, time: at } = event;
  documents.put("incidents", newIncident({ id, seq, environment, service, signature, at }));
}

type Opening = Pick<IncidentView, "id" | "seq" | "environment" | "service" | "signature"> & { readonly at: number };

function newIncident({ id, seq, environment, service, signature, at }: Opening): IncidentView {
  return {
    id,
    seq,
    status: "open",
    environment,
    service,
    services: [service],
    signature,
    openedAt: at,
    reopened: 0,
    flapping: false,
    mergedInto: null,
    absorbed: [],
    related: [],
    explained: null,
    splitInto: [],
    splitFrom: null,
    lastSignalAt: at,
    resolvedAt: null,
    resolution: null,
    claimedSeverity: "none",
    signalCount: 0,
    signals: [],
    runs: [],
    actions: [],
    paged: false,
    pageClosing: null,
    systems: {},
    erased: [],
  };
}

/** The last word that counts; of what is open and of what is over. */
export function projectNoted(documents: Documents, event: KernelEvent<"incident.noted">): void {
  if (event.facts.aside === true) return;
  const noted = <D extends { readonly systems: TrackedViews }>(before: D): D => {
    const { system, record } = event.facts;
    const known = before.systems[system];
    const word = latestWord(known, event.facts, event.time);
    return word === known ? before : { ...before, systems: { ...before.systems, [system]: { ...word, record } } };
  };
  changeIncident(documents, event.subject, noted);
  documents.change("storms", event.subject, noted);
}

type Joining = {
  readonly id: string;
  readonly at: number;
  readonly incident: string | null;
  readonly status: SignalStatus;
  readonly service: string;
  readonly claimedSeverity: string;
};

/** What a signal adds to its incident. */
export function noteSignal(documents: Documents, signal: Joining): void {
  const { id, at, incident, status, service, claimedSeverity } = signal;
  changeIncident(documents, incident, (before) => {
    if (status === "resolved") return { ...before, lastSignalAt: at };
    return {
      ...before,
      services: union(before.services, [service]),
      lastSignalAt: at,
      claimedSeverity: worse(before.claimedSeverity, claimedSeverity),
      signalCount: before.signalCount + 1,
      signals: withNewest(before.signals, id),
    };
  });
}

function union(services: readonly string[], more: readonly string[]): readonly string[] {
  if (more.every((one) => services.includes(one))) return services;
  return [...new Set([...services, ...more])].slice(0, SERVICES_MAX);
}

function worse(one: string, other: string): string {
  return SEVERITY_RANK.indexOf(other) > SEVERITY_RANK.indexOf(one) ? other : one;
}

/** What it claimed before its end says nothing about now. */
export function projectReopened(documents: Documents, event: KernelEvent<"incident.reopened">): void {
  documents.change("incidents", event.subject, (before) => ({
    ...before,
    status: "open",
    reopened: before.reopened + 1,
    lastSignalAt: event.time,
    resolvedAt: null,
    resolution: null,
    claimedSeverity: "none",
    pageClosing: null,
  }));
}

export function projectFlapping(documents: Documents, event: KernelEvent<"incident.flapping">): void {
  documents.change("incidents", event.subject, (before) => ({ ...before, flapping: true }));
}

/** Both know why, whichever of them goes on. */
export function projectRelated(documents: Documents, event: KernelEvent<"incident.related">): void {
  const { with: other, ...relation } = event.facts;
  for (const [id, incident] of [[event.subject, other] as const, [other, event.subject] as const]) {
    documents.change("incidents", id, (before) => ({
      ...before,
      related: [...before.related, { incident, ...relation }].slice(-NAMED_MAX),
    }));
  }
}

export function projectExplained(documents: Documents, event: KernelEvent<"incident.explained">): void {
  const { explanation } = event.facts;
  const explained = { ...explanation, at: event.time, evidenceSeq: event.seq };
  documents.change("incidents", event.subject, (before) => {
    return { ...before, explained, erased: before.erased.filter((retention) => retention !== "evidence") };
  });
}

export function projectMerged(documents: Documents, event: KernelEvent<"incident.merged">): void {
  const absorbed = documents.find("incidents", event.subject);
  if (absorbed === null) return;
  const { into } = event.facts;
  const { pagerduty } = absorbed.systems; // of the page that goes on as the other's, where that has none
  documents.put("incidents", { ...absorbed, status: "merged", resolvedAt: event.time, mergedInto: into });
  documents.change("incidents", into, (before) => ({
    ...before,
    services: union(before.services, absorbed.services),
    absorbed: withNewest(before.absorbed, absorbed.id),
    claimedSeverity: worse(before.claimedSeverity, absorbed.claimedSeverity),
    signalCount: before.signalCount + absorbed.signalCount,
    signals: absorbed.signals.reduce(withNewest, before.signals),
    paged: before.paged || absorbed.paged,
    systems: before.paged || pagerduty === undefined ? before.systems : { pagerduty, ...before.systems },
  }));
}

export function projectSplit(documents: Documents, event: KernelEvent<"incident.split">): void {
  const from = documents.find("incidents", event.subject);
  if (from === null) return;
  const { into: id, services } = event.facts;
  const { environment, signature, claimedSeverity } = from;
  const service = services[0] ?? "";
  const made = newIncident({ id, seq: event.seq, environment, service, signature, at: event.time });
  // Only the newest signals are known by name: what is older stays counted where it was.
  const taken = from.signals.filter((one) => services.includes(documents.find("signals", one)?.service ?? ""));
  for (const one of taken) documents.change("signals", one, (before) => ({ ...before, incident: id }));
  const signals = { signals: taken, signalCount: taken.length };
  documents.put("incidents", { ...made, ...signals, services, claimedSeverity, splitFrom: from.id });
  documents.put("incidents", {
    ...from,
    services: from.services.filter((one) => !services.includes(one)),
    signals: from.signals.filter((one) => !taken.includes(one)),
    signalCount: from.signalCount - taken.length,
    splitInto: withNewest(from.splitInto, id),
  });
}

export function projectResolved(documents: Documents, event: KernelEvent<"incident.resolved">): void {
  documents.change("incidents", event.subject, (before) => ({
    ...before,
    status: "resolved",
    flapping: false,
    resolvedAt: event.time,
    resolution: event.facts.code,
  }));
}
