// Reads what manifests declare: services, claims, volumes and the parts of a workload that a description does not print.

import { parseAllDocuments } from "yaml";
import type { ClusterService, Container, Probe, Volume, VolumeClaim, Workload } from "./cluster.ts";
import { parseQuantity } from "./cluster.ts";

type Json = unknown;

const MANIFEST_CHARS_MAX = 256 * 1024;

const asRecord = (value: Json): Record<string, Json> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, Json>) : {};
const asList = (value: Json): Json[] => (Array.isArray(value) ? value : []);
const asText = (value: Json): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");
const at = (value: Json, ...path: string[]): Json => path.reduce<Json>((here, key) => asRecord(here)[key], value);
const pairsOf = (value: Json): Record<string, string> =>
  Object.fromEntries(Object.entries(asRecord(value)).map(([key, text]) => [key, asText(text)]));

export interface Declared {
  workloads: Workload[];
  services: ClusterService[];
  claims: VolumeClaim[];
  volumes: Volume[];
}

function readProbe(value: Json): Probe | undefined {
  const probe = asRecord(value);
  const protocol = probe["httpGet"]
    ? "http"
    : probe["grpc"]
      ? "grpc"
      : probe["tcpSocket"]
        ? "tcp"
        : probe["exec"]
          ? "exec"
          : "";
  if (protocol === "") return undefined;
  const target = asRecord(probe[{ http: "httpGet", grpc: "grpc", tcp: "tcpSocket", exec: "exec" }[protocol]]);
  return {
    protocol,
    port: asText(target["port"]),
    delayS: Number(asText(probe["initialDelaySeconds"])) || 0,
    timeoutS: Number(asText(probe["timeoutSeconds"])) || 0,
  };
}

function readContainer(value: Json): Container {
  const ports = asList(at(value, "ports"));
  const env: Record<string, string> = {};
  const secretRefs: string[] = [];
  for (const entry of asList(at(value, "env"))) {
    env[asText(at(entry, "name"))] = asText(at(entry, "value"));
    const secret = asText(at(entry, "valueFrom", "secretKeyRef", "name"));
    if (secret !== "") secretRefs.push(secret);
  }
  const container: Container = {
    name: asText(at(value, "name")),
    image: asText(at(value, "image")),
    ports: ports.map((port) => Number(asText(at(port, "containerPort")))).filter((port) => port > 0),
    portNames: Object.fromEntries(
      ports.map((port) => [asText(at(port, "name")), Number(asText(at(port, "containerPort")))]),
    ),
    env,
    secretRefs,
    mounts: asList(at(value, "volumeMounts")).map((mount) => asText(at(mount, "mountPath"))),
  };
  const liveness = readProbe(at(value, "livenessProbe"));
  const readiness = readProbe(at(value, "readinessProbe"));
  if (liveness) container.liveness = liveness;
  if (readiness) container.readiness = readiness;
  return container;
}

function readWorkload(document: Json): Workload {
  const spec = at(document, "spec", "template", "spec");
  const terms = asList(
    at(spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"),
  );
  const volumes = asList(at(spec, "volumes"));
  const replicas = at(document, "spec", "replicas");
  return {
    name: asText(at(document, "metadata", "name")),
    desired: replicas === undefined ? 1 : Number(asText(replicas)),
    ready: 0,
    podLabels: pairsOf(at(document, "spec", "template", "metadata", "labels")),
    serviceAccount: asText(at(spec, "serviceAccountName")),
    containers: asList(at(spec, "containers")).map(readContainer),
    nodeSelector: pairsOf(at(spec, "nodeSelector")),
    affinityLabels: terms.flatMap((term) =>
      asList(at(term, "matchExpressions")).map((rule) => ({
        key: asText(at(rule, "key")),
        operator: asText(at(rule, "operator")),
        values: asList(at(rule, "values")).map(asText),
      })),
    ),
    dnsPolicy: asText(at(spec, "dnsPolicy")),
    claims: volumes
      .map((volume) => asText(at(volume, "persistentVolumeClaim", "claimName")))
      .filter((name) => name !== ""),
    hostPaths: volumes.map((volume) => asText(at(volume, "hostPath", "path"))).filter((path) => path !== ""),
    pullSecrets: asList(at(spec, "imagePullSecrets")).map((secret) => asText(at(secret, "name"))),
  };
}

function readService(document: Json): ClusterService {
  return {
    name: asText(at(document, "metadata", "name")),
    selector: pairsOf(at(document, "spec", "selector")),
    ports: asList(at(document, "spec", "ports")).map((port) => ({
      port: Number(asText(at(port, "port"))),
      targetPort: asText(at(port, "targetPort")) || asText(at(port, "port")),
      protocol: asText(at(port, "protocol")) || "TCP",
    })),
    endpoints: [],
  };
}

function readClaim(document: Json): VolumeClaim {
  const spec = at(document, "spec");
  return {
    name: asText(at(document, "metadata", "name")),
    bound: false,
    storageClass: asText(at(spec, "storageClassName")),
    accessModes: asList(at(spec, "accessModes")).map(asText),
    bytes: parseQuantity(asText(at(spec, "resources", "requests", "storage"))),
    selector: Object.keys(asRecord(at(spec, "selector"))).length > 0,
    volumeName: asText(at(spec, "volumeName")),
  };
}

function readVolume(document: Json): Volume {
  const spec = at(document, "spec");
  return {
    name: asText(at(document, "metadata", "name")),
    status: "",
    claim: "",
    storageClass: asText(at(spec, "storageClassName")),
    accessModes: asList(at(spec, "accessModes")).map(asText),
    bytes: parseQuantity(asText(at(spec, "capacity", "storage"))),
  };
}

/** What one document declares. */
export function readDocument(document: Json): Declared {
  const declared: Declared = { workloads: [], services: [], claims: [], volumes: [] };
  const kind = asText(at(document, "kind"));
  if (kind === "Deployment" || kind === "StatefulSet" || kind === "DaemonSet")
    declared.workloads.push(readWorkload(document));
  if (kind === "Service") declared.services.push(readService(document));
  if (kind === "PersistentVolumeClaim") declared.claims.push(readClaim(document));
  if (kind === "PersistentVolume") declared.volumes.push(readVolume(document));
  return declared;
}

/** Reads the documents of one manifest; what is not YAML, or too long, declares nothing. */
export function readManifest(text: string): Declared {
  const declared: Declared = { workloads: [], services: [], claims: [], volumes: [] };
  if (text.length > MANIFEST_CHARS_MAX) return declared;
  for (const parsed of parseAllDocuments(text)) {
    if (parsed.errors.length > 0) continue;
    const one = readDocument(parsed.toJS({ maxAliasCount: 10 }));
    declared.workloads.push(...one.workloads);
    declared.services.push(...one.services);
    declared.claims.push(...one.claims);
    declared.volumes.push(...one.volumes);
  }
  return declared;
}
