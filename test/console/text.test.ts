// Text and time as the console shows them: what cannot be seen is named, and spans are said as people say them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { countdownText, localText, spanText, utcClock, utcText } from "../../src/console/text/instants.ts";
import { plainText, visibleText } from "../../src/console/text/visible-text.ts";

const UNSEEN = {
  "right-to-left override": "\u{202e}",
  "left-to-right isolate": "\u{2066}",
  "zero-width space": "\u{200b}",
  "zero-width joiner": "\u{200d}",
  "byte order mark": "\u{feff}",
  "soft hyphen": "\u{ad}",
  "no-break space": "\u{a0}",
  "ideographic space": "\u{3000}",
  "Hangul filler": "\u{3164}",
  "line separator": "\u{2028}",
  "tag letter": "\u{e0041}",
  "variation selector": "\u{fe0f}",
  "variation selector 17": "\u{e0100}",
  escape: "\u{1b}",
  null: "\u{0}",
  "next line": "\u{85}",
  "private use": "\u{e000}",
};

describe("text of others", () => {
  it("names every character that cannot be seen, and leaves the rest as it is", () => {
    for (const [name, character] of Object.entries(UNSEEN)) {
      for (const lines of [true, false]) {
        const segments = visibleText(`a${character}b`, { lines });
        assert.deepEqual(
          segments.map(({ isUnseen }) => isUnseen),
          [false, true, false],
          name,
        );
        assert.match(segments[1]?.text ?? "", /^U\+[0-9A-F]{4,6}$/, name);
      }
    }
    assert.deepEqual(visibleText("pay\u{202e}gnp", { lines: false }), [
      { text: "pay", isUnseen: false },
      { text: "U+202E", isUnseen: true },
      { text: "gnp", isUnseen: false },
    ]);
    for (const text of ["Größe 5 µs", "日本語", "שלום", "naïve café", "a <script>alert(1)</script> b", ""]) {
      assert.equal(plainText(text), text);
    }
  });

  it("keeps line feeds and tabs where lines are shown, and names them where they would fake one", () => {
    assert.equal(visibleText("a\n\tb", { lines: true }).length, 1);
    assert.equal(plainText("ok\napproved by: owner"), "ok‹U+000A›approved by: owner");
  });

  it("loses nothing and invents nothing", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...Object.values(UNSEEN), "a", "ß", "語", "\n", "\t", "😀")), (parts) => {
        const text = parts.join("");
        const back = visibleText(text, { lines: true })
          .map((one) => (one.isUnseen ? String.fromCodePoint(Number.parseInt(one.text.slice(2), 16)) : one.text))
          .join("");
        assert.equal(back, text);
      }),
    );
  });
});

describe("time", () => {
  it("is UTC first, to the second", () => {
    const ms = Date.UTC(2026, 10, 21, 9, 3, 7, 999);
    assert.equal(utcText(ms), "2026-11-21 09:03:07 UTC");
    assert.equal(utcClock(ms), "09:03:07");
    assert.match(localText(ms), /^\w+,? \d\d:\d\d /);
  });

  it("is left in minutes and seconds, and never less than none", () => {
    const cases = [
      [0, "0:00"],
      [-5_000, "0:00"],
      [999, "0:00"],
      [61_000, "1:01"],
      [3_600_000, "1:00:00"],
      [86_400_000, "24:00:00"],
      [3 * 86_400_000 + 3_600_000, "3 d 1 h"],
    ] as const;
    for (const [ms, text] of cases) assert.equal(countdownText(ms), text);
  });

  it("has passed in the largest units that say enough", () => {
    const cases = [
      [1_500, "1 s"],
      [59_999, "59 s"],
      [60_000, "1 min"],
      [3_600_000, "1 h"],
      [3_660_000, "1 h 1 min"],
      [90_000_000, "1 d 1 h"],
    ] as const;
    for (const [ms, text] of cases) assert.equal(spanText(ms), text);
  });
});
