// What a signal says besides its identity: text, labels, pointers and correlation, redacted and bounded (S2).

import type { Signal } from "../wire/types/signal.ts";
import type { SignalMapping } from "../wire/schemas/signal.ts";
import { cleanText, cutText } from "./clean-text.ts";
import { isLogField, withoutLogLines } from "./log-lines.ts";
import { isWebAddress, pointersFrom } from "./pointers.ts";
import type { RawAlert } from "./raw-alert.ts";
import { redactField } from "./redact.ts";

const TITLE_CHARS_MAX = 200;
const SUMMARY_CHARS_MAX = 1000;
const LABELS_MAX = 32;
const LABEL_CHARS_MAX = 256;
const CORRELATION_MAX = 16;
const EXCERPT_CHARS_MAX = 1000;
const DETECTOR_CHARS_MAX = 120;
/** A signal takes at most 16 KiB as JSON; what is not labels takes at most 8 of them. */
const LABELS_BYTES_MAX = 8 * 1024;

type Content = Pick<
  Signal,
  "impactEstimate" | "correlationIds" | "title" | "summary" | "labels" | "pointers" | "redactions"
>;

/** Counts what is replaced or left out while one alert is described. */
class Redaction {
  count = 0;
  private readonly options: { readonly ipAddresses: boolean };

  constructor(mapping: SignalMapping) {
    this.options = { ipAddresses: mapping.redactIpAddresses ?? false };
  }

  /** One line, cleaned, without log lines and without anything sensitive. */
  text(name: string, value: string): string {
    const cleaned = cleanText(value);
    const { text, dropped } = withoutLogLines(cleaned);
    const redacted = redactField(name, text, this.options);
    this.count += redacted.count + (dropped > 0 ? 1 : 0);
    return redacted.text;
  }
}

export function describeAlert(alert: RawAlert, mapping: SignalMapping): Content {
  const redaction = new Redaction(mapping);
  const title = cutText(titleOf(alert, redaction), TITLE_CHARS_MAX);
  const summary = cutText(firstText(alert, ["description", "message", "summary"], redaction), SUMMARY_CHARS_MAX);
  const labels = keptLabels(alert, mapping, redaction);
  const pointers = pointersFrom(addressesOf(alert, mapping));
  const logs = [...alert.annotations].filter(([name, value]) => isLogField(name) && !isWebAddress(value.trim()));
  return {
    impactEstimate: impactOf(alert, mapping),
    correlationIds: correlationIds(alert, mapping),
    title,
    summary,
    labels,
    pointers: pointers.urls,
    redactions: redaction.count + pointers.redactions + logs.length,
  };
}

function titleOf(alert: RawAlert, redaction: Redaction): string {
  const name = redaction.text("alertname", alert.name);
  const summary = firstText(alert, ["summary", "title", "message"], redaction);
  if (name === "") return summary === "" ? "Alert without a name" : summary;
  return summary === "" || summary === name ? name : `${name}: ${summary}`;
}

/** The first of these annotations that has text left once logs and secrets are out of it. */
function firstText(alert: RawAlert, names: readonly string[], redaction: Redaction): string {
  for (const name of names) {
    const value = alert.annotations.get(name);
    const text = value === undefined ? "" : redaction.text(name, value);
    if (text !== "") return text;
  }
  return "";
}

function keptLabels(alert: RawAlert, mapping: SignalMapping, redaction: Redaction): Record<string, string> {
  const allowed = allowedLabels(mapping);
  const kept: [string, string][] = [];
  let bytes = 0;
  for (const [name, value] of [...alert.labels].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!allowed.has(name) || kept.length === LABELS_MAX) continue;
    const text = cutText(redaction.text(name, value), LABEL_CHARS_MAX);
    bytes += Buffer.byteLength(JSON.stringify(name) + JSON.stringify(text)) + 2;
    if (bytes > LABELS_BYTES_MAX) break;
    kept.push([name, text]);
  }
  return Object.fromEntries(kept);
}

