// Reads a case that holds one cluster's state: the commands that were run and what they printed.

import type { Alarm, ClusterState } from "../kubernetes/cluster.ts";
import { emptyCluster, ownerOf } from "../kubernetes/cluster.ts";
import { parseTable } from "../kubernetes/describe-text.ts";
import {
  readClaim,
  readNode,
  readPod,
  readQuotas,
  readService,
  readVolume,
  readWorkload,
  workloadOf,
} from "../kubernetes/read-described.ts";
import { readManifest } from "../kubernetes/read-manifests.ts";

export interface StateCase {
  k8s?: Record<string, string>;
  tools?: Record<string, unknown>;
  alert?: unknown;
}

export function readStateCase(given: StateCase): ClusterState {
  const k8s = Object.entries(given.k8s ?? {});
  const state = emptyCluster(
    / -n (\S+)/.exec(k8s.find(([command]) => /get pods -n/.test(command))?.[0] ?? "")?.[1] ?? "default",
  );
  for (const [command, text] of k8s) readDescribed(state, command, text);
  for (const [command, text] of k8s) readListed(state, command, text);
  for (const [call, answer] of Object.entries(given.tools ?? {})) readTool(state, call, answer);
  readAlarms(state, given.alert);
  for (const pod of state.pods) pod.workload = workloadOf(pod, state.workloads);
  return state;
}

function readDescribed(state: ClusterState, command: string, text: string): void {
  const kind = /^kubectl describe (\S+)/.exec(command)?.[1];
  if (!kind || text.trim() === "" || text.startsWith("Error from server")) return;
  if (/^(deployments?|statefulsets?|daemonsets?)$/.test(kind)) state.workloads.push(readWorkload(text));
  if (/^services?$/.test(kind)) state.services.push(readService(text));
  if (/^nodes?$/.test(kind)) state.nodes.push(readNode(text));
  if (/^persistentvolumeclaims?$/.test(kind)) state.claims.push(readClaim(text));
  if (/^persistentvolumes?$/.test(kind)) state.volumes.push(readVolume(text));
  if (/^pods?$/.test(kind)) {
    const pod = readPod(text);
    state.pods.push({ ...pod, workload: "" });
  }
}

function readListed(state: ClusterState, command: string, text: string): void {
  if (/get pods -n \S+ -o wide/.test(command)) readPodRows(state, text);
  if (/get serviceaccounts/.test(command)) state.serviceAccounts = parseTable(text).map((row) => row["NAME"] ?? "");
  if (/get resourcequota -n \S+$/.test(command))
    state.quotas = parseTable(text).flatMap((row) => readQuotas(`${row["REQUEST"] ?? ""} ${row["LIMIT"] ?? ""}`));
  if (!/get events/.test(command) || !command.includes(` ${state.namespace} `)) return;
  for (const line of text.split("\n")) {
    const match = /Warning\s+FailedCreate\s+(?:replicaset|statefulset|daemonset|job)\/(\S+)\s+(.*)$/.exec(line);
    if (match) state.failedCreates.push({ owner: ownerOf(match[1] ?? ""), message: match[2] ?? "" });
  }
}

/** The list says more shortly what a description says of a pod, and knows pods that nobody described. */
function readPodRows(state: ClusterState, text: string): void {
  for (const row of parseTable(text)) {
    const name = row["NAME"] ?? "";
    const [ready, all] = (row["READY"] ?? "0/0").split("/");
    const known = state.pods.find((pod) => pod.name === name);
    const pod = known ?? {
      name,
      node: row["NODE"] ?? "",
      status: "",
      ready: false,
      restarts: 0,
      labels: {},
      reasons: [],
      events: [],
      workload: "",
    };
    pod.status = row["STATUS"] ?? pod.status;
    pod.ready = ready === all && all !== "0";
    pod.node = row["NODE"] ?? pod.node;
    pod.restarts = Math.max(pod.restarts, Number.parseInt(row["RESTARTS"] ?? "0", 10) || 0);
    if (/BackOff|OOMKilled|Error/.test(pod.status)) pod.reasons.push(pod.status);
    if (!known) state.pods.push(pod);
  }
}

