// One alert of any source, made into a signal or kept aside: names, times, severity, text, labels, pointers.

import { hash } from "node:crypto";
import { canonicalEnvironment } from "../core/environment.ts";
import { plainName } from "../core/names.ts";
import { instantFromRfc3339 } from "../core/rfc3339.ts";
import type { NormalizedSignal, QuarantineReason, Signal } from "../wire/types/signal.ts";
import type { SignalMapping } from "../wire/schemas/signal.ts";
import { describeAlert, excerptOf, redactedDetector } from "./alert-content.ts";
import type { RawAlert } from "./raw-alert.ts";
import { findSecret } from "./redact.ts";
import { failureName, failureSignature, type FailureIdentity } from "./signature.ts";

export interface NormalizeOptions {
  /** Name of the configured source: `alertmanager`. */
  readonly source: string;
  readonly mapping: SignalMapping;
  readonly receivedAtMs: number;
}

const LABELS_MAX = 64;
const LABEL_NAME_CHARS_MAX = 256;
const LABEL_VALUE_CHARS_MAX = 4096;
const ANNOTATIONS_MAX = 64;

const DAY_MS = 86_400_000;
const AGE_MAX_MS = 30 * DAY_MS;
/** A long outage must still be able to end: what is resolved is judged by its end, and its start only by this. */
const RESOLVED_AGE_MAX_MS = 366 * DAY_MS;
const AHEAD_MAX_MS = 10 * 60_000;

/** Never throws, and never guesses: what lacks a name, or has one that cannot be trusted, is quarantined. */
export function normalizeAlert(alert: RawAlert, options: NormalizeOptions): NormalizedSignal {
  const { source } = options;
  const identity = identityOf(alert, source);
  if (alert.tracked !== undefined) return trackedIncident(alert.tracked, { alert, identity, options });
  // Its own key: what is kept aside now is news once its source, or the mapping, has been put right.
  const quarantined = (reason: QuarantineReason): NormalizedSignal => ({
    kind: "quarantined",
    quarantined: {
      source,
      deliveryKey: `${identity}:${alert.status}:quarantined`,
      reason,
      excerpt: excerptOf(alert, options.mapping),
    },
  });
  if (hasTooMuch(alert)) return quarantined("too-many-labels");
  const names = namesOf(alert, options.mapping);
  if (typeof names === "string") return quarantined(names);
  const times = timesOf(alert, options.receivedAtMs);
  if (times === undefined) return quarantined("timestamp-implausible");
  const failing = failingOf(alert, names, options.mapping);
  const signal: Signal = {
    source,
    detector: redactedDetector(alert),
    status: alert.status,
    ...(alert.isChange === true ? { nature: "change" } : {}),
    ...(alert.isDerived === true || options.mapping.derived ? { derived: true } : {}),
    ...(alert.isDated === true ? { dated: true } : {}),
    ...(alert.isEndless === true ? { endless: true } : {}),
    ...names,
    signature: failureSignature(failing),
    failure: failureName(failing),
    deliveryKey: `${identity}:${alert.status}`,
    claimedSeverity: alert.isChange === true ? "none" : claimedSeverity(alert, options.mapping),
    ...times,
    ...describeAlert(alert, options.mapping),
  };
  return { kind: "signal", signal };
}

type Tracked = { readonly alert: RawAlert; readonly identity: string; readonly options: NormalizeOptions };

function trackedIncident(
  tracked: NonNullable<RawAlert["tracked"]>,
  { alert, identity, options: { source, receivedAtMs } }: Tracked,
): NormalizedSignal {
  const said = instantOf(alert.startsAt);
  const isPlausible = said !== undefined && said <= receivedAtMs + AHEAD_MAX_MS && said >= receivedAtMs - AGE_MAX_MS;
  const at = isPlausible ? said : null;
  return { kind: "tracked", tracked: { source, deliveryKey: `${identity}:tracked`, ...tracked, at } };
}

/**
 * A hash that a delivery's key begins with, before `:firing` or `:resolved`: opaque, and the same for the firing and its
 * end, so that both can be told apart from the next firing of the same alert, which starts at another time.
 */
function identityOf(alert: RawAlert, source: string): string {
  const labels = alert.fingerprint === "" ? [...alert.labels].sort(byName) : [];
  const occurrence = alert.occurrence ?? instantOf(alert.startsAt) ?? alert.startsAt;
  const identity = JSON.stringify([source, alert.fingerprint, labels, occurrence]);
  return hash("sha256", identity);
}

