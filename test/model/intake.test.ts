// From spans to windows: names that stay names, what fades and what does not, bounds, and what is worth a record.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { requestOf } from "../../bench/otlp-spans.ts";
import { Graph } from "../../src/model/graph.ts";
import { readGraph } from "../../src/model/reads.ts";
import { Intake } from "../../src/model/traces/intake.ts";
import { readSpansJson, readSpansProtobuf } from "../../src/wire/schemas/otlp-traces.ts";
import { SPAN_KIND, type TelemetrySpan } from "../../src/wire/types/telemetry-span.ts";
import { chance } from "./simulated.ts";

const BEGIN_MS = 1_790_000_000_000;
const TERMS = {
  windowS: 60,
  holdMs: 1000,
  dayBytesMax: 1e9,
  waitingMax: 100_000,
  namesMax: 10_000,
  fadeAfterS: 900,
  forgetAfterS: 86_400,
};

/** An intake with a clock of its own, and the graph that its windows make. */
class Rig {
  readonly graph = new Graph();
  readonly intake: Intake;
  nowMs = BEGIN_MS;
  #ids = 0;

  constructor(terms: Partial<typeof TERMS> = {}) {
    this.intake = new Intake(this.graph, { ...TERMS, ...terms }, BEGIN_MS);
  }

