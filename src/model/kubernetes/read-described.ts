// Turns described objects (kubectl's text) into the typed state of a cluster.

import type {
  ClusterNode,
  ClusterService,
  Container,
  Pod,
  Probe,
  Quota,
  Volume,
  VolumeClaim,
  Workload,
} from "./cluster.ts";
import { isSelected, parseQuantity } from "./cluster.ts";
import type { DescribedLine } from "./describe-text.ts";
import { findLine, parseDescription, parseEvents, parsePairs, valueAt, valuesAt } from "./describe-text.ts";

const ACCESS_MODES: Record<string, string> = {
  RWO: "ReadWriteOnce",
  ROX: "ReadOnlyMany",
  RWX: "ReadWriteMany",
  RWOP: "ReadWriteOncePod",
};

/** `http-get http://:8080/x delay=5s timeout=1s …`, `grpc <pod>:9555 …`, `tcp-socket :6379 …`, `exec […] …`. */
function parseProbe(text: string): Probe | undefined {
  if (text === "") return undefined;
  const [kind = ""] = text.split(" ");
  const protocol = kind.startsWith("http") ? "http" : kind.startsWith("tcp") ? "tcp" : kind;
  const port = /:([A-Za-z0-9-]+)(\/|\s|$)/.exec(text.replace(/https?:\/\//, ""))?.[1] ?? "";
  const seconds = (name: string): number => Number(new RegExp(`${name}=(\\d+)s`).exec(text)?.[1] ?? 0);
  return { protocol, port, delayS: seconds("delay"), timeoutS: seconds("timeout") };
}

function readContainer(line: DescribedLine): Container {
  const at = line.children;
  const ports = valuesAt(at, "Port")
    .concat(valuesAt(at, "Ports"))
    .flatMap((text) => text.split(","));
  const env: Record<string, string> = {};
  const secretRefs: string[] = [];
  for (const child of findLine(at, "Environment")?.children ?? []) {
    if (child.key === "") continue;
    env[child.key] = child.value;
    const secret = /in secret '([^']+)'/.exec(child.value)?.[1];
    if (secret) secretRefs.push(secret);
  }
  const container: Container = {
    name: line.key,
    image: valueAt(at, "Image"),
    ports: ports.map((text) => Number.parseInt(text, 10)).filter((port) => port > 0),
    portNames: {},
    env,
    secretRefs,
    mounts: (findLine(at, "Mounts")?.children ?? []).map((child) => child.key || child.value),
  };
  const liveness = parseProbe(valueAt(at, "Liveness"));
  const readiness = parseProbe(valueAt(at, "Readiness"));
  if (liveness) container.liveness = liveness;
  if (readiness) container.readiness = readiness;
  return container;
}

export function readWorkload(text: string): Workload {
  const lines = parseDescription(text);
  const template = findLine(lines, "Pod Template")?.children ?? [];
  const replicas = valueAt(lines, "Replicas");
  const count = (word: string): number => Number(new RegExp(`(\\d+) ${word}`).exec(replicas)?.[1] ?? 0);
  const volumes = findLine(template, "Volumes")?.children ?? [];
  return {
    name: valueAt(lines, "Name"),
    desired: count("desired"),
    ready: count("available"),
    podLabels: parsePairs(valuesAt(template, "Labels")),
    serviceAccount: valueAt(template, "Service Account"),
    containers: (findLine(template, "Containers")?.children ?? []).map(readContainer),
    nodeSelector: parsePairs(valuesAt(template, "Node-Selectors")),
    affinityLabels: [],
    dnsPolicy: "",
    claims: volumes.map((volume) => valueAt(volume.children, "ClaimName")).filter((name) => name !== ""),
    hostPaths: volumes
      .filter((volume) => valueAt(volume.children, "Type").startsWith("HostPath"))
      .map((volume) => volume.key),
    pullSecrets: [],
  };
}

