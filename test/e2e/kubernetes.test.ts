// Holdpoint before a real cluster: killed at every step of an execution, and the API server's own audit log as the witness
// of what really ran. Every kind, when the cluster has acted and nobody has heard of it: kill-executors.test.ts.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { after, before, describe, it } from "node:test";
import type { Received, Reply } from "../../examples/stand-ins/stand-in.ts";
import { absent, ApiServer } from "../kubernetes/api-server.ts";
import { startFailingProxy, type FailingProxy } from "../kubernetes/failing-proxy.ts";
import { ACCOUNT, configMap, deployment, openShop, pod, revisions } from "../kubernetes/shop.ts";
import { eventually, OWNER, TestServer, writePolicies } from "./server.ts";

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: cluster }
spec:
  match: { actions: ["kubernetes.*"] }
  rules:
    - { name: free, decision: allow }
---
apiVersion: holdpoint.dev/v1
kind: Verification
metadata: { name: shop }
spec:
  match: { actions: [kubernetes.configmap-patch], services: [web] }
  settle: 1s
  every: 1s
  samples: 1
  within: 1m
  checks:
    - name: orders
      http: { endpoint: shop, path: /healthz }
`;

/** In an object, and in a JSON Patch. */
const MARK = /holdpoint\.dev(?:\/actions":|~1actions","value":)"(?:[^" ]*:)?(act_\w+)/;
const ENDED = ["succeeded", "failed", "refused", "reverted", "needs-attention"];
const isDryRun = ({ query }: Received): boolean => query.get("dryRun") === "All";
const isWrite = (request: Received): boolean => request.method !== "GET" && !isDryRun(request);

/** When Holdpoint is killed: at which of its requests, and on which side of the API server's work. */
const MOMENTS: readonly Moment[] = [
  { name: "while it plans", at: isDryRun, skip: 0, acts: false, kinds: ["scale"] },
  // The plan asked for the workload and its autoscalers.
  { name: "before the call", at: ({ method }) => method === "GET", skip: 2, acts: false, kinds: ["scale"] },
  { name: "in the call, before the cluster acted", at: isWrite, skip: 0, acts: false, kinds: ["scale", "delete-pod"] },
  { name: "as the answer arrives", at: isWrite, skip: 0, acts: true, answers: true, kinds: ["set-image"] },
];

type Moment = {
  readonly name: string;
  readonly at: (request: Received) => boolean;
  /** How many such requests pass first. */
  readonly skip: number;
  readonly acts: boolean;
  readonly answers?: boolean;
  readonly kinds: readonly string[];
};

describe("a cluster under Holdpoint", { skip: absent }, () => {
  let cluster: ApiServer;
  let proxy: FailingProxy;
  let server: TestServer;
  let shop: Server;
  let policies: string;
  let config: string;
  let armed: { readonly moment: Moment; passed: number } | undefined;
  /** The pod that each deletion was about: a deletion carries no mark. */
  const deletions = new Map<string, string>();

  /** At the armed moment Holdpoint ends; what is answered then, nobody hears, or hardly. */
  async function around(request: Received, pass: () => Promise<Reply>): Promise<Reply> {
    if (armed === undefined || !armed.moment.at(request)) return pass();
    const { moment } = armed;
    if (armed.passed++ < moment.skip) return pass();
    armed = undefined;
    const reply = moment.acts ? await pass() : { status: 500, json: {} };
    if (moment.answers === true) setTimeout(() => void server.kill(), 1);
    else await server.kill();
    return reply;
  }

  before(async () => {
    cluster = await ApiServer.start();
    const token = await openShop(cluster);
    config = await configMap(cluster, "web-flags", { mode: "good" });
    proxy = await startFailingProxy(cluster, around);
    policies = writePolicies(tmpdir(), POLICIES);
    // Well as long as its ConfigMap says so.
    shop = createServer((_request, response) => {
      void cluster.get(config).then(({ data }) => {
        response.writeHead((data as { mode: string }).mode === "good" ? 200 : 503).end();
      });
    });
    await new Promise<void>((resolve) => shop.listen(0, "127.0.0.1", resolve));
    const resources = ["deployment/*", "configmap/*", "pod/*"];
    const target = { environment: "staging", service: "web", namespace: "shop", resources };
    const connection = { kind: "token", server: proxy.url, tokenRef: "kubernetes/main" };
    const main = { name: "main", connection, targets: [target], takeOverFrom: ["kubectl"], settleMs: 500 };
    server = await TestServer.create({
      policy: { path: policies },
      executors: { kubernetes: { clusters: [main] } },
      health: { endpoints: { shop: { baseUrl: `http://127.0.0.1:${(shop.address() as AddressInfo).port}` } } },
    });
    server.keepSecret("kubernetes/main", token);
    await server.start();
  });

  after(async () => {
    await server?.remove();
    shop?.closeAllConnections();
    shop?.close();
    await proxy?.close();
    await cluster?.stop();
    if (policies !== undefined) rmSync(policies, { recursive: true });
  });

  const propose = (kind: string, name: string, args: object) => {
    const target = { environment: "staging", service: "web" };
    const body = { kind: `kubernetes.${kind}`, target, arguments: { cluster: "main", namespace: "shop", ...args } };
    return server.ask("POST", "/v1/actions", { as: OWNER, body, key: name });
  };

  async function untilEnded(id: string): Promise<Readonly<Record<string, unknown>>> {
    return eventually(`the end of ${id}`, async () => {
      const { status, body } = await server.ask("GET", `/v1/actions/${id}`, { as: OWNER });
      return status === 200 && ENDED.includes(body.status) ? (body as unknown as Record<string, unknown>) : undefined;
    });
  }

  async function make(kind: string, name: string): Promise<{ readonly path: string; readonly args: object }> {
    if (kind === "delete-pod") return { path: await pod(cluster, name), args: { pod: name } };
    const path = await deployment(cluster, name);
    const workload = `deployment/${name}`;
    return { path, args: kind === "scale" ? { workload, replicas: 5 } : { workload, images: { app: "shop/app:9" } } };
  }

  for (const moment of MOMENTS) {
    for (const kind of moment.kinds) {
      it(`kubernetes.${kind} is done once although Holdpoint was killed ${moment.name}`, async () => {
        const name = `${kind}-${MOMENTS.indexOf(moment)}`;
        const { path, args } = await make(kind, name);
        armed = { moment, passed: 0 };
        const first = propose(kind, name, args);
        assert.equal((await server.ended).signal, "SIGKILL");
        await first;
        await server.start();
        const { body } = await propose(kind, name, args);
        if (kind === "delete-pod") deletions.set(path, body.id);
        const ended = await untilEnded(body.id);
        assert.equal(ended["status"], "succeeded", JSON.stringify(ended));
        const { status, body: object } = await cluster.call("GET", path);
        if (kind === "delete-pod") return assert.equal(status, 404);
        const { replicas, template } = object["spec"] as { replicas: number; template: unknown };
        if (kind === "scale") assert.equal(replicas, 5);
        else assert.ok(JSON.stringify(template).includes("shop/app:9"));
      });
    }
  }

  it("a ConfigMap that makes the shop unwell is taken back without a person", async () => {
    const { body } = await propose("configmap-patch", "bad", { configMap: "web-flags", set: { mode: "bad" } });
    const ended = await untilEnded(body.id);
    assert.equal(ended["status"], "reverted", JSON.stringify(ended));
    assert.deepEqual((await cluster.get(config))["data"], { mode: "good" });
  });

  it("a workload is restarted by the mark on its template, and taken back to its earlier revision", async () => {
    const ended = async (kind: string): Promise<string> => {
      const { path } = await make(kind, kind);
      await revisions(cluster, kind);
      const { body } = await propose(kind, kind, { workload: `deployment/${kind}` });
      assert.equal((await untilEnded(body.id))["status"], "succeeded", kind);
      return JSON.stringify(((await cluster.get(path))["spec"] as { template: unknown }).template);
    };
    assert.ok((await ended("rollout-restart")).includes("holdpoint.dev/restarted-by"));
    assert.ok((await ended("rollout-undo")).includes("shop/app:1"));
  });

  it("what the cluster refuses has no effect and ends as failed or refused, with its reason", async () => {
    const { args, path } = await make("scale", "changed");
    const gone = await propose("scale", "gone", { workload: "deployment/gone", replicas: 2 });
    assert.equal((await untilEnded(gone.body.id))["code"], "target-not-found");
    const elsewhere = await propose("delete-pod", "elsewhere", { namespace: "kube-system", pod: "x" });
    assert.equal((await untilEnded(elsewhere.body.id))["code"], "arguments-invalid");
    const role = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings/holdpoint";
    const binding = await cluster.get(role);
    await cluster.must("DELETE", role);
    const refused = await propose("scale", "refused", args);
    assert.equal((await untilEnded(refused.body.id))["code"], "target-forbidden");
    const { name, ...rest } = { name: "holdpoint", roleRef: binding["roleRef"], subjects: binding["subjects"] };
    await cluster.must("POST", role.slice(0, role.lastIndexOf("/")), { metadata: { name }, ...rest });
    assert.equal(((await cluster.get(path))["spec"] as { replicas: number }).replicas, 3);
  });

  it("what takes a scale back is tried by the cluster's own dry run, and changes nothing", async () => {
    const { args, path } = await make("scale", "tried");
    const { body } = await propose("scale", "tried", args);
    const tried = await eventually("the dry run of its inverse", async () => {
      const read = await server.ask("GET", `/v1/actions/${body.id}`, { as: OWNER });
      const { inverseCheck, content } = read.body as unknown as { inverseCheck: object | null; content: object };
      return inverseCheck === null ? undefined : { inverseCheck, content };
    });
    assert.equal((tried.inverseCheck as { result: string }).result, "planned", JSON.stringify(tried.inverseCheck));
    const { inversePlan } = tried.content as { inversePlan: { diff: { changes: readonly object[] } } };
    const back = inversePlan.diff.changes.find((change) => JSON.stringify(change).includes(".replicas"));
    assert.deepEqual(back, { path: ".replicas", from: 5, to: 3 }, JSON.stringify(inversePlan.diff));
    assert.equal(((await cluster.get(path))["spec"] as { replicas: number }).replicas, 5);
  });

  it("every write in the cluster's audit log is a step in the ledger, and the other way round", async () => {
    const events = await server.events();
    const proposed = events.filter(({ type, facts }) => {
      const { kind } = facts;
      return type === "action.proposed" && typeof kind === "string" && kind.startsWith("kubernetes.");
    });
    const done: string[] = [];
    for (const { subject } of proposed) {
      const { body } = await server.ask("GET", `/v1/actions/${subject}`, { as: OWNER });
      if (body.status === "succeeded" || body.status === "reverted") done.push(subject);
    }
    const witnessed = cluster.writesBy(ACCOUNT).map((entry) => {
      const path = entry.requestURI.split("?")[0] ?? "";
      const mark = MARK.exec(JSON.stringify(entry.requestObject))?.[1];
      return {
        id: mark ?? deletions.get(path) ?? `nobody's: ${path}`,
        atMs: Date.parse(entry.requestReceivedTimestamp),
      };
    });
    assert.ok(witnessed.length >= 9, "much was written");
    assert.deepEqual(witnessed.map(({ id }) => id).sort(), done.sort());
    for (const { id, atMs } of witnessed) {
      const began = events
        .filter(({ type, subject }) => type === "step.started" && subject === id)
        .map(({ time }) => time);
      assert.ok(began.length > 0 && Math.min(...began) <= atMs, `${id} was recorded before it was written`);
    }
    assert.deepEqual((await server.verify()).findings, []);
  });
});
