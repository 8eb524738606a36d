// What a service mesh's metrics are asked: requests of each service and of each pair, how many failed, how long they took.

import type { PrometheusFeed } from "../../wire/schemas/feeds-config.ts";

/** Queries that give one number for each combination of `labels`, the first of them the service or the caller. */
export interface Queries {
  readonly labels: readonly [string] | readonly [string, string];
  readonly perSecond: string;
  /** Failed requests in a second, or their part: one of the two. */
  readonly failedPerSecond?: string | undefined;
  readonly errorRatio?: string | undefined;
  readonly p50Ms?: string | undefined;
  readonly p95Ms?: string | undefined;
}

type Mesh = NonNullable<PrometheusFeed["mesh"]>;

interface Dialect {
  readonly requests: string;
  readonly buckets: string;
  readonly failed: string;
  /** As whoever is asked counts, and as whoever asks does. */
  readonly inbound: string;
  readonly outbound: string;
  readonly service: readonly [string];
  readonly pair: readonly [string, string];
}

// https://istio.io/latest/docs/reference/config/metrics/ and https://linkerd.io/2/reference/proxy-metrics/
const DIALECTS: Readonly<Record<Mesh, Dialect>> = {
  istio: {
    requests: "istio_requests_total",
    buckets: "istio_request_duration_milliseconds_bucket",
    failed: 'response_code=~"0|5.."',
    inbound: 'reporter="destination"',
    outbound: 'reporter="source"',
    service: ["destination_canonical_service"],
    pair: ["source_canonical_service", "destination_canonical_service"],
  },
  linkerd: {
    requests: "response_total",
    buckets: "response_latency_ms_bucket",
    failed: 'classification="failure"',
    inbound: 'direction="inbound"',
    outbound: 'direction="outbound"',
    service: ["deployment"],
    pair: ["deployment", "dst_deployment"],
  },
};

/** Of services, and of who calls whom. */
export function meshQueries(mesh: Mesh, rangeS: number): { readonly services: Queries; readonly calls: Queries } {
  const { service, pair, inbound, outbound, ...names } = DIALECTS[mesh];
  return {
    services: queriesOf(names, { labels: service, side: inbound, rangeS }),
    calls: queriesOf(names, { labels: pair, side: outbound, rangeS }),
  };
}

type Asked = { readonly labels: Queries["labels"]; readonly side: string; readonly rangeS: number };

function queriesOf(
  { requests, buckets, failed }: Pick<Dialect, "requests" | "buckets" | "failed">,
  asked: Asked,
): Queries {
  const { labels, side, rangeS } = asked;
  const by = labels.join(", ");
  const rate = (selector: string): string => `sum by (${by}) (rate(${requests}{${selector}}[${rangeS}s]))`;
  const quantile = (part: string): string =>
    `histogram_quantile(${part}, sum by (le, ${by}) (rate(${buckets}{${side}}[${rangeS}s])))`;
  return {
    labels,
    perSecond: rate(side),
    failedPerSecond: rate(`${side}, ${failed}`),
    p50Ms: quantile("0.5"),
    p95Ms: quantile("0.95"),
  };
}
