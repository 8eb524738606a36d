// A workspace, an instance and an executor between them: what tests of major incidents begin with.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { startServicenow } from "../../examples/stand-ins/servicenow.ts";
import { startSlack, type SlackOptions } from "../../examples/stand-ins/slack.ts";
import type { JsonObject } from "../../src/core/json.ts";
import type { Executor, Plan, StepOutcome } from "../../src/wire/contracts/executor.ts";
import { executeRequest, Listener, never, planRequest, TestClock, type Stage } from "./contract.ts";
import { buildExecutor, PASSWORD } from "./fixture.ts";

export const KIND = "incident.declare-major";
const TOKEN = "xoxb-secret-TOKEN-0123456789";
const ARGS: JsonObject = {
  incident: "inc_00000001a",
  title: "cart: <!channel> nobody can pay & more",
  severity: "sev1",
  summary: "Two sources say so.\nhttps://runbooks.example.com/cart",
  team: "payments",
  justification: { signals: ["sig_000000001", "sig_000000002"], classification: { severity: "sev1", confidence: 0.9 } },
};
const GROUPS = { S0PAYMENTS: ["U0GROUPONE", "U0GROUPTWO"] };

export type World = Stage & {
  readonly slack: Awaited<ReturnType<typeof startSlack>>;
  readonly servicenow: Awaited<ReturnType<typeof startServicenow>>;
};

export async function world({
  isPrivate = false,
  ...options
}: SlackOptions & { isPrivate?: boolean } = {}): Promise<World> {
  const slack = await startSlack({ token: TOKEN, groups: GROUPS, ...options });
  const servicenow = await startServicenow({ password: PASSWORD });
  const clock = new TestClock();
  const config = {
    servicenow: { baseUrl: servicenow.url, auth: { kind: "basic", user: "holdpoint" } },
    majorIncident: {
      bridge: { kind: "slack", baseUrl: slack.url, isPrivate, callUrl: "https://meet.example.com/major-{incident}" },
      responders: {
        default: { users: ["U0DEFAULT"] },
        teams: { payments: { users: ["U0PAYONE"], groups: ["S0PAYMENTS"] } },
      },
    },
  };
  const secrets = { "servicenow/password": PASSWORD, "slack/token": TOKEN };
  return {
    clock,
    kind: KIND,
    args: ARGS,
    build: () => buildExecutor({ kind: KIND, config, clock, secrets }),
    buildWithoutSecrets: () => buildExecutor({ kind: KIND, config, clock, secrets: {} }),
    effects: () => servicenow.incidents.length,
    complaints: () => [...servicenow.complaints, ...slack.complaints],
    standIn: servicenow,
    write: { method: "POST", path: "/api/now/table/incident" },
    probe: { method: "GET", path: "/api/now/table/incident" },
    secrets: [TOKEN, PASSWORD],
    slack,
    servicenow,
    close: async () => {
      await slack.close();
      await servicenow.close();
    },
  };
}

export type Opened = {
  readonly at: World;
  readonly executor: Executor;
  readonly plan: Plan;
  readonly listener: Listener;
};

export async function opened(t: TestContext, options: SlackOptions & { isPrivate?: boolean } = {}): Promise<Opened> {
  const at = await world(options);
  t.after(() => at.close());
  const executor = at.build();
  const listener = new Listener(at);
  return { at, executor, plan: listener.hear(await executor.plan(planRequest(at), never)), listener };
}

/** As the kernel drives the step: repeats the rest of what is partly done, asks about what nobody saw. */
export async function drive(
  executor: Executor,
  { at, plan, listener }: Omit<Opened, "executor">,
  timeoutMs = 1_000,
): Promise<StepOutcome> {
  let outcome = listener.hear(await executor.execute(executeRequest(plan, timeoutMs), never));
  for (let turn = 0; turn < 12; turn++) {
    if (outcome.status === "succeeded" || outcome.status === "failed") return outcome;
    if (outcome.status === "partial" && outcome.afterMs === 0) return outcome;
    if (outcome.status === "unknown") {
      const found = listener.hear(await executor.reconcile(executeRequest(plan, timeoutMs), never));
      if (found.status === "unclear" && found.afterMs === undefined) return outcome;
      at.clock.advance(found.status === "unclear" ? (found.afterMs ?? 0) : 0);
      if (found.status === "unclear") continue;
    } else at.clock.advance(outcome.afterMs);
    outcome = listener.hear(await executor.execute(executeRequest(plan, timeoutMs), never));
  }
  return outcome;
}

export function assertWhole(at: World): void {
  const { slack, servicenow } = at;
  assert.equal(servicenow.incidents.length, 1, "one record");
  assert.equal(slack.channels.length, 1, "one channel");
  assert.equal(slack.channels[0]?.messages.length, 1, "one message");
  const members = ["U0HOLDPNT", "U0PAYONE", "U0GROUPONE", "U0GROUPTWO"];
  assert.deepEqual([...(slack.channels[0]?.members ?? [])].sort(), members.sort());
  assert.deepEqual(at.complaints(), []);
}
