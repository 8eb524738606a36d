// The payload templates in examples/sources, filled in as their vendors would, are what our readers take.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { parse } from "yaml";
import { normalizeDelivery } from "../../src/signals/normalize-delivery.ts";
import { signalMappingSchema } from "../../src/wire/schemas/signal.ts";
import type { NormalizedSignal, Signal } from "../../src/wire/types/signal.ts";
import type { SourceKind } from "../../src/wire/types/source-kinds.ts";

const EXAMPLES = join(import.meta.dirname, "..", "..", "examples", "sources");
const read = (name: string): string => readFileSync(join(EXAMPLES, name), "utf8");

const RECEIVED_MS = Date.parse("2026-11-20T10:01:00Z");
const STARTED_MS = Date.parse("2026-11-20T10:00:00Z");

function normalize(kind: SourceKind, body: unknown): NormalizedSignal {
  const delivery = {
    body,
    headers: {},
    receivedAtMs: RECEIVED_MS,
    telemetry: null,
    thresholds: [],
    ownKeys: { pagerduty: "log/", servicenow: "log:" },
  };
  const mapping = signalMappingSchema.parse({});
  const [one, ...more] = normalizeDelivery(kind, delivery, { source: kind, mapping, receivedAtMs: RECEIVED_MS });
  assert.ok(one !== undefined && more.length === 0);
  return one;
}

function signalOf(kind: SourceKind, text: string): Signal {
  const one = normalize(kind, JSON.parse(text));
  assert.ok(one.kind === "signal", JSON.stringify(one));
  const { environment, service, startedAt } = one.signal;
  assert.deepEqual([environment, service, startedAt], ["production", "cart", STARTED_MS]);
  return one.signal;
}

/** Every place of a template has a value, and every value a place. */
function fill(template: string, places: RegExp, values: Readonly<Record<string, string>>): string {
  const used = new Set<string>();
  const text = template.replaceAll(places, (_, name: string) => {
    assert.ok(values[name] !== undefined, name);
    used.add(name);
    return values[name];
  });
  assert.deepEqual([...used].sort(), Object.keys(values).sort());
  return text;
}

test("Datadog's variables, and what its monitor says, fire and recover one alert", () => {
  // https://docs.datadoghq.com/integrations/webhooks/#variables
  const values = {
    ALERT_ID: "1234",
    ALERT_CYCLE_KEY: "8231734",
    AGGREG_KEY: "9bd4ac313a4d1e8fae2482df7b77628",
    EVENT_TITLE: "[Triggered on {host:ip-012345}] HighErrorRate",
    ALERT_TRANSITION: "Triggered",
    ALERT_PRIORITY: "P1",
    ALERT_TYPE: "error",
    ALERT_STATUS: "errors over env:production was > 5",
    ALERT_SCOPE: "env:production,service:cart",
    TAGS: "monitor, team:shop",
    HOSTNAME: "",
    LINK: "https://app.datadoghq.com/event/jump_to?event_id=123456",
    DATE: String(STARTED_MS),
  };
  const fired = signalOf("datadog", fill(read("datadog.json"), /\$([A-Z_]+)/g, values));
  assert.equal(fired.claimedSeverity, "sev1");
  const over = { ...values, ALERT_TRANSITION: "Recovered", ALERT_TYPE: "success", DATE: String(STARTED_MS) };
  const ended = signalOf("datadog", fill(read("datadog.json"), /\$([A-Z_]+)/g, over));
  assert.equal(ended.deliveryKey, fired.deliveryKey.replace(":firing", ":resolved"));
});

test("Dynatrace's placeholders make a problem", () => {
  const values = {
    State: "OPEN",
    PID: "99999",
    ProblemID: "999",
    ProblemTitle: "HighErrorRate",
    ProblemSeverity: "AVAILABILITY",
    ProblemImpact: "SERVICE",
    ProblemURL: "https://example.live.dynatrace.com/#problems/problemdetails;pid=99999",
    Tags: "environment:production, service:cart",
    ImpactedEntities: '[{"type": "HOST", "name": "MyHost1", "entity": "HOST-5B9CE4CB98185"}]',
    ProblemDetailsJSON: `{"ID": "99999", "startTime": ${STARTED_MS}, "endTime": -1}`,
  };
  const template = read("dynatrace.txt");
  assert.equal(signalOf("dynatrace", fill(template, /\{([A-Za-z]+)\}/g, values)).claimedSeverity, "high");
});

