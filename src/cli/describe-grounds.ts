// What an action rests on, and what it puts at stake, in words: for whoever reads it or is about to answer.

import { Fields, NONE } from "./fields.ts";
import { formatDuration, formatInstant } from "./instants.ts";
import { pairLines } from "./paragraphs.ts";
import { escapeLine, safeYaml } from "./safe-text.ts";

/** Nothing where the proposal names nothing. */
export function evidenceLines(action: Fields): string {
  const content = action.fields("content");
  const named = content?.list("evidence").map((one) => `${one.text("kind")} ${one.text("id")}`) ?? [];
  const confidence = action.number("confidencePpm");
  const context = content?.raw("context") ?? null;
  return (
    pairLines([
      ["Rests on", named.length === 0 ? null : named.join(", ")],
      ["Confidence", confidence === null ? null : `${confidence / 1_000_000}, as whoever proposed it says`],
    ]) + (context === null ? "" : `Thought out from, as the agent tells it:\n${safeYaml(context)}`)
  );
}

/** What the runtime model predicted, and what was measured afterwards; nothing where no rule asked the model. */
export function stakeLines(action: Fields): string {
  const [prediction, impact] = [action.fields("prediction"), action.fields("impact")];
  if (prediction === null) return "";
  const said =
    prediction.exact("code") === ""
      ? statedPairs(prediction)
      : ([["Predicted", `nothing (${prediction.text("code")}): anything may suffer`]] as const);
  const actual = impact?.fields("actual") ?? null;
  const found = actual === null ? "nothing" : shareText(actual);
  return pairLines([...said, ["Measured", impact === null ? null : `${found} (${impact.text("outcome")})`]]);
}

function statedPairs(prediction: Fields): readonly (readonly [string, string | null])[] {
  const counts = `${prediction.text("entries")} entries, ${prediction.text("services")} services`;
  const outcomes = prediction.fields("calibration");
  const zones = prediction.number("crossed") ?? 0;
  return [
    ["Predicted", `${shareText(prediction.fields("share"))} of all requests from outside suffer, nine times in ten`],
    ["At stake", `${shareText(prediction.fields("exposure"))} if everything that needs it fails: ${counts}`],
    ["Reaches", zones === 0 ? null : `beyond trust zone ${prediction.text("zone")}: ${prediction.texts("crosses")}`],
    ["Doubts", doubtsText(prediction)],
    [
      "Record",
      `${outcomes?.text("within") ?? NONE} of ${outcomes?.text("outcomes") ?? NONE} of its kind did what was said`,
    ],
    ["Model", `${prediction.text("target")}, version ${prediction.text("modelVersion")}`],
  ];
}

/** What made the bounds wide. */
function doubtsText(prediction: Fields): string | null {
  const [staleS, unknown] = [prediction.number("staleS"), prediction.number("unknown") ?? 0];
  const age = staleS === null ? "there was no telemetry" : `telemetry is ${formatDuration(staleS * 1000)} old`;
  const doubts = [
    ...(prediction.isTrue("isStale") ? [age] : []),
    ...(unknown === 0 ? [] : [`${unknown} ${unknown === 1 ? "use" : "uses"} on the way never measured`]),
  ];
  return doubts.length === 0 ? null : doubts.join("; ");
}

/** Of parts of a million. */
function shareText(share: Fields | null): string {
  const percent = (name: string): string => `${((share?.number(name) ?? 0) / 10_000).toFixed(1)}%`;
  return `${percent("mid")} (${percent("low")} to ${percent("high")})`;
}

const UNBOUNDED: ReadonlySet<string> = new Set(["environments", "services", "size"]);

/** What the kernel acts on, where that is terms and no id: as people read them. */
export function termLines(operand: string): readonly string[] {
  const terms = termsOf(operand);
  if (Object.keys(terms.value).length === 0) return [escapeLine(operand)];
  return Object.keys(terms.value).map((name) => `${escapeLine(name)} ${termText(terms, name)}`);
}

function termText(terms: Fields, name: string): string {
  if (/^[a-z]+At$/.test(name) && terms.number(name) !== null) return formatInstant(terms.number(name));
  if (UNBOUNDED.has(name) && !terms.has(name)) return "any";
  const value = terms.raw(name);
  if (!Array.isArray(value)) return terms.text(name);
  // A key is known by its thumbprint, which nothing else has.
  return terms.list(name).every((one) => one.has("thumbprint"))
    ? terms
        .list(name)
        .map((one) => one.text("thumbprint"))
        .join(", ") || NONE
    : terms.texts(name);
}

/** Without any where the operand is an id. */
export function termsOf(operand: string): Fields {
  try {
    return new Fields(JSON.parse(operand));
  } catch {
    return new Fields(null);
  }
}
