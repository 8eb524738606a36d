// Generated requests: whatever is sent, the answer is one of the API's own and never a failure of ours.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { ERRORS, type ErrorCode } from "../../src/core/errors.ts";
import type { Json } from "../../src/core/json.ts";
import { delivery, metric, note, startServer, type Answer } from "./fixture.ts";

const RUNS = 150;

let server: Awaited<ReturnType<typeof startServer>>;
let as = "";
before(async () => {
  server = await startServer();
  as = await server.bearer("ada");
});
after(async () => {
  assert.equal(await metric(server, 'holdpoint_refusals_total{code="internal"}'), 0);
  assert.equal(await metric(server, "holdpoint_replay_mismatched_commands"), 0);
  await server.stop();
});

function assertOurs({ status, json, text }: Answer): void {
  if (status === 200 || status === 202) return;
  const code = json?.["code"] as ErrorCode;
  assert.ok(Object.hasOwn(ERRORS, code), text.slice(0, 500));
  assert.equal(status, ERRORS[code].status);
  assert.ok(status < 500, text.slice(0, 500));
}

const anyText = fc.string({ unit: "binary", maxLength: 40 });
const anyJson = fc.jsonValue({ stringUnit: "binary", maxDepth: 3 }) as fc.Arbitrary<Json>;

/** The value with some member, at any depth, replaced by something else. */
function bent(value: Json): fc.Arbitrary<Json> {
  return fc.tuple(fc.nat(), anyJson).map(([where, other]) => {
    const places: { holder: Record<string, Json>; name: string }[] = [];
    const visit = (one: Json): void => {
      if (typeof one !== "object" || one === null) return;
      for (const name of Object.keys(one)) {
        const holder = one as Record<string, Json>;
        places.push({ holder, name });
        visit(holder[name] ?? null);
      }
    };
    const copy = structuredClone(value);
    visit(copy);
    const place = places[where % places.length];
    if (place !== undefined) place.holder[place.name] = other;
    return copy;
  });
}

const bytes = fc.tuple(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 4 }));

async function check<T>(arbitrary: fc.Arbitrary<T>, send: (value: T) => Promise<Answer>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(arbitrary, async (value) => assertOurs(await send(value))),
    { numRuns: RUNS },
  );
}

describe("no request is a failure of ours", () => {
  it("a proposal with one member that is something else", () =>
    check(bent({ ...note("staging"), reason: "because" }), (body) =>
      server.ask("/v1/actions", { as, body: JSON.stringify(body) }),
    ));

  it("a proposal with some bytes that are others", () =>
    check(bytes, ([at, others]) => {
      const body = Buffer.from(JSON.stringify(note("staging")));
      body.set(others, at % (body.length - others.length));
      return server.ask("/v1/actions", { as, body });
    }));

  it("an alert with one member that is something else", () =>
    check(bent(delivery({ annotations: { summary: "x" }, endsAt: "", fingerprint: "f" })), (body) =>
      server.ask("/v1/signals/alertmanager", { as: `Bearer ${server.secret}`, body: JSON.stringify(body) }),
    ));

  it("labels of any text", () => {
    const labels = fc.dictionary(
      fc.oneof(anyText, fc.constantFrom("service", "environment", "severity", "impact")),
      anyText,
    );
    return check(labels, (one) =>
      server.ask("/v1/signals/alertmanager", {
        as: `Bearer ${server.secret}`,
        body: JSON.stringify(delivery({ labels: one, annotations: one })),
      }),
    );
  });

  it("any query of any list", () => {
    const lists = fc.constantFrom("/v1/actions", "/v1/signals", "/v1/runs", "/v1/incidents", "/v1/ledger/events");
    const names = fc.oneof(anyText, fc.constantFrom("limit", "cursor", "status", "service", "from", "type", "subject"));
    const values = fc.oneof(anyText, fc.double().map(String), fc.bigInt().map(String));
    return check(fc.tuple(lists, fc.array(fc.tuple(names, values), { maxLength: 3 })), ([list, pairs]) => {
      const query = new URLSearchParams();
      for (const [name, value] of pairs) query.append(name.toWellFormed(), value.toWellFormed());
      return server.ask(`${list}?${query.toString()}`, { as });
    });
  });

  it("any id of anything", () => {
    const paths = fc.constantFrom(
      "actions/ID",
      "actions/ID/explain",
      "actions/ID/receipt",
      "signals/ID",
      "runs/ID",
      "ledger/tile/ID",
      "ledger/events/ID/receipt",
    );
    const ids = fc.oneof(anyText, fc.constantFrom("act_000000004", "sig_000000004"), fc.nat().map(String));
    return check(fc.tuple(paths, ids), ([path, id]) =>
      server.ask(`/v1/${path.replace("ID", () => encodeURIComponent(id.toWellFormed()).replaceAll(".", "%2E"))}`, {
        as,
      }),
    );
  });

  it("any brake that only looks", () =>
    check(bent({ mode: "pause", scope: { environment: "prod", service: "cart" }, reason: "x" }), (body) =>
      server.ask("/v1/killswitch?preview=true", { as, method: "PUT", body: JSON.stringify(body) }),
    ));

  it("any policy file", () =>
    check(
      fc.oneof(
        anyText,
        fc.constant("kind: Policy"),
        anyJson.map((one) => JSON.stringify(one)),
      ),
      (text) => server.ask("/v1/policies/lint", { as, body: JSON.stringify({ files: [{ path: "a.yaml", text }] }) }),
    ));

  it("any token request and any token", async () => {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    await check(bytes, ([, some]) => server.ask("/oauth/token", { method: "POST", headers: form, body: some }));
    const parts = fc.array(fc.base64String({ maxLength: 40 }), { minLength: 1, maxLength: 4 });
    await check(parts, (list) => server.ask("/v1/runs", { as: `Bearer ${list.join(".")}` }));
  });
});
