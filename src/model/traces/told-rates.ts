// Rates that a metrics server counted, added to a window as if their requests had been seen; what traces showed of the
// same service or call in that window counts for more.

import { nodeText } from "../../wire/schemas/model.ts";
import type { MeasuredRates, MeasuredRows } from "../../wire/types/measured-rows.ts";
import { countDurations, newHistogram } from "./histogram.ts";
import type { Sample, Samples } from "./samples.ts";

/** The last that each feed said since the window began. */
export class ToldRates {
  readonly #rows = new Map<string, { readonly environment: string; readonly rows: MeasuredRows }>();

  /** Rates of a moment: what the same feed said before in this window counts no more. */
  tell(feed: string, environment: string, rows: MeasuredRows): void {
    this.#rows.set(feed, { environment, rows });
  }

  /** Adds them to the window's samples, and forgets them. */
  addTo(samples: Samples, seconds: number): void {
    // Whether traces showed it is asked before anything is added.
    const seen = new Set([...samples.nodes.keys(), ...samples.edges.keys()]);
    for (const { environment, rows } of this.#rows.values()) add({ environment, rows, samples, seconds, seen });
    this.#rows.clear();
  }
}

type Adding = {
  readonly environment: string;
  readonly rows: MeasuredRows;
  readonly samples: Samples;
  readonly seconds: number;
  readonly seen: ReadonlySet<string>;
};

function add({ environment, rows, samples, seconds, seen }: Adding): void {
  const textOf = (name: string): string => nodeText({ kind: "service", environment, name });
  const asked = new Map(rows.services.map(({ service, perSecond }) => [service, perSecond]));
  const asking = new Map<string, number>();
  for (const { from, perSecond } of rows.calls) asking.set(from, (asking.get(from) ?? 0) + perSecond);
  for (const one of rows.services) {
    const text = textOf(one.service);
    if (!seen.has(text)) fill(samples.node(text), one, seconds);
  }
  for (const one of rows.calls) {
    const [from, to] = [textOf(one.from), textOf(one.to)];
    // Somebody that nobody was seen to ask is there all the same, and somebody asked it: a gateway.
    for (const text of [from, to]) samples.node(text);
    if (seen.has(`calls ${from} ${to}`)) continue;
    const sample = samples.edge("calls", from, to);
    fill(sample, one, seconds);
    if (sample === null) continue;
    sample.hits = sample.count;
    sample.base = Math.round((asked.get(one.from) ?? asking.get(one.from) ?? 0) * seconds);
  }
}

/** Two quantiles make a distribution that has both: what lies between them is not known and not told. */
const AT_MEDIAN = 0.6;

function fill(sample: Sample | null, { perSecond, errorRatio, p50Ms, p95Ms }: MeasuredRates, seconds: number): void {
  // A few in an hour are still some.
  const count = Math.max(1, Math.round(perSecond * seconds));
  if (sample === null) return;
  sample.count = count;
  sample.failed = Math.round(count * errorRatio);
  const [median, tail] = [p50Ms ?? p95Ms, p95Ms ?? p50Ms];
  if (median === null || tail === null) return;
  sample.durations = newHistogram();
  const below = Math.ceil(count * AT_MEDIAN);
  countDurations(sample.durations, median * 1000, below);
  countDurations(sample.durations, Math.max(median, tail) * 1000, count - below);
}
