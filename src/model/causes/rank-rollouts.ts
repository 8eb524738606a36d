// Ranks rollouts that ran at once: new instances held against old ones, and failing edges traced to what they reach.

import { doublingsOf } from "../../core/doublings.ts";
import type { CandidateChange, CauseQuestion, InstanceSeries, RankedCause } from "./input.ts";
import { medianOf, usualOf } from "./statistics.ts";

/** An edge that fails now, with the share of its calls that do beyond what is usual. */
interface FailingEdge {
  caller: string;
  callee: string;
  share: number;
}

/** Samples this long before the symptom and after count as now. */
const NOW_BEFORE_MS = 90_000;
const NOW_AFTER_MS = 90_000;
/** An instance that serves nothing this long after it was made does not come up. */
const SILENT_AFTER_MS = 180_000;
const FAILING_SHARE_MIN = 0.005;

const isNow = (atMs: number, symptomMs: number): boolean =>
  atMs >= symptomMs - NOW_BEFORE_MS && atMs <= symptomMs + NOW_AFTER_MS;

/** What failed at worst now, less what failed usually, of one series of successes in percent. */
function failingShareOf(series: InstanceSeries, symptomMs: number): number {
  const usual = medianOf(series.values.filter((_, index) => !isNow(series.atMs[index] ?? 0, symptomMs)));
  const now = series.values.filter(
    (value, index): value is number => value !== null && isNow(series.atMs[index] ?? 0, symptomMs),
  );
  if (now.length === 0) return 0;
  return Math.max(0, ((Number.isFinite(usual) ? usual : 100) - Math.min(...now)) / 100);
}

export function findFailingEdges(question: CauseQuestion): FailingEdge[] {
  const at = question.symptom?.atMs ?? 0;
  const edges = new Map<string, FailingEdge>();
  for (const series of question.instances) {
    if (series.measure !== "success" || !series.edge) continue;
    const share = failingShareOf(series, at);
    if (share < FAILING_SHARE_MIN) continue;
    const [caller, callee] = series.edge;
    const key = `${caller}\t${callee}`;
    const known = edges.get(key);
    if (!known || known.share < share) edges.set(key, { caller, callee, share });
  }
  return [...edges.values()];
}

export function rankRollouts(question: CauseQuestion): RankedCause[] {
  const at = question.symptom?.atMs ?? 0;
  const failing = findFailingEdges(question);
  const total = failing.reduce((sum, { share }) => sum + share, 0) || 1;
  const candidates = question.changes.filter((change) => change.atMs === null || change.atMs <= at + NOW_AFTER_MS);
  const services = new Map<string, CandidateChange[]>();
  for (const change of candidates)
    for (const target of change.targets) services.set(target, [...(services.get(target) ?? []), change]);
  const newest = Math.max(...candidates.map(({ atMs }) => atMs ?? 0));
  const oldest = Math.min(...candidates.map(({ atMs }) => atMs ?? 0));
  const ranked = [...services].map(([service, changes]): RankedCause => {
    const contrast = contrastOf(question, service, changes, failing);
    const evidence = [...contrast.evidence];
    let score = contrast.score;
    for (const edge of failing) {
      const weight = weightOf(question, failing, edge, service, contrast);
      if (weight > 0)
        evidence.push(`${edge.caller} fails ${Math.round(edge.share * 100)} % of its calls to ${edge.callee}`);
      score += (weight * edge.share) / total;
    }
    // Of two that fit alike, the one that changed last before the symptom: never enough by itself.
    const last = Math.max(...changes.map(({ atMs }) => atMs ?? 0));
    score += newest > oldest ? (0.05 * (last - oldest)) / (newest - oldest) : 0;
    return {
      cause: service,
      score,
      chain: [service, ...new Set(failing.filter(({ callee }) => callee === service).map(({ caller }) => caller))],
      evidence,
    };
  });
  return ranked.toSorted((a, b) => b.score - a.score || (a.cause < b.cause ? -1 : 1));
}

/** How much of a failing edge a change of this service can explain. */
function weightOf(
  question: CauseQuestion,
  failing: readonly FailingEdge[],
  { caller, callee }: FailingEdge,
  service: string,
  contrast: Contrast,
): number {
  const calls = (from: string, to: string): boolean => question.edges.some(([a, b]) => a === from && b === to);
  const isExplained = failing.some((edge) => edge.caller === callee && edge.callee !== callee);
  const isAlike = contrast.oldFail;
  if (service === callee) return (isExplained ? 0.4 : 1) * (isAlike ? 0.1 : 1);
  if (service === caller) return contrast.onlyNewFail ? 0.8 : 0.05;
  // What the callee gets from a service of its own may be what makes it fail.
  if (calls(callee, service)) return isExplained ? 0.3 : 0.5;
  // A caller passes on what one service gave it to the next, which then fails.
  if (calls(caller, service)) return 0.2;
  return 0;
}

