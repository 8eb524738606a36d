// Metrics in the Prometheus text format (0.0.4): counters, gauges and one histogram of request times.

type Labels = Readonly<Record<string, string>>;

const SERIES_MAX = 2_000;
const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Histogram = { readonly buckets: number[]; sum: number; count: number };

export type Gauge = { readonly name: string; readonly help: string; readonly read: () => number };

/** A metric whose series are known elsewhere; left out while it has none. */
export type Family = {
  readonly name: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
  readonly read: () => readonly { readonly labels: Labels; readonly value: number }[];
};

export class Metrics {
  readonly #counters = new Map<string, { help: string; series: Map<string, number> }>();
  readonly #requests = new Map<string, Histogram>();
  readonly #gauges: Gauge[] = [];
  readonly #families: Family[] = [];

  gauge(gauge: Gauge): void {
    this.#gauges.push(gauge);
  }

  family(family: Family): void {
    this.#families.push(family);
  }

  /** Adds one; label values are from closed sets, and a flood of new ones is dropped. */
  count(name: string, help: string, labels: Labels = {}): void {
    const counter = this.#counters.get(name) ?? { help, series: new Map<string, number>() };
    this.#counters.set(name, counter);
    const key = labelText(labels);
    if (!counter.series.has(key) && counter.series.size >= SERIES_MAX) return;
    counter.series.set(key, (counter.series.get(key) ?? 0) + 1);
  }

  observeRequest(route: string, seconds: number): void {
    const histogram = this.#requests.get(route) ?? this.#openHistogram(route);
    let index = 0;
    while (index < SECONDS.length && seconds > (SECONDS[index] as number)) index++;
    if (index < SECONDS.length) histogram.buckets[index] = (histogram.buckets[index] as number) + 1;
    histogram.sum += seconds;
    histogram.count++;
  }

  #openHistogram(route: string): Histogram {
    const histogram = { buckets: SECONDS.map(() => 0), sum: 0, count: 0 };
    this.#requests.set(route, histogram);
    return histogram;
  }

  render(): string {
    const lines: string[] = [];
    for (const [name, { help, series }] of this.#counters) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} counter`);
      for (const [labels, value] of series) lines.push(`${name}${labels} ${value}`);
    }
    for (const { name, help, read } of this.#gauges) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${read()}`);
    }
    for (const { name, type, help, read } of this.#families) {
      const series = read();
      if (series.length > 0) lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      for (const { labels, value } of series) lines.push(`${name}${labelText(labels)} ${value}`);
    }
    this.#renderRequests(lines);
    return lines.join("\n") + "\n";
  }

  #renderRequests(lines: string[]): void {
    const name = "holdpoint_http_request_duration_seconds";
    lines.push(`# HELP ${name} Time from request to answer by route.`, `# TYPE ${name} histogram`);
    for (const [route, histogram] of this.#requests) {
      let below = 0;
      for (const [i, bound] of SECONDS.entries()) {
        below += histogram.buckets[i] as number;
        lines.push(`${name}_bucket${labelText({ route, le: String(bound) })} ${below}`);
      }
      lines.push(`${name}_bucket${labelText({ route, le: "+Inf" })} ${histogram.count}`);
      lines.push(`${name}_sum${labelText({ route })} ${histogram.sum}`);
      lines.push(`${name}_count${labelText({ route })} ${histogram.count}`);
    }
  }
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
