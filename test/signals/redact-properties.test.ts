// Properties of redaction over any text: done twice it is done once, it stays well-formed and bounded, and its work is
// in proportion to its input.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IP_ADDRESSES, PERSONAL } from "../../src/signals/personal-patterns.ts";
import { LIKELY_SECRETS } from "../../src/signals/likely-secrets.ts";
import { NATIONAL_NUMBERS } from "../../src/signals/national-numbers.ts";
import { normalizeDelivery } from "../../src/signals/normalize-delivery.ts";
import { findSecret, redactField, redactText } from "../../src/signals/redact.ts";
import { SECRET_FAMILIES } from "../../src/signals/secret-patterns.ts";
import { signalMappingSchema, signalSchema } from "../../src/wire/schemas/signal.ts";
import { negativeCases, positiveCases } from "./corpus/cases.ts";

const options = { ipAddresses: true };
const cases = [...positiveCases(7, "first"), ...positiveCases(7, "later"), ...negativeCases(7, "first")];
const texts = cases.map(({ parts }) => parts.join(""));
const values = cases.flatMap(({ parts }) => parts.filter((_, index) => index % 2 === 1));

/** Pieces that meet in ways no alert has: values cut anywhere, quotes, brackets, marks, halves of characters. */
const piece = fc.oneof(
  fc.constantFrom(...values),
  fc
    .tuple(fc.constantFrom(...texts), fc.nat(), fc.nat(60))
    .map(([text, from, chars]) => text.slice(from % text.length, (from % text.length) + chars)),
  fc.constantFrom("password=", "token: ", 'secret="', "--token ", "name: DB_PASSWORD value: ", "tel ", "-u a:", "://"),
  fc.constantFrom("[redacted:jwt]", "[redacted:", "[", "]", "{", "}", "<", '"', "\\", "'", " ", "\n", "@", ":", "%40"),
  fc.constantFrom("\ud83d", "\ude00", "\u{1f600}", "é", "ß", "\u{20bb7}"),
  fc.string({ maxLength: 12, unit: "binary" }),
);
const soup = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(""));
const fieldName = fc.constantFrom("description", "trace_id", "password", "card", "phone", "x", "user_email", "");

test("redacting what is redacted changes nothing more", () => {
  fc.assert(
    fc.property(fieldName, soup, (name, text) => {
      const once = redactField(name, text, options).text;
      assert.equal(redactField(name, once, options).text, once);
    }),
    { numRuns: 1_500 },
  );
  for (const text of texts) {
    const once = redactText(text, options).text;
    assert.deepEqual(redactText(once, options), { text: once, count: 0 });
  }
});

test("what comes out is well-formed, counted, and at most a mark longer for each place that went", () => {
  const MARK_CHARS_MAX = "[redacted:basic-credentials]".length;
  fc.assert(
    fc.property(fieldName, soup, (name, text) => {
      const { text: redacted, count } = redactField(name, text, options);
      assert.ok(redacted.isWellFormed() || (count === 0 && redacted === text));
      assert.ok(redacted.length <= text.length + count * MARK_CHARS_MAX);
      assert.equal(count === 0, redacted === text || redacted === text.toWellFormed());
    }),
    { numRuns: 1_500 },
  );
});

test("a signal stays within its bounds whatever its texts hold", () => {
  const mapping = signalMappingSchema.parse({ redactIpAddresses: true });
  const receivedAtMs = Date.parse("2026-11-20T10:00:30Z");
  fc.assert(
    fc.property(soup, soup, soup, (title, description, label) => {
      const alert = {
        status: "firing",
        labels: { alertname: title, environment: "prod", service: "cart", pod: label },
        annotations: { summary: label, description },
        startsAt: "2026-11-20T10:00:00Z",
        endsAt: "0001-01-01T00:00:00Z",
        generatorURL: "",
        fingerprint: "00000000000000aa",
      };
      const body = {
        receiver: "r",
        status: "firing",
        alerts: [alert],
        version: "4",
        groupKey: "{}",
        truncatedAlerts: 0,
      };
      const rest = { groupLabels: {}, commonLabels: {}, commonAnnotations: {}, externalURL: "http://a.example" };
      const delivery = { body: { ...body, ...rest }, headers: {}, receivedAtMs, telemetry: null, thresholds: [] };
      const own = { pagerduty: "p", servicenow: "s" };
      const normalized = normalizeDelivery(
        "alertmanager",
        { ...delivery, ownKeys: own },
        { source: "a", mapping, receivedAtMs },
      );
      for (const one of normalized) {
        if (one.kind !== "signal") continue;
        const signal = signalSchema.parse(one.signal);
        assert.ok(JSON.stringify(signal).isWellFormed() && signal.title.isWellFormed());
      }
    }),
    { numRuns: 300 },
  );
});