/** Names the mapping gives a meaning are allowed as well; log fields never. */
function allowedLabels(mapping: SignalMapping): ReadonlySet<string> {
  const allowed = new Set([
    ...mapping.keptLabels,
    ...mapping.environmentLabels,
    ...mapping.serviceLabels,
    ...mapping.componentLabels,
    ...mapping.severityLabels,
    ...mapping.identityLabels,
  ]);
  for (const name of allowed) if (isLogField(name)) allowed.delete(name);
  return allowed;
}

function addressesOf(alert: RawAlert, mapping: SignalMapping): string[] {
  const named = new Set(mapping.pointerAnnotations);
  const fromAnnotations = [...alert.annotations]
    .filter(([name, value]) => (named.has(name) || /_?url$/i.test(name) || isLogField(name)) && value.length <= 4096)
    .map(([, value]) => value.trim());
  return [...fromAnnotations, ...alert.links];
}

function impactOf(alert: RawAlert, mapping: SignalMapping): number | null {
  for (const name of mapping.impactNames) {
    const text = (alert.annotations.get(name) ?? alert.labels.get(name) ?? "").trim();
    const match = /^(\d{1,3}(?:\.\d{1,17})?)(%?)$/.exec(text);
    if (match === null) continue;
    const fraction = Number(match[1]) / (match[2] === "%" ? 100 : 1);
    return fraction <= 1 ? fraction : null;
  }
  return null;
}

/** Trace ids, uuids, ticket numbers: forms that cannot hide anything else. */
const CORRELATION =
  /^(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Z]{2,10}-?\d{1,12})$/i;

function correlationIds(alert: RawAlert, mapping: SignalMapping): string[] {
  const found = mapping.correlationNames
    .flatMap((name) => [alert.labels.get(name), alert.annotations.get(name)])
    .filter((value) => value !== undefined && value.length <= 64 && CORRELATION.test(value));
  return [...new Set(found as string[])].slice(0, CORRELATION_MAX);
}

/** `prometheus:HighErrorRate`: printable, bounded, and without a secret somebody made a rule's name of. */
export function redactedDetector(alert: RawAlert): string {
  const plain = (text: string): string => {
    const redacted = redactField("alertname", cleanText(text), { ipAddresses: false });
    return redacted.text.replaceAll(/[^\w:.-]+/g, "_");
  };
  // An EventBridge event names its kind itself.
  return `${plain(alert.detectorKind)}:${plain(alert.name) || "unnamed"}`.slice(0, DETECTOR_CHARS_MAX);
}

/**
 * What the person who looks at a quarantined alert sees: its start, its first labels and its summary, redacted, on one
 * line of printable ASCII, because the reason may be characters that cannot be seen.
 */
export function excerptOf(alert: RawAlert, mapping: SignalMapping): string {
  const redaction = new Redaction(mapping);
  const labels = [...alert.labels].slice(0, LABELS_MAX).map(([name, value]) => {
    const shown = isLogField(name) ? "[log]" : cutText(redactShown(redaction, name, value), 128);
    return `${cutText(redaction.text("", name), 64)}=${JSON.stringify(shown)}`;
  });
  const summary = firstText(alert, ["summary", "title"], redaction);
  const text = [
    alert.status,
    `startsAt=${cutText(redaction.text("", String(alert.startsAt)), 40)}`,
    ...labels,
    summary,
  ].join(" ");
  return cutText(printable(text.slice(0, 2 * EXCERPT_CHARS_MAX)), EXCERPT_CHARS_MAX).replace("…", "...");
}

/** Invisible characters stay, to be written out; but a value that hides a secret behind them is still redacted. */
function redactShown(redaction: Redaction, name: string, value: string): string {
  const before = redaction.count;
  const cleaned = redaction.text(name, value);
  return redaction.count > before || value.length > LABEL_CHARS_MAX ? cleaned : value.toWellFormed();
}

/** Everything but printable ASCII written as `\u{202e}`. */
function printable(text: string): string {
  return text.toWellFormed().replaceAll(/[^ -~]/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
