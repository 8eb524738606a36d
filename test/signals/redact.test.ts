// Redaction: what is replaced, what must stay readable, and that hostile input costs no more than its length.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { findSecret, redactField, redactText } from "../../src/signals/redact.ts";
import { SECRET_FAMILIES } from "../../src/signals/secret-patterns.ts";

const options = { ipAddresses: false };
// Put together here, so that no scanner takes this file for a leak.
const BASE64 = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY00";
const ALNUM = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
const secrets: readonly (readonly [kind: string, secret: string])[] = [
  ["aws-access-key", `AKIA${"IOSFODNN7EXAMPLE"}`],
  ["aws-access-key", `ASIA${"IOSFODNN7EXAMPLE"}`],
  ["github-token", `ghp_${ALNUM}`],
  ["github-token", `github_pat_${ALNUM}`],
  ["gitlab-token", `glpat-${ALNUM}`],
  ["slack-token", `xoxb-${"123456789012"}-${ALNUM}`],
  ["slack-webhook", `hooks.slack.com/services/${"T000/B000/"}${ALNUM}`],
  ["google-api-key", `AIza${ALNUM.slice(0, 35)}`],
  ["google-oauth-token", `ya29.${ALNUM}`],
  ["stripe-key", `sk_live_${ALNUM}`],
  ["model-api-key", `sk-ant-${ALNUM}`],
  ["npm-token", `npm_${ALNUM}`],
  ["vault-token", `hvs.${ALNUM}`],
  ["jwt", `eyJhbGciOiJIUzI1NiJ9.${"eyJzdWIiOiIxMjM0In0"}.${ALNUM}`],
  ["private-key", `-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n${BASE64}\n-----END RSA PRIVATE KEY-----`],
  ["private-key", `-----BEGIN PRIVATE KEY-----\\n${BASE64}`],
  ["bearer-token", `Bearer ${ALNUM}`],
  ["basic-credentials", "Basic YWRhOmh1bnRlcjI="],
  ["url-credentials", "https://ada:hunter2@db.example/x"],
  ["assignment", `aws_secret_access_key = ${BASE64}`],
  ["assignment", "password=hunter2!"],
  ["assignment", `DB_PASSWORD: '${"correct-horse-9"}'`],
  ["assignment", '{"password":"hunter"}'],
  ["assignment", String.raw`{"body":"{\"client_secret\":\"abc123def\"}"}`],
  ["assignment", `x-api-key: ${ALNUM}`],
  ["assignment", `Set-Cookie: sid=${ALNUM}`],
];

test("every known kind of secret is found, wherever it stands, and its value is gone after redaction", () => {
  for (const [kind, secret] of secrets) {
    for (const text of [secret, `before ${secret} after`, `{"note": "${secret}"}`, `(${secret})`]) {
      assert.notEqual(findSecret(text), null, text);
      const { text: redacted, count } = redactText(text, options);
      assert.ok(count >= 1, text);
      for (const value of [ALNUM.slice(0, 30), BASE64, "hunter2", "IOSFODNN7EXAMPLE", "YWRhOmh1bnRlcjI", "horse-9"]) {
        assert.ok(!redacted.includes(value), `${kind}: ${redacted}`);
      }
    }
    assert.equal(findSecret(secret), kind, secret);
  }
});

test("no form of a credential escapes the hint of its family, which is looked for first", () => {
  for (const { hint, members } of SECRET_FAMILIES) {
    for (const { kind, pattern } of members) {
      const form = new RegExp(withoutLookarounds(pattern.source));
      // What only a lookaround asks for stands around the match.
      const [before, after] = kind === "url-credentials" ? ["https://", "@"] : ["", ""];
      fc.assert(
        fc.property(fc.stringMatching(form, { size: "-1" }), (match) => {
          const text = before + match + after;
          if (text.match(pattern) !== null) assert.ok(hint.test(text), `${kind}: ${JSON.stringify(text)}`);
        }),
        { numRuns: 40 },
      );
    }
  }
});

