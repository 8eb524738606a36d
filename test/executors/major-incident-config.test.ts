// What the configuration of major incidents refuses, and where it may reach.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig } from "../../src/main/config.ts";
import { allowedOrigins } from "../../src/main/egress.ts";
import { executorsConfigSchema } from "../../src/wire/schemas/executors-config.ts";
import { TestClock } from "./contract.ts";
import { buildExecutor } from "./fixture.ts";
import { KIND } from "./major-stage.ts";

const SERVICENOW = { baseUrl: "https://example.service-now.com", auth: { kind: "basic", user: "holdpoint" } };
const BRIDGE = { kind: "slack" };
const RESPONDERS = { default: { users: ["U0DEFAULT"] } };
const BAD: readonly (readonly [string, unknown, RegExp])[] = [
  ["without ServiceNow", { majorIncident: { bridge: BRIDGE, responders: RESPONDERS } }, /needs executors\.servicenow/],
  [
    "with nobody to call",
    { servicenow: SERVICENOW, majorIncident: { bridge: BRIDGE, responders: { default: {} } } },
    /names nobody/,
  ],
  [
    "with a name instead of an id",
    { servicenow: SERVICENOW, majorIncident: { bridge: BRIDGE, responders: { default: { users: ["@ada"] } } } },
    /Slack user id/,
  ],
  [
    "with a plain http call link",
    {
      servicenow: SERVICENOW,
      majorIncident: { bridge: { ...BRIDGE, callUrl: "http://meet.example.com" }, responders: RESPONDERS },
    },
    /https address/,
  ],
  [
    "with another placeholder",
    {
      servicenow: SERVICENOW,
      majorIncident: { bridge: { ...BRIDGE, callUrl: "https://meet.example.com/{token}" }, responders: RESPONDERS },
    },
    /https address/,
  ],
  [
    "with a field that Holdpoint sets",
    {
      servicenow: SERVICENOW,
      majorIncident: { record: { fields: { correlation_id: "x" } }, bridge: BRIDGE, responders: RESPONDERS },
    },
    /sets one of these itself/,
  ],
  [
    "with a token in it",
    { servicenow: SERVICENOW, majorIncident: { bridge: { ...BRIDGE, token: "xoxb-1" }, responders: RESPONDERS } },
    /Unrecognized key/,
  ],
];
for (const [name, config, message] of BAD) {
  test(`a configuration ${name} is refused, and says why`, () => {
    const parsed = executorsConfigSchema.safeParse(config);
    assert.equal(parsed.success, false);
    assert.match(parsed.error?.issues.map((issue) => issue.message).join("; ") ?? "", message);
  });
}

test("Slack, PagerDuty and an Enterprise Server may be reached where they are configured, and nowhere else", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-major-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const origins = (executors: object): readonly string[] => {
    writeFileSync(join(dir, "holdpoint.yaml"), JSON.stringify({ executors }));
    return allowedOrigins(loadConfig({ HOLDPOINT_DATA: dir, HOME: "/nonexistent" }));
  };
  const majorIncident = { bridge: BRIDGE, responders: RESPONDERS };
  assert.deepEqual(origins({ servicenow: SERVICENOW }), ["https://example.service-now.com"]);
  assert.deepEqual(origins({ servicenow: SERVICENOW, majorIncident }), [
    "https://example.service-now.com",
    "https://slack.com",
  ]);
  const user = { id: "PHOLDPNT", email: "holdpoint@example.com" };
  const api = { baseUrl: "https://api.eu.pagerduty.com", user };
  const place = { name: "shop", environment: "staging", service: "web", repository: "acme/shop", paths: ["deploy/"] };
  const github = { baseUrl: "https://ghe.example.com/api/v3", repositories: [place] };
  assert.deepEqual(origins({ pagerduty: { integrations: ["default"], api }, github }), [
    "https://events.pagerduty.com",
    "https://api.eu.pagerduty.com",
    "https://ghe.example.com",
  ]);
  const plain = { ...github, baseUrl: "http://ghe.example.com/api/v3" };
  assert.throws(() => origins({ github: plain }), { code: "config-invalid" });
});

test("only https leaves this machine for Slack", () => {
  const config = {
    servicenow: SERVICENOW,
    majorIncident: { bridge: { ...BRIDGE, baseUrl: "http://slack.com" }, responders: RESPONDERS },
  };
  assert.throws(() => buildExecutor({ kind: KIND, config, clock: new TestClock() }), /only https leaves this machine/);
});