test("no text of the corpus is so entangled that it has to go as a whole", () => {
  for (const text of texts) assert.ok(!redactText(text, options).text.includes("entangled"), text);
});

test("what each removal uncovers is removed too, and text that goes on so goes as a whole", () => {
  // Each key is the rest of a longer word until the one before it is gone.
  const chain = (keys: number): string => `key: ${`da${"pi"}0123456789abcdef0123456789abcdef`.repeat(keys)}`;
  assert.ok(!redactText(chain(5), options).text.includes("0123456789"));
  const { text } = redactText(chain(30), options);
  assert.equal(text, "[redacted:entangled]");
  assert.equal(redactText(text, options).text, text);
});

/** Generators of matches know none of them; with what is nested inside. */
function withoutLookarounds(source: string): string {
  const parts = source.match(/\[(?:\\.|[^\]\\])*\]|\\.|\(\?<?[!=]|\(|\)|[^()[\\]/gu) ?? [];
  let kept = "";
  let depth = 0;
  for (const part of parts) {
    if (depth > 0) depth += part.startsWith("(") ? 1 : part === ")" ? -1 : 0;
    else if (/^\(\?<?[!=]$/.test(part)) depth = 1;
    else kept += part;
  }
  return kept;
}

/** Prefixes of what the patterns match, so that each is led as far astray as it goes before it fails. */
function hostileUnits(): string[] {
  const families = [...SECRET_FAMILIES, ...LIKELY_SECRETS, ...NATIONAL_NUMBERS, ...IP_ADDRESSES];
  const patterns = [...families.flatMap(({ members }) => members), ...PERSONAL].map(({ pattern }) => pattern);
  return patterns.flatMap((pattern, index) => {
    const form = withoutLookarounds(pattern.source)
      .replaceAll("(?<stays>", "(?:")
      .replaceAll(/\\[12](?!\d)|\\b/g, " ?");
    const [match = ""] = fc.sample(fc.stringMatching(new RegExp(form), { size: "-1" }), { numRuns: 1, seed: index });
    return [match.slice(0, Math.ceil(match.length / 3)), `${match.slice(0, -1)} `, match].filter((unit) => unit !== "");
  });
}

test("four times the hostile text is about four times the work, for every pattern", () => {
  const others = [
    "a",
    "a@",
    "a@a.",
    "password=",
    'aa="',
    "password: expired ",
    "eyJaaaaaaaa.",
    "1 ",
    "1-",
    "a%40",
    "😀",
    "{{a",
  ];
  /** Microseconds of this process; only ever compared with one another. */
  const workOf = (text: string): number => {
    const before = process.cpuUsage();
    redactText(text, options);
    findSecret(text);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const repeated = (unit: string, chars: number): string => unit.repeat(Math.ceil(chars / unit.length)).slice(0, chars);
  const ordinary = workOf(repeated("errors of cart rose to 7.3 % in production since the deploy; ", 65_536));
  for (const unit of [...hostileUnits(), ...others]) {
    const isInProportion = (): boolean => {
      const small = workOf(repeated(unit, 16_384));
      return workOf(repeated(unit, 65_536)) <= 8 * (small + ordinary);
    };
    // A pause of the machine can fall into one measurement, and not into three.
    assert.ok(isInProportion() || isInProportion() || isInProportion(), JSON.stringify(unit));
  }
});
