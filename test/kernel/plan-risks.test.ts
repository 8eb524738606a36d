// What a plan puts at risk is found in the plan: for each domain a planted one is caught, and its benign twin passes. Plans
// of real executors stand beside those: test/executors, test/kubernetes.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import { ownersOf } from "../../src/adapters/executors/kubernetes-owners.ts";
import { regulationsOf } from "../../src/adapters/executors/kubernetes-regulations.ts";
import type { Json } from "../../src/core/json.ts";
import { findRisks } from "../../src/policy/risks/find-risks.ts";
import { loadBundle } from "../../src/policy/load.ts";
import type { PlanRisk } from "../../src/wire/types/risk.ts";
import { bundle, Rig } from "./rig.ts";

type Planned = { readonly kind: string; readonly diff: Json };
type Row = {
  readonly name: string;
  readonly planted: Planned;
  readonly benign: Planned;
  readonly risks: readonly PlanRisk[];
  /** Who is asked. */
  readonly route: string;
};

const change = (path: string, from: Json, to: Json): Json => ({ path, from, to });
const write = (changes: readonly Json[], more: object = {}): Planned => ({
  kind: "kubernetes.set-image",
  diff: { object: "main: deployment/cart", verb: "apply", changes: [...changes], ...more },
});
const configure = (name: string, from: Json, to: Json): Planned => ({
  ...write([change(`["${name}"]`, from, to)]),
  kind: "kubernetes.configmap-patch",
});

const IMAGE = change(".template.spec.containers[app].image", "cart:1", "cart:2");
const POD = ".template.spec.containers[app].securityContext";

const ROWS: readonly Row[] = [
  {
    name: "configuration: a field that Argo CD declares",
    planted: write([IMAGE], { setBy: [{ manager: "argocd-controller", path: ".image" }] }),
    benign: write([IMAGE], { setBy: [{ manager: "kubectl-edit", path: ".image" }] }),
    risks: ["drift"],
    route: "on-call",
  },
  {
    name: "configuration: a field that kubectl apply declares from a file",
    planted: write([IMAGE], { setBy: [{ manager: "kubectl-client-side-apply", path: ".image" }] }),
    benign: write([IMAGE], { setBy: [{ manager: "kube-controller-manager", path: ".image" }] }),
    risks: ["drift"],
    route: "on-call",
  },
  {
    name: "security: a container that becomes privileged",
    planted: write([IMAGE, change(`${POD}.privileged`, false, true)]),
    benign: write([IMAGE, change(`${POD}.privileged`, true, false)]),
    risks: ["privilege-widening"],
    route: "owners",
  },
  {
    name: "security: a volume of the node, added as a whole",
    planted: write([change(".template.spec.volumes", null, '[{"name":"v","hostPath":{"path":"/"}}]')]),
    benign: write([change(".template.spec.volumes", null, '[{"name":"v","emptyDir":{}}]')]),
    risks: ["privilege-widening"],
    route: "owners",
  },
  {
    name: "security: another service account",
    planted: write([change(".template.spec.serviceAccountName", "cart", "cluster-admin")]),
    benign: write([change(".template.spec.terminationGracePeriodSeconds", 10, 30)]),
    risks: ["privilege-widening"],
    route: "owners",
  },
  {
    name: "security: a host outside that was not configured before",
    planted: configure("UPLOAD", "https://files.shop.example/a", "https://drop.attacker.example/a"),
    benign: configure("UPLOAD", "https://files.shop.example/a", "https://files.shop.example/b"),
    risks: ["data-exposure"],
    route: "owners",
  },
  {
    name: "security: bodies of requests in the logs",
    planted: configure("LOG_REQUEST_BODIES", "false", "true"),
    benign: configure("LOG_REQUEST_BODIES", "true", "false"),
    risks: ["data-exposure"],
    route: "owners",
  },
  {
    name: "compliance: an object that its labels put under a regulation",
    planted: write([IMAGE], { tags: [...regulationsOf({ "example.com/pci": "true", app: "cart" })] }),
    benign: write([IMAGE], { tags: [...regulationsOf({ "example.com/pci": "false", app: "pci" })] }),
    risks: ["regulated"],
    route: "owners",
  },
  {
    name: "what the plan shows so far only",
    planted: write([change(".template.spec.volumes", null, `[{"name":"v${"x".repeat(50)}… (9000 characters)`)]),
    benign: write([change(".template.spec.volumes", null, "[]")]),
    risks: ["unseen"],
    route: "on-call",
  },
];

/** As the server does: the plan is made elsewhere, its findings come with it, and the standard pack decides. */
async function decide({ kind, diff }: Planned) {
  const rig = await Rig.open();
  const { subject: id } = await rig.propose({ kind, environment: "staging", planHash: null });
  const findings = findRisks({ kind, diff });
  const found = findings.risks.length === 0 ? {} : { findings };
  const { result } = await rig.ask("plan-action", { action: id, planHash: hash("sha256", "p"), code: "", ...found });
  return { rig, id, result, risks: findings.risks };
}

