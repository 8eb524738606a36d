// Signals, incidents and runs in words.

import { classificationLines, statusText } from "./describe-action.ts";
import { type Fields, NONE } from "./fields.ts";
import { formatInstant } from "./instants.ts";
import { missingExecutor } from "./missing-executors.ts";
import { pairLines, section } from "./paragraphs.ts";
import { safeYaml } from "./safe-text.ts";
import { renderTable } from "./table.ts";

export function describeSignal(signal: Fields): string {
  const head = pairLines([
    ["Signal", signal.text("id")],
    ["Status", signal.text("status")],
    ["Reported", optional(signal, "reported")],
    ["Where", `${signal.text("environment")} / ${signal.text("service")}`],
    ["From", `${signal.text("source")}, detector ${signal.text("detector")}`],
    ["Received", formatInstant(signal.number("time"))],
    ["Claims", optional(signal, "claimedSeverity")],
    ["Signature", optional(signal, "signature")],
    ["Incident", optional(signal, "incident")],
    ["Joined by", optional(signal, "joinedBy")],
    ["Silenced by", optional(signal, "silence")],
    ["Run", optional(signal, "run")],
    ["Duplicate of", optional(signal, "duplicateOf")],
    ["Kept aside", optional(signal, "reason")],
  ]);
  const content = signal.fields("content");
  return head + section("Content", content === null ? "(needs the scope payloads:read)\n" : safeYaml(content.value));
}

export function describeIncident(incident: Fields): string {
  return (
    pairLines([
      ["Incident", incident.text("id")],
      ["Status", incident.text("status")],
      ["Where", `${incident.text("environment")} / ${incident.texts("services")}`],
      ["Merged into", optional(incident, "mergedInto")],
      ["Absorbed", named(incident, "absorbed")],
      ["Split from", optional(incident, "splitFrom")],
      ["Split into", named(incident, "splitInto")],
      ["Reopened", incident.number("reopened") === 0 ? null : `${incident.text("reopened")} times`],
      ["Flapping", incident.isTrue("flapping") ? "yes: it ends after 15 minutes of quiet" : null],
      ["Opened", formatInstant(incident.number("openedAt"))],
      ["Last signal", formatInstant(incident.number("lastSignalAt"))],
      [
        "Resolved",
        incident.has("resolvedAt")
          ? `${formatInstant(incident.number("resolvedAt"))} (${incident.text("resolution")})`
          : null,
      ],
      ["Claims", incident.text("claimedSeverity")],
      ["Paged", incident.isTrue("paged") ? "yes" : "no"],
      ["Page closed", closingText(incident.fields("pageClosing"))],
      ["At PagerDuty", standsText(incident, "pagerduty")],
      ["At ServiceNow", standsText(incident, "servicenow")],
      ["Major incident", standsText(incident, "servicenow-major")],
      ["Signature", incident.text("signature")],
    ]) +
    section("Of one cause", relatedText(incident)) +
    section(`Signals (${incident.text("signalCount")})`, lines(incident, "signals")) +
    section("Runs", lines(incident, "runs")) +
    section("Actions", lines(incident, "actions"))
  );
}

/** What the runtime model measured that joined it with others. */
function relatedText(incident: Fields): string {
  const lines = incident.list("related").map((one) => {
    const part = `${((one.number("lowPpm") ?? 0) / 10_000).toFixed(1)} %`;
    const what = `${one.text("effect")} fails for at least ${part} of its requests when ${one.text("cause")} does`;
    return `${what}: joined with ${one.text("incident")} (model version ${one.text("modelVersion")})\n`;
  });
  return lines.join("");
}

/** How it stands there, by that system's own word. */
function standsText(incident: Fields, system: string): string | null {
  const stands = incident.fields("systems")?.fields(system) ?? null;
  if (stands === null) return null;
  return `${stands.text("record")} ${stands.text("state")} since ${formatInstant(stands.number("at"))}`;
}

/** Where the end of a page stands; an attempt that came to nothing is made again by itself. */
function closingText(closing: Fields | null): string | null {
  if (closing === null) return null;
  const status = closing.exact("status");
  if (status === "succeeded" && !closing.isTrue("dryRun")) return `yes, ${closing.text("id")}`;
  const next = CLOSING_NEXT.get(closing.exact("code")) ?? CLOSING_NEXT.get(status) ?? "";
  return `not yet, ${closing.text("id")}: ${statusText(closing)}${next}`;
}

const CLOSING_NEXT: ReadonlyMap<string, string> = new Map([
  ["paused", "; done when the brake is lifted"],
  ["dry-run", "; done when the brake is lifted"],
  ["refused", "; tried again by itself"],
  ["expired", "; tried again by itself"],
  ["failed", "; tried again by itself"],
  ["needs-attention", "; close it at the pager by hand"],
]);

export function describeRun(run: Fields): string {
  return (
    pairLines([
      ["Run", run.text("id")],
      ["Status", `${run.text("status")}${run.has("code") ? ` (${run.text("code")})` : ""}`],
      ["Verdict", run.text("verdict")],
      ["Where", `${run.text("environment")} / ${run.text("service")}`],
      ["Incident", run.text("incident")],
      ["Signal", `${run.text("signal")}, from ${run.text("source")}`],
      ["Opened", formatInstant(run.number("openedAt"))],
      ["Ended", run.has("endedAt") ? formatInstant(run.number("endedAt")) : null],
    ]) +
    classificationLines(run.fields("classification")) +
    classifierLine(run.fields("classifier")) +
    section("Problems", lines(run, "problems")) +
    section("Said", saidLines(run.fields("content"))) +
    section("Actions", actionLines(run.list("actions"))) +
    section("Next", missingLines(run.list("actions")))
  );
}

function classifierLine(classifier: Fields | null): string {
  if (classifier === null) return "";
  const { model, version } = { model: classifier.text("model"), version: classifier.text("modelVersion") };
  const tokens = `${classifier.text("inputTokens")} in, ${classifier.text("outputTokens")} out`;
  return pairLines([
    ["Classifier", `${classifier.text("provider")}/${model} ${version}`],
    ["Tokens", classifier.has("inputTokens") ? tokens : null],
  ]);
}

/** The answer, its reasons and who was passed over; nothing for those who may not read contents. */
function saidLines(content: Fields | null): string {
  return content === null ? "" : safeYaml(content.value);
}

function actionLines(actions: readonly Fields[]): string {
  if (actions.length === 0) return "";
  return renderTable(
    [
      { heading: "ID", cell: (row: Fields) => row.text("id") },
      { heading: "STATUS", cell: statusText },
      { heading: "KIND", cell: (row) => row.text("kind") },
    ],
    actions,
  );
}

/** What to configure where an action was refused for want of an executor. */
function missingLines(actions: readonly Fields[]): string {
  const kinds = actions.filter((one) => one.exact("code") === "executor-missing").map((one) => one.text("kind"));
  return [...new Set(kinds)].map((kind) => `${missingExecutor(kind)}\n`).join("");
}

function optional(fields: Fields, name: string): string | null {
  return fields.has(name) ? fields.text(name) : null;
}

function named(fields: Fields, name: string): string | null {
  const text = fields.texts(name);
  return text === NONE ? null : text;
}

/** A list of texts, one a line. */
function lines(fields: Fields, name: string): string {
  const text = fields.texts(name);
  return text === NONE ? "" : `${text.split(", ").join("\n")}\n`;
}
