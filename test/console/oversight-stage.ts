// What the pages of oversight are tried on: policies that ask people, calls that never end, and one that has to be taken back.

import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startConsole, type Console } from "./fixture.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: notes }
spec:
  match: { actions: [record.note, level.grant, grant.create, agent.register, person.register] }
  rules: [{ name: asked, decision: hold, route: pair }]
---
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: calls }
spec:
  match: { actions: [http.call] }
  rules: [{ name: free, decision: allow }]
---
apiVersion: holdpoint.dev/v1
kind: Verification
metadata: { name: front }
spec:
  match: { actions: [http.call], services: [web] }
  settle: 1s
  every: 1s
  samples: 1
  failures: 1
  within: 5s
  onFailure: revert
  checks: [{ name: page, http: { endpoint: web, path: /down, statuses: [200] } }]
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: pair }
spec:
  steps: [{ roles: [owner], within: 10m }]
  breakGlass: { roles: [on-call], within: 5m, review: { roles: [owner], within: 1h } }
`;

/** Calls to the cart are never answered; the web takes its, and is down. */
export async function startOversight(): Promise<Console> {
  const silent = createServer((request, response) => {
    if (request.url === "/web") response.end();
    if (request.url === "/down") response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const of = { environment: "staging", baseUrl, tokenRef: "http/cart", repeat: "idempotent" };
  const operations = [
    { ...of, service: "cart", name: "drain", path: "/drain", undo: "drain" },
    { ...of, service: "web", name: "turn", path: "/web", undo: "turn" },
  ];
  const settings = { executors: { http: { operations } }, health: { endpoints: { web: { baseUrl } } } };
  const holdpoint = await startConsole({ policy: POLICY, settings: settingsText(settings) });
  mkdirSync(join(holdpoint.server.dataDir, "secrets", "http"), { recursive: true });
  writeFileSync(join(holdpoint.server.dataDir, "secrets", "http", "cart"), "a token of the cart", { mode: 0o600 });
  const stop = async (): Promise<void> => {
    await holdpoint.stop();
    silent.closeAllConnections();
    silent.close();
  };
  return { ...holdpoint, stop };
}

/** JSON is YAML; the policy folder is added by another line. */
function settingsText(settings: object): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join("\n");
}