test("New Relic's variables make an issue, with the tags of its entities or without", () => {
  const values: Record<string, unknown> = {
    issueId: "6f3c0ff0-4f0a-4d0f-9f5c-0d1f1e0c1a2b",
    "annotations.title.[0]": "HighErrorRate on cart",
    state: "ACTIVATED",
    priority: "CRITICAL",
    createdAt: STARTED_MS,
    updatedAt: STARTED_MS,
    issuePageUrl: "https://radar-api.service.newrelic.com/accounts/1/issues/6f3c0ff0",
    "accumulations.conditionName": ["HighErrorRate"],
    "accumulations.tag.environment": ["production"],
    "accumulations.tag.service": ["cart"],
    "entitiesData.names": ["cart-1", "cart-2"],
  };
  const render = (of: Record<string, unknown>): string =>
    read("newrelic.txt")
      .replaceAll(
        /\{\{#if ([\w.]+)\}\}(.*?)\{\{else\}\}(.*?)\{\{\/if\}\}/g,
        (_, name: string, yes: string, no: string) => (of[name] === undefined ? no : yes),
      )
      .replaceAll(/\{\{ (?:json )?([\w.[\]]+) \}\}/g, (_, name: string) => {
        assert.ok(name in of, name);
        return JSON.stringify(of[name]);
      });
  const fired = signalOf("newrelic", render(values));
  const closed = signalOf("newrelic", render({ ...values, state: "CLOSED", closedAt: STARTED_MS + 5000 }));
  assert.equal(closed.deliveryKey, fired.deliveryKey.replace(":firing", ":resolved"));
  const { "accumulations.tag.environment": _, ...untagged } = values;
  const aside = normalize("newrelic", JSON.parse(render(untagged)));
  assert.ok(aside.kind === "quarantined" && aside.quarantined.reason === "environment-missing");
});

test("Argo CD's template makes a change out of an Application as Argo CD has it", () => {
  const application: Record<string, unknown> = {
    metadata: { name: "cart-production", labels: { environment: "production", service: "cart" } },
    spec: { project: "shop" },
    status: {
      health: { status: "Healthy" },
      operationState: {
        phase: "Succeeded",
        startedAt: "2026-11-20T09:59:50Z",
        finishedAt: "2026-11-20T10:00:00Z",
        syncResult: { revision: "c80e45fd3a6f1ea1cc4a5a5bbbd1a6ab29c8f5c9" },
      },
    },
  };
  const config = parse(read("argocd.yaml")) as { data: Record<string, string> };
  const template = parse(config.data["template.holdpoint-sync"] ?? "") as { webhook: { holdpoint: { body: string } } };
  const at = (path: readonly string[]): unknown =>
    path.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], application) ?? "";
  const text = template.webhook.holdpoint.body.replaceAll(/\{\{ (.*?) \| toJson \}\}/g, (_, said: string) => {
    if (said.startsWith("printf")) return '"https://argocd.example.org/applications/cart-production"';
    if (said === ".app.metadata.name") return '"cart-production"';
    const words = [...said.matchAll(/"([^"]*)"/g)].map(([, word = ""]) => word);
    assert.ok(said.startsWith("dig ") && said.endsWith('"" .app'), said);
    return JSON.stringify(at(words.slice(0, -1)));
  });
  const signal = signalOf("argocd", text);
  assert.deepEqual([signal.nature, signal.labels["version"]], ["change", "c80e45fd3a6f1ea1cc4a5a5bbbd1a6ab29c8f5c9"]);
  const service = parse(config.data["service.webhook.holdpoint"] ?? "") as {
    headers: { name: string; value: string }[];
  };
  assert.deepEqual(service.headers.map(({ name }) => name).sort(), ["Authorization", "Content-Type"]);
});

test("ServiceNow's business rule tells how an incident stands, and that it was reopened", () => {
  const stored: Record<string, string> = {
    number: "INC0010023",
    state: "2",
    sys_mod_count: "4",
    priority: "1",
    short_description: "HighErrorRate",
    correlation_id: "",
    opened_at: "2026-11-20 10:00:00",
    resolved_at: "",
    sys_updated_on: "2026-11-20 10:00:30",
  };
  const sent: string[] = [];
  const run = (fields: Record<string, string>, before: string, hasField = false): void => {
    class RESTMessageV2 {
      readonly names: readonly string[];
      constructor(...names: string[]) {
        this.names = names;
      }
      setRequestBody(text: string): void {
        sent.push(text);
      }
      executeAsync(): void {
        assert.deepEqual(this.names, ["Holdpoint", "post"]);
      }
    }
    const current = {
      operation: () => "update",
      getUniqueValue: () => "a83820b58f723300e7e16c7827bdeed2",
      // As GlideRecord does: null for an empty field.
      getValue: (name: string) => ({ ...stored, ...fields })[name] || null,
      isValidField: (name: string) => name === "reopened_time" && hasField,
      assigned_to: { nil: () => true },
      business_service: { nil: () => false, getDisplayValue: () => "Cart", used_for: "Production" },
    };
    const previous = { getValue: () => before };
    const gs = { getProperty: () => "https://acme.service-now.com/", error: (text: string) => assert.fail(text) };
    runInNewContext(read("servicenow.js"), { current, previous, gs, sn_ws: { RESTMessageV2 }, JSON });
  };
  run({}, "1");
  assert.equal(signalOf("servicenow", sent[0] ?? "").claimedSeverity, "sev1");
  run({ correlation_id: "log:act_000000042" }, "6");
  const ours = normalize("servicenow", JSON.parse(sent[1] ?? ""));
  assert.ok(ours.kind === "tracked");
  assert.deepEqual([ours.tracked.subject, ours.tracked.state], ["act_000000042", "reopened"]);
  run({ opened_at: "2026-11-20 09:00:00", reopened_time: "2026-11-20 10:00:00" }, "2", true);
  signalOf("servicenow", sent[2] ?? "");
});

test("the exporter of Kubernetes events sends warnings alone, with the secret as a bearer token", () => {
  const config = parse(read("kubernetes.yaml")) as {
    route: { routes: { match: { type: string; receiver: string }[] }[] };
    receivers: { name: string; webhook: { endpoint: string; headers: Record<string, string> } }[];
  };
  assert.deepEqual(config.route.routes[0]?.match, [{ type: "Warning", receiver: "holdpoint" }]);
  const [receiver] = config.receivers;
  assert.deepEqual(receiver?.webhook.headers, { Authorization: "Bearer ${HOLDPOINT_SECRET}" });
  assert.ok(receiver.webhook.endpoint.endsWith("/v1/signals/kubernetes"));
});
