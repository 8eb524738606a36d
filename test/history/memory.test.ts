// What is remembered of incidents: likeness, and the policy that one suggests, which only ever asks for more.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { similarIncidents } from "../../src/history/memory.ts";
import { draftPolicy } from "../../src/history/policy-draft.ts";
import { lintBundle } from "../../src/policy/lint.ts";
import { loadBundle } from "../../src/policy/load.ts";
import { isKept, mayRead } from "../../src/policy/memory-terms.ts";
import type { ExplainedCause } from "../../src/wire/types/explanation.ts";
import type { IncidentView } from "../../src/wire/types/incident-views.ts";

const deploy = (chain: readonly string[] = []): ExplainedCause => {
  return { kind: "change", cause: "c1", changeKind: "deploy", scorePpm: 700_000, chain };
};

function incident(id: string, of: Partial<IncidentView> & { causes?: readonly ExplainedCause[] } = {}): IncidentView {
  const { causes, ...more } = of;
  const explained = causes === undefined ? null : { modelVersion: 7, causes, at: 2, evidenceSeq: 9 };
  const openedAt = Number(id.slice(4));
  const common = { id, seq: openedAt, status: "resolved", environment: "production", services: ["cart"], openedAt };
  return { ...common, signature: id, explained, ...more } as unknown as IncidentView;
}

const named = (to: IncidentView, past: readonly IncidentView[]): unknown =>
  similarIncidents(to, past).map(({ incident: { id }, by }) => [id, ...by]);

describe("incidents like one", () => {
  it("are found by signature, by services, and then also by the kind of change; the likest first", () => {
    const now = incident("inc_9", { signature: "s", causes: [deploy()], services: ["cart", "web"] });
    const past = [
      incident("inc_1", { services: ["db"] }),
      incident("inc_2", { services: ["cart", "web"] }),
      incident("inc_3", { signature: "s", services: ["mail"] }),
      incident("inc_4", { signature: "s", services: ["cart", "web"], causes: [deploy()] }),
      incident("inc_5", { services: ["db"], causes: [deploy()] }),
    ];
    assert.deepEqual(named(now, past), [
      ["inc_4", "signature", "structure", "change"],
      ["inc_3", "signature"],
      ["inc_2", "structure"],
    ]);
  });

  it("share what stood on the way from the cause, though they are named after other services", () => {
    const chain = ["change:c1", "library::redis-client", "service:production:cart", "service:production:web"];
    const now = incident("inc_9", { services: ["web"], causes: [deploy(chain)] });
    assert.deepEqual(named(now, [incident("inc_1", { services: ["cart", "web"] })]), [["inc_1", "structure"]]);
  });

  it("are of the same environment, not itself, not later, and not absorbed ones", () => {
    const now = incident("inc_5", { signature: "s" });
    const past = [
      incident("inc_1", { signature: "s", environment: "staging" }),
      now,
      incident("inc_6", { signature: "s" }),
      incident("inc_2", { signature: "s", status: "merged" }),
    ];
    assert.deepEqual(named(now, past), []);
  });
});

describe("the policy that an incident suggests", () => {
  const tried = [
    { kind: "runbook.command", status: "failed", agent: "agent:one" },
    { kind: "kubernetes.restart", status: "reverted", agent: "agent:one" },
    { kind: "kubernetes.scale", status: "succeeded", agent: "agent:one" },
    { kind: "pagerduty.trigger", status: "failed", agent: "system:triage" },
  ] as const;

  it("holds what did not help and what makes such changes, there and for these services, and passes the linter", () => {
    const chain = ["change:c1", "service:production:cart", "service:production:web", "service:staging:other"];
    const text =
      draftPolicy(incident("inc_00000000X", { services: ["cart"], causes: [deploy(chain)] }), tried, "on-call") ?? "";
    assert.match(text, /^ {2}name: after-inc-00000000x$/m);
    assert.match(text, /^ {4}actions: \["argocd\.\*", "github\.\*", "kubernetes\.\*", "runbook\.command"\]$/m);
    assert.match(text, /^ {4}environments: \["production"\]$/m);
    assert.match(text, /^ {4}services: \["cart", "web"\]$/m);
    const route = `apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-call }
spec: { steps: [{ roles: [on-call], within: 15m }], onTimeout: deny }
`;
    const loaded = loadBundle([
      { path: "after.yaml", text },
      { path: "routes.yaml", text: route },
    ]);
    assert.deepEqual(loaded.problems, []);
    assert.ok(loaded.bundle !== null);
    assert.deepEqual(lintBundle(loaded.bundle), []);
    assert.ok(!text.includes("allow"), "it only asks for more");
  });

  it("is none where nothing that was done explains it, and nothing of a hostile name gets into it", () => {
    assert.equal(draftPolicy(incident("inc_1"), [], "on-call"), null);
    assert.equal(draftPolicy(incident("inc_1", { causes: [] }), [tried[2], tried[3]], "on-call"), null);
    const hostile = incident("inc_1", { services: ['x"]\nkind: Evil', "cart\u2028"], causes: [deploy()] });
    assert.equal(draftPolicy(hostile, [], "on-call")?.includes("Evil") ?? false, false);
  });
});

describe("who remembers what, and for how long", () => {
  const bundleOf = (spec: string) =>
    loadBundle([
      {
        path: "memory.yaml",
        text: `apiVersion: holdpoint.dev/v1\nkind: Memory\nmetadata: { name: m }\nspec: ${spec}\n`,
      },
    ]);
  const of = { environment: "production", service: "payments", services: ["ledger"] };
  const DAY_MS = 86_400_000;

  it("is whoever has the scope, for 24 months, where no policy says otherwise", () => {
    const { bundle } = loadBundle([]);
    assert.ok(bundle !== null && mayRead(bundle.memory, [], of));
    assert.equal(isKept(bundle.memory, { resolvedAt: 0 }, 730 * DAY_MS), true);
    assert.equal(isKept(bundle.memory, { resolvedAt: 0 }, 731 * DAY_MS), false);
    assert.equal(isKept(bundle.memory, { resolvedAt: null }, 10_000 * DAY_MS), true, "what lasts is not over");
  });

  it("is whoever has a role that is named for the environment and one of the services", () => {
    const readers = "[{ roles: [sre] }, { roles: [shop], environments: [production], services: [ledger] }]";
    const { bundle, problems } = bundleOf(`{ keepMonths: 1, readers: ${readers} }`);
    assert.deepEqual(problems, []);
    assert.ok(bundle !== null);
    const { memory } = bundle;
    assert.deepEqual(
      [
        mayRead(memory, ["sre"], of),
        mayRead(memory, ["shop"], of),
        mayRead(memory, ["shop"], { ...of, environment: "staging" }),
        mayRead(memory, ["shop"], { ...of, services: [] }),
        mayRead(memory, [], of),
      ],
      [true, true, false, false, false],
    );
    assert.equal(isKept(memory, { resolvedAt: 0 }, 31 * DAY_MS), false);
  });

  it("is no bundle at all where it is said wrongly or twice", () => {
    for (const spec of ["{ keepMonths: 0 }", "{ readers: [{ services: [a] }] }", "{ readers: [] }", "{ keep: 3 }"]) {
      assert.equal(bundleOf(spec).bundle, null, spec);
    }
    const one = "apiVersion: holdpoint.dev/v1\nkind: Memory\nmetadata: { name: m }\nspec: {}\n";
    assert.match(
      loadBundle([{ path: "a.yaml", text: `${one}---\n${one}` }]).problems[0]?.message ?? "",
      /second memory/,
    );
  });
});
