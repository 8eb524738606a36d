// The rules classifier: a deterministic answer from a rules file, without any model and offline (S5).

import { hash } from "node:crypto";
import { LineCounter, parseDocument } from "yaml";
import { AppError } from "../../core/errors.ts";
import type { Classifier } from "../../wire/contracts/classifier.ts";
import {
  classifierRulesSchema,
  type ClassifierRule,
  type ClassifierRules,
} from "../../wire/schemas/classifier-rules.ts";
import { SEVERITIES, type Classification } from "../../wire/types/classification.ts";
import type { Signal } from "../../wire/types/signal.ts";

const RULES_BYTES_MAX = 256 * 1024;

/**
 * A classifier from the text of a rules file (see policies/classifier-rules.yaml). The first rule that matches a
 * signal answers for it; of several signals the most serious answer counts, and resolved ones only when all are.
 * `teams` are those the installation has, at least one; a label may name any of them. Throws `config-invalid`, naming
 * line and column, for text that is no such file and for a team that is not there.
 */
export function createRulesClassifier(text: string, known: { readonly teams: readonly string[] }): Classifier {
  const [firstTeam] = known.teams;
  if (firstTeam === undefined) throw invalid("no teams are configured");
  const file = parseRules(text, known.teams);
  const rules: Rules = { ...file.spec, teams: known.teams, defaultTeam: file.spec.defaultTeam ?? firstTeam };
  const { name: model, version } = file.metadata;
  const identity = { provider: "rules", model, version, promptHash: hash("sha256", text) };
  return {
    identity,
    async classify(signals, signal) {
      signal.throwIfAborted();
      return { answer: classifySignals(rules, signals), by: identity, usage: null, reasoning: "", passedOver: [] };
    },
  };
}

type Rules = Omit<ClassifierRules["spec"], "defaultTeam"> & {
  readonly teams: readonly string[];
  readonly defaultTeam: string;
};

function parseRules(text: string, teams: readonly string[]): ClassifierRules {
  if (Buffer.byteLength(text) > RULES_BYTES_MAX) throw invalid("larger than 256 KiB");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, schema: "core" });
  const error = document.errors[0] ?? document.warnings[0];
  if (error !== undefined) throw invalid(error.message.split("\n")[0] ?? "not YAML", lines.linePos(error.pos[0]));
  const parsed = classifierRulesSchema.safeParse(toPlain(document));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0] ?? { path: [], message: "invalid" };
    throw invalid(`${path.join(".")}: ${message}`, positionOf(document, path, lines));
  }
  for (const [path, team] of teamsNamed(parsed.data)) {
    if (teams.includes(team)) continue;
    throw invalid(`${path.join(".")}: ${team} is no configured team`, positionOf(document, path, lines));
  }
  return parsed.data;
}

/** Every team that the file names, with the path of the place. */
function teamsNamed({ spec }: ClassifierRules): (readonly [path: PropertyKey[], team: string])[] {
  const places: [PropertyKey[], string | undefined][] = [
    [["spec", "defaultTeam"], spec.defaultTeam],
    [["spec", "otherwise", "team"], spec.otherwise.team],
    ...spec.rules.map((rule, index): [PropertyKey[], string | undefined] => [
      ["spec", "rules", index, "answer", "team"],
      rule.answer.team,
    ]),
  ];
  return places.flatMap(([path, team]) => (team === undefined ? [] : [[path, team] as const]));
}

/** Without aliases: a few lines of them could grow into gigabytes. */
function toPlain(document: ReturnType<typeof parseDocument>): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw invalid(cause instanceof Error ? cause.message : "not YAML");
  }
}

/** Where the value at `path` stands, or what is nearest above it. */
function positionOf(
  document: ReturnType<typeof parseDocument>,
  path: readonly PropertyKey[],
  lines: LineCounter,
): { line: number; col: number } | undefined {
  for (let length = path.length; length > 0; length--) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (typeof node !== "object" || node === null || !("range" in node) || !Array.isArray(node.range)) continue;
    return lines.linePos(Number(node.range[0]));
  }
  return undefined;
}

function invalid(why: string, at?: { readonly line: number; readonly col: number }): AppError {
  const place = at === undefined ? "" : ` at ${at.line}:${at.col}`;
  return new AppError("config-invalid", `classifier rules${place}: ${why}`, at === undefined ? {} : { ...at });
}

function classifySignals(rules: Rules, signals: readonly Signal[]): Classification {
  const firing = signals.filter((signal) => signal.status === "firing");
  const answers = (firing.length > 0 ? firing : signals).map((signal) => classifySignal(rules, signal));
  const [first, ...others] = answers;
  if (first === undefined) throw new AppError("request-invalid", "there is no signal to classify");
  return others.reduce(moreSerious, first);
}

function moreSerious(a: Classification, b: Classification): Classification {
  const difference = SEVERITIES.indexOf(a.classification) - SEVERITIES.indexOf(b.classification);
  if (difference !== 0) return difference > 0 ? a : b;
  return b.confidence > a.confidence ? b : a;
}

function classifySignal(rules: Rules, signal: Signal): Classification {
  const { answer } = rules.rules.find((rule) => matches(rule.when, signal)) ?? { answer: rules.otherwise };
  return {
    classification: answer.classification,
    confidence: answer.confidence,
    requires_ticket: answer.ticket,
    requires_paging: answer.page,
    requires_mim: answer.mim,
    recommended_team: answer.team ?? teamOf(rules, signal),
  };
}

/** The team that a label names, if it is one of ours: what a label says is a claim, not a fact. */
function teamOf({ teams, teamLabel, defaultTeam }: Rules, signal: Signal): string {
  const claimed = Object.hasOwn(signal.labels, teamLabel) ? signal.labels[teamLabel] : undefined;
  return claimed !== undefined && teams.includes(claimed) ? claimed : defaultTeam;
}

/** True when every condition that the rule states holds. */
function matches(when: ClassifierRule["when"], signal: Signal): boolean {
  if (when.status !== undefined && when.status !== signal.status) return false;
  if (when.source !== undefined && !when.source.includes(signal.source)) return false;
  if (when.environment !== undefined && !when.environment.includes(signal.environment)) return false;
  if (when.service !== undefined && !when.service.includes(signal.service)) return false;
  if (when.claimedSeverity !== undefined && !when.claimedSeverity.includes(signal.claimedSeverity)) return false;
  if (when.impactAtLeast !== undefined && !((signal.impactEstimate ?? -1) >= when.impactAtLeast)) return false;
  if (when.title !== undefined && !when.title.some((pattern) => matchesPattern(pattern, signal.title))) return false;
  return Object.entries(when.labels ?? {}).every(
    ([name, values]) => Object.hasOwn(signal.labels, name) && values.includes(signal.labels[name] ?? ""),
  );
}

/** `*` stands for any text; case does not count. Each part is looked for once, left to right: linear, no backtracking. */
function matchesPattern(pattern: string, text: string): boolean {
  const parts = pattern.toLowerCase().split("*");
  const sought = text.toLowerCase();
  const [first = "", last = ""] = [parts[0], parts.at(-1)];
  if (parts.length === 1) return sought === first;
  if (!sought.startsWith(first)) return false;
  let position = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = sought.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return sought.length - last.length >= position && sought.endsWith(last);
}