function byName(a: readonly [string, string], b: readonly [string, string]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0;
}

function hasTooMuch({ labels, annotations }: RawAlert): boolean {
  if (labels.size > LABELS_MAX || annotations.size > ANNOTATIONS_MAX) return true;
  for (const [name, value] of labels) {
    if (name.length > LABEL_NAME_CHARS_MAX || value.length > LABEL_VALUE_CHARS_MAX) return true;
  }
  return false;
}

type Names = Pick<Signal, "environment" | "service" | "component">;

function namesOf(alert: RawAlert, mapping: SignalMapping): Names | QuarantineReason {
  const environment = firstLabel(alert, mapping.environmentLabels) ?? mapping.defaultEnvironment;
  if (environment === null) return "environment-missing";
  const service = firstLabel(alert, mapping.serviceLabels) ?? mapping.defaultService;
  if (service === null) return "service-missing";
  const component = firstLabel(alert, mapping.componentLabels) ?? null;
  const plain = {
    environment: trustedName(environment),
    service: trustedName(service),
    component: component === null ? null : trustedName(component),
  };
  if (plain.environment === undefined || plain.service === undefined || plain.component === undefined) {
    return "name-suspicious";
  }
  return {
    environment: canonicalEnvironment(plain.environment),
    service: plain.service,
    component: plain.component,
  };
}

/** An empty label is no label, as in Prometheus. */
function firstLabel({ labels }: RawAlert, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = labels.get(name);
    if (value !== undefined && value.trim() !== "") return value;
  }
  return undefined;
}

function trustedName(text: string): string | undefined {
  return findSecret(text) === null ? plainName(text) : undefined;
}

type Times = Pick<Signal, "startedAt" | "endedAt">;

function instantOf(time: string | number): number | undefined {
  if (typeof time === "string") return instantFromRfc3339(time);
  return Number.isSafeInteger(time) && time >= 0 ? time : undefined;
}

function timesOf({ status, startsAt, endsAt }: RawAlert, receivedAtMs: number): Times | undefined {
  const startedAt = instantOf(startsAt);
  if (startedAt === undefined || startedAt > receivedAtMs + AHEAD_MAX_MS) return undefined;
  // While an alert fires, its end is when the source would give up on it: a plan, not a fact.
  if (status === "firing" || endsAt === "" || String(endsAt).startsWith("0001-01-01T")) {
    return startedAt < receivedAtMs - AGE_MAX_MS ? undefined : { startedAt, endedAt: null };
  }
  const endedAt = instantOf(endsAt);
  if (endedAt === undefined || endedAt < startedAt || endedAt > receivedAtMs + AHEAD_MAX_MS) return undefined;
  if (endedAt < receivedAtMs - AGE_MAX_MS || startedAt < receivedAtMs - RESOLVED_AGE_MAX_MS) return undefined;
  return { startedAt, endedAt };
}

const SEVERITY_ORDER = ["none", "low", "medium", "high", "sev1"] as const;

/** The most severe claim among the severity labels; words the mapping does not know claim nothing. */
function claimedSeverity({ labels }: RawAlert, mapping: SignalMapping): Signal["claimedSeverity"] {
  let rank = 0;
  for (const name of mapping.severityLabels) {
    const word = (labels.get(name) ?? "").slice(0, 64).trim().toLowerCase();
    const claim = Object.hasOwn(mapping.severities, word) ? (mapping.severities[word] ?? "none") : "none";
    rank = Math.max(rank, SEVERITY_ORDER.indexOf(claim));
  }
  return SEVERITY_ORDER[rank] ?? "none";
}

function failingOf(alert: RawAlert, names: Names, mapping: SignalMapping): FailureIdentity {
  const values = (labels: readonly string[]): string[] =>
    labels.flatMap((name) => {
      const value = alert.labels.get(name);
      return value === undefined ? [] : [value.slice(0, 256).toWellFormed()];
    });
  return {
    ...names,
    title: alert.name !== "" ? alert.name : (alert.annotations.get("summary") ?? alert.annotations.get("title") ?? ""),
    distinguishing: mapping.identityLabels.flatMap((label) => values([label]).map((value) => `${label} ${value}`)),
    instances: values(mapping.instanceLabels),
  };
}
