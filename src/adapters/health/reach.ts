// Whether the places that verifications may ask are there: each is asked, and nothing is changed.

import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Answer, Egress } from "../../wire/contracts/egress.ts";
import type { Reach } from "../../wire/contracts/executor.ts";
import type { SqlReader } from "../../wire/contracts/sql-reader.ts";
import type { HealthConfig } from "../../wire/schemas/health-config.ts";
import { parseOrigin } from "../../wire/schemas/origin.ts";

export interface ReachParts {
  readonly config: HealthConfig;
  readonly egress: Egress;
  readonly credentials: Credentials;
  /** Of each database that configuration names. */
  readonly databases: ReadonlyMap<string, SqlReader>;
}

type Place<Of> = { readonly target: string } & Of;
type Endpoint = HealthConfig["endpoints"][string];
type Database = HealthConfig["databases"][string];

/** One entry for each endpoint and each database. Throws `config-invalid` for an unusable address. */
export function probeHealth(parts: ReachParts, signal: AbortSignal): Promise<readonly Reach[]> {
  const { endpoints, databases } = parts.config;
  return Promise.all([
    ...Object.entries(endpoints).map(([name, of]) =>
      probeEndpoint({ target: `endpoint ${name}`, ...of }, parts, signal),
    ),
    ...Object.entries(databases).map(([name, { passwordRef }]) =>
      probeDatabase({ target: `database ${name}`, passwordRef, reader: parts.databases.get(name) }, parts, signal),
    ),
  ]);
}

/** What the token opens nobody knows here: that it is refused at the door is seen, that it is taken further in is not. */
async function probeEndpoint(
  { target, baseUrl, tokenRef }: Place<Endpoint>,
  { egress, credentials }: ReachParts,
  signal: AbortSignal,
): Promise<Reach> {
  const token = tokenRef === undefined ? null : await secretOf(credentials, tokenRef, signal);
  if (token === undefined) return { target, status: "missing", code: "credential-missing" };
  const origin = parseOrigin(baseUrl);
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  return endpointReach(
    target,
    await egress.callTo(origin)({ method: "GET", origin, path: "/", headers }, signal),
    token,
  );
}

/** Without a token any answer will do: what a check asks for is at another path. */
function endpointReach(target: string, answer: Answer, token: string | null): Reach {
  if (answer.kind !== "answered") return { target, status: "away", code: answer.code };
  if (answer.status >= 500) return { target, status: "away", code: "target-error" };
  if (token === null) return { target, status: "ready", code: "" };
  if (answer.status === 401) return { target, status: "refused", code: "credential-refused" };
  return { target, status: "reached", code: "credential-untried" };
}

async function probeDatabase(
  { target, passwordRef, reader }: Place<Pick<Database, "passwordRef"> & { readonly reader: SqlReader | undefined }>,
  { credentials }: ReachParts,
  signal: AbortSignal,
): Promise<Reach> {
  if ((await secretOf(credentials, passwordRef, signal)) === undefined) {
    return { target, status: "missing", code: "credential-missing" };
  }
  const read = await reader?.read("select 1", signal).catch(() => undefined);
  if (read?.kind === "rows") return { target, status: "ready", code: "" };
  const code = read?.code ?? "unreachable";
  return { target, status: code === "credential-refused" ? "refused" : "away", code };
}

function secretOf(credentials: Credentials, ref: string, signal: AbortSignal): Promise<string | undefined> {
  return credentials.get(ref, signal).catch(() => undefined);
}
