// The executor contract on changes to a real cluster: by merge patch, by server-side apply, and by deletion.

import { after, test } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { executorContract, TestClock, type Stage, type Subject } from "../executors/contract.ts";
import { outboundContract } from "../executors/outbound-contract.ts";
import { absent, ApiServer } from "./api-server.ts";
import { buildExecutor } from "./executor.ts";
import { startFailingProxy } from "./failing-proxy.ts";
import { configMap, deployment, openShop, pod } from "./shop.ts";

const RESOURCES = ["deployment/*", "configmap/*", "pod/*"];
const TARGET = { environment: "production", service: "cart", namespace: "shop", resources: RESOURCES };

type Cluster = { readonly server: ApiServer; readonly token: string };

let cluster: Promise<Cluster> | undefined;
let objects = 0;

async function openCluster(): Promise<Cluster> {
  const server = await ApiServer.start();
  return { server, token: await openShop(server) };
}

type Case = {
  readonly kind: string;
  readonly method: string;
  readonly make: (server: ApiServer, name: string) => Promise<{ readonly path: string; readonly args: JsonObject }>;
};

const CASES: readonly Case[] = [
  {
    kind: "kubernetes.scale",
    method: "PATCH",
    make: async (server, name) => ({
      path: await deployment(server, name),
      args: { workload: `deployment/${name}`, replicas: 5 },
    }),
  },
  {
    kind: "kubernetes.configmap-patch",
    method: "PATCH",
    make: async (server, name) => ({
      path: await configMap(server, name, { level: "info", mode: "a" }),
      args: { configMap: name, set: { level: "debug" } },
    }),
  },
  {
    kind: "kubernetes.delete-pod",
    method: "DELETE",
    make: async (server, name) => ({ path: await pod(server, name), args: { pod: name } }),
  },
];

async function stageOf({ kind, method, make }: Case): Promise<Stage> {
  const { server, token } = await (cluster ??= openCluster());
  const { path, args } = await make(server, `object-${++objects}`);
  const proxy = await startFailingProxy(server);
  const clock = new TestClock();
  const connection = { kind: "token", server: proxy.url, tokenRef: "kubernetes/token" };
  const build = (secrets: Record<string, string>, owner: object = {}) => {
    const targets = [{ ...TARGET, ...owner }];
    const more = { cluster: { targets, settleMs: 65_000, takeOverFrom: ["kubectl"] }, clock };
    return buildExecutor({ server: proxy.url, ca: server.ca, token: "", connection, secrets, ...more });
  };
  return {
    clock,
    kind,
    args: { cluster: "main", namespace: "shop", ...args },
    build: () => build({ "kubernetes/token": token }),
    buildFor: (owner) => build({ "kubernetes/token": token }, owner),
    buildWithoutSecrets: () => build({ "kubernetes/token": "not one\r\nline" }),
    effects: proxy.writes,
    complaints: () => proxy.complaints,
    standIn: proxy,
    write: { method, path },
    secrets: [token],
    probe: { method: "GET", path: "/api" },
    close: () => proxy.close(),
  };
}

after(async () => (await cluster)?.server.stop());

if (absent === false) {
  for (const one of CASES) {
    const subject: Subject = { name: one.kind, start: () => stageOf(one) };
    executorContract(subject);
    outboundContract(subject);
  }
} else {
  test("changes to a real cluster pass the executor contract", { skip: absent }, () => undefined);
}
