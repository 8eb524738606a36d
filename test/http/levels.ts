// Levels for the agents of a running server: the agent asks for itself, an owner approves.

import type { JsonObject } from "../../src/core/json.ts";

const DAY_MS = 24 * 3_600_000;

/** Sends a body to a path and gives the answer's. */
type Send = (path: string, body: JsonObject) => Promise<JsonObject | null>;

export function levelRequest(agent: string, of: JsonObject = {}): JsonObject {
  const expiresAt = new Date(Date.now() + 30 * DAY_MS).toISOString();
  return {
    kind: "level.grant",
    target: { environment: "holdpoint", service: "holdpoint" },
    arguments: { agent, kinds: ["*"], level: 3, expiresAt, ...of },
  };
}

/** `asks` speaks for the agent (or anybody who may ask), `read` and `answers` for an owner. Throws when it is not given. */
export async function giveLevel(
  request: JsonObject,
  as: { readonly asks: Send; readonly read: (path: string) => Promise<JsonObject | null>; readonly answers: Send },
): Promise<void> {
  const asked = await as.asks("/v1/actions", request);
  const path = `/v1/actions/${asked?.["id"] as string}`;
  const planHash = (await as.read(path))?.["planHash"] as string;
  const answered = await as.answers(`${path}/approvals`, { decision: "approve", planHash });
  if (answered?.["status"] !== "succeeded") throw new Error(`no level: ${JSON.stringify([asked, answered])}`);
}