  span(of: Partial<TelemetrySpan> & { service: string }): TelemetrySpan {
    const spanId = String(++this.#ids).padStart(8, "0");
    const span = {
      traceId: spanId.padStart(16, "t"),
      spanId,
      parentId: "",
      environment: "production",
      name: "GET /",
      kind: SPAN_KIND.server,
      isFailed: false,
      startMs: this.nowMs,
      durationUs: 1000,
      names: {},
      ...of,
    };
    this.intake.add(span, this.nowMs);
    return span;
  }

  /** `from` is asked, and calls `to`. */
  call(from: string, to: string): void {
    const { traceId, spanId: parentId } = this.span({ service: from });
    const client = this.span({ service: from, traceId, parentId, kind: SPAN_KIND.client });
    this.span({ service: to, traceId, parentId: client.spanId });
  }

  /** Lets windows pass; `work` happens in each. */
  pass(windows: number, work: () => void = () => undefined): void {
    for (let i = 0; i < windows; i++) {
      work();
      this.nowMs += 60_000;
      const draft = this.intake.closeDue(this.nowMs);
      if (draft !== null) this.graph.apply({ seq: this.graph.size, time: this.nowMs, ...draft });
    }
  }

  ids(kind?: "operation" | "service" | "datastore"): readonly string[] {
    const kinds = kind === undefined ? undefined : [kind];
    const { nodes } = readGraph(this.graph, { at: this.nowMs, knownAt: this.nowMs, from: 0, limit: 1000, kinds });
    return nodes.map(({ id }) => id);
  }

  has(from: string, to: string, at = this.nowMs): boolean {
    const { edges } = readGraph(this.graph, { at, knownAt: this.nowMs, from: 0, limit: 1000 });
    const [a, b] = [`service:production:${from}`, `service:production:${to}`];
    return edges.some((edge) => edge.kind === "calls" && edge.from === a && edge.to === b);
  }
}

describe("a dependency", () => {
  test("ends when its user is alive and does without it, at the moment it was last seen", () => {
    const rig = new Rig();
    rig.pass(5, () => rig.call("web", "mail"));
    const lastMs = rig.nowMs;
    rig.pass(14, () => rig.span({ service: "web" }));
    assert.ok(rig.has("web", "mail"), "fourteen minutes are not enough");
    rig.pass(3, () => rig.span({ service: "web" }));
    assert.ok(!rig.has("web", "mail"));
    assert.ok(rig.has("web", "mail", lastMs - 1000) && !rig.has("web", "mail", lastMs + 1000));
  });

  test("stays while its user is silent, and while no telemetry comes at all", () => {
    const rig = new Rig();
    rig.pass(5, () => rig.call("web", "mail"));
    rig.pass(300);
    assert.ok(rig.has("web", "mail"), "the collector was down");
    rig.pass(60, () => rig.span({ service: "other" }));
    assert.ok(rig.has("web", "mail"), "an hour in which web said nothing");
    rig.pass(24 * 60, () => rig.span({ service: "other" }));
    assert.ok(!rig.has("web", "mail"), "a day is");
  });

  test("that is used once an hour does not come and go", () => {
    const rig = new Rig();
    const hour = (): void => {
      rig.pass(1, () => rig.call("web", "reports"));
      rig.pass(59, () => rig.span({ service: "web" }));
    };
    hour();
    hour();
    const versions = rig.graph.versions.count;
    for (let i = 0; i < 10; i++) {
      hour();
      assert.ok(rig.has("web", "reports"));
    }
    assert.ok(rig.graph.versions.count - versions < 40, `${rig.graph.versions.count - versions} versions`);
  });

  test("is where it was after a start, and fades from there", () => {
    const rig = new Rig();
    rig.pass(5, () => rig.call("web", "mail"));
    const again = new Rig();
    Object.assign(again, { graph: rig.graph, nowMs: rig.nowMs, intake: new Intake(rig.graph, TERMS, rig.nowMs) });
    again.pass(10, () => again.span({ service: "web" }));
    assert.ok(again.has("web", "mail"));
    again.pass(10, () => again.span({ service: "web" }));
    assert.ok(!again.has("web", "mail"));
  });
});

describe("steady traffic", () => {
  test("is hardly recorded again, and a shift of it is at once", () => {
    const rig = new Rig();
    const random = chance(1);
    const minute = (part: number): void => {
      for (let i = 0; i < 200; i++) {
        if (random() < part) rig.call("web", "cart");
        else rig.span({ service: "web" });
      }
    };
    rig.pass(30, () => minute(0.3));
    const settled = rig.graph.versions.count;
    rig.pass(60, () => minute(0.3));
    assert.ok(rig.graph.versions.count - settled < 30, `${rig.graph.versions.count - settled} versions in an hour`);
    const shareOf = (): number => {
      const { edges } = readGraph(rig.graph, { at: rig.nowMs, knownAt: rig.nowMs, from: 0, limit: 100 });
      return edges.find(({ kind, to }) => kind === "calls" && to.endsWith("cart"))?.observed?.share ?? 0;
    };
    assert.ok(Math.abs(shareOf() - 0.3) < 0.015, String(shareOf()));
    rig.pass(1, () => minute(0.9));
    assert.ok(shareOf() > 0.8, String(shareOf()));
  });

  test("beyond the day's bytes leaves what is known as it is, and still tells what is new", () => {
    const rig = new Rig({ dayBytesMax: 10 });
    rig.pass(1, () => rig.call("web", "cart"));
    const { versions } = rig.graph;
    const before = versions.count;
    rig.pass(10, () => {
      for (let i = 0; i < 500; i++) rig.call("web", "cart");
    });
    assert.equal(versions.count, before);
    rig.pass(1, () => rig.call("web", "mail"));
    assert.ok(rig.has("web", "mail"));
  });
});

describe("names", () => {
  test("are of operations, not of requests: ids leave, and a service has a bounded number", () => {
    const rig = new Rig();
    rig.pass(1, () => {
      rig.span({ service: "web", name: "GET /users/4711/orders/9f86d081-884c-4d63-a1e5?page=2" });
      rig.span({ service: "web", name: "x", names: { route: "/users/{id}", method: "PUT" } });
      rig.span({ service: "web", name: "jane.doe@example.org logs in" });
      rig.span({ service: "Web Shop\u202e!", name: "" });
      for (let i = 0; i < 500; i++)
        rig.span({ service: "noisy", name: `run ${String.fromCharCode(97 + (i % 26))}${"z".repeat(i / 26)}` });
    });
    const operations = rig.ids("operation");
    assert.ok(operations.includes("operation:production:web GET /users/{}/orders/{}"));
    assert.ok(operations.includes("operation:production:web PUT /users/{}"));
    assert.ok(operations.includes("operation:production:web {} logs in"));
    assert.ok(operations.includes("operation:production:web-shop- unknown"), operations.join("\n"));
    const noisy = operations.filter((id) => id.startsWith("operation:production:noisy"));
    assert.equal(noisy.length, 101);
    assert.ok(noisy.includes("operation:production:noisy other"));
    assert.ok(!operations.some((id) => /4711|jane|9f86/.test(id)));
  });

  test("are no more than a window has room for, and the rest is counted", () => {
    const rig = new Rig({ namesMax: 10 });
    rig.pass(1, () => {
      for (let i = 0; i < 50; i++) rig.span({ service: `s-${String.fromCharCode(97 + i)}` });
    });
    assert.ok(rig.ids().length <= 10);
    assert.ok(rig.intake.dropped > 0);
  });
});

describe("traces of any shape", () => {
  test("are digested without falling over: circles, orphans, spans that are their own parents", () => {
    const id = fc.constantFrom("00000001", "00000002", "00000003", "");
    const span = fc.record({ spanId: id, parentId: id, kind: fc.integer({ min: -1, max: 7 }), isFailed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(fc.tuple(span, fc.constantFrom("a", "b", "c")), { maxLength: 12 }), (spans) => {
        const rig = new Rig();
        rig.pass(1, () => {
          for (const [one, service] of spans) rig.span({ ...one, service, traceId: "t".repeat(16) });
        });
        for (const share of readGraph(rig.graph, { at: rig.nowMs, knownAt: rig.nowMs, from: 0, limit: 99 }).nodes) {
          assert.ok(Number.isFinite(share.observed?.share));
        }
      }),
      { numRuns: 200, verbose: true },
    );
  });

  test("wait within bounds: more spans than may wait are digested early, none is lost", () => {
    const rig = new Rig({ waitingMax: 100 });
    for (let i = 0; i < 1000; i++) rig.span({ service: "web" });
    assert.ok(rig.intake.waiting <= 100);
    rig.pass(1);
    const { nodes } = readGraph(rig.graph, {
      at: rig.nowMs,
      knownAt: rig.nowMs,
      from: 0,
      limit: 9,
      kinds: ["service"],
    });
    assert.ok(Math.abs((nodes[0]?.observed?.perSecond ?? 0) - 1000 / 60) < 0.1);
  });
});

describe("spans in protobuf", () => {
  test("are what an SDK wrote, and cut anywhere they are refused or fewer, never something else", () => {
    const { bytes, spans } = requestOf(3, { random: chance(5), services: 4, depth: 3, fan: 2 });
    const read = (of: Buffer): TelemetrySpan[] => {
      const list: TelemetrySpan[] = [];
      readSpansProtobuf(of, (span) => list.push(span));
      return list;
    };
    const whole = read(bytes);
    assert.equal(whole.length, spans);
    const [first] = whole;
    assert.deepEqual([first?.environment, first?.names.method], ["production", "GET"]);
    assert.ok(Math.abs((first?.durationUs ?? 0) - 1500) < 0.5, "nanoseconds keep a quarter of a microsecond");
    for (let cut = 1; cut < bytes.length; cut += 7) {
      try {
        assert.ok(read(bytes.subarray(0, cut)).length <= spans);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "body-malformed");
      }
    }
  });

  test("of chance are refused or read, and so is JSON of any shape", () => {
    const outcome = (work: () => void): unknown => {
      try {
        work();
        return "read";
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const code = outcome(() => readSpansProtobuf(Buffer.from(bytes), () => undefined));
        assert.ok(["read", "body-malformed"].includes(code as string), String(code));
      }),
      { numRuns: 500, verbose: true },
    );
    fc.assert(
      fc.property(fc.jsonValue(), (inner) => {
        for (const body of [inner, { resourceSpans: inner }, { resourceSpans: [{ scopeSpans: [{ spans: inner }] }] }]) {
          const code = outcome(() => readSpansJson(body, () => undefined));
          assert.ok(["read", "body-malformed", "request-invalid"].includes(code as string), String(code));
        }
      }),
      { numRuns: 300, verbose: true },
    );
  });
});
