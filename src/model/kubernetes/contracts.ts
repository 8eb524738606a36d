// What a cluster's own objects promise or allow: timeouts and retries of a mesh's routes, pools, quotas, objectives.

import type { Json } from "../../core/json.ts";
import { listAt, textAt } from "../../core/json-members.ts";
import type { ClusterObject } from "../../wire/types/cluster-object.ts";
import type { Contract } from "../../wire/types/model.ts";
import { parseQuantity } from "./cluster.ts";

export interface ContractOf {
  /** The name by which it is addressed within the cluster, or an empty text for the object's namespace. */
  readonly host: string;
  readonly contract: Contract;
}

const DURATION_MS_MAX = 86_400_000;
const COUNT_MAX = 10_000_000;
const ATTEMPTS_MAX = 1_000;
const UNITS_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** None for an object that promises nothing, or nothing that can be read. */
export function contractsOf(object: ClusterObject): readonly ContractOf[] {
  switch (object.kind) {
    case "VirtualService":
      return listAt(object.body, "spec", "http").flatMap(routeContracts);
    case "DestinationRule":
      return poolContracts(object.body);
    case "ResourceQuota":
      return quotaContracts(object.body);
    case "PrometheusServiceLevel":
      return objectiveContracts(object.body);
    default:
      return [];
  }
}

/** Istio: of the routes to one host the first counts, as it does for requests. */
function routeContracts(route: Json): ContractOf[] {
  const hosts = listAt(route, "route").map((one) => textAt(one, "destination", "host"));
  const timeoutMs = millisecondsOf(textAt(route, "timeout"));
  const attempts = Number(textAt(route, "retries", "attempts"));
  const backoffMs = millisecondsOf(textAt(route, "retries", "backoff"));
  const isRetried = Number.isInteger(attempts) && attempts >= 1 && attempts <= ATTEMPTS_MAX;
  const contracts: readonly Contract[] = [
    ...(timeoutMs === null ? [] : [{ kind: "timeout", timeoutMs } as const]),
    ...(isRetried ? [{ kind: "retry", attemptsMax: attempts, backoffMs } as const] : []),
  ];
  return hosts.filter((host) => host !== "").flatMap((host) => contracts.map((contract) => ({ host, contract })));
}

function poolContracts(body: Json): ContractOf[] {
  const host = textAt(body, "spec", "host");
  const sizeMax = Number(textAt(body, "spec", "trafficPolicy", "connectionPool", "tcp", "maxConnections"));
  if (host === "" || !Number.isInteger(sizeMax) || sizeMax < 1 || sizeMax > COUNT_MAX) return [];
  return [{ host, contract: { kind: "pool", sizeMax } }];
}

const QUOTAS = { "limits.memory": "bytes", "requests.memory": "bytes", pods: "count" } as const;

function quotaContracts(body: Json): ContractOf[] {
  return Object.entries(QUOTAS).flatMap(([name, unit]): ContractOf[] => {
    const limit = parseQuantity(textAt(body, "spec", "hard", name));
    return limit > 0 ? [{ host: "", contract: { kind: "quota", limit, unit } }] : [];
  });
}

/** Sloth: an objective in percent. What it counts is a query: of latency there is no telling within how long. */
function objectiveContracts(body: Json): ContractOf[] {
  const host = textAt(body, "spec", "service");
  const [slo] = listAt(body, "spec", "slos").filter((one) => !/latency/i.test(textAt(one, "name")));
  const objective = Number(textAt(slo, "objective")) / 100;
  if (host === "" || !(objective > 0 && objective < 1)) return [];
  return [{ host, contract: { kind: "slo", indicator: "availability", objective } }];
}

/** Of a duration as Go writes it (`1.5s`, `1m30s`); null for none, and for one that is no limit. */
function millisecondsOf(text: string): number | null {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|h|m|s))+$/.test(text)) return null;
  let all = 0;
  for (const [, count = "", unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)) {
    all += Number(count) * (UNITS_MS[unit] ?? 0);
  }
  return all > 0 && all <= DURATION_MS_MAX ? all : null;
}
