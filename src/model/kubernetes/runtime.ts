// Mismatches at run time: probes that ask the wrong thing, limits that are too small, databases that refuse.

import type { ClusterState, Container, Pod, Probe, Workload } from "./cluster.ts";
import type { Mismatch } from "./mismatch.ts";
import { appOf, podsOf } from "./mismatch.ts";

const CLASS = "Runtime_Fault";

export function findKilled(state: ClusterState): Mismatch[] {
  return state.pods.flatMap((pod): Mismatch[] => {
    const killed = pod.reasons.includes("OOMKilled");
    const event = pod.events.find(({ message }) => /OOM-killed|out of memory|memory limit too low/i.test(message));
    if (!killed && (!event || pod.ready)) return [];
    const evidence = event?.message ?? "a container was OOMKilled";
    return [{ class: CLASS, cause: "oom_killed", object: appOf(pod.workload), weight: 1, evidence }];
  });
}

export function findScaledToZero(state: ClusterState): Mismatch[] {
  return state.workloads
    .filter(({ name, desired }) => desired === 0 && state.services.some((service) => service.name === name))
    .map(({ name }) => ({
      class: CLASS,
      cause: "deployment_zero_replicas",
      object: appOf(name),
      weight: 0.95,
      evidence: "0 replicas are declared",
    }));
}

interface FailedProbe {
  kind: "liveness" | "readiness";
  message: string;
  count: number;
}

function failuresOf(pod: Pod): FailedProbe[] {
  return pod.events.flatMap(({ reason, message, count }): FailedProbe[] => {
    const kind = /^(Liveness|Readiness) probe failed/.exec(message)?.[1];
    return reason === "Unhealthy" && kind
      ? [{ kind: kind === "Liveness" ? "liveness" : "readiness", message, count }]
      : [];
  });
}

/** A probe that fails time after time on a pod that does not serve. One failure at start is no fault. */
export function findFailingProbes(state: ClusterState): Mismatch[] {
  return state.workloads.flatMap((workload) =>
    podsOf(state, workload).flatMap((pod): Mismatch[] => {
      if (pod.reasons.includes("OOMKilled")) return [];
      const failures = failuresOf(pod).filter(({ kind, count }) =>
        kind === "liveness" ? pod.restarts > 0 && count > 1 : !pod.ready && count > 1,
      );
      return failures.flatMap((failure) => blameProbe(workload, failure, pod));
    }),
  );
}

function blameProbe(workload: Workload, failure: FailedProbe, pod: Pod): Mismatch[] {
  const container = workload.containers.find((one) => one[failure.kind]);
  const probe = container?.[failure.kind];
  if (!container || !probe) return [];
  const object = appOf(workload.name);
  const base = { class: CLASS, object, evidence: `${failure.count} times: ${failure.message}` } as const;
  if (!isOpened(container, probe)) return [{ ...base, cause: `${failure.kind}_probe_incorrect_port`, weight: 0.97 }];
  if (isWrongProtocol(container, failure, probe))
    return [{ ...base, cause: `${failure.kind}_probe_incorrect_protocol`, weight: 0.97 }];
  // Port and protocol are right, and the container was killed before it could answer.
  if (failure.kind === "liveness")
    return [{ ...base, cause: "liveness_probe_incorrect_timing", weight: pod.ready ? 0.5 : 0.7 }];
  return [];
}

const isOpened = (container: Container, probe: Probe): boolean => {
  if (probe.port === "" || container.ports.length === 0) return true;
  return container.ports.includes(Number(probe.port)) || Object.hasOwn(container.portNames, probe.port);
};

const WRONG_PROTOCOL =
  /malformed HTTP|HTTP\/1\.x transport|server preface|statuscode: (404|405|415|505)|Unimplemented|unknown service|error reading server preface|first record does not look like/i;

/** The two probes of a container differ in protocol and only one fails, or the answer itself says that it was asked wrongly. */
function isWrongProtocol(container: Container, failure: FailedProbe, probe: Probe): boolean {
  if (WRONG_PROTOCOL.test(failure.message)) return true;
  const other = failure.kind === "liveness" ? container.readiness : container.liveness;
  return other !== undefined && other.protocol !== probe.protocol;
}

const DATABASE_REFUSALS: readonly [RegExp, string][] = [
  [
    /too many connections|max_connections|connection pool exhausted|remaining connection slots/i,
    "db_connection_exhaustion",
  ],
  [/read[-_ ]only (option|mode|transaction)|super-read-only|READONLY You can't write|--read-only/i, "db_read_only"],
  [
    /access denied for user|password authentication failed|WRONGPASS|NOAUTH|authentication failed for user/i,
    "mysql_invalid_credentials",
  ],
  [/communications link failure|can't connect to mysql server/i, "mysql_invalid_port"],
];

/** What a client's log says that its database refused. The fault is the database's where the refusal is about its own state. */
export function findDatabaseRefusals(state: ClusterState): Mismatch[] {
  return state.logs.flatMap(({ workload, text, count }): Mismatch[] => {
    const cause = DATABASE_REFUSALS.find(([pattern]) => pattern.test(text))?.[1];
    if (!cause) return [];
    const database = state.edges.filter(([caller]) => caller === workload).map(([, callee]) => callee);
    const store = database.find((name) => /mysql|db|sql|redis|mongo|postgres/i.test(name));
    const object = cause.startsWith("db_") && store ? store : workload;
    return [{ class: CLASS, cause, object: appOf(object), weight: 0.8, evidence: `${count} times: ${text}` }];
  });
}

export function findTakenPorts(state: ClusterState): Mismatch[] {
  const taken = (text: string): boolean => /address already in use|EADDRINUSE|port .* is already allocated/i.test(text);
  const clashes = state.workloads.flatMap((workload): Mismatch[] => {
    const ports = workload.containers.flatMap((container) => [...new Set(container.ports)]);
    const twice = ports.find((port, index) => ports.indexOf(port) !== index);
    if (twice === undefined) return [];
    const evidence = `two containers of one pod open port ${twice}`;
    return [
      { class: CLASS, cause: "service_sidecar_port_conflict", object: appOf(workload.name), weight: 0.9, evidence },
    ];
  });
  const said = state.logs
    .filter(({ text }) => taken(text))
    .map(({ workload, text }): Mismatch => ({
      class: CLASS,
      cause: "service_sidecar_port_conflict",
      object: appOf(workload),
      weight: 0.85,
      evidence: text,
    }));
  return [...clashes, ...said];
}
