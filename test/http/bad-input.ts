// Requests that must be refused, as data: who sends what where, and the problem code that answers.

import type { ErrorCode } from "../../src/core/errors.ts";
import type { Json } from "../../src/core/json.ts";
import { delivery, note } from "./fixture.ts";

export type BadRequest = {
  readonly name: string;
  /** `agent`: a token with every scope; `source`: the secret of the source. */
  readonly as: "agent" | "source" | "nobody";
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json | Uint8Array;
  readonly code: ErrorCode;
  /** True when the published schema alone must refuse the body too. */
  readonly bySchema?: true;
};

const ACTIONS = "/v1/actions";
const WEBHOOK = "/v1/signals/alertmanager";
const KILLSWITCH = "/v1/killswitch";
const KIB = 1024;
const FORM = "application/x-www-form-urlencoded";

const propose = (name: string, body: Json | Uint8Array, code: ErrorCode): BadRequest => ({
  name,
  as: "agent",
  path: ACTIONS,
  body,
  code,
});
const againstSchema = (name: string, body: Json): BadRequest => ({
  ...propose(name, body, "request-invalid"),
  bySchema: true,
});
const deliver = (name: string, body: Json | Uint8Array, code: ErrorCode): BadRequest => ({
  name,
  as: "source",
  path: WEBHOOK,
  body,
  code,
});
const read = (name: string, path: string, code: ErrorCode): BadRequest => ({ name, as: "agent", path, code });

const text = JSON.stringify(note("staging"));
/** The proposal's text with one piece of it replaced. */
const spliced = (from: string, to: string): string => text.replace(from, to);
const bytes = (before: string, middle: readonly number[], after: string): Uint8Array =>
  Buffer.concat([Buffer.from(before), Buffer.from(middle), Buffer.from(after)]);
const [beforeText = "", afterText = ""] = text.split("restart of cart finished");
const target = (more: { [name: string]: Json }): Json => ({
  ...note("staging"),
  target: { environment: "staging", service: "cart", ...more },
});
const unusual = (args: { [name: string]: Json }): Json => ({ ...note("staging"), arguments: args });

const BODIES: readonly BadRequest[] = [
  propose("malformed JSON", '{"kind":', "body-malformed"),
  propose("an empty body", "", "body-malformed"),
  propose("two documents", `${text}${text}`, "body-malformed"),
  propose("a byte order mark", `\ufeff${text}`, "body-malformed"),
  propose("a comment", `/* */${text}`, "body-malformed"),
  propose("a trailing comma", text.replace(/}$/, ",}"), "body-malformed"),
  propose("NaN", spliced('"restart of cart finished"', "NaN"), "body-malformed"),
  propose("Infinity", spliced('"restart of cart finished"', "-Infinity"), "body-malformed"),
  propose("invalid UTF-8", bytes(beforeText, [0xff, 0xfe], afterText), "body-malformed"),
  propose("an overlong slash", bytes(beforeText, [0xc0, 0xaf], afterText), "body-malformed"),
  propose("a surrogate in UTF-8", bytes(beforeText, [0xed, 0xa0, 0x80], afterText), "body-malformed"),
  propose("UTF-16", Buffer.from(text, "utf16le"), "body-malformed"),
  propose("a lone surrogate", spliced("restart", "\\ud800"), "body-malformed"),
  propose("a lone surrogate in a name", spliced('"text"', '"\\udfff"'), "body-malformed"),
  propose("a member twice", spliced('"kind"', '"kind":"record.note","kind"'), "body-malformed"),
  propose("a member twice, once escaped", spliced('"kind"', '"k\\u0069nd":"record.note","kind"'), "body-malformed"),
  propose("a member twice inside", spliced('"text"', '"text":"a:\\"b\\\\","text"'), "body-malformed"),
  propose("nesting of 100,000", `${"[".repeat(100_000)}${"]".repeat(100_000)}`, "body-malformed"),
  propose("nesting of 33", `${'{"a":'.repeat(33)}1${"}".repeat(33)}`, "body-malformed"),
  propose("a body over 256 KiB", `"${"a".repeat(256 * KIB)}"`, "body-too-large"),
  propose("an integer beyond 2^53", spliced('"restart of cart finished"', "9007199254740993"), "request-invalid"),
  propose("a number out of range", spliced('"restart of cart finished"', "1e400"), "request-invalid"),
  propose("100,001 values", `[${"0,".repeat(100_000)}0]`, "request-invalid"),
  propose("__proto__", spliced('"kind"', '"__proto__":{"kind":"record.note"},"kind"'), "request-invalid"),
  propose("__proto__ inside arguments", spliced('"text"', '"__proto__":1,"text"'), "request-invalid"),
  againstSchema("null", "null"),
  againstSchema("a list", []),
  againstSchema("a word", '"propose"'),
  againstSchema("no kind", { target: { environment: "staging", service: "cart" }, arguments: {} }),
  againstSchema("an unknown member", { ...note("staging"), constructor: {} }),
  againstSchema("an unknown member of the target", target({ region: "eu" })),
  againstSchema("a kind of another shape", { ...note("staging"), kind: "Record Note" }),
  againstSchema("a kind that is too long", { ...note("staging"), kind: `a.${"b".repeat(100)}` }),
  againstSchema("a service that is too long", target({ service: "s".repeat(200) })),
  againstSchema("an empty service", target({ service: "" })),
  againstSchema("a reason that is too long", { ...note("staging"), reason: "r".repeat(5_000) }),
  againstSchema("arguments in a list", { ...note("staging"), arguments: ["text"] }),
];

