// An action in words: what, where, who, why, the verdicts, the hold, plan and diff, and what happened when.

import type { Json } from "../core/json.ts";
import { evidenceLines, stakeLines, termLines, termsOf } from "./describe-grounds.ts";
import { type Fields, NONE, shortHashes } from "./fields.ts";
import { formatDuration, formatInstant } from "./instants.ts";
import { missingExecutor } from "./missing-executors.ts";
import { pairLines, section } from "./paragraphs.ts";
import { safeYaml } from "./safe-text.ts";
import { renderTable } from "./table.ts";

/** The whole of it. Every text in it is escaped. */
export function describeAction(action: Fields, nowMs: number): string {
  return [
    headLines(action),
    classificationLines(action.fields("classification")),
    section("Evidence", evidenceLines(action)),
    section("Blast radius", stakeLines(action)),
    section("Decision", decisionLines(action.fields("evaluation"))),
    section("Hold", holdLines(action, nowMs)),
    section("Answers", answerLines(action.list("answers"))),
    section("Labels", labelLines(action.list("labels"))),
    section("What it did", didLines(action)),
    section("Outcome", outcomeLines(action)),
    planLines(action),
    section("Timeline", timelineLines(action)),
    nextLines(action),
  ].join("");
}

function headLines(action: Fields): string {
  const resource = action.has("resource") ? ` ${action.text("resource")}` : "";
  const person = action.has("person") ? `, answerable: ${action.text("person")}` : "";
  return pairLines([
    ["Action", action.text("id")],
    ["Status", statusText(action)],
    ["Because", detailOf(action.fields("content"))],
    ["What", action.text("kind")],
    ["Where", `${action.text("environment")} / ${action.text("service")}${resource}`],
    ...operandPairs(action),
    ["Who", `${action.text("agent")} (${action.text("agentKind")})${person}`],
    ["Signed", signedText(action.fields("signed"))],
    ["Why", reasonOf(action)],
    ["Proposed", formatInstant(action.number("proposedAt"))],
    ["Ended", action.has("endedAt") ? formatInstant(action.number("endedAt")) : null],
    ["Window", windowText(action.fields("window"))],
    ["Waits", waitsText(action.fields("waiting"))],
    ["Incident", action.has("incident") ? action.text("incident") : null],
    ["Run", action.has("run") ? action.text("run") : null],
    ["Duplicate of", action.has("duplicateOf") ? action.text("duplicateOf") : null],
    ["Bears on", action.texts("domains") === NONE ? null : action.texts("domains")],
    ["At risk", foundText(action.fields("findings"))],
    ["Reversible", undoText(action)],
    ["Repeating it", action.text("repeat")],
    ["Review", action.has("review") ? `${action.text("review")}, owed for breaking the glass` : null],
    ["Grant", grantText(action.fields("grant"))],
    ["Erased", action.texts("erased") === NONE ? null : action.texts("erased")],
  ]);
}

/** What the kernel acts on; of a silence in words, since somebody has to agree to it. */
function operandPairs(action: Fields): readonly (readonly [string, string])[] {
  if (!action.has("operand")) return [];
  const lines = action.exact("kind") === "silence.create" ? [silenceText(action)] : termLines(action.exact("operand"));
  return lines.map((line, i) => [i === 0 ? "Acts on" : "", line]);
}

function silenceText(action: Fields): string {
  const terms = termsOf(action.exact("operand"));
  const what = terms.has("signature") ? `, failure ${shortHashes(terms.text("signature"))}` : "";
  const where = `${terms.text("environment")} / ${terms.has("service") ? terms.text("service") : "every service"}`;
  return `${where}${what}, quiet from ${formatInstant(terms.number("startsAt"))} until ${formatInstant(terms.number("endsAt"))}`;
}

function signedText(signed: Fields | null): string | null {
  const model = signed?.fields("model");
  if (signed === null || model == null) return null;
  const made = `${model.text("provider")}/${model.text("name")}@${model.text("version")}`;
  return `by agent key ${signed.text("key")}, model ${made}, prompt ${shortHashes(signed.text("promptHash"))}`;
}

/** What is wrong with its arguments, for those who may read contents. */
function detailOf(content: Fields | null): string | null {
  return content?.has("detail") === true ? content.text("detail") : null;
}

/** How it stands, and why where that is known. */
export function statusText(action: Fields): string {
  const code = action.has("code") ? ` (${action.text("code")})` : "";
  return `${action.text("status")}${code}${action.isTrue("dryRun") ? ", dry run" : ""}`;
}

