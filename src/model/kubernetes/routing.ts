// Mismatches on the way between services: selectors, ports, protocols, addresses and names.

import type { ClusterService, ClusterState, Workload } from "./cluster.ts";
import { isSelected } from "./cluster.ts";
import type { Mismatch } from "./mismatch.ts";
import { appOf, podsOf } from "./mismatch.ts";

const CLASS = "Service_Routing_Fault";

/** The workload a service is meant for: selected by it, else of its name, else the one its manifest selects. */
function findTarget(state: ClusterState, service: ClusterService): Workload | undefined {
  return (
    state.workloads.find((workload) => isSelected(workload.podLabels, service.selector)) ??
    state.workloads.find(({ name }) => name === service.name)
  );
}

/** A service that selects no pods, though the workload of its name has some that are ready. */
export function findLostSelectors(state: ClusterState): Mismatch[] {
  return state.services.flatMap((service): Mismatch[] => {
    if (Object.keys(service.selector).length === 0 || service.endpoints.length > 0) return [];
    if (state.pods.some((pod) => isSelected(pod.labels, service.selector))) return [];
    if (state.workloads.some((workload) => isSelected(workload.podLabels, service.selector))) return [];
    const workload = findTarget(state, service);
    if (!workload) return [];
    const ready = podsOf(state, workload).some((pod) => pod.ready);
    const evidence = `service ${service.name} selects ${JSON.stringify(service.selector)}, and no pod carries that`;
    return [
      {
        class: CLASS,
        cause: "service_selector_mismatch",
        object: appOf(workload.name),
        weight: ready ? 1 : 0.8,
        evidence,
      },
    ];
  });
}

/** A target port that no container of the selected workload opens, or a port that no caller dials. */
export function findLostPorts(state: ClusterState): Mismatch[] {
  return state.services.flatMap((service): Mismatch[] => {
    const workload = findTarget(state, service);
    const opened = workload?.containers.flatMap(({ ports }) => ports) ?? [];
    const names = Object.assign({}, ...(workload?.containers.map(({ portNames }) => portNames) ?? [])) as Record<
      string,
      number
    >;
    return service.ports.flatMap((port): Mismatch[] => {
      if (!workload || opened.length === 0) return [];
      const target = Number(port.targetPort) || names[port.targetPort] || 0;
      const found: Mismatch[] = [];
      if (port.protocol !== "TCP" && state.edges.some(([, callee]) => callee === service.name)) {
        const evidence = `service ${service.name} speaks ${port.protocol}, its callers TCP`;
        found.push({
          class: CLASS,
          cause: "service_protocol_mismatch",
          object: appOf(workload.name),
          weight: 1,
          evidence,
        });
      }
      const isLost = target > 0 ? !opened.includes(target) : isNamedNowhere(service, names);
      if (isLost) {
        const evidence = `service ${service.name} sends to port ${port.targetPort}, the containers open ${opened.join(", ")}`;
        found.push({
          class: CLASS,
          cause: "service_port_mapping_mismatch",
          object: appOf(workload.name),
          weight: 1,
          evidence,
        });
      }
      return found;
    });
  });
}

/** A target by a name that no container port carries; without names to compare, endpoints that have an address and no port say so. */
function isNamedNowhere(service: ClusterService, names: Record<string, number>): boolean {
  return (
    Object.keys(names).some((name) => name !== "") ||
    (service.endpoints.length > 0 && service.endpoints.every((endpoint) => !endpoint.includes(":")))
  );
}

const ADDRESS = /^(?:[a-z]+:\/\/)?([a-z][a-z0-9.-]*[a-z0-9]):(\d{2,5})(?:\/.*)?$/;

interface Dialled {
  workload: string;
  variable: string;
  host: string;
  port: number;
}

function dialledBy(workload: Workload): Dialled[] {
  return workload.containers.flatMap(({ env }) =>
    Object.entries(env).flatMap(([variable, value]): Dialled[] => {
      const match = ADDRESS.exec(value);
      return match
        ? [{ workload: workload.name, variable, host: (match[1] ?? "").split(".")[0] ?? "", port: Number(match[2]) }]
        : [];
    }),
  );
}

/** Letters of a name alone: `REDIS_ADDR` and `redis-cart` begin alike, `CART_SERVICE_ADDR` and `cartservice` nearly are alike. */
const letters = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

const nameOfVariable = (variable: string): string =>
  letters(variable.replace(/_?(ADDR|ADDRESS|HOST|URL|URI|ENDPOINT|SERVICE_HOST)$/i, ""));

