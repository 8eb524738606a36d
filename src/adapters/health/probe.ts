// Health checks: a probe of the service itself, queries of its Prometheus and its database, its rollout, what the runtime
// model counted of it. Reads, and nothing else.

import type { Clock } from "../../core/clock.ts";
import { AppError } from "../../core/errors.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Answer, Egress, OutboundCall } from "../../wire/contracts/egress.ts";
import type { HealthAnswer, HealthProbe, ServiceStateReader } from "../../wire/contracts/health.ts";
import type { RolloutReader } from "../../wire/contracts/rollouts.ts";
import type { SqlReader } from "../../wire/contracts/sql-reader.ts";
import type { HealthConfig } from "../../wire/schemas/health-config.ts";
import { parseOrigin, parseTcpAddress } from "../../wire/schemas/origin.ts";
import type { HttpCheck } from "../../wire/types/health.ts";
import type { Get } from "./asking.ts";
import { askCanary } from "./canary.ts";
import { askModelState } from "./model-state.ts";
import { askPrometheus } from "./prometheus.ts";
import { askRollout } from "./rollout.ts";
import { askSql } from "./sql.ts";

export interface ProbeParts {
  readonly config: HealthConfig;
  readonly egress: Egress;
  readonly credentials: Credentials;
  /** Of each database that configuration names. */
  readonly databases: ReadonlyMap<string, SqlReader>;
  /** Of each cluster that configuration names. */
  readonly clusters: ReadonlyMap<string, RolloutReader>;
  /** The runtime model. */
  readonly model: ServiceStateReader;
  readonly clock: Clock;
}

type Endpoint = { readonly origin: string; readonly call: OutboundCall; readonly tokenRef: string | undefined };

/** Asks the endpoints that configuration names and no others. Throws `config-invalid` for an unusable address. */
export function createHealthProbe(parts: ProbeParts): HealthProbe {
  const { config, egress, credentials, databases, clusters, model, clock } = parts;
  const endpoints = new Map<string, Endpoint>();
  for (const [name, { baseUrl, tokenRef }] of Object.entries(config.endpoints)) {
    const origin = parseOrigin(baseUrl);
    endpoints.set(name, { origin, call: egress.callTo(origin), tokenRef });
  }
  const get = async (name: string, path: string, signal: AbortSignal): Promise<Answer> => {
    const endpoint = endpoints.get(name);
    if (endpoint === undefined) throw new AppError("config-invalid", `no health endpoint ${name} is configured`);
    const { origin, call, tokenRef } = endpoint;
    const headers = tokenRef === undefined ? {} : { authorization: `Bearer ${await credentials.get(tokenRef)}` };
    return call({ method: "GET", origin, path, headers }, signal);
  };
  return {
    ask: async (question, signal) => {
      const { check, beforeMs, stepMs = beforeMs } = question;
      switch (check.kind) {
        case "http":
          return askHttp(check, get, signal);
        case "prometheus":
          return askPrometheus({ check, beforeMs }, get, signal);
        case "sql":
          return askSql(check, databases, signal);
        case "rollout":
          return askRollout(check, clusters, signal);
        case "model":
          return askModelState({ ...question, check }, model);
        case "canary":
          return askCanary({ check, sinceMs: clock.nowMs() - stepMs }, get, signal);
      }
    },
  };
}

/** Every origin and address that may be asked. */
export function healthOrigins({ endpoints, databases }: HealthConfig): readonly string[] {
  return [
    ...Object.values(endpoints).map(({ baseUrl }) => parseOrigin(baseUrl)),
    ...Object.values(databases).map((one) => parseTcpAddress(one).address),
  ];
}

/** A service that does not answer is not well: that is what the probe is for. */
async function askHttp(check: HttpCheck, get: Get, signal: AbortSignal): Promise<HealthAnswer> {
  const answer = await get(check.endpoint, check.path, signal);
  if (answer.kind !== "answered") {
    const isOurs = answer.code === "origin-not-allowed" || answer.code === "tls-untrusted";
    return { result: isOurs ? "unknown" : "fail", evidence: { code: answer.code } };
  }
  const { status } = answer;
  return {
    result: check.statuses.includes(status) ? "pass" : "fail",
    evidence: { status, wanted: [...check.statuses] },
  };
}