function withoutLookarounds(source: string): string {
  return source.replaceAll(/\(\?<?[!=][^()]*\)/g, "");
}

test("invisible characters inside a secret do not hide it from the search", () => {
  const split = `gh\u200bp_${ALNUM.slice(0, 10)}\u2060${ALNUM.slice(10)}`;
  assert.equal(findSecret(split), "github-token");
});

test("prose about secrets, references to secrets, ids and hashes are no secrets", () => {
  const harmless = [
    "password expired for the service account",
    "the token: expired, the secret: missing",
    "Basic authentication failed; bearer token rejected",
    '{"password":"${DB_PASSWORD}"}',
    '{"password":"vault:kv/cart#password"}',
    '{"secretRef":"cart-tls","token":null,"password":""}',
    '{"api_key":"{{ secrets.API_KEY }}"}',
    "password=$DB_PASSWORD token=<token> secret=***",
    "token_file=/run/secrets/holdpoint/token",
    "trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "image=registry.example/cart@sha256:abc, replicas: 3, max_tokens: 4096, token_count=128",
    "https://grafana.example/d/AbC123xyz/service-overview?var-service=cart",
    'rate(http_requests_total{code=~"5.."}[5m]) > 0.05',
    "2026-11-20T10:00:00.123456789Z",
    "eyJ is how a token starts",
  ];
  for (const text of harmless) assert.equal(findSecret(text), null, text);
});

test("personal data is replaced, and numbers that only look like it are kept", () => {
  const redact = (text: string): string => redactText(text, options).text;
  assert.equal(redact("mail ada.lovelace+x@mail.example.org now"), "mail [redacted:email] now");
  assert.equal(redact("card 4111 1111 1111 1111."), "card [redacted:card].");
  assert.equal(redact("card 4111111111111112"), "card 4111111111111112"); // fails Luhn
  assert.equal(redact("call +49 30 901820 or 555-123-4567."), "call [redacted:phone] or [redacted:phone].");
  assert.equal(redact("ssn 123-45-6789"), "ssn [redacted:ssn]");
  assert.equal(redact("build 000-45-6789"), "build 000-45-6789");
  const kept = "p99 is 1234.5 ms at 1795226992346, 3 of 12 pods, 10.0.0.7:8080, cart-7d9f8b6c5-x2x9z, v1.2.3";
  assert.equal(redact(kept), kept);
});

test("passwords of several words, of other languages and of connection strings go whole", () => {
  const texts: readonly (readonly [string, string])[] = [
    ["db password is 'correct horse battery staple', restart it", "db password is [redacted:password], restart it"],
    ['the passphrase was: "let me in now"', "the passphrase was: [redacted:password]"],
    [
      "Server=db;User Id=sa;Password=P@ss w0rd;Encrypt=true",
      "Server=db;User Id=sa;Password=[redacted:password];Encrypt=true",
    ],
    ["Contraseña: hunter2", "Contraseña: [redacted:password]"],
    ["пароль: hunter2", "пароль: [redacted:password]"],
    ["密码：hunter2", "密码：[redacted:password]"],
    ["passport no. C01X00T47", "passport no. [redacted:national-number]"],
  ];
  for (const [text, redacted] of texts) assert.equal(redactText(text, { ipAddresses: false }).text, redacted);
  const left = [
    "password is 'required' and must be set",
    "contraseña: caducada",
    "Password=;Encrypt=true and more;",
    "passport service is down",
    "passport number checks failed",
  ];
  for (const text of left) assert.equal(redactText(text, { ipAddresses: false }).text, text);
});