const MEANINGS: readonly BadRequest[] = [
  propose("a kind nobody offers", { ...note("staging"), kind: "production.delete" }, "action-kind-unknown"),
  propose("a kind of the kernel's own", { ...note("staging"), kind: "killswitch.resume" }, "action-kind-unknown"),
  propose("a kind that objects inherit", { ...note("staging"), kind: "constructor.prototype" }, "action-kind-unknown"),
  propose("arguments of another kind", unusual({ dedupKey: "x" }), "arguments-invalid"),
  propose("an argument too many", unusual({ text: "x", confidence: -1 }), "arguments-invalid"),
  propose("a number for a text", unusual({ text: 0.5 }), "arguments-invalid"),
  propose("a text that is too long", unusual({ text: "x".repeat(2_001) }), "arguments-invalid"),
  propose("a control character", unusual({ text: "cart \u0007" }), "arguments-invalid"),
  propose("a secret in the arguments", unusual({ text: "key AKIAIOSFODNN7EXAMPLF" }), "secret-detected"),
  propose(
    "a secret in the reason",
    { ...note("staging"), reason: "ghp_16C7e42F292c6912E7710c838347Ae178B4a" },
    "secret-detected",
  ),
  propose("a Cyrillic letter", target({ service: "c\u0430rt" }), "name-suspicious"),
  propose("a Kelvin sign", target({ service: "\u212Aart" }), "name-suspicious"),
  propose("a full-width name", target({ environment: "\uff50rod" }), "name-suspicious"),
  propose("an invisible character", target({ service: "cart\u200b" }), "name-suspicious"),
  propose("a blank that nobody sees", target({ environment: "production\u00a0" }), "name-suspicious"),
  propose("text that turns around", target({ service: "\u202etrac" }), "name-suspicious"),
  propose("a line end in a name", target({ service: "cart\nx" }), "name-suspicious"),
  propose("a resource with a blank", target({ resource: "pod 1" }), "name-suspicious"),
  {
    ...propose("an idempotency key with blanks", note("staging"), "request-invalid"),
    headers: { "idempotency-key": "two words" },
  },
  {
    ...propose("an idempotency key that is too long", note("staging"), "request-invalid"),
    headers: { "idempotency-key": "k".repeat(129) },
  },
  {
    ...propose("an empty idempotency key", note("staging"), "request-invalid"),
    headers: { "idempotency-key": "" },
  },
];

