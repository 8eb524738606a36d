// Ranks changes by what they do, when and where they took effect, and what the incident shows of it; `none` when nobody is left.

import { findCodeTrait, TRAIT_WORDS } from "../diffs/code-traits.ts";
import { parseDiff } from "../diffs/parse-diff.ts";
import { harmOf, isAside } from "../diffs/setting-roles.ts";
import type { SettingChange } from "../../wire/types/model.ts";
import type { CandidateChange, CauseQuestion, RankedCause } from "./input.ts";
import { movesAlong, SLACK_MS, wayUp, type Incident, type Onsets } from "./incident.ts";
import { findSignature } from "./setting-signatures.ts";
import { kindOf } from "./timelines.ts";

/** Most failures of a deploy show within this. */
const SOON_MS = 30 * 60_000;
/** Below this no change explains it: more than form and words, less than one clear sign. */
const NONE_SCORE = 0.7;

export function rankChanges(incident: Incident): RankedCause[] {
  const { question } = incident;
  const words = countWords(question);
  const ranked = question.changes.map((change): RankedCause => rankChange(incident, change, words));
  ranked.push({ cause: "none", score: NONE_SCORE, chain: [], evidence: ["nothing that was changed explains it"] });
  return ranked.toSorted((a, b) => b.score - a.score || (a.cause < b.cause ? -1 : 1));
}

function rankChange(incident: Incident, change: CandidateChange, words: ReadonlyMap<string, number>): RankedCause {
  const { names } = incident;
  const evidence: string[] = [];
  const signature = findSignature(incident, change);
  const diff = [...change.removed.map((line) => `-${line}`), ...change.added.map((line) => `+${line}`)].join("\n");
  const { code } = change;
  const trait = code
    ? { ...code, label: TRAIT_WORDS[code.trait] }
    : findCodeTrait(parseDiff(diff, change.files.slice(0, 1)));
  const isOfSettings = change.settings.some(isMoved);
  const isUnread = !isOfSettings && change.files.length === 0 && code === undefined;
  const behaviour = isOfSettings ? 0 : isUnread ? followingOf(incident, change) : trait.weight;
  if (behaviour > 0.3) evidence.push(isUnread ? "what it was made to moved soon after it" : trait.label);
  const harm = Math.max(0, ...change.settings.filter(({ key }) => !isAside(key, names)).map(harmOf));
  let score = signature.atOnce + signature.inIncident + behaviour + 0.05 * Math.min(harm, 3);
  if (signature.atOnce + signature.inIncident > 0) evidence.push(...signature.evidence);
  // Words and early movement make a sign surer; without one they are chance.
  score *= 1 + 0.2 * earlinessOf(incident, change) + 0.3 * overlapOf(change, words);
  const inReach = change.targets.filter((target) => incident.reach.has(target) || incident.movedMs.has(target));
  // Where nothing that moved is, a change cannot be felt; what comes after the symptom cannot have caused it.
  if (inReach.length === 0) score *= 0.1;
  if (!change.deployed) score *= 0.5;
  if (change.atMs === null || change.atMs > incident.onsetMs + SLACK_MS) score *= 0.1;
  const { head, way } = chainOf(incident, change);
  return { cause: change.id, score, chain: [...head, ...way], evidence: [...evidence, ...movesAlong(incident, way)] };
}

/** What is new, or gone, was not turned either way. */
const isMoved = ({ before, after }: SettingChange): boolean => before !== null && after !== null;

/** How soon after a change of unknown content its targets moved: all there is to go by, and nothing where they stand still. */
function followingOf({ movedMs }: Incident, { atMs, targets }: CandidateChange): number {
  const waits = targets.flatMap((target) => {
    const moved = movedMs.get(target);
    return moved === undefined || atMs === null || moved < atMs - SLACK_MS ? [] : [moved - atMs];
  });
  if (waits.length === 0) return 0;
  const soonest = Math.min(...waits);
  return soonest <= SOON_MS ? 0.9 : soonest <= 12 * SOON_MS ? 0.5 : 0.2;
}

/** 1 where a target moved first of all, less the later; 0 where none did. */
function earlinessOf({ movedMs }: Incident, { targets }: CandidateChange): number {
  const own = targets.flatMap((target) => movedMs.get(target) ?? []);
  if (own.length === 0) return 0;
  const all = [...movedMs.values()];
  const [first, last] = [Math.min(...all), Math.max(...all)];
  return last > first ? 1 - (Math.min(...own) - first) / (last - first) : 1;
}

/** From the change over the service that carries it to the symptom, by callers that moved. */
function chainOf(incident: Incident, change: CandidateChange): { head: string[]; way: string[] } {
  const { movedMs } = incident;
  const carrier =
    change.targets
      .filter((target) => movedMs.has(target))
      .toSorted((a, b) => (movedMs.get(a) ?? 0) - (movedMs.get(b) ?? 0))[0] ?? change.targets[0];
  const [file] = change.files;
  // What carries it: the file it was written in, or the library or key that the service has from elsewhere.
  const [made] = change.targets;
  const via = file !== undefined ? [`file:${file}`] : made !== undefined && made !== carrier ? [made] : [];
  const head = [`change:${change.id}`, ...via];
  return { head, way: carrier === undefined ? [] : wayUp(incident, carrier) };
}

const wordsOf = (text: string): Set<string> =>
  new Set(
    text
      .replaceAll(/([a-z0-9])([A-Z])/g, "$1 $2")
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .filter((word) => word.length > 3),
  );

/** Words of the symptom with how many changes carry each: what everybody says says nothing. */
function countWords({ symptom, patterns, changes }: CauseQuestion): Map<string, number> {
  const said = wordsOf(
    [symptom?.text ?? "", ...patterns.filter(({ now, usual }) => now !== usual).map(({ text }) => text)].join(" "),
  );
  const counts = new Map([...said].map((word) => [word, 0]));
  for (const change of changes) {
    for (const word of wordsOf([...change.removed, ...change.added].join(" "))) {
      const count = counts.get(word);
      if (count !== undefined) counts.set(word, count + 1);
    }
  }
  return counts;
}

/** How many rare words of the symptom the changed lines carry, 0 to 1. */
function overlapOf(change: CandidateChange, counts: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const word of wordsOf([...change.removed, ...change.added].join(" "))) {
    const count = counts.get(word);
    if (count !== undefined && count > 0) sum += 1 / count;
  }
  return Math.min(1, sum / 4);
}

/** Services whose errors or delays rose with the incident, without the one that failed first. */
export function findStricken(question: CauseQuestion, onsets: Onsets): string[] {
  const stricken = new Map<string, number>();
  for (const [{ node, name }, onset] of onsets) {
    const kind = kindOf(name);
    if (kind !== "errors" && kind !== "latency") continue;
    stricken.set(node, Math.min(onset, stricken.get(node) ?? onset));
  }
  const first = Math.min(...stricken.values());
  const earliest = [...stricken.keys()].filter((node) => stricken.get(node) === first);
  const failedFirst = earliest.find((node) => node === question.symptom?.node) ?? earliest[0];
  return [...stricken.keys()].filter((node) => node !== failedFirst).toSorted();
}