interface Contrast {
  score: number;
  /** Instances of the old version fail like the new ones: the change is not it. */
  oldFail: boolean;
  onlyNewFail: boolean;
  evidence: string[];
}

/** New instances against old ones at the same time: difference in differences, without the new ones' first sample. */
function contrastOf(
  question: CauseQuestion,
  service: string,
  changes: readonly CandidateChange[],
  failing: readonly FailingEdge[],
): Contrast {
  const at = question.symptom?.atMs ?? 0;
  const fresh = new Set(changes.flatMap(({ newInstances }) => newInstances));
  const gone = new Set(changes.flatMap(({ oldInstances }) => oldInstances));
  const own = question.instances.filter((series) => series.service === service && series.instance !== "");
  const of = (isFresh: boolean): InstanceSeries[] =>
    own.filter(({ instance }) => fresh.has(instance) === isFresh && (isFresh || !gone.has(instance)));
  const contrast: Contrast = { score: 0, oldFail: false, onlyNewFail: false, evidence: [] };
  const failingNow = (list: readonly InstanceSeries[]): number =>
    Math.max(0, ...list.filter(({ measure }) => measure === "success").map((series) => failingShareOf(series, at)));
  const newShare = failingNow(of(true));
  const oldShare = failingNow(of(false));
  contrast.oldFail = oldShare > FAILING_SHARE_MIN && oldShare >= newShare / 4;
  contrast.onlyNewFail = newShare > FAILING_SHARE_MIN && !contrast.oldFail;
  if (contrast.onlyNewFail) {
    contrast.score += 1;
    contrast.evidence.push(
      `new instances of ${service} fail ${Math.round(newShare * 100)} %, old ones ${Math.round(oldShare * 100)} %`,
    );
  }
  for (const measure of ["cpu", "latency"] as const) addDifference(contrast, service, measure, of(true), of(false), at);
  // Callers that fail themselves no longer call: then silence says nothing.
  const callers = question.edges.filter(([, callee]) => callee === service).map(([caller]) => caller);
  const isCalled = callers.some((caller) => !failing.some((edge) => edge.callee === caller && edge.share >= 0.5));
  if (isCalled) addSilence(contrast, service, changes, { fresh: of(true), old: of(false), symptomMs: at });
  return contrast;
}

const settledOf = (series: InstanceSeries): (number | null)[] => series.values.slice(series.values.length > 1 ? 1 : 0);

function addDifference(
  contrast: Contrast,
  service: string,
  measure: "cpu" | "latency",
  fresh: readonly InstanceSeries[],
  old: readonly InstanceSeries[],
  symptomMs: number,
): void {
  const newLevel = medianOf(fresh.filter((one) => one.measure === measure && one.values.length > 1).flatMap(settledOf));
  const usual = usualOf(
    old
      .filter((one) => one.measure === measure)
      .flatMap(({ values, atMs }) => values.filter((_, index) => (atMs[index] ?? 0) < symptomMs)),
  );
  // Levels are percent of a core or milliseconds: half of one is the least that a difference is measured in.
  const ranges = usual ? (newLevel - usual.median) / Math.max(usual.spread, 0.5) : 0;
  if (!usual || !(ranges > 0.5)) return;
  contrast.score += Math.min(0.6, doublingsOf(1 + ranges) / 4);
  contrast.evidence.push(
    `${measure} of new instances of ${service} is ${newLevel.toFixed(1)}, of old ones ${usual.median.toFixed(1)}`,
  );
}

/** New instances that serve nothing while old ones do. */
function addSilence(
  contrast: Contrast,
  service: string,
  changes: readonly CandidateChange[],
  { fresh, old, symptomMs }: { fresh: readonly InstanceSeries[]; old: readonly InstanceSeries[]; symptomMs: number },
): void {
  const serves = (series: InstanceSeries): boolean =>
    series.measure === "success" &&
    series.values.some((value, index) => value !== null && isNow(series.atMs[index] ?? 0, symptomMs));
  const made = changes.filter(({ newInstances }) => newInstances.length > 0);
  if (made.length === 0 || fresh.some(serves) || !old.some(serves)) return;
  const sinceMs = symptomMs + NOW_AFTER_MS - Math.min(...made.map(({ atMs }) => atMs ?? symptomMs));
  contrast.score += 0.5 * Math.min(1, sinceMs / SILENT_AFTER_MS);
  contrast.evidence.push(`new instances of ${service} have served nothing`);
}