/** The proposal's reason; the document has it for those who may read contents. */
function reasonOf(action: Fields): string {
  const content = action.fields("content");
  if (action.exact("effect") === "kernel" && content?.has("reason") !== true) return NONE;
  if (content === null) return "(needs the scope payloads:read)";
  return content.text("reason");
}

function windowText(window: Fields | null): string | null {
  if (window === null) return null;
  const from = window.has("notBefore") ? `from ${formatInstant(window.number("notBefore"))} ` : "";
  return `${from}until ${formatInstant(window.number("notAfter"))}`;
}

function waitsText(waiting: Fields | null): string | null {
  if (waiting === null) return null;
  const code = waiting.text("code");
  const because = waiting.has("because") ? ` (${waiting.text("because")})` : "";
  const outside = `for what has to come from outside${because}`;
  const what =
    code === "window" ? "for its window" : code === "outside" ? outside : `for ${waiting.texts("behind")} to end`;
  return `${what}, until ${formatInstant(waiting.number("until"))}`;
}

/** As found in the plan itself. */
function foundText(findings: Fields | null): string | null {
  if (findings === null) return null;
  const tags = findings.texts("tags");
  return tags === NONE ? findings.texts("risks") : `${findings.texts("risks")} (${tags})`;
}

/** Whoever approves the plan approves what takes it back with it. */
function undoText(action: Fields): string {
  if (!action.isTrue("reversible")) return "no";
  if (!action.has("undoneBy")) return "yes";
  const domains = action.texts("undoDomains");
  const bears = domains === NONE ? "" : `, which bears on ${domains}`;
  return `yes, by ${action.text("undoneBy")}${bears}; ${undoneWhenText(action)}`;
}

/** Policy says with the grant whether that runs by itself; what was not granted, or is left out of the timeline, may yet. */
function undoneWhenText(action: Fields): string {
  const granted = action.list("timeline").findLast((entry) => entry.exact("type") === "action.granted");
  if (granted === undefined) return "where a verification takes it back that runs by itself, and nobody is asked again";
  return granted.fields("facts")?.has("revertGrant") === true
    ? "where its checks fail that runs by itself, and nobody is asked again"
    : "never by itself: a person may ask for it";
}

function grantText(grant: Fields | null): string | null {
  return grant === null ? null : `${grant.text("id")}, until ${formatInstant(grant.number("expiresAt"))}`;
}

/** One line for a classification; nothing when there is none. */
export function classificationLines(classification: Fields | null): string {
  if (classification === null) return "";
  const { severity, confidence, asks, team } = classificationTexts(classification);
  return pairLines([["Classified", `${severity}, confidence ${confidence}; ${asks}; team ${team}`]]);
}

function classificationTexts(classification: Fields): {
  severity: string;
  confidence: string;
  asks: string;
  team: string;
} {
  const ppm = classification.number("confidencePpm");
  const asks = [
    ["requiresTicket", "ticket"],
    ["requiresPaging", "page"],
    ["requiresMim", "major incident"],
  ] as const;
  const wanted = asks.filter(([name]) => classification.isTrue(name)).map(([, word]) => word);
  return {
    severity: classification.text("severity"),
    confidence: ppm === null ? NONE : String(ppm / 1_000_000),
    asks: wanted.length === 0 ? "asks for nothing" : `asks for ${wanted.join(", ")}`,
    team: classification.text("team"),
  };
}

function decisionLines(evaluation: Fields | null): string {
  if (evaluation === null) return "";
  const rows = evaluation.list("verdicts");
  const verdicts = renderTable(
    [
      { heading: "VERDICT", cell: (row: Fields) => row.text("verdict") },
      { heading: "GATE", cell: (row) => row.text("gate") },
      { heading: "CODE", cell: (row) => row.text("code") },
      { heading: "EVIDENCE", cell: (row) => row.fields("evidence")?.pairs() ?? "" },
    ],
    rows,
  );
  const by = `${evaluation.text("decision")}, by ${evaluation.text("engine")} under bundle ${shortHashes(evaluation.text("bundleHash"))}, event ${evaluation.text("seq")}\n`;
  return by + (rows.length === 0 ? "" : verdicts);
}