/** The known service that an unknown host or its variable most resembles. */
function findNearest(state: ClusterState, { host, variable }: Dialled): string | undefined {
  const wanted = nameOfVariable(variable);
  return state.services
    .map(({ name }) => name)
    .find((name) => {
      const plain = letters(name);
      return (
        plain === wanted ||
        letters(host).startsWith(plain) ||
        plain.startsWith(letters(host)) ||
        isEdited(plain, letters(host))
      );
    });
}

/** Whether two names differ by at most two letters taken away, added or changed at one place. */
function isEdited(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 2 || Math.min(a.length, b.length) < 4) return false;
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  return Math.max(a.length, b.length) - start - end <= 2;
}

/** Addresses in the environment of a workload that lead nowhere. */
export function findLostAddresses(state: ClusterState): Mismatch[] {
  const known = new Map(state.services.map((service) => [service.name, service]));
  return state.workloads.flatMap((workload) =>
    dialledBy(workload).flatMap((dialled): Mismatch[] => {
      const service = known.get(dialled.host);
      const evidence = `${dialled.variable} is ${dialled.host}:${dialled.port}`;
      const found = { class: CLASS, cause: "service_env_var_address_mismatch", object: appOf(workload.name) } as const;
      if (!service) {
        const nearest = findNearest(state, dialled);
        return nearest ? [{ ...found, weight: 0.9, evidence: `${evidence}; there is ${nearest}` }] : [];
      }
      if (service.ports.some(({ port }) => port === dialled.port))
        return isMisdirected(state, workload, dialled) ? [{ ...found, weight: 0.7, evidence }] : [];
      return [blamePort(state, service, dialled, found)];
    }),
  );
}

/** Two variables of one workload lead to one service, and the name of one of them means another. */
function isMisdirected(state: ClusterState, workload: Workload, { variable, host }: Dialled): boolean {
  const meant = nameOfVariable(variable);
  const other = state.services.find(({ name }) => letters(name) === meant);
  return (
    other !== undefined && other.name !== host && dialledBy(workload).filter((one) => one.host === host).length > 1
  );
}

/** Caller and service disagree on the port: the odd one out among all callers and the manifest is wrong. */
function blamePort(
  state: ClusterState,
  service: ClusterService,
  dialled: Dialled,
  caller: { class: typeof CLASS; cause: string; object: string },
): Mismatch {
  const evidence = `${dialled.workload} dials ${service.name}:${dialled.port}, the service listens on ${service.ports.map(({ port }) => port).join(", ")}`;
  const others = state.workloads
    .flatMap(dialledBy)
    .filter((one) => one.host === service.name && one.workload !== dialled.workload);
  const opened = findTarget(state, service)?.containers.flatMap(({ ports }) => ports) ?? [];
  const agreed = others.filter(({ port }) => port === dialled.port).length;
  const against = others.filter(({ port }) => service.ports.some((listening) => listening.port === port)).length;
  const isService = agreed > against || (agreed === against && opened.includes(dialled.port));
  if (!isService) return { ...caller, weight: 0.95, evidence };
  const object = appOf(findTarget(state, service)?.name ?? service.name);
  return { class: CLASS, cause: "service_port_mapping_mismatch", object, weight: 0.95, evidence };
}

/** Names that do not resolve though the service is there: the resolver of the pod or of the cluster is wrong. */
export function findLostNames(state: ClusterState): Mismatch[] {
  const known = new Set(state.services.map(({ name }) => name));
  const odd = state.workloads.filter(({ dnsPolicy }) => dnsPolicy === "None" || dnsPolicy === "Default");
  const declared = odd.map((workload): Mismatch => ({
    class: CLASS,
    cause: "service_dns_resolution_failure",
    object: appOf(workload.name),
    weight: 0.95,
    evidence: `its pods resolve names with dnsPolicy ${workload.dnsPolicy}, outside the cluster's resolver`,
  }));
  const said = state.logs.flatMap(({ workload, text, count }): Mismatch[] => {
    const host = /(?:lookup|resolve(?: host)?:?|getaddrinfo \w+|name:) "?([a-z0-9-]+)[. :"]?/.exec(text)?.[1];
    if (
      !host ||
      !known.has(host) ||
      !/no such host|name or service not known|ENOTFOUND|could not resolve|temporary failure in name/i.test(text)
    )
      return [];
    const evidence = `${count} times: ${text}`;
    return [{ class: CLASS, cause: "service_dns_resolution_failure", object: appOf(workload), weight: 0.3, evidence }];
  });
  return [...declared, ...said];
}
