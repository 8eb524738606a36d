// Mismatches below the workloads: system services of nodes, their network, and resources that a pod or node uses up.

import type { Alarm, ClusterState } from "./cluster.ts";
import type { Mismatch } from "./mismatch.ts";
import { appOf } from "./mismatch.ts";

const UNITS: Record<string, string> = {
  containerd: "containerd_unavailable",
  docker: "containerd_unavailable",
  kubelet: "kubelet_unavailable",
  "kube-proxy": "kube_proxy_unavailable",
  "kube-scheduler": "kube_scheduler_unavailable",
};

/** A system service that does not run. A container runtime takes its kubelet with it, so it weighs more. */
export function findDeadUnits(state: ClusterState): Mismatch[] {
  return state.deadUnits.flatMap(({ node, unit }): Mismatch[] => {
    const cause = UNITS[unit];
    if (!cause) return [];
    const weight = unit === "containerd" || unit === "docker" ? 1 : 0.99;
    return [{ class: "Infrastructure_Fault", cause, object: `node/${node}`, weight, evidence: `${unit} does not run` }];
  });
}

/** Signs of a dead service where nobody asked the node: not ready nodes, and pods that nobody tried to place. */
export function findSilentUnits(state: ClusterState): Mismatch[] {
  const found: Mismatch[] = [];
  for (const node of state.nodes.filter(({ ready }) => !ready)) {
    const sandbox = state.pods.some(
      (pod) =>
        pod.node === node.name && pod.events.some(({ message }) => /containerd\.sock|docker\.sock/.test(message)),
    );
    const cause = sandbox ? "containerd_unavailable" : "kubelet_unavailable";
    found.push({
      class: "Infrastructure_Fault",
      cause,
      object: `node/${node.name}`,
      weight: sandbox ? 0.95 : 0.8,
      evidence: "the node is not ready",
    });
  }
  const unplaced = state.pods.filter((pod) => !pod.ready && pod.node === "" && pod.events.length === 0);
  const plane = state.nodes.find(({ controlPlane }) => controlPlane);
  if (unplaced.length > 0 && plane) {
    const evidence = `${unplaced.map(({ name }) => name).join(", ")} waits, and no scheduler has looked at it`;
    found.push({
      class: "Infrastructure_Fault",
      cause: "kube_scheduler_unavailable",
      object: `node/${plane.name}`,
      weight: 0.85,
      evidence,
    });
  }
  return found;
}

const kindOf = (line: string): string => {
  if (/retrans|packet loss|NETWORK_QUALITY/i.test(line)) return "loss";
  if (/RESOURCE_SATURATION.*cpu|throttl/i.test(line)) return "cpu";
  if (/LATENCY/i.test(line)) return "latency";
  return "other";
};

const linesOf = (alarm: Alarm, kind: string): string[] => alarm.evidence.filter((line) => kindOf(line) === kind);

/** What the alarms of services and nodes say together: a node that loses packets, a starved pod, or a slow pod or node. */
export function findDegraded(state: ClusterState): Mismatch[] {
  return [...findLossyNodes(state), ...findStarvedPods(state), ...findSlow(state)];
}

/** Delay alone makes a few segments be sent again; this many a second are lost ones. */
const LOST_SEGMENTS_MIN = 2;

function findLossyNodes(state: ClusterState): Mismatch[] {
  const lossy = state.alarms
    .filter(({ scope }) => scope === "node")
    .map((alarm) => {
      const lines = linesOf(alarm, "loss");
      return {
        alarm,
        lines,
        rate: Math.max(0, ...lines.map((line) => Number(/Current=([0-9.]+)/.exec(line)?.[1] ?? 0))),
      };
    })
    .filter(({ rate }) => rate >= LOST_SEGMENTS_MIN)
    .toSorted((a, b) => b.rate - a.rate);
  return lossy.map(({ alarm, lines }, index) => ({
    class: "Infrastructure_Fault",
    cause: "node_network_packet_loss",
    object: `node/${alarm.name}`,
    // The other end of a lossy link sends again too, but less.
    weight: index === 0 ? 0.9 : 0.45,
    evidence: lines.join("; "),
  }));
}

