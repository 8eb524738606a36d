// The shop's metrics: what its processes count, asked every half second, and the recorded series that follow from it. It
// answers instant queries by the name of a series in the way of Prometheus, for which the names are recording rules.

import type { JsonObject } from "../../../src/core/json.ts";

const KEPT_MS = 600_000;
const WINDOW_MS = 3_000;

type Counts = Readonly<Record<string, number>>;
type Scrape = { readonly atMs: number; readonly of: Readonly<Record<string, Counts>> };

export class Metrics {
  readonly #scrapes: Scrape[] = [];

  keep(scrape: Scrape): void {
    this.#scrapes.push(scrape);
    while ((this.#scrapes[0]?.atMs ?? 0) < scrape.atMs - KEPT_MS) this.#scrapes.shift();
  }

  /** Undefined where nothing was counted. */
  value(series: string, atMs: number): number | undefined {
    const now = this.#at(atMs);
    const then = this.#at(atMs - WINDOW_MS);
    const since = (service: string, name: string): number =>
      (now?.of[service]?.[name] ?? 0) - (then?.of[service]?.[name] ?? 0);
    const requests = since("gateway", "requests_total");
    switch (series) {
      case "shop:gateway_errors:ratio3s":
        return requests > 0 ? since("gateway", "errors_total") / requests : undefined;
      case "shop:gateway_latency_ms:mean3s":
        return requests > 0 ? since("gateway", "latency_ms_total") / requests : undefined;
      case "shop:cart_memory:share":
        return now?.of["cart"]?.["memory_share"];
      case "shop:orders_waiting":
        return now?.of["worker"]?.["waiting"];
      default:
        return undefined;
    }
  }

  #at(atMs: number): Scrape | undefined {
    return this.#scrapes.findLast((scrape) => scrape.atMs <= atMs);
  }
}

/** `/api/v1/query?query=NAME&time=SECONDS`: one value, or none. */
export function answerQuery(metrics: Metrics, parameters: URLSearchParams, nowMs: number): JsonObject {
  const time = parameters.get("time");
  const atMs = time === null ? nowMs : Number(time) * 1_000;
  const series = parameters.get("query") ?? "";
  const value = metrics.value(series, atMs);
  const result = value === undefined ? [] : [{ metric: { __name__: series }, value: [atMs / 1_000, String(value)] }];
  return { status: "success", data: { resultType: "vector", result } };
}