const ENVELOPES: readonly BadRequest[] = [
  { name: "no body", as: "agent", method: "POST", path: ACTIONS, code: "request-invalid" },
  { ...propose("plain text", text, "content-type-unsupported"), headers: { "content-type": "text/plain" } },
  { ...propose("a form", "a=b", "content-type-unsupported"), headers: { "content-type": FORM } },
  { ...propose("no content type", text, "content-type-unsupported"), headers: { "content-type": "" } },
  { ...propose("XML", "<a/>", "content-type-unsupported"), headers: { "content-type": "application/xml" } },
  { ...propose("headers over 16 KiB", text, "headers-too-large"), headers: { "x-padding": "a".repeat(17 * KIB) } },
  { name: "another method", as: "agent", method: "DELETE", path: ACTIONS, code: "method-not-allowed" },
  { name: "a method without a route", as: "nobody", method: "PROPFIND", path: ACTIONS, code: "method-not-allowed" },
  { name: "a method for a list", as: "agent", method: "PUT", path: "/v1/runs", body: {}, code: "method-not-allowed" },
  read("an unknown path", "/v1/nothing", "route-unknown"),
  read("a path with a slash too many", "/v1/actions/", "action-not-found"),
  read("a path in capitals", "/V1/actions", "route-unknown"),
  read("a broken escape", "/v1/actions/%zz", "route-unknown"),
  read("an id that is too long", `/v1/actions/${"a".repeat(300)}`, "route-unknown"),
  read("an id that is long", `/v1/actions/act_000000000${"0".repeat(100)}`, "action-not-found"),
  read("a NUL in an id", "/v1/actions/%00", "action-not-found"),
  read("an id of SQL", "/v1/actions/'%20OR%201=1--", "action-not-found"),
  read("an id that objects inherit", "/v1/runs/__proto__", "run-not-found"),
  read("an id of another list", "/v1/signals/act_000000004", "signal-not-found"),
  read("a traversal in a tile's path", "/v1/ledger/tile/..%2f..%2f..%2fetc%2fpasswd", "tile-not-found"),
  read("a tile of no level", "/v1/ledger/tile/9/000", "tile-not-found"),
  read("a tile beyond the log", "/v1/ledger/tile/0/x999/999", "tile-not-found"),
  read("a tile named twice", "/v1/ledger/tile/0/0000", "tile-not-found"),
  read("an event with a sign", "/v1/ledger/events/-1/receipt", "event-not-found"),
  read("an event beyond the log", "/v1/ledger/events/9007199254740991/receipt", "event-not-found"),
  read("an event beyond what can be counted", "/v1/ledger/events/9999999999999999/receipt", "event-not-found"),
  read("an event written otherwise", "/v1/ledger/events/0x1/receipt", "event-not-found"),
  read("an unknown filter", "/v1/actions?nme=cart", "query-invalid"),
  read("a filter of another list", "/v1/signals?agent=agent:deployer", "query-invalid"),
  read("a filter twice", "/v1/actions?status=held&status=failed", "query-invalid"),
  read("a filter with a name of its own", "/v1/actions?__proto__=1", "query-invalid"),
  read("a cursor that we never gave", "/v1/actions?cursor=garbage", "query-invalid"),
  read("a cursor that is too long", `/v1/actions?cursor=${"1".repeat(100)}`, "query-invalid"),
  read("a negative limit", "/v1/actions?limit=-1", "query-invalid"),
  read("a limit over 200", "/v1/actions?limit=201", "query-invalid"),
  read("a limit that is no number", "/v1/actions?limit=many", "query-invalid"),
  read("a position beyond 2^53", "/v1/ledger/events?from=9007199254740993", "query-invalid"),
  read("a position of 1e400", "/v1/ledger/events?from=1e400", "query-invalid"),
];