export function readPod(text: string): Omit<Pod, "workload"> {
  const lines = parseDescription(text);
  const containers = (findLine(lines, "Containers")?.children ?? []).concat(
    findLine(lines, "Init Containers")?.children ?? [],
  );
  const reasons = containers.flatMap((container) =>
    ["State", "Last State"].flatMap((state) => {
      const reason = valueAt(container.children, state, "Reason");
      return reason === "" || reason === "Completed" ? [] : [reason];
    }),
  );
  return {
    name: valueAt(lines, "Name"),
    node: valueAt(lines, "Node").split("/")[0] ?? "",
    status: valueAt(lines, "Status"),
    ready: containers.length > 0 && findCondition(lines, "Ready") === "True",
    restarts: containers.reduce(
      (most, container) => Math.max(most, Number(valueAt(container.children, "Restart Count")) || 0),
      0,
    ),
    labels: parsePairs(valuesAt(lines, "Labels")),
    reasons,
    events: parseEvents(text),
  };
}

function findCondition(lines: readonly DescribedLine[], type: string): string {
  const rows = findLine(lines, "Conditions")?.children ?? [];
  const row = rows.map((line) => line.value.trim().split(/\s+/)).find((cells) => cells[0] === type);
  return row?.[1] ?? "";
}

export function readService(text: string): ClusterService {
  const lines = parseDescription(text);
  const all = (key: string): string[] => lines.filter((line) => line.key === key).map((line) => line.value);
  const targets = all("TargetPort");
  return {
    name: valueAt(lines, "Name"),
    selector: parsePairs(valuesAt(lines, "Selector")),
    ports: all("Port").map((value, index) => {
      const match = /(\d+)\/(\w+)/.exec(value);
      return {
        port: Number(match?.[1] ?? 0),
        protocol: match?.[2] ?? "TCP",
        targetPort: (targets[index] ?? "").split("/")[0] ?? "",
      };
    }),
    endpoints: all("Endpoints")
      .flatMap((value) => value.split(","))
      .map((value) => value.trim())
      .filter((value) => value !== "" && value !== "<none>"),
  };
}

export function readNode(text: string): ClusterNode {
  const lines = parseDescription(text);
  const labels = parsePairs(valuesAt(lines, "Labels"));
  const roles = valueAt(lines, "Roles");
  const rows = (findLine(lines, "Conditions")?.children ?? []).map((line) => line.value.trim().split(/\s+/));
  return {
    name: valueAt(lines, "Name"),
    ready: rows.find((cells) => cells[0] === "Ready")?.[1] === "True",
    schedulable: valueAt(lines, "Unschedulable") !== "true",
    controlPlane: /master|control-plane/.test(roles),
    labels,
  };
}

const readModes = (text: string): string[] =>
  text
    .split(",")
    .map((mode) => ACCESS_MODES[mode.trim()] ?? mode.trim())
    .filter((mode) => mode !== "");

export function readClaim(text: string): VolumeClaim {
  const lines = parseDescription(text);
  return {
    name: valueAt(lines, "Name"),
    bound: valueAt(lines, "Status") === "Bound",
    storageClass: valueAt(lines, "StorageClass"),
    accessModes: readModes(valueAt(lines, "Access Modes")),
    bytes: parseQuantity(valueAt(lines, "Capacity")),
    selector: false,
    volumeName: valueAt(lines, "Volume"),
  };
}

export function readVolume(text: string): Volume {
  const lines = parseDescription(text);
  return {
    name: valueAt(lines, "Name"),
    status: valueAt(lines, "Status"),
    claim: valueAt(lines, "Claim").split("/").at(-1) ?? "",
    storageClass: valueAt(lines, "StorageClass"),
    accessModes: readModes(valueAt(lines, "Access Modes")),
    bytes: parseQuantity(valueAt(lines, "Capacity")),
  };
}

/** `requests.cpu: 10/1, pods: 3/10` as `kubectl get resourcequota` prints it. */
export function readQuotas(text: string): Quota[] {
  return [...text.matchAll(/([a-z./-]+):\s*([0-9A-Za-z.]+)\/([0-9A-Za-z.]+)/g)].map((match) => ({
    resource: match[1] ?? "",
    used: parseQuantity(match[2] ?? ""),
    hard: parseQuantity(match[3] ?? ""),
  }));
}

/** The workload whose pods carry these labels, else the one whose name the pod's name begins with. */
export function workloadOf(pod: Omit<Pod, "workload">, workloads: readonly Workload[]): string {
  const named = workloads
    .filter(({ name }) => pod.name.startsWith(`${name}-`))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
  if (named) return named.name;
  return workloads.find((workload) => isSelected(pod.labels, workload.podLabels))?.name ?? pod.name;
}