/** Who must sign, who has, and the time left; nothing when it waits for nobody. */
export function holdLines(action: Fields, nowMs: number): string {
  const hold = action.fields("hold");
  if (hold === null) return "";
  const person = action.has("person") ? `, nor any identity of the person ${action.text("person")}` : "";
  const [first = NONE, ...others] = hold.list("needs").map(needText);
  return pairLines([
    ["Route", `${hold.text("route")}, step ${(hold.number("step") ?? 0) + 1} of ${hold.text("steps")}`],
    ["Must sign", first],
    ...others.map((need) => ["", need] as const),
    ["Never", `${action.text("agent")}${person}`],
    ["Signed by", hold.list("approvals").length === 0 ? null : hold.list("approvals").map(signedBy).join(", ")],
    ["Break glass", glassText(hold)],
    ["Time left", timeLeft(hold, nowMs)],
    ["Reminder", hold.has("remindAt") ? formatInstant(hold.number("remindAt")) : null],
    ["Plan hash", action.text("planHash")],
  ]);
}

function glassText(hold: Fields): string | null {
  const glass = hold.fields("breakGlass");
  if (glass === null) return null;
  const asked = hold.list("breakers");
  const by = asked.length === 0 ? "" : `; asked for by ${asked.map(signedBy).join(", ")}`;
  return `in an emergency, ${glass.text("people")} of ${glass.texts("roles")}; a review is owed${by}`;
}

/** How many of how many, and who they may be. */
function needText(need: Fields): string {
  const who = [
    ...need.strings("roles"),
    ...need.strings("people").map((name) => `${name} in person`),
    ...need.strings("schedules").map((name) => `on duty in ${name}`),
  ];
  const agents = need.isTrue("agents") ? " (people or agents)" : "";
  return `${need.text("have")} of ${need.text("count")}: ${who.join(" or ")}${agents}`;
}

function signedBy(approval: Fields): string {
  const who = approval.has("person") ? `${approval.text("person")} as ` : "";
  return `${who}${approval.text("id")}`;
}

function timeLeft(hold: Fields, nowMs: number): string {
  const frozen = hold.fields("frozen");
  const remainingMs = frozen?.number("remainingMs") ?? null;
  if (frozen !== null && remainingMs !== null) {
    return `${formatDuration(remainingMs)}, the clock stands still while a pause covers it (at most until ${formatInstant(frozen.number("until"))})`;
  }
  const deadline = hold.number("deadline");
  const left = deadline === null ? NONE : formatDuration(deadline - nowMs);
  return `${left} (until ${formatInstant(deadline)}; then it expires)`;
}

function answerLines(answers: readonly Fields[]): string {
  return answers
    .map((answer) => {
      const when = formatInstant(answer.number("time"));
      const who = answer.has("person") ? `${answer.text("person")} as ${answer.text("actor")}` : answer.text("actor");
      const plan = answer.has("planHash") ? `, plan ${shortHashes(answer.text("planHash"))}` : "";
      return `${when}  ${answer.text("decision")} by ${who}${plan}\n`;
    })
    .join("");
}

function labelLines(labels: readonly Fields[]): string {
  return labels
    .map((label) => {
      const faults = label.texts("faults") === NONE ? "" : ` (${label.texts("faults")})`;
      const reason = label.has("reason") ? `: ${label.text("reason")}` : "";
      return `${formatInstant(label.number("at"))}  ${label.text("label")}${faults} by ${label.text("person")}${reason}\n`;
    })
    .join("");
}

/** What its executor said when the newest step ended, or the target when it was asked. */
function didLines(action: Fields): string {
  const content = action.fields("content");
  const outcome = content?.fields("outcome") ?? null;
  if (content === null || !action.has("stepEnd")) return "";
  if (outcome === null) return `not readable: ${content.text("missing")}\n`;
  const said = Object.entries({ reference: outcome.raw("reference"), detail: outcome.raw("detail") });
  const told = Object.fromEntries(said.filter(([, value]) => value !== null));
  return Object.keys(told).length === 0 ? "" : valueText(told);
}

/** How its health was found, and what takes or took it back: `explain` has what each check saw. */
function outcomeLines(action: Fields): string {
  return pairLines([
    ["Checked", checkedText(action.fields("verification"), action.has("endedAt"))],
    ["Undo tried", inverseText(action.fields("inverseCheck"))],
    ["Taken back", action.has("revert") ? `by ${action.text("revert")}` : null],
    ["Takes back", action.has("revertOf") ? action.text("revertOf") : null],
  ]);
}