const DOORS: readonly BadRequest[] = [
  { ...propose("no token", note("staging"), "token-missing"), as: "nobody" },
  { ...read("no token to read", "/v1/runs", "token-missing"), as: "nobody" },
  {
    ...propose("another scheme", note("staging"), "token-missing"),
    as: "nobody",
    headers: { authorization: "Basic YTpi" },
  },
  {
    ...propose("no token in the header", note("staging"), "token-invalid"),
    as: "nobody",
    headers: { authorization: "Bearer x" },
  },
  {
    ...propose("an unsigned token", note("staging"), "token-invalid"),
    as: "nobody",
    headers: { authorization: `Bearer ${btoa('{"alg":"none"}')}.${btoa('{"sub":"person:ada"}')}.` },
  },
  { ...propose("a long body of nobody's", `"${"a".repeat(200 * KIB)}"`, "token-missing"), as: "nobody" },
  { ...propose("a source's secret on another route", note("staging"), "token-invalid"), as: "source" },
  { ...read("a source's secret to read", "/v1/signals", "token-invalid"), as: "source" },
  { ...deliver("a token on the source's route", delivery({}), "source-secret-invalid"), as: "agent" },
  { ...deliver("no secret", delivery({}), "source-secret-invalid"), as: "nobody" },
  {
    ...deliver("another secret", delivery({}), "source-secret-invalid"),
    as: "nobody",
    headers: { authorization: `Bearer hps_${"A".repeat(43)}` },
  },
  {
    ...deliver("a secret in two headers", delivery({}), "source-secret-invalid"),
    headers: { "x-holdpoint-source-secret": `hps_${"A".repeat(43)}` },
  },
  { ...deliver("an unknown source", delivery({}), "source-unknown"), path: "/v1/signals/nagios" },
  { ...deliver("a source's name with a path", delivery({}), "source-unknown"), path: "/v1/signals/..%2fclients%2fx" },
  { ...deliver("4 MiB of nobody's", `"${"a".repeat(4 * KIB * KIB - 2)}"`, "source-secret-invalid"), as: "nobody" },
  {
    name: "a token request in JSON that says nothing",
    as: "nobody",
    path: "/oauth/token",
    body: {},
    code: "request-invalid",
  },
  {
    name: "another grant",
    as: "nobody",
    path: "/oauth/token",
    headers: { "content-type": FORM },
    body: "grant_type=password&username=a&password=b",
    code: "grant-type-unsupported",
  },
  {
    name: "a parameter twice",
    as: "nobody",
    path: "/oauth/token",
    headers: { "content-type": FORM },
    body: "grant_type=client_credentials&grant_type=client_credentials",
    code: "request-invalid",
  },
];

const WEBHOOKS: readonly BadRequest[] = [
  deliver("a webhook of another vendor", { version: "0", records: [] }, "request-invalid"),
  deliver("alerts that are no list", { ...delivery(), alerts: {} }, "request-invalid"),
  deliver("1,001 alerts", delivery(...Array.from({ length: 1_001 }, () => ({}))), "request-invalid"),
  deliver("a label that is a number", delivery({ labels: { severity: 1 } }), "request-invalid"),
  deliver("a webhook over 4 MiB", `"${"a".repeat(4 * KIB * KIB)}"`, "body-too-large"),
  deliver("4 MiB of brackets", "[".repeat(4 * KIB * KIB), "body-malformed"),
  deliver("a webhook cut in the middle", JSON.stringify(delivery({})).slice(0, -10), "body-malformed"),
];

const put = (name: string, body: Json, more: Partial<BadRequest>): BadRequest => ({
  name,
  as: "agent",
  method: "PUT",
  path: KILLSWITCH,
  body,
  code: "request-invalid",
  ...more,
});
const post = (name: string, path: string, { body, code }: { body: Json; code: ErrorCode }): BadRequest => ({
  name,
  as: "agent",
  path,
  body,
  code,
});

