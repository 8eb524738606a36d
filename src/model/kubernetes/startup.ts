// Mismatches at start: images that cannot be pulled, secrets and volumes that cannot be used.

import type { ClusterState, Pod } from "./cluster.ts";
import type { Mismatch } from "./mismatch.ts";
import { appOf, podsOf } from "./mismatch.ts";

/** What a registry's answer to a pull means. The order matters: a name that does not resolve also "failed to resolve reference". */
const PULL_FAILURES: readonly [RegExp, string][] = [
  [
    /no such host|server misbehaving|temporary failure in name resolution|dial tcp: i\/o timeout/i,
    "image_registry_dns_failure",
  ],
  [
    /unauthorized|authentication required|failed to authorize|failed to fetch (anonymous|oauth) token|401|no basic auth/i,
    "missing_image_pull_secret",
  ],
  // Refused for one manifest, after the registry let us in: there is nothing of that name to be seen.
  [
    /not ?found|manifest|invalid reference|InvalidImageName|couldn't parse image|does not exist/i,
    "incorrect_image_reference",
  ],
];

export function findUnpulled(state: ClusterState): Mismatch[] {
  return state.pods.flatMap((pod): Mismatch[] => {
    if (pod.ready) return [];
    const failure = pod.events.find(({ reason, message }) => reason === "Failed" && /pull image/i.test(message));
    const invalid = pod.events.find(({ reason }) => reason === "InspectFailed");
    const message = failure?.message ?? invalid?.message;
    if (message === undefined) return [];
    const cause = PULL_FAILURES.find(([pattern]) => pattern.test(message))?.[1] ?? "incorrect_image_reference";
    return [{ class: "Startup_Fault", cause, object: appOf(pod.workload), weight: 1, evidence: message }];
  });
}

export function findMissingSecrets(state: ClusterState): Mismatch[] {
  return state.pods.flatMap((pod): Mismatch[] => {
    const event = pod.events.find(({ message }) =>
      /secrets? "[^"]+" not found|couldn't find key .* in Secret/i.test(message),
    );
    if (pod.ready || !event) return [];
    return [
      {
        class: "Startup_Fault",
        cause: "missing_secret_binding",
        object: appOf(pod.workload),
        weight: 1,
        evidence: event.message,
      },
    ];
  });
}

const DENIED =
  /permission denied|operation not permitted|read-only file system|can't open .*for writing|EACCES|access denied to path/i;

const isCrashing = (pod: Pod): boolean =>
  pod.reasons.some((reason) => reason === "CrashLoopBackOff" || reason === "Error") ||
  pod.events.some(({ reason }) => reason === "BackOff");

/** A container that crashes on a volume that it mounts: certain when its log says so, else the likeliest of what is left. */
export function findDeniedVolumes(state: ClusterState): Mismatch[] {
  return state.workloads.flatMap((workload): Mismatch[] => {
    const pod = podsOf(state, workload).find((one) => !one.ready && isCrashing(one));
    const mounts = workload.hostPaths.length + workload.claims.length;
    if (!pod || mounts === 0) return [];
    const line = state.logs.find(({ workload: name, text }) => name === workload.name && DENIED.test(text));
    const failed = pod.events.find(({ reason, message }) => reason === "FailedMount" || DENIED.test(message));
    const said = line?.text ?? (failed && DENIED.test(failed.message) ? failed.message : undefined);
    return [
      {
        class: "Startup_Fault",
        cause: "volume_mount_permission_denied",
        object: appOf(workload.name),
        weight: said ? 1 : 0.55,
        evidence: said ?? `crashes at start with ${mounts} volume(s) mounted, and nothing else explains it`,
      },
    ];
  });
}
