// A way to the real API server on which requests go wrong on request, as at a stand-in: lost, late, refused, garbled.

import { startStandIn, type Received, type Reply, type StandIn } from "../../examples/stand-ins/stand-in.ts";
import type { ApiServer } from "./api-server.ts";

export type FailingProxy = StandIn & {
  /** Writes that the API server took and that were no dry runs. */
  readonly writes: () => number;
  /** What it found wrong with requests. */
  readonly complaints: readonly string[];
};

const WRITES: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH", "DELETE"]);

/** What stands around a request on its way: it may pass it on, or not. */
export type Around = (request: Received, pass: () => Promise<Reply>) => Promise<Reply>;

export async function startFailingProxy(server: ApiServer, around?: Around): Promise<FailingProxy> {
  let writes = 0;
  const complaints: string[] = [];
  const pass = async ({ method, path, query, headers, body }: Received): Promise<Reply> => {
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1];
    const to = query.size === 0 ? path : `${path}?${query.toString()}`;
    const type = headers["content-type"];
    const { status, body: json } = await server.call(
      method,
      to,
      body === "" ? undefined : JSON.parse(body),
      type,
      token,
    );
    if (WRITES.has(method) && status < 300 && query.get("dryRun") !== "All") writes += 1;
    if (status === 400 || status === 422 || status >= 500) complaints.push(`${method} ${to}: ${JSON.stringify(json)}`);
    return { status, json };
  };
  const act = (request: Received): Promise<Reply> =>
    around === undefined ? pass(request) : around(request, () => pass(request));
  const standIn = await startStandIn({ act, report: () => complaints });
  return { ...standIn, writes: () => writes, complaints };
}
