// Verification documents: read with their limits, refused where they can never pass, the most specific one found.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadBundle } from "../../src/policy/load.ts";

function document(name: string, spec: string): string {
  return `apiVersion: holdpoint.dev/v1\nkind: Verification\nmetadata: { name: ${name} }\nspec:\n${spec.replaceAll(/^/gm, "  ")}`;
}

const CHECKS = "checks: [{ name: front, http: { endpoint: shop } }]";

function load(...documents: string[]) {
  return loadBundle([{ path: "verify.yaml", text: documents.join("\n---\n") }]);
}

function problemOf(spec: string): string | undefined {
  return load(document("v", spec)).problems[0]?.message;
}

describe("a verification", () => {
  it("has defaults for what it does not say", () => {
    const { bundle, problems } = load(document("v", `match: { actions: [sql.migrate] }\nwithin: 1m\n${CHECKS}`));
    assert.deepEqual(problems, []);
    const found = bundle?.verificationFor({ kind: "sql.migrate", environment: "production", service: "cart" });
    assert.deepEqual(
      { settleMs: 0, everyMs: 5_000, samples: 3, failures: 1, withinMs: 60_000, onFailure: "revert" },
      found && {
        settleMs: found.settleMs,
        everyMs: found.everyMs,
        samples: found.samples,
        failures: found.failures,
        withinMs: found.withinMs,
        onFailure: found.onFailure,
      },
    );
    assert.deepEqual(found?.checks, [{ kind: "http", name: "front", endpoint: "shop", path: "/", statuses: [200] }]);
  });

  it("of the service comes before one of the environment, and that before one of all", () => {
    const of = (name: string, match: string): string => document(name, `match: ${match}\nwithin: 1m\n${CHECKS}`);
    const { bundle } = load(
      of("all", "{ actions: [sql.*] }"),
      of("production", "{ actions: [sql.*], environments: [production] }"),
      of("cart", "{ actions: [sql.*], services: [cart] }"),
      of("both", "{ actions: [sql.*], environments: [production], services: [cart] }"),
    );
    const found = (environment: string, service: string, kind = "sql.migrate") =>
      bundle?.verificationFor({ kind, environment, service })?.name;
    assert.equal(found("staging", "search"), "all");
    assert.equal(found("production", "search"), "production");
    assert.equal(found("staging", "cart"), "cart");
    assert.equal(found("production", "cart"), "both");
    assert.equal(found("production", "cart", "record.note"), undefined);
  });

  it("that could never pass, or says what is not known, does not load", () => {
    const match = "match: { actions: [sql.migrate] }";
    assert.match(problemOf(`${match}\nwithin: 10s\nsettle: 10s\n${CHECKS}`) ?? "", /can never pass/);
    assert.match(problemOf(`${match}\nwithin: 10s\nsamples: 4\n${CHECKS}`) ?? "", /can never pass/);
    assert.match(problemOf(`${match}\nwithin: 2h\n${CHECKS}`) ?? "", /at most 1h/);
    assert.match(problemOf(`${match}\nwithin: 1m`) ?? "", /checks/);
    const checked = (check: string) => problemOf(`${match}\nwithin: 1m\nchecks: [${check}]`) ?? "";
    assert.match(checked("{ name: a }"), /one of http, prometheus, sql, canary, rollout, model/);
    assert.match(checked("{ name: a, http: { endpoint: m }, sql: { database: d, query: 'select true' } }"), /one of/);
    assert.match(checked("{ name: a, sql: { database: d, query: q, min: 2, max: 1 } }"), /can never pass/);
    const counts = "{ bad: 'b[$window]', all: 'a[$window]' }";
    const canary = (baseline: string, more: string) =>
      checked(`{ name: a, canary: { endpoint: m, canary: ${counts}, baseline: ${baseline}, ${more} } }`);
    assert.equal(canary(counts, "maxRise: 0.1"), "");
    assert.match(canary("{ bad: 'b[5m]', all: 'a[$window]' }", "maxRise: 0.1"), /over \[\$window\]/);
    assert.match(canary(counts, "maxRise: 1"), /from 0 to 0\.9/);
    assert.match(canary(counts, "maxRise: 0.1, confidence: 1"), /confidence|0\.9/);
    const rollout = (workload: string) =>
      checked(`{ name: a, rollout: { cluster: main, namespace: shop, workload: ${workload} } }`);
    assert.equal(rollout("deployment/cart"), "");
    assert.match(rollout("pod/cart"), /deployment\/name/);
    assert.match(rollout("deployment/../secrets"), /deployment\/name/);
    assert.equal(checked("{ name: a, model: { maxRise: 0.01, service: cart } }"), "");
    assert.match(checked("{ name: a, model: { maxRise: 1 } }"), /from 0 to 0\.9/);
    assert.match(checked("{ name: a, model: { service: cart } }"), /needs maxRise or maxTimesBefore/);
    assert.match(checked("{ name: a, model: { maxRise: 0.01, confidence: 1 } }"), /confidence|0\.9/);
    assert.match(checked("{ name: a, prometheus: { endpoint: m, query: up } }"), /min, max or maxTimesBefore/);
    assert.match(checked("{ name: a, prometheus: { endpoint: m, query: up, min: 2, max: 1 } }"), /can never pass/);
    assert.match(checked("{ name: a, http: { endpoint: m, path: '//elsewhere' } }"), /a path/);
    assert.match(checked("{ name: a, http: { endpoint: m } }, { name: a, http: { endpoint: m } }"), /one name/);
    assert.match(checked("{ name: a, http: { endpoint: m, statuses: [0] } }"), /100 to 599/);
    assert.match(problemOf(`${match}\nwithin: 1m\nretries: 3\n${CHECKS}`) ?? "", /unknown field/);
  });

  it("has a name of its own", () => {
    const one = document("v", `match: { actions: [a.b] }\nwithin: 1m\n${CHECKS}`);
    assert.match(load(one, one).problems[0]?.message ?? "", /second verification/);
  });
});
