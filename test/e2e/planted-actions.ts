// Actions of every kind for the search for secrets: some that go, and one of each kind at systems that repeat what they hear.

import { TAG } from "./planted-answers.ts";

export const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  match: { actions: ["pagerduty.*", "servicenow.*", "http.*", "sql.*", "slack.*", "github.*", "runbook.*", "argocd.*",
    "kubernetes.*", "terraform.*", "incident.*", silence.create, grant.create, level.grant, killswitch.resume] }
  rules:
    - { name: free, decision: allow }
---
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: notes }
spec:
  match: { actions: [record.note], services: [cart] }
  rules: [{ name: free, decision: allow }]
---
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: asked }
spec:
  match: { actions: [record.note], services: [asked] }
  rules: [{ name: asked, decision: hold, route: on-call }]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-call }
spec:
  steps: [{ roles: [on-call], within: 10m }]
  onTimeout: deny
---
apiVersion: holdpoint.dev/v1
kind: Verification
metadata: { name: checked }
spec:
  match: { actions: [http.call], services: [checked] }
  settle: 1s
  every: 1s
  samples: 1
  failures: 1
  within: 5s
  checks:
    - name: front
      http: { endpoint: leaky, path: /healthz }
    - name: errors
      prometheus: { endpoint: leaky, query: up, max: 1 }
    - name: rows
      sql: { database: leaky, query: "select 1", max: 0 }
`;

export const call = (operation: string): object => ({ operation, body: { reason: "because" } });

const PULL = { repository: "shop", title: "More", files: [{ path: "deploy/cart.yaml", content: "replicas: 4\n" }] };

const CHANGE = { shortDescription: "drain", implementationPlan: "drain", backoutPlan: "fill" };

/** Of a workload that can be read, at a cluster that writes nothing. */
const imageOf = (tag: string): object => ({
  ...{ cluster: "token", namespace: "shop", workload: "deployment/pinned" },
  images: { app: `registry.test/cart:${tag}` },
});

/** Declared where a record can be made of it. */
export const MAJOR = [
  "incident.declare-major",
  { incident: "inc_000000001", title: "cart", severity: "sev1" },
] as const;

/** Every kind of end: done, refused by a target that repeats what it was told, no secret, no target. */
export const PROPOSALS: readonly (readonly [kind: string, args: object, end: string, code: string])[] = [
  ["pagerduty.trigger", { dedupKey: "one", summary: "cart is down", severity: "high" }, "succeeded", "done"],
  ["servicenow.incident.create", { shortDescription: "cart", urgency: 2, impact: 3 }, "succeeded", "done"],
  ["http.call", call("drain"), "succeeded", "done"],
  ["slack.message", { channel: "ops", text: "cart is slow" }, "succeeded", "done"],
  ["github.pull-request", PULL, "succeeded", "done"],
  ["runbook.document", { title: "Warm it", steps: [{ title: "warm" }] }, "succeeded", "recorded"],
  ["pagerduty.note", { dedupKey: "one", text: "looked" }, "succeeded", "done"],
  ["servicenow.change.create", CHANGE, "succeeded", "done"],
  ["http.call", call("leak"), "failed", "target-refused"],
  ["http.call", call("leak-file"), "failed", "target-refused"],
  ["http.call", call("leak-env"), "failed", "target-refused"],
  ["http.call", call("refused"), "failed", "credential-refused"],
  ["http.call", call("broken"), "failed", "credential-missing"],
  ["sql.migrate", { database: "orders", statements: "CREATE TABLE a (b int)" }, "refused", "target-unavailable"],
  ["kubernetes.set-image", imageOf(TAG), "refused", "target-refused"],
];

const WORKLOAD = { cluster: "token", namespace: "shop", workload: "deployment/cart" };
const PAGE = { dedupKey: "one" };
const NODE = { cluster: "kubeconfig", node: "one" };

/** Of every kind, at systems that refuse and repeat what they were told. */
export const LEAKING: readonly (readonly [kind: string, args: object])[] = [
  ["pagerduty.trigger", { ...PAGE, summary: "cart is down", severity: "high", integration: "leaky" }],
  ["pagerduty.acknowledge", { ...PAGE, integration: "leaky" }],
  ["pagerduty.resolve", { ...PAGE, integration: "leaky" }],
  ["pagerduty.note", { ...PAGE, text: "looked" }],
  ["pagerduty.escalate", { ...PAGE, policy: "second" }],
  ["pagerduty.add-responders", { ...PAGE, responders: ["dba"], message: "look" }],
  ["pagerduty.status-update", { ...PAGE, message: "slow" }],
  ["pagerduty.snooze", { ...PAGE, minutes: 5 }],
  ["servicenow.incident.create", { shortDescription: "cart", urgency: 2, impact: 3 }],
  ["servicenow.incident.update", { sysId: "0".repeat(32), fields: { shortDescription: "cart" } }],
  ["servicenow.change.create", CHANGE],
  ["servicenow.change.update", { sysId: "0".repeat(32), fields: { closeNotes: "done" } }],
  MAJOR,
  ["incident.retract-major", { incident: "inc_000000001" }],
  ["slack.message", { channel: "ops", text: "cart is slow" }],
  ["github.pull-request", PULL],
  ["github.merge", { repository: "shop", number: 1 }],
  ["github.revert", { repository: "shop", number: 1 }],
  ["github.close", { repository: "shop", branch: "holdpoint/0123abcd/act_000000001" }],
  ["github.dispatch", { repository: "shop", workflow: "deploy" }],
  ["argocd.sync", { application: "cart" }],
  ["argocd.rollback", { application: "cart", id: 0 }],
  ["http.call", call("leak")],
  ["http.call-once", call("leak-once")],
  ["kubernetes.rollout-restart", WORKLOAD],
  ["kubernetes.scale", { ...WORKLOAD, cluster: "kubeconfig", replicas: 3 }],
  ["kubernetes.rollout-undo", WORKLOAD],
  ["kubernetes.set-image", imageOf("2")],
  ["kubernetes.autoscaler-bounds", { cluster: "token", namespace: "shop", autoscaler: "cart", maxReplicas: 12 }],
  ["kubernetes.configmap-patch", { cluster: "token", namespace: "shop", configMap: "cart", set: { a: "b" } }],
  ["kubernetes.delete-pod", { cluster: "token", namespace: "shop", pod: "cart-1" }],
  ["kubernetes.cordon", NODE],
  ["kubernetes.uncordon", NODE],
  ["runbook.command", { command: "fails" }],
  ["runbook.command-once", { command: "works" }],
  ["terraform.apply", { workspace: "cart", plan: "fails.tfplan" }],
  ["sql.migrate", { database: "orders", statements: "CREATE TABLE a (b int)" }],
];

/** What ends well anywhere: nothing outside is asked for it, or it is of a program that repeats its secret and ends well. */
export const WORKING: ReadonlySet<string> = new Set(["record.note", "runbook.document", "runbook.command-once"]);