/** The dry run of what takes it back: it has changed nothing. */
function inverseText(check: Fields | null): string | null {
  if (check === null) return null;
  const told = check.text("result");
  const what =
    told === "planned"
      ? `it would go, by plan ${shortHashes(check.text("planHash"))}`
      : `${told === "refused" ? "it would not go" : "nobody could tell"}: ${check.text("code")}`;
  return `${what} (without an effect, ${formatInstant(check.number("at"))})`;
}

/** Nothing of what ended before any check. */
function checkedText(verification: Fields | null, hasEnded: boolean): string | null {
  if (verification === null || (hasEnded && verification.number("samples") === 0)) return null;
  const [name, passes, needed, samples] = ["name", "passes", "needed", "samples"].map((of) => verification.text(of));
  const failed = verification.texts("failed") === NONE ? "" : `; did not pass: ${verification.texts("failed")}`;
  return `by ${name}: ${passes} of ${needed} passes in a row, after ${samples} samples${failed}`;
}

/** Plan, diff and inverse: what would run, what it changes, and what undoes it. */
function planLines(action: Fields): string {
  const content = action.fields("content");
  const plan = content?.fields("plan") ?? null;
  if (action.exact("effect") === "kernel") return "";
  // What takes something back and was refused before it was planned has nothing to show.
  if (!action.has("planHash") && content?.raw("missing") === "event-not-found") return "";
  if (content?.has("missing") === true && plan === null)
    return section("Plan", `not readable: ${content.text("missing")}\n`);
  if (plan === null) return content === null ? "" : section("Arguments", valueText(content.raw("args")));
  return [
    section("Arguments", valueText(content?.raw("args") ?? null)),
    section("Plan", valueText(plan.raw("calls"))),
    section("Diff", valueText(plan.raw("diff"))),
    section(
      "Only while",
      plan.has("fingerprint") ? `its target is as it was planned for: ${plan.text("fingerprint")}\n` : "",
    ),
    section("Undone by", plan.has("inverse") ? valueText(plan.raw("inverse")) : "nothing: it cannot be undone\n"),
    section("Undoing it, as tried", valueText(content?.fields("inversePlan")?.raw("diff") ?? null)),
  ].join("");
}

function valueText(value: Json): string {
  return value === null ? "" : safeYaml(value);
}

function timelineLines(action: Fields): string {
  const omitted = action.number("timelineOmitted") ?? 0;
  const rows = renderTable(
    [
      { heading: "SEQ", cell: (row: Fields) => row.text("seq") },
      { heading: "TIME", cell: (row) => formatInstant(row.number("time")) },
      { heading: "EVENT", cell: (row) => row.text("type") },
      { heading: "BY", cell: (row) => row.text("actor") },
      { heading: "FACTS", cell: (row) => row.fields("facts")?.pairs() ?? "" },
    ],
    action.list("timeline"),
  );
  return (
    rows + (omitted > 0 ? `${omitted} events in the middle are left out; see \`holdpoint get events --subject\`\n` : "")
  );
}

function nextLines(action: Fields): string {
  const id = action.text("id");
  if (action.exact("status") === "held") {
    return section("Next", `holdpoint approve ${id}\nholdpoint deny ${id} --reason "…"\n`);
  }
  const missing = whatIsMissing(action);
  return section("Next", `${missing}holdpoint explain ${id}\nholdpoint receipt ${id}\n`);
}

/** What somebody has to configure before another proposal of this kind comes to more. */
function whatIsMissing(action: Fields): string {
  const kind = action.text("kind");
  switch (action.exact("code")) {
    case "executor-missing":
      return `${missingExecutor(kind)}\n`;
    case "no-rule":
      return `no rule of the policies in force is about ${kind} here: write one (docs/policy.md), and try it with \`holdpoint propose --dry-run\`\n`;
    default:
      return "";
  }
}

/** What a person sees before answering: the head, the hold, the verdicts, plan and diff. */
export function answerCard(action: Fields, nowMs: number): string {
  return [
    headLines(action),
    classificationLines(action.fields("classification")),
    section("Evidence", evidenceLines(action)),
    section("Blast radius", stakeLines(action)),
    section("Decision", decisionLines(action.fields("evaluation"))),
    section("Hold", holdLines(action, nowMs)),
    section("Answers", answerLines(action.list("answers"))),
    planLines(action),
  ].join("");
}
