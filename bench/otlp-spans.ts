// OTLP requests in protobuf, as an SDK writes them, for measuring how fast they are read.

const SERVER = 2;
const CLIENT = 3;
const START_NANOS = 1_790_000_000_000_000_000n;

/** A number from 0 to 1 from a seed, always the same (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Field = Buffer | string;

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

function bytesField(number: number, value: Field): Buffer {
  const body = typeof value === "string" ? Buffer.from(value) : value;
  return Buffer.concat([varint(number * 8 + 2), varint(body.length), body]);
}

function fixed64(number: number, value: bigint): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigUInt64LE(value);
  return Buffer.concat([varint(number * 8 + 1), body]);
}

function attribute(key: string, value: string): Buffer {
  return Buffer.concat([bytesField(1, key), bytesField(2, bytesField(1, value))]);
}

type SpanOf = { trace: Buffer; id: Buffer; parent: Buffer | null; kind: number; service: number; at: number };

function span({ trace, id, parent, kind, service, at }: SpanOf): Buffer {
  const start = START_NANOS + BigInt(Math.floor(at * 1e9));
  const attributes = [
    attribute("http.request.method", "GET"),
    attribute("http.route", `/api/v1/things/{id}/${service % 5}`),
    attribute("url.path", "/api/v1/things/4711"),
    attribute("network.protocol.version", "1.1"),
    attribute("user_agent.original", "Mozilla/5.0 (compatible; bench)"),
    ...(kind === CLIENT ? [attribute("server.address", `svc-${service}.internal`)] : []),
  ];
  return Buffer.concat([
    bytesField(1, trace),
    bytesField(2, id),
    ...(parent === null ? [] : [bytesField(4, parent)]),
    bytesField(5, "GET /api/v1/things/{id}"),
    varint(6 * 8),
    varint(kind),
    fixed64(7, start),
    fixed64(8, start + 1_500_000n),
    ...attributes.map((one) => bytesField(9, one)),
  ]);
}

function resourceSpans(service: number, spans: readonly Buffer[]): Buffer {
  const resource = Buffer.concat(
    [attribute("service.name", `svc-${service}`), attribute("deployment.environment.name", "production")].map((one) =>
      bytesField(1, one),
    ),
  );
  const scope = Buffer.concat(spans.map((one) => bytesField(2, one)));
  return bytesField(1, Buffer.concat([bytesField(1, resource), bytesField(2, scope)]));
}

/** Requests of so many traces, each a chain of calls through services that follow each other by `next`. */
export function requestOf(
  traces: number,
  of: { random: () => number; services: number; depth: number; fan: number },
): {
  readonly bytes: Buffer;
  readonly spans: number;
  /** The ids of its traces. */
  readonly traces: readonly Buffer[];
} {
  const { random, services, depth, fan } = of;
  const bytes = (count: number): Buffer => Buffer.from(Array.from({ length: count }, () => Math.floor(random() * 256)));
  const byService = new Map<number, Buffer[]>();
  const ids: Buffer[] = [];
  let spans = 0;
  const add = (service: number, one: Buffer): void => {
    spans++;
    const list = byService.get(service);
    if (list === undefined) byService.set(service, [one]);
    else list.push(one);
  };
  for (let i = 0; i < traces; i++) {
    const trace = bytes(16);
    ids.push(trace);
    let service = Math.floor(random() * services);
    let parent: Buffer | null = null;
    for (let step = 0; step < depth; step++) {
      const id = bytes(8);
      const at = i / 1000;
      add(service, span({ trace, id, parent, kind: SERVER, service, at }));
      if (step === depth - 1) break;
      const client = bytes(8);
      const next = (service * 7 + 1 + Math.floor(random() * fan)) % services;
      add(service, span({ trace, id: client, parent: id, kind: CLIENT, service: next, at }));
      parent = client;
      service = next;
    }
  }
  return {
    bytes: Buffer.concat([...byService].map(([service, list]) => resourceSpans(service, list))),
    spans,
    traces: ids,
  };
}
