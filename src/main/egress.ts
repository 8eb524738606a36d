// The allow-list of the one way out: the origins that configuration names, and nothing else.

import { createEgress } from "../adapters/egress/egress.ts";
import { healthOrigins } from "../adapters/health/probe.ts";
import { imageOrigins } from "../adapters/images/image-registries.ts";
import { exportOrigins } from "../adapters/exports/registry.ts";
import { notifierOrigins } from "../adapters/notifiers/registry.ts";
import type { Egress } from "../wire/contracts/egress.ts";
import { parseAddress, parseOrigin, parseTcpAddress } from "../wire/schemas/origin.ts";
import { classifierOrigins } from "./classifiers.ts";
import type { Config } from "./config.ts";

/** Throws `config-invalid` for an address that may not leave this machine. */
export function openEgress(config: Config): Egress {
  return createEgress({ allow: allowedOrigins(config) });
}

/** Every origin that may be reached, each once. */
export function allowedOrigins(config: Config): readonly string[] {
  const { executors, egress, exports, health, notifiers } = config;
  const named = [
    executors.pagerduty?.baseUrl,
    executors.pagerduty?.api?.baseUrl,
    executors.servicenow?.baseUrl,
    ...(executors.http?.operations ?? []).map(({ baseUrl }) => baseUrl),
    executors.majorIncident?.bridge.baseUrl,
    executors.slack?.baseUrl,
    ...egress.allow,
  ];
  // These addresses may have a path.
  const rooted = [...config.issuers.map(({ url }) => url), executors.github?.baseUrl, executors.argocd?.baseUrl];
  const rootedAt = rooted.filter((address) => address !== undefined).map((address) => parseAddress(address).origin);
  const origins = named.filter((address) => address !== undefined).map(parseOrigin);
  const clusters = (executors.kubernetes?.clusters ?? []).map(
    ({ connection }) => parseAddress(connection.server).origin,
  );
  const { feeds } = config.model;
  const fed = [
    ...feeds.kubernetes.map(({ connection }) => parseAddress(connection.server).origin),
    ...feeds.prometheus.map(({ baseUrl }) => parseOrigin(baseUrl)),
  ];
  const asked = healthOrigins(health);
  const databases = (executors.sql?.databases ?? []).map((one) => parseTcpAddress(one).address);
  const images = config.images === undefined ? [] : imageOrigins(config.images);
  const told = notifierOrigins(notifiers);
  return [
    ...new Set([
      ...origins,
      ...rootedAt,
      ...databases,
      ...clusters,
      ...fed,
      ...asked,
      ...classifierOrigins(config),
      ...exportOrigins(exports),
      ...images,
      ...told,
    ]),
  ];
}