const asText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value ?? ""));

function readArguments(call: string): Record<string, unknown> {
  const at = call.indexOf(":");
  try {
    const parsed: unknown = JSON.parse(call.slice(at + 1));
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function readTool(state: ClusterState, call: string, answer: unknown): void {
  const tool = call.slice(0, call.indexOf(":"));
  const given = readArguments(call);
  const text = asText(answer);
  if (tool === "GetAppYAML") readDeclared(state, text);
  if (tool === "CheckServiceConnectivity" && !/Connection Succeeded/i.test(text))
    state.unreachable.push(asText(given["service_name"]));
  if (tool === "CheckNodeServiceStatus" && /Active: (inactive|failed)/.test(text)) {
    state.deadUnits.push({ node: asText(given["node_name"]), unit: asText(given["service_name"]) });
  }
  if (tool === "GetServiceDependencies") readEdges(state, asText(given["service_name"]), text);
  if (tool === "GetErrorLogs") readLogs(state, asText(given["service_name"]), answer);
  if (tool === "GetAlerts") readAlarms(state, answer);
}

/** Manifests add what descriptions do not print; what was described stays as observed. */
function readDeclared(state: ClusterState, text: string): void {
  const declared = readManifest(text);
  state.declaredServices.push(...declared.services);
  state.declaredClaims.push(...declared.claims);
  state.declaredVolumes.push(...declared.volumes);
  for (const workload of declared.workloads) {
    const known = state.workloads.find(({ name }) => name === workload.name);
    if (!known) {
      state.workloads.push(workload);
      continue;
    }
    known.affinityLabels = workload.affinityLabels;
    known.dnsPolicy = workload.dnsPolicy;
    known.pullSecrets = workload.pullSecrets;
    known.hostPaths = workload.hostPaths;
    for (const container of known.containers) {
      const same = workload.containers.find(({ name }) => name === container.name);
      if (same) container.portNames = same.portNames;
    }
  }
}

/** `[Upstream (Called By)]: a, b` names the callers; the tree below names callees, deeper ones indented. */
function readEdges(state: ClusterState, service: string, text: string): void {
  const add = (caller: string, callee: string): void => {
    if (!state.edges.some(([a, b]) => a === caller && b === callee)) state.edges.push([caller, callee]);
  };
  for (const caller of /Called By\)\]: (.*)/.exec(text)?.[1]?.split(",") ?? []) {
    if (/^[a-z0-9-]+$/.test(caller.trim())) add(caller.trim(), service);
  }
  for (const match of text.matchAll(/^[├└]── ([a-z0-9-]+)/gm)) add(service, match[1] ?? "");
}

function readLogs(state: ClusterState, workload: string, answer: unknown): void {
  const parsed = typeof answer === "string" ? parseJson(answer) : answer;
  const patterns = (parsed as { patterns?: unknown } | null)?.patterns;
  if (!Array.isArray(patterns)) return;
  for (const pattern of patterns.slice(0, 50) as { sample?: unknown; count?: unknown }[]) {
    state.logs.push({ workload, text: asText(pattern.sample), count: Number(pattern.count) || 1 });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function readAlarms(state: ClusterState, answer: unknown): void {
  const parsed = typeof answer === "string" ? parseJson(answer) : answer;
  const alerts = (parsed as { alerts?: unknown } | null)?.alerts;
  if (!Array.isArray(alerts)) return;
  for (const alert of alerts as { type?: unknown; name?: unknown; evidence?: unknown }[]) {
    const name = asText(alert.name);
    const scope: Alarm["scope"] = alert.type === "Node" ? "node" : "service";
    if (state.alarms.some((one) => one.name === name && one.scope === scope)) continue;
    state.alarms.push({ scope, name, evidence: Array.isArray(alert.evidence) ? alert.evidence.map(asText) : [] });
  }
}
