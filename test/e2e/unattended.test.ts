// The standard pack with short windows: a serious review that nobody answers ends in a page, and one that is answered does not.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { startPagerduty, type PagerdutyStandIn } from "../../examples/stand-ins/pagerduty.ts";
import type { ActionView } from "../../src/wire/types/views.ts";
import { eventually, ROUTING_KEY, SECOND, TestServer } from "./server.ts";

const PACK = join(import.meta.dirname, "../../policies");
/** A classifier that is never sure: everything it says is reviewed. */
const UNSURE = `apiVersion: holdpoint.dev/v1
kind: ClassifierRules
metadata: { name: unsure, version: "1" }
spec:
  rules: []
  otherwise: { classification: medium, confidence: 0.5, page: true, ticket: true }
`;

let dir: string;
let pagerduty: PagerdutyStandIn;
let server: TestServer;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), "holdpoint-unattended-"));
  for (const name of readdirSync(PACK).filter((file) => file.endsWith(".yaml") && file !== "classifier-rules.yaml")) {
    const text = readFileSync(join(PACK, name), "utf8");
    writeFileSync(join(dir, name), text.replaceAll("within: 15m", "within: 6s"));
  }
  pagerduty = await startPagerduty({ routingKeys: [ROUTING_KEY] });
  server = await TestServer.create({
    policy: { path: dir },
    classifier: { rules: "unsure.yaml" },
    executors: { pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] } },
  });
  writeFileSync(join(server.dataDir, "unsure.yaml"), UNSURE);
  await server.start();
});

after(async () => {
  await server.remove();
  await pagerduty.close();
  rmSync(dir, { recursive: true });
});

async function pagesOf(service: string): Promise<readonly ActionView[]> {
  const { body } = await server.call("GET", `/v1/actions?kind=pagerduty.trigger&service=${service}`);
  return (body as { items: ActionView[] }).items.toReversed();
}

it("a serious alert whose review nobody answers reaches on-call all the same", async () => {
  const startsAt = new Date().toISOString();
  await server.send(["cart", "search"].map((service) => ({ service, startsAt })));
  const held = async (service: string): Promise<ActionView> =>
    eventually(`the review about ${service}`, async () =>
      (await pagesOf(service)).find(({ status }) => status === "held"),
    );
  // At once: the window is short, and the machine may be busy.
  const answered = await held("search");
  assert.equal(pagerduty.events.length, 0, "it waits for people first");
  const denial = { decision: "deny", planHash: answered.planHash, reason: "known, being worked on" };
  const denied = await server.call("POST", `/v1/actions/${answered.id}/approvals`, { as: SECOND, body: denial });
  assert.equal(denied.status, 200, JSON.stringify(denied.body));

  const page = await eventually("the page that nobody asked for", async () =>
    (await pagesOf("cart")).find(({ status }) => status === "succeeded"),
  );
  const [review] = await pagesOf("cart");
  assert.deepEqual([review?.status, review?.code], ["expired", "hold-timeout"]);
  assert.equal(page.agent, "system:dead-man");
  assert.equal(page.incident, review?.incident);
  assert.equal(pagerduty.incidents.length, 1);
  assert.match(JSON.stringify(pagerduty.events[0]?.payload), /"signals":\["sig_/);
  assert.deepEqual(
    (await pagesOf("search")).map(({ status }) => status),
    ["denied"],
    "somebody looked at the other one",
  );
});
