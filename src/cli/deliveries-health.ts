// How what the server delivers is doing, out of its metrics: for `doctor`.

const SAMPLE =
  /^holdpoint_(export|notifier)_(lag_events|failing|failures_total|fallbacks_total)\{(?:exporter|notifier)="([a-z0-9-]{1,32})"\} (\d{1,15})$/;
const RECEIVERS_MAX = 64;

export type ReceiverHealth = {
  readonly kind: "export" | "notifier";
  readonly name: string;
  readonly lag: number;
  readonly failures: number;
  /** How often another one was told instead. */
  readonly fallbacks: number;
  readonly isFailing: boolean;
};

/** One for each receiver that the metrics name, in their order; lines that say something else are passed over. */
export function receiversIn(metrics: string): readonly ReceiverHealth[] {
  const found = new Map<string, { -readonly [Name in keyof ReceiverHealth]: ReceiverHealth[Name] }>();
  for (const line of metrics.split("\n")) {
    const [, kind, metric, name = "", value] = SAMPLE.exec(line) ?? [];
    const key = `${kind} ${name}`;
    if (metric === undefined || (!found.has(key) && found.size >= RECEIVERS_MAX)) continue;
    const fresh = { kind: kind as ReceiverHealth["kind"], name, lag: 0, failures: 0, fallbacks: 0, isFailing: false };
    const health = found.get(key) ?? fresh;
    found.set(key, health);
    if (metric === "lag_events") health.lag = Number(value);
    else if (metric === "failing") health.isFailing = value !== "0";
    else if (metric === "fallbacks_total") health.fallbacks = Number(value);
    else health.failures = Number(value);
  }
  return [...found.values()];
}
