// The Alertmanager example: what a user copies must say what Holdpoint needs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { z } from "zod";

const DIR = join(import.meta.dirname, "../../examples/alertmanager");

const sourceSecret = z.strictObject({
  authorization: z.strictObject({ type: z.literal("Bearer"), credentials_file: z.string().min(1) }),
});
const childSchema = z.object({ receiver: z.string(), matchers: z.array(z.string()), repeat_interval: z.string() });

const routeSchema = z.object({
  route: z.object({
    receiver: z.literal("holdpoint"),
    group_wait: z.literal("5s"),
    routes: z.tuple([
      childSchema.extend({
        receiver: z.literal("holdpoint-heartbeat"),
        matchers: z.tuple([z.literal("alertname = Watchdog")]),
      }),
      childSchema.extend({ receiver: z.literal("on-call-direct"), matchers: z.tuple([z.literal("direct = yes")]) }),
    ]),
  }),
  receivers: z.tuple([
    z.object({
      name: z.literal("holdpoint"),
      webhook_configs: z.tuple([
        z.strictObject({
          url: z.literal("http://127.0.0.1:4600/v1/signals/alertmanager"),
          send_resolved: z.literal(true),
          max_alerts: z.int().min(1).max(1000),
          http_config: sourceSecret,
        }),
      ]),
    }),
    z.object({
      name: z.literal("holdpoint-heartbeat"),
      webhook_configs: z.tuple([
        z.strictObject({
          url: z.literal("http://127.0.0.1:4600/v1/heartbeat/alertmanager"),
          send_resolved: z.literal(false),
          http_config: sourceSecret,
        }),
      ]),
    }),
    z.object({
      name: z.literal("on-call-direct"),
      pagerduty_configs: z.array(z.object({ routing_key_file: z.string() })),
    }),
  ]),
});

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z
        .array(
          z.object({
            alert: z.string(),
            expr: z.string(),
            labels: z.object({ severity: z.enum(["critical", "warning", "info"]), service: z.string().optional() }),
            annotations: z.object({ summary: z.string(), runbook_url: z.string() }),
          }),
        )
        .min(3),
    }),
  ),
});

test("the route sends firing and resolved alerts with the source's secret from a file", () => {
  const config: unknown = parse(readFileSync(join(DIR, "alertmanager.yml"), "utf8"));
  assert.deepEqual(routeSchema.safeParse(config).error?.issues ?? [], []);
});

test("every rule says how severe it is and which service it is about, by label or by series", () => {
  const config: unknown = parse(readFileSync(join(DIR, "rules.yml"), "utf8"));
  const { groups } = rulesSchema.parse(config);
  for (const rule of groups.flatMap((group) => group.rules)) {
    assert.ok(rule.labels.service !== undefined || rule.expr.includes("by (service)"), rule.alert);
  }
});

test("what watches over Holdpoint goes past it, and copies no copy", () => {
  const text = readFileSync(join(DIR, "holdpoint.yml"), "utf8");
  const rule = z.object({ alert: z.string(), expr: z.string(), labels: z.record(z.string(), z.string()) });
  const { groups } = z.object({ groups: z.array(z.object({ rules: z.array(rule) })) }).parse(parse(text));
  const rules = new Map(groups.flatMap((group) => group.rules).map((one) => [one.alert, one]));
  assert.deepEqual([...rules.keys()], ["Watchdog", "HoldpointSilent", "UnattendedAlert"]);
  for (const name of ["HoldpointSilent", "UnattendedAlert"]) assert.equal(rules.get(name)?.labels["direct"], "yes");
  assert.equal(rules.get("Watchdog")?.labels["direct"], undefined);
  assert.match(rules.get("UnattendedAlert")?.expr ?? "", /ALERTS\{alertstate="firing", direct="",/);
});
