// The state of one namespace and the cluster around it, declared and observed, as the root-cause rules see it.

export interface Probe {
  /** `http`, `grpc`, `tcp` or `exec`. */
  protocol: string;
  /** The port as declared: a number or a name. */
  port: string;
  delayS: number;
  timeoutS: number;
}

export interface Container {
  name: string;
  image: string;
  ports: number[];
  /** Named ports that probes and services may point at. */
  portNames: Record<string, number>;
  env: Record<string, string>;
  secretRefs: string[];
  liveness?: Probe;
  readiness?: Probe;
  mounts: string[];
}

/** What a deployment, stateful set or daemon set declares. */
export interface Workload {
  name: string;
  desired: number;
  ready: number;
  podLabels: Record<string, string>;
  serviceAccount: string;
  containers: Container[];
  nodeSelector: Record<string, string>;
  /** Whether node affinity is declared, and the labels of which it needs at least one (empty: not read). */
  affinityLabels: { key: string; operator: string; values: string[] }[];
  dnsPolicy: string;
  claims: string[];
  hostPaths: string[];
  pullSecrets: string[];
}

export interface Pod {
  name: string;
  workload: string;
  node: string;
  status: string;
  ready: boolean;
  restarts: number;
  labels: Record<string, string>;
  /** Reasons of the last and present state of its containers: `OOMKilled`, `CrashLoopBackOff`, `Error`. */
  reasons: string[];
  events: PodEvent[];
}

export interface PodEvent {
  type: string;
  reason: string;
  message: string;
  count: number;
}

export interface ServicePort {
  port: number;
  targetPort: string;
  protocol: string;
}

export interface ClusterService {
  name: string;
  selector: Record<string, string>;
  ports: ServicePort[];
  endpoints: string[];
}

export interface ClusterNode {
  name: string;
  ready: boolean;
  schedulable: boolean;
  controlPlane: boolean;
  labels: Record<string, string>;
}

export interface VolumeClaim {
  name: string;
  bound: boolean;
  storageClass: string;
  accessModes: string[];
  bytes: number;
  selector: boolean;
  volumeName: string;
}

export interface Volume {
  name: string;
  status: string;
  claim: string;
  storageClass: string;
  accessModes: string[];
  bytes: number;
}

/** A hard limit of a namespace: `requests.cpu`, `pods`, `services`, `requests.storage`. */
export interface Quota {
  resource: string;
  used: number;
  hard: number;
}

/** A controller that could not make what it should: `forbidden: exceeded quota …`. */
export interface FailedCreate {
  owner: string;
  message: string;
}

/** Something measured that left its normal range, as a monitor says it. */
export interface Alarm {
  scope: "service" | "node";
  name: string;
  /** Lines such as `LATENCY … Normal=5ms -> Current=80ms (+1500%)`. */
  evidence: string[];
}

export interface ClusterState {
  namespace: string;
  nodes: ClusterNode[];
  workloads: Workload[];
  pods: Pod[];
  services: ClusterService[];
  /** Services that the manifests declare, whether or not they are there. */
  declaredServices: ClusterService[];
  claims: VolumeClaim[];
  declaredClaims: VolumeClaim[];
  volumes: Volume[];
  declaredVolumes: Volume[];
  quotas: Quota[];
  serviceAccounts: string[];
  failedCreates: FailedCreate[];
  /** System services of nodes that do not run. */
  deadUnits: { node: string; unit: string }[];
  unreachable: string[];
  /** Calls between services: caller, callee. */
  edges: [string, string][];
  logs: { workload: string; text: string; count: number }[];
  alarms: Alarm[];
}

export function emptyCluster(namespace: string): ClusterState {
  return {
    namespace,
    nodes: [],
    workloads: [],
    pods: [],
    services: [],
    declaredServices: [],
    claims: [],
    declaredClaims: [],
    volumes: [],
    declaredVolumes: [],
    quotas: [],
    serviceAccounts: [],
    failedCreates: [],
    deadUnits: [],
    unreachable: [],
    edges: [],
    logs: [],
    alarms: [],
  };
}

const SUFFIXES: Record<string, number> = {
  m: 0.001,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
};

/** A Kubernetes quantity (`200m`, `3Gi`) as a number of its base unit; what cannot be read is 0. */
export function parseQuantity(text: string): number {
  const match = /^([0-9.]+)\s*([A-Za-z]*)$/.exec(text.trim());
  if (!match) return 0;
  const value = Number(match[1]);
  return Number.isFinite(value) ? value * (SUFFIXES[match[2] ?? ""] ?? 1) : 0;
}

/** Whether the labels satisfy every pair of a selector; an empty selector matches nothing. */
export function isSelected(labels: Record<string, string>, selector: Record<string, string>): boolean {
  const pairs = Object.entries(selector);
  return pairs.length > 0 && pairs.every(([key, value]) => labels[key] === value);
}

/** The name of a pod's or replica set's owner: without the hashes that controllers append. */
export function ownerOf(name: string): string {
  return name.replace(/-[0-9a-f]{6,10}(-[a-z0-9]{5})?$/, "").replace(/-[bcdfghjklmnpqrstvwxz2456789]{5}$/, "");
}