const CONTROLS: readonly BadRequest[] = [
  put("an unknown mode", { mode: "stop" }, { bySchema: true }),
  put("an unknown part of a scope", { mode: "pause", scope: { region: "eu" } }, { bySchema: true }),
  put("a look-alike in a scope", { mode: "pause", scope: { service: "c\u0430rt" } }, { code: "name-suspicious" }),
  put("a preview that is not one", { mode: "pause" }, { path: `${KILLSWITCH}?preview=1`, code: "query-invalid" }),
  put("a preview misspelt", { mode: "pause" }, { path: `${KILLSWITCH}?previw=true`, code: "query-invalid" }),
  put("everything by way of kinds", { mode: "pause", scope: { kind: "*" } }, { code: "name-suspicious" }),
  put("a kind that none can be", { mode: "pause", scope: { kind: "PagerDuty.*" } }, { code: "name-suspicious" }),
  put("a release of nothing", { mode: "run" }, { code: "killswitch-conflict" }),
  post("a policy that does not load", "/v1/policies", {
    body: { files: [{ path: "a.yaml", text: "kind: Policy" }] },
    code: "policy-invalid",
  }),
  post("no policy files", "/v1/policies", { body: { files: [] }, code: "request-invalid" }),
  post("an erasure of nothing", "/v1/ledger/erasures", {
    body: { subject: "act_00000000z", retention: "content" },
    code: "event-not-found",
  }),
  post("an erasure of another class", "/v1/ledger/erasures", {
    body: { subject: "act_000000001", retention: "all" },
    code: "request-invalid",
  }),
  post("an answer without a plan", "/v1/actions/act_000000001/approvals", {
    body: { decision: "approve" },
    code: "request-invalid",
  }),
  post("a plan in capitals", "/v1/actions/act_000000001/approvals", {
    body: { decision: "approve", planHash: "A".repeat(64) },
    code: "request-invalid",
  }),
  post("a cancellation of nothing", "/v1/actions/act_00000000z/cancel", { body: {}, code: "action-not-found" }),
];

export const BAD_REQUESTS: readonly BadRequest[] = [
  ...BODIES,
  ...MEANINGS,
  ...ENVELOPES,
  ...DOORS,
  ...WEBHOOKS,
  ...CONTROLS,
];

/** Bytes that are no request, or not a whole one; each connection ends, and `code` is what it was answered. */
export const BROKEN_BYTES: readonly { readonly name: string; readonly bytes: string; readonly code: ErrorCode }[] = [
  { name: "no HTTP", bytes: "HELLO\r\n\r\n", code: "request-malformed" },
  { name: "TLS", bytes: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", code: "request-malformed" },
  { name: "HTTP/2", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", code: "request-malformed" },
  { name: "an HTTP of the future", bytes: "GET /livez HTTP/9.9\r\nHost: x\r\n\r\n", code: "request-malformed" },
  {
    name: "two lengths",
    bytes: `POST ${ACTIONS} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 40\r\n\r\n{}`,
    code: "request-malformed",
  },
  {
    name: "a length and chunks",
    bytes: `POST ${ACTIONS} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /jwks HTTP/1.1\r\n\r\n`,
    code: "request-malformed",
  },
  {
    name: "an unknown coding around chunks",
    bytes: `POST ${ACTIONS} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    code: "request-malformed",
  },
  {
    name: "a negative length",
    bytes: `POST ${ACTIONS} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n`,
    code: "request-malformed",
  },
  {
    name: "a header without a name",
    bytes: "GET /livez HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
    code: "request-malformed",
  },
  {
    name: "a blank before the colon",
    bytes: `POST ${ACTIONS} HTTP/1.1\r\nHost: x\r\nContent-Length : 2\r\n\r\n{}`,
    code: "request-malformed",
  },
  {
    name: "a folded header",
    bytes: "GET /livez HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n",
    code: "request-malformed",
  },
  {
    name: "an expectation",
    bytes: `POST ${ACTIONS} HTTP/1.1\r\nHost: x\r\nExpect: miracle\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`,
    code: "request-malformed",
  },
  {
    name: "headers without an end",
    bytes: `GET /livez HTTP/1.1\r\nHost: x\r\nX-A: ${"a".repeat(20 * KIB)}`,
    code: "headers-too-large",
  },
];
