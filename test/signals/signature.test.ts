// The error signature: equal for the same failure, whenever and wherever it was seen; different for another one.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { failureWords } from "../../src/signals/failure-words.ts";
import { failureSignature, type FailureIdentity } from "../../src/signals/signature.ts";

const cart: Omit<FailureIdentity, "title"> = {
  environment: "production",
  service: "cart",
  component: null,
  distinguishing: [],
  instances: [],
};
const sign = (title: string, rest: Partial<FailureIdentity> = {}): string =>
  failureSignature({ ...cart, title, ...rest });
const words = (title: string, subjects: string[] = []): string => failureWords({ title, subjects, instances: [] });

const SAFE = [..."bcdfghjklmnpqrstvwxz2456789"];
const safe = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...SAFE), minLength: length, maxLength: length });
const hex = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: length, maxLength: length });
const instant = fc.integer({ min: 0, max: 4_000_000_000 }).map((s) => new Date(s * 1000).toISOString());

/** Values of one kind, any of which may stand in the place of any other. */
const volatile: Record<string, fc.Arbitrary<string>> = {
  timestamp: instant,
  "timestamp with a blank": instant.map((text) => text.replace("T", " ").replace(/\.\d+Z$/, "")),
  "time of day": instant.map((text) => text.slice(11, 19)),
  pod: fc.tuple(safe(9), safe(5)).map(([a, b]) => `cart-${a}-${b}`),
  "daemon pod": safe(5).map((text) => `cart-${text}`),
  "replica set": safe(10).map((text) => `cart-${text}`),
  "stateful pod": fc.nat(99).map((n) => `cart-${n}`),
  "job pod": fc.tuple(fc.integer({ min: 10_000_000, max: 99_999_999 }), safe(5)).map(([n, s]) => `cart-${n}-${s}`),
  uuid: fc.uuid(),
  "trace id": hex(32),
  "container id": hex(12),
  ipv4: fc.ipV4(),
  "ipv4 and port": fc.tuple(fc.ipV4(), fc.integer({ min: 10, max: 65_535 })).map(([ip, port]) => `${ip}:${port}`),
  ipv6: fc.ipV6().filter((ip) => !ip.includes(".")),
  port: fc.integer({ min: 10, max: 65_535 }).map((port) => `db.internal:${port}`),
  number: fc.nat().map(String),
  percentage: fc.double({ min: 0, max: 100, noNaN: true }).map((n) => `${n.toFixed(2)}%`),
  duration: fc.tuple(fc.nat(59), fc.nat(59)).map(([m, s]) => `${m}m${s}s`),
  milliseconds: fc.nat(100_000).map((n) => `${n}ms`),
  "cloud host": fc.ipV4().map((ip) => `ip-${ip.replaceAll(".", "-")}`),
};

for (const [kind, arbitrary] of Object.entries(volatile)) {
  test(`a title with another ${kind} has the same signature`, () => {
    const place = fc.constantFrom<(value: string) => string>(
      (value) => `Request failed on ${value}`,
      (value) => `${value}: request failed`,
      (value) => `Request (${value}) failed`,
      (value) => `Request failed, last="${value}" seen`,
    );
    fc.assert(
      fc.property(place, arbitrary, arbitrary, (title, one, other) => {
        assert.equal(words(title(one)), words(title(other)), `${title(one)} and ${title(other)}`);
        assert.equal(sign(title(one)), sign(title(other)));
      }),
      { numRuns: 200 },
    );
  });
}

test("the same failure from two sources has the same signature", () => {
  const same = [
    "HighErrorRate",
    "High error rate on cart",
    "[Triggered] High error rate on service:cart",
    "ALERT: high error rate (5.2%) for cart in production",
    "[P1] Cart - High Error Rate",
    "high_error_rate",
    "High-error-rate is critical on cart for the last 5 minutes",
    "Recovered: High error rate on cart at 2026-11-20T10:00:00Z",
  ];
  const signatures = new Set(same.map((title) => sign(title)));
  assert.equal(signatures.size, 1, same.map((title) => words(title, ["cart", "production"])).join(" | "));
});

test("labelled pairs of different failures have different signatures", () => {
  const different: (readonly [string, string])[] = [
    ["HighErrorRate", "HighLatency"],
    ["High error rate", "Low error rate"],
    ["Disk full", "Disk missing"],
    ["HTTP 500 errors", "HTTP 404 errors"],
    ["HTTP5xxRateHigh", "HTTP4xxRateHigh"],
    ["status 503 from upstream", "status 429 from upstream"],
    ["p99 latency high", "p50 latency high"],
    ["IPv4 unreachable", "IPv6 unreachable"],
    ["S3 unreachable", "EC2 unreachable"],
    ["KubePodCrashLooping", "KubePodNotReady"],
    ["Login down", "Checkout down"],
    ["cart-https down", "cart-mssql down"],
    ["No data", "Data loss"],
    ["Connection refused", "Connection reset"],
    ["Node down", "Node up"],
    ["高延迟", "磁盘已满"],
    ["Überlast", "Unterlast"],
  ];
  for (const [one, other] of different) assert.notEqual(sign(one), sign(other), `${words(one)} / ${words(other)}`);
});

test("environment, service, component and what distinguishes two alerts of one name each count", () => {
  const title = "HighErrorRate";
  const variants = [
    sign(title),
    sign(title, { environment: "staging" }),
    sign(title, { service: "checkout" }),
    sign(title, { component: "database" }),
    sign(title, { distinguishing: ["queue orders"] }),
    sign(title, { distinguishing: ["queue invoices"] }),
    sign(title, { distinguishing: ["topic orders"] }),
  ];
  assert.equal(new Set(variants).size, variants.length);
  assert.equal(
    sign(title, { distinguishing: ["slo a", "queue b"] }),
    sign(title, { distinguishing: ["queue b", "slo a"] }),
  );
});

test("the value of an instance label never counts, wherever it stands in the title", () => {
  const of = (host: string): string => sign(`Disk slow on ${host} now`, { instances: [host] });
  assert.equal(of("db-primary.eu.example"), of("web-frontend.us.example"));
});

test("a title of nothing but volatile values, or of nothing, still has a signature", () => {
  assert.equal(sign("12345"), sign("67890"));
  assert.match(sign(""), /^[0-9a-f]{64}$/);
  assert.notEqual(words("Critical alert"), "");
  assert.notEqual(sign("cart"), sign("cart slow"));
});

test("any text gives 64 hex digits, the same each time, and bounded words", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 2000 }), (title) => {
      assert.match(sign(title), /^[0-9a-f]{64}$/);
      assert.equal(sign(title), sign(title));
      assert.ok(words(title).split(" ").length <= 32);
    }),
    { numRuns: 200 },
  );
  for (const unit of ["1", "1a", "a-", "-", "A", "::", "1:", "a1B2", ".", "5xx", "http 5"]) sign(unit.repeat(100_000));
});
