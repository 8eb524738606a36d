// The feed of one Prometheus: indicators of services by configured queries, and who calls whom by a mesh's metrics.

import { z } from "zod";
import { plainName } from "../../core/names.ts";
import type { Egress, OutboundCall } from "../../wire/contracts/egress.ts";
import type { MetricsSink } from "../../wire/contracts/feed.ts";
import type { PrometheusFeed } from "../../wire/schemas/feeds-config.ts";
import { parseOrigin } from "../../wire/schemas/origin.ts";
import type { MeasuredRates, MeasuredRows } from "../../wire/types/measured-rows.ts";
import { meshQueries, type Queries } from "./mesh-queries.ts";

const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
const SERIES_MAX = 50_000;
const ASK_MAX_MS = 30_000;
/** A rate needs several scrapes: over so many rounds, and at least so long. */
const RANGE_ROUNDS = 3;
const RANGE_MIN_S = 15;

const answerSchema = z.object({
  status: z.literal("success"),
  data: z.object({
    resultType: z.literal("vector"),
    result: z
      .array(z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }))
      .max(SERIES_MAX),
  }),
});

export interface PrometheusFeedParts {
  readonly feed: PrometheusFeed;
  readonly egress: Egress;
  readonly sink: MetricsSink;
  /** The bearer token, null for none; rejects where it cannot be had. */
  readonly token: (signal: AbortSignal) => Promise<string | null>;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

class Trouble extends Error {
  override name = "Trouble";
}

/** Asks again and again until `signal` is aborted. Throws `config-invalid` for an address that may not be reached. */
export async function runPrometheusFeed(parts: PrometheusFeedParts, signal: AbortSignal): Promise<void> {
  const { feed, egress, sink, sleep } = parts;
  const origin = parseOrigin(feed.baseUrl);
  const call = egress.callTo(origin, { answerBytesMax: ANSWER_BYTES_MAX });
  while (!signal.aborted) {
    try {
      sink.measured(
        await askAll({ ...parts, origin, call }, AbortSignal.any([signal, AbortSignal.timeout(ASK_MAX_MS)])),
      );
      sink.status(null);
    } catch (error) {
      if (signal.aborted) return;
      sink.status(error instanceof Trouble ? error.message : "internal");
    }
    await sleep(feed.everySeconds * 1_000, signal);
  }
}

type Asking = PrometheusFeedParts & { readonly origin: string; readonly call: OutboundCall };

async function askAll(asking: Asking, signal: AbortSignal): Promise<MeasuredRows> {
  const { mesh, services, everySeconds } = asking.feed;
  const rangeS = Math.max(RANGE_MIN_S, RANGE_ROUNDS * everySeconds);
  const ofMesh = mesh === undefined ? undefined : meshQueries(mesh, rangeS);
  const own: Queries | undefined = services === undefined ? undefined : { ...services, labels: [services.label] };
  const rows = await Promise.all([ofMesh?.services, own, ofMesh?.calls].map((one) => ask(asking, one, signal)));
  // What somebody asked for by name counts for more than what a mesh says of the same service.
  const byName = new Map([...(rows[0] ?? []), ...(rows[1] ?? [])].map(([names, rates]) => [names[0] ?? "", rates]));
  return {
    services: [...byName].map(([service, rates]) => ({ service, ...rates })),
    calls: (rows[2] ?? []).map(([[from = "", to = ""], rates]) => ({ from, to, ...rates })),
  };
}

type Row = readonly [names: readonly string[], rates: MeasuredRates];

async function ask(asking: Asking, queries: Queries | undefined, signal: AbortSignal): Promise<readonly Row[]> {
  if (queries === undefined) return [];
  const { labels, perSecond, failedPerSecond, errorRatio, p50Ms, p95Ms } = queries;
  const [rates, failed, ratios, medians, tails] = await Promise.all(
    [perSecond, failedPerSecond, errorRatio, p50Ms, p95Ms].map((query) => valuesOf(asking, { query, labels }, signal)),
  );
  return [...(rates ?? [])].flatMap(([key, { names, value }]): Row[] => {
    // Nobody was asked, or nobody is what it is called: a caller from outside the mesh.
    if (!(value > 0) || new Set(names).size < names.length || names.includes("unknown")) return [];
    const failures = failed?.get(key)?.value;
    const ratio = failures === undefined ? (ratios?.get(key)?.value ?? 0) : failures / value;
    const [p50, p95] = [medians?.get(key)?.value ?? null, tails?.get(key)?.value ?? null];
    return [[names, { perSecond: value, errorRatio: Math.min(1, ratio), p50Ms: p50, p95Ms: p95 }]];
  });
}

type Found = Map<string, { readonly names: readonly string[]; readonly value: number }>;

/** Values by the names under the labels; what has no plain name, or no number, is left out. */
async function valuesOf(
  { origin, call, token }: Asking,
  { query, labels }: { readonly query: string | undefined; readonly labels: Queries["labels"] },
  signal: AbortSignal,
): Promise<Found> {
  const found: Found = new Map();
  if (query === undefined) return found;
  const bearer = await token(signal).catch(() => {
    throw new Trouble("no-access");
  });
  const headers: Record<string, string> = bearer === null ? {} : { authorization: `Bearer ${bearer}` };
  const path = `/api/v1/query?query=${encodeURIComponent(query)}`;
  const answer = await call({ method: "GET", origin, path, headers }, signal);
  if (answer.kind !== "answered") throw new Trouble(answer.code);
  if (answer.status !== 200) throw new Trouble(`answered-${answer.status}`);
  const parsed = answerSchema.safeParse(parseJson(answer.body));
  if (!parsed.success) throw new Trouble("answer-malformed");
  for (const { metric, value } of parsed.data.data.result) {
    const names = labels.map((label) => plainName(metric[label] ?? "") ?? "");
    const number = Number(value[1]);
    if (names.includes("") || !Number.isFinite(number) || number < 0) continue;
    found.set(names.join(" "), { names, value: number });
  }
  return found;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