test("numbers that issuers publish as examples are found, and with another check digit they are not", () => {
  const examples: readonly (readonly [kind: string, number: string, wrong: string])[] = [
    ["national-number", "86095742719", "86095742718"], // Germany, tax
    ["national-number", "65170839J003", "65170839J004"], // Germany, pension
    ["national-number", "811218-9876", "811218-9875"], // Sweden
    ["national-number", "19811228-9874", "19811228-9873"],
    ["national-number", "070761-4285", "070761-4284"], // Denmark
    ["national-number", "17054026641", "17054026642"], // Norway
    ["national-number", "131052-308T", "131052-308U"], // Finland
    ["national-number", "2 55 08 14 168 025 38", "2 55 08 14 168 025 39"], // France
    ["national-number", "12345678Z", "12345678A"], // Spain
    ["national-number", "X1234567L", "X1234567M"],
    ["iban", "GB82 WEST 1234 5698 7654 32", "GB83 WEST 1234 5698 7654 32"],
    ["iban", "DE89370400440532013000", "DE88370400440532013000"],
    ["iban", "FR1420041010050500013M02606", "FR1420041010050500013M02607"],
    ["card", "5555555555554444", "5555555555554445"],
    ["card", "378282246310005", "378282246310006"],
    ["card", "6011111111111117", "6011111111111118"],
    ["card", "3530111333300000", "3530111333300001"],
    ["card", "30569309025904", "30569309025905"],
    ["card", "2223003122003222", "2223003122003223"],
  ];
  for (const [kind, number, wrong] of examples) {
    assert.equal(redactText(`value ${number} refused`, options).text, `value [redacted:${kind}] refused`);
    assert.equal(redactText(`value ${wrong} refused`, options).count, 0, wrong);
  }
});

test("addresses are replaced when that is configured, and only then", () => {
  const text = "peer 10.0.0.7:8080 and 2001:db8::7 and version 1.2.3";
  assert.equal(redactText(text, options).text, text);
  const { text: redacted, count } = redactText(text, { ipAddresses: true });
  assert.equal(redacted, "peer [redacted:ip]:8080 and [redacted:ip] and version 1.2.3");
  assert.equal(count, 2);
});

test("the name of a field redacts its whole value, however harmless it looks", () => {
  for (const name of [
    "password",
    "DB_PASSWORD",
    "x-api-key",
    "Authorization",
    "session_token",
    "cookie",
    "email",
    "ssn",
  ]) {
    assert.deepEqual(redactField(name, "plain", options), { text: "[redacted:by-name]", count: 1 }, name);
  }
  for (const name of ["alertname", "service", "namespace", "code", "instance", "pod", "summary", "keyspace"]) {
    assert.deepEqual(redactField(name, "plain", options), { text: "plain", count: 0 }, name);
  }
  assert.deepEqual(redactField("password", "", options), { text: "", count: 0 });
});

test("redacting what is redacted changes nothing more", () => {
  const part = fc.constantFrom(
    ...secrets.map(([, secret]) => secret),
    "mail a@b.example",
    "plain words",
    "x=",
    '"',
    "\n",
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const once = redactText(parts.join(" "), options).text;
      assert.equal(findSecret(once), null, once);
      assert.equal(redactText(once, options).text, once);
    }),
    { numRuns: 300 },
  );
});

test("repetitive input of a hundred thousand characters is searched to its end", () => {
  const units = [
    "a",
    "A1",
    "-",
    "eyJ",
    "eyJaaaaaaaaa.",
    "a@",
    "a@a.",
    "-----BEGIN PRIVATE KEY-----",
    "4",
    "4 ",
    "a=",
    'aa="',
  ];
  units.push(
    "://a:",
    "bearer ",
    "1.",
    "1:",
    "password=",
    "password  ",
    "sk-",
    "xoxb-",
    "+1",
    "(1",
    "\\",
    " ",
    "{",
    "[",
  );
  for (const unit of units) {
    const text = unit.repeat(Math.ceil(100_000 / unit.length));
    findSecret(text);
    redactText(text, { ipAddresses: true });
    assert.equal(findSecret(`${text} password=hunter2! `) !== null, true, unit);
  }
});