function findStarvedPods(state: ClusterState): Mismatch[] {
  return state.alarms.flatMap((alarm): Mismatch[] => {
    const lines = linesOf(alarm, "cpu");
    if (alarm.scope !== "service" || lines.length === 0) return [];
    const isThrottled = lines.some((line) => /throttl|cfs/i.test(line));
    const evidence = lines.join("; ");
    return [
      {
        class: "Performance_Fault",
        cause: "pod_cpu_overload",
        object: appOf(alarm.name),
        weight: isThrottled ? 0.85 : 0.75,
        evidence,
      },
    ];
  });
}

/** How much slower a service got, in milliseconds: of its usual requests, and of its slowest. */
interface Slower {
  usualMs: number;
  mostMs: number;
}

function readSlower(lines: readonly string[]): Slower {
  const slower: Slower = { usualMs: 0, mostMs: 0 };
  for (const match of lines.join(" ").matchAll(/p(\d\d)\w*: Normal=([0-9.]+)ms -> Current=([0-9.]+)ms/gi)) {
    const growth = Number(match[3]) - Number(match[2]);
    if (match[1] === "50") slower.usualMs = Math.max(slower.usualMs, growth);
    slower.mostMs = Math.max(slower.mostMs, growth);
  }
  return slower;
}

/** One request may call the same service several times, so a caller may slow down by so many times as much. */
const CALLS_OF_ONE_REQUEST = 3;

/** Services whose slowness neither their callees nor, on the way back, a much slower caller explains. */
function findUnexplained(state: ClusterState, slow: ReadonlyMap<string, Slower>): string[] {
  const ownMs = (slower: Slower | undefined): number => slower?.usualMs || slower?.mostMs || 0;
  const deep = [...slow.keys()].filter((name) => {
    const callees = state.edges
      .filter(([caller]) => caller === name)
      .map(([, callee]) => slow.get(callee)?.mostMs ?? 0);
    return ownMs(slow.get(name)) > CALLS_OF_ONE_REQUEST * Math.max(0, ...callees);
  });
  return deep.filter((name) => {
    const callers = state.edges
      .filter(([caller, callee]) => callee === name && deep.includes(caller))
      .map(([caller]) => ownMs(slow.get(caller)));
    return Math.max(0, ...callers) < CALLS_OF_ONE_REQUEST * (slow.get(name)?.mostMs ?? 0);
  });
}

/** One service that is slow by itself is a pod's fault; several on one node are the node's. */
function findSlow(state: ClusterState): Mismatch[] {
  const slow = new Map<string, Slower>();
  for (const alarm of state.alarms.filter(({ scope }) => scope === "service")) {
    const slower = readSlower(linesOf(alarm, "latency"));
    if (slower.mostMs > 0) slow.set(alarm.name, slower);
  }
  const mostMs = (name: string): number => slow.get(name)?.mostMs ?? 0;
  const own = findUnexplained(state, slow).toSorted((a, b) => mostMs(b) - mostMs(a));
  const nodes = new Set(own.map((name) => state.pods.find((pod) => pod.workload === name)?.node ?? ""));
  const node = [...nodes][0];
  const isNode = own.length > 1 && nodes.size === 1 && node !== "";
  const found = own.map((name, index): Mismatch => {
    const evidence = `${name} is ${Math.round(mostMs(name))} ms slower, and nothing that it calls explains it`;
    return {
      class: "Performance_Fault",
      cause: "pod_network_delay",
      object: appOf(name),
      weight: 0.7 - index * 0.01,
      evidence,
    };
  });
  if (!isNode) return found;
  const evidence = `${own.join(", ")} are slow by themselves, all on this node`;
  return [
    { class: "Infrastructure_Fault", cause: "node_network_delay", object: `node/${node}`, weight: 0.8, evidence },
    ...found,
  ];
}