describe("a plan is judged by what is found in it", () => {
  for (const { name, planted, benign, risks, route } of ROWS) {
    it(name, async () => {
      const caught = await decide(planted);
      assert.deepEqual(caught.risks, risks);
      assert.equal(caught.result, "held");
      assert.equal(caught.rig.action(caught.id).hold?.route, route);
      const { evaluation } = caught.rig.last("action.held", caught.id);
      assert.ok(evaluation.verdicts.some(({ gate, verdict }) => gate.startsWith("cluster/") && verdict === "hold"));
      assert.equal((await decide(benign)).result, "granted");
    });
  }
});

it("whoever declares one of many fields is found, and more owners than a plan shows are unseen", () => {
  const judged = (edited: number, declared: number) => {
    const keys = Array.from({ length: edited }, (_, n) => `k${n}`);
    const entryOf = (manager: string, names: readonly string[]) => {
      return { manager, fieldsV1: { "f:data": Object.fromEntries(names.map((name) => [`f:${name}`, {}])) } };
    };
    const managedFields = [
      entryOf("kubectl-edit", keys),
      entryOf("argocd-controller", ["other", ...keys.slice(0, declared)]),
    ];
    const object = { metadata: { name: "flags", uid: "u", resourceVersion: "1", managedFields } };
    const setBy = ownersOf(object, { root: [], paths: keys.map((key) => `.data.${key}`) }, () => false);
    return findRisks(write([IMAGE], { setBy: [...setBy] as unknown as Json })).risks;
  };
  assert.deepEqual(judged(98, 0), []);
  assert.deepEqual(judged(98, 1), ["drift"]);
  assert.deepEqual(judged(100, 1), ["unseen"]);
});

describe("a change of files is judged by what it changes", () => {
  it("a file that is shown in part is not judged as if it were all of it", () => {
    const file = { path: "readme.md", before: "", after: "x", isCut: true };
    assert.deepEqual(findRisks({ kind: "github.pull-request", diff: { files: [file] } }).risks, ["unseen"]);
  });

  it("a line that nobody could read is not taken for harmless", () => {
    const after = `${"-- ".padStart(1_200, " ")}\nselect 1${" ".repeat(1_200)}; grant all on t to app;\n`;
    const file = { path: "db/002.sql", before: null, after };
    assert.deepEqual(findRisks({ kind: "github.pull-request", diff: { files: [file] } }).risks, ["unseen"]);
  });

  it("aliases that grow without end are not read, and neither is what is nested without end", () => {
    const bomb = `a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n`;
    for (const after of [bomb, "[".repeat(16_000), "- ".repeat(8_000), `${"[".repeat(65)}${"]".repeat(65)}`]) {
      const file = { path: "x.yaml", before: null, after };
      assert.deepEqual(findRisks({ kind: "github.pull-request", diff: { files: [file] } }).risks, ["unseen"]);
    }
  });
});

it("whether it can be undone is what its plan says, whatever its kind may", async () => {
  const rig = await Rig.open();
  const inverse = { hash: hash("sha256", "back"), kind: "test.back", repeat: "idempotent" } as const;
  for (const [claimed, plan] of [
    [true, {}],
    [false, { inverse }],
  ] as const) {
    const { subject: action } = await rig.propose({ kind: "test.asked", reversible: claimed, planHash: null });
    assert.equal(rig.action(action).reversible, claimed);
    await rig.ask("plan-action", { action, planHash: hash("sha256", "p"), code: "", ...plan });
    assert.equal(rig.action(action).reversible, !claimed);
  }
});

it("a catalog in the bundle marks targets, and names no tag that it could not", () => {
  const text = (tags: string) =>
    `apiVersion: holdpoint.dev/v1\nkind: Catalog\nmetadata: {name: c}\nspec:\n  targets:\n    - {services: [cart], tags: ${tags}}\n    - {services: [cart], environments: [production], tags: [sox]}\n`;
  const { bundle: loaded } = loadBundle([{ path: "c.yaml", text: text("[pci]") }]);
  assert.deepEqual(loaded?.tagsFor({ environment: "production", service: "cart" }), ["pci", "sox"]);
  assert.deepEqual(loaded?.tagsFor({ environment: "staging", service: "cart" }), ["pci"]);
  assert.deepEqual(loaded?.tagsFor({ environment: "staging", service: "search" }), []);
  assert.equal(loadBundle([{ path: "c.yaml", text: text("[PCI]") }]).bundle, null);
  assert.deepEqual(bundle.tagsFor({ environment: "production", service: "cart" }), []);
});
