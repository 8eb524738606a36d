// A real cluster, each of whose kinds has a way of its own to it; the API server's audit log counts what took effect.

import { absent, ApiServer, type AuditEntry } from "../kubernetes/api-server.ts";
import { startFailingProxy } from "../kubernetes/failing-proxy.ts";
import { ACCOUNT, autoscaler, configMap, deployment, node, openShop, pod, revisions } from "../kubernetes/shop.ts";
import { TARGET, type Case, type Part } from "./kill-case.ts";
import { startFront } from "./kill-fronts.ts";

export { absent };

/** Makes what is acted on; answers its path, and the arguments beside the cluster. */
type Make = (name: string) => Promise<readonly [path: string, args: object]>;

function kindsOf(cluster: ApiServer): Readonly<Record<string, Make>> {
  const workload =
    (more: object): Make =>
    async (name) => {
      const path = await deployment(cluster, name);
      return [path, { namespace: "shop", workload: `deployment/${name}`, ...more }];
    };
  return {
    "rollout-restart": workload({}),
    scale: workload({ replicas: 5 }),
    "set-image": workload({ images: { app: "shop/app:9" } }),
    "autoscaler-bounds": async (name) => {
      await deployment(cluster, name);
      return [await autoscaler(cluster, name, name), { namespace: "shop", autoscaler: name, maxReplicas: 12 }];
    },
    "rollout-undo": async (name) => {
      const path = await deployment(cluster, name);
      await revisions(cluster, name);
      return [path, { namespace: "shop", workload: `deployment/${name}` }];
    },
    cordon: async (name) => [await node(cluster, name), { node: name }],
    uncordon: async (name) => {
      const path = await node(cluster, name);
      await cluster.must("PATCH", path, { spec: { unschedulable: true } }, "application/merge-patch+json");
      return [path, { node: name }];
    },
    "configmap-patch": async (name) => {
      const path = await configMap(cluster, name, { mode: "good" });
      return [path, { namespace: "shop", configMap: name, set: { mode: "better" } }];
    },
    "delete-pod": async (name) => [await pod(cluster, name), { namespace: "shop", pod: name }],
  };
}

export async function kubernetesPart(): Promise<Part> {
  const cluster = await ApiServer.start();
  const token = await openShop(cluster);
  const proxy = await startFailingProxy(cluster);
  const resources = ["deployment/*", "configmap/*", "autoscaler/*", "pod/*"];
  const targets = [
    { ...TARGET, namespace: "shop", resources },
    { ...TARGET, resources: ["node/*"] },
  ];
  const ways = Object.entries(kindsOf(cluster)).map(async ([kind, make]) => {
    const front = await startFront(proxy.url);
    const connection = { kind: "token", server: front.url, tokenRef: "kubernetes/main" };
    const config = { name: kind, connection, targets, takeOverFrom: ["kubectl"], settleMs: 100 };
    const action: Case = {
      kind: `kubernetes.${kind}`,
      write: /^[A-Z]+(?<!GET) (?!.*dryRun=All)/,
      repeat: "settled",
      fronts: [front],
      async prepare(name) {
        const [path, args] = await make(name);
        const isIts = ({ requestURI }: AuditEntry): boolean => `${requestURI.split("?")[0]}/`.startsWith(`${path}/`);
        const effects = (): number => cluster.writesBy(ACCOUNT).filter(isIts).length;
        return { args: { cluster: kind, ...args }, effects };
      },
    };
    return { front, config, action };
  });
  const all = await Promise.all(ways);
  return {
    config: { kubernetes: { clusters: all.map(({ config }) => config) } },
    secrets: { "kubernetes/main": token },
    cases: all.map(({ action }) => action),
    fronts: all.map(({ front }) => front),
    complaints: () => proxy.complaints,
    close: async () => {
      await proxy.close();
      await cluster.stop();
    },
  };
}
