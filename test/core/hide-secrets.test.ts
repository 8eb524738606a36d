// Known secrets in a text: found in every form, wherever they stand in it and wherever it is cut.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hideSecrets } from "../../src/core/hide-secrets.ts";

const SECRET = 'Kf8vQ2"zLw/9Xr+4TnB7?yHc~1MjD6sGp3Eu';
const hidden = (text: string, ...secrets: readonly string[]): string => hideSecrets(text, secrets, "#");
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const hex = (text: string): string => Buffer.from(text).toString("hex");

test("a secret is taken out in each of its forms, and nothing else is", () => {
  const forms = [
    SECRET,
    encodeURIComponent(SECRET),
    JSON.stringify(SECRET).slice(1, -1),
    base64(SECRET),
    Buffer.from(SECRET).toString("base64url"),
    hex(SECRET),
    hex(SECRET).toUpperCase(),
  ];
  assert.equal(new Set(forms).size, forms.length);
  for (const form of forms) assert.equal(hidden(`a <${form}>, ${form}\n${form}${form}`, SECRET), "a <#>, #\n##", form);
  for (const text of ["", "nothing of it", "Kf8vQ2 is its beginning"]) assert.equal(hidden(text, SECRET, ""), text);
  assert.equal(hidden("of three letters: abc, YWJj; not 616263", "abc"), "of three letters: #, #; not 616263");
});

test("it is taken out of base64 that holds more than it, of either alphabet, wherever it begins in that", () => {
  for (const before of ["", "1", "12", "user:", "123456"]) {
    const whole = Buffer.from(`${before}${SECRET}:987`);
    for (const text of [whole.toString("base64"), whole.toString("base64url")]) {
      const shown = hidden(`Basic ${text}`, SECRET);
      assert.match(shown, /^Basic [\w-]{0,9}#[\w-]{5,8}={0,2}$/, shown);
    }
  }
});

test("it is taken out where its text is wrapped or spaced, and what stands between two of them stays", () => {
  const long = SECRET.repeat(5);
  const wrapped = base64(long).replaceAll(/.{76}/g, "$&\n");
  assert.ok(wrapped.includes("\n"));
  assert.equal(hidden(`${wrapped}\n`, long), "#\n");
  assert.equal(hidden(`${hex(SECRET).replaceAll(/../g, " $&")} end`, SECRET), " # end");
  assert.equal(hidden("-- one\n  two -- one two", "one\ntwo\n"), "-- # -- #");
});

test("one secret within another, or beginning in the end of another, leaves nothing of either", () => {
  assert.equal(hidden("<of the state>", "the", "of the state"), "<#>");
  assert.equal(hidden("<abcabcab>, <xabcabcabcaby>", "abcabcab"), "<#>, <x#y>");
  assert.equal(hidden("<12345678abcdefgh>", "12345678abcd", "abcdefgh"), "<#>");
});

test("the beginning of a secret at the end of a text goes too, in whatever form", () => {
  for (const form of [SECRET, base64(SECRET), base64(`1${SECRET}`).slice(2, 49), hex(SECRET)]) {
    for (let length = 4; length < form.length; length++) {
      assert.equal(hidden(`it is ${form.slice(0, length)}`, SECRET), "it is #");
    }
  }
  assert.equal(hidden(`it is ${SECRET.slice(0, 3)}`, SECRET), "it is Kf8");
});

test("no eight characters of a secret are left, wherever it stands and wherever the text is cut", () => {
  const secrets = fc.stringMatching(/^[a-zA-Z]{8,60}$/);
  const digits = fc.stringMatching(/^[0-9]{0,12}$/);
  const ways = fc.constantFrom<(text: string) => string>((text) => text, base64, hex);
  const cases = fc.record({ secret: secrets, lead: digits, rest: digits, way: ways, cut: fc.nat(350) });
  fc.assert(
    fc.property(cases, ({ secret, lead, rest, way, cut }) => {
      const whole = way(`${lead}${secret}${rest}`);
      const shown = hidden(`. ${whole} ${whole}`.slice(0, cut), secret).slice(0, 100);
      const read = [shown, ...shown.split(/[^\w+/=]/).flatMap(decoded)];
      for (let at = 0; at + 8 <= secret.length; at++) {
        const part = secret.slice(at, at + 8);
        assert.ok(!read.some((text) => text.includes(part)), `${part} in ${shown}`);
      }
    }),
    { numRuns: 2_000 },
  );
});

/** What a piece of text says to somebody who tries. */
function decoded(text: string): readonly string[] {
  return [0, 1, 2, 3]
    .flatMap((skip) => [Buffer.from(text.slice(skip), "base64"), Buffer.from(text.slice(skip), "hex")])
    .map((bytes) => bytes.toString("latin1"));
}
