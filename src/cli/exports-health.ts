// How the server's exports are, out of its metrics: for `doctor`.

const SAMPLE = /^(holdpoint_export_(?:lag_events|failing|failures_total))\{exporter="([a-z0-9-]{1,32})"\} (\d{1,15})$/;
const EXPORTERS_MAX = 64;

export type ExporterHealth = {
  readonly name: string;
  readonly lag: number;
  readonly failures: number;
  readonly isFailing: boolean;
};

/** One for each exporter that the metrics name, in their order; lines that say something else are passed over. */
export function exportersIn(metrics: string): readonly ExporterHealth[] {
  const found = new Map<string, { lag: number; failures: number; isFailing: boolean }>();
  for (const line of metrics.split("\n")) {
    const [, metric, name = "", value] = SAMPLE.exec(line) ?? [];
    if (metric === undefined || (!found.has(name) && found.size >= EXPORTERS_MAX)) continue;
    const health = found.get(name) ?? { lag: 0, failures: 0, isFailing: false };
    found.set(name, health);
    if (metric.endsWith("lag_events")) health.lag = Number(value);
    else if (metric.endsWith("failing")) health.isFailing = value !== "0";
    else health.failures = Number(value);
  }
  return [...found].map(([name, health]) => ({ name, ...health }));
}
