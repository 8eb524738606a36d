// A major incident over the whole way: two independent signals, or a person, and then record, channel and responders.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { startPagerduty, type PagerdutyStandIn } from "../../examples/stand-ins/pagerduty.ts";
import { startServicenow, type ServicenowStandIn } from "../../examples/stand-ins/servicenow.ts";
import { startSlack, type SlackChannel, type SlackStandIn } from "../../examples/stand-ins/slack.ts";
import { createSource } from "../../src/adapters/identity/source-secrets.ts";
import type { ActionView } from "../../src/wire/types/views.ts";
import { eventually, ROUTING_KEY, SECOND, TestServer } from "./server.ts";

const PASSWORD = "stand-in-password";
const TOKEN = "xoxb-stand-in-token-0123456789";
const RANDOM = { bytes: (count: number) => randomBytes(count) };
const MAJOR = "incident.declare-major";

let pagerduty: PagerdutyStandIn;
let servicenow: ServicenowStandIn;
let slack: SlackStandIn;
let server: TestServer;
const secrets: Record<string, string> = {};

before(async () => {
  pagerduty = await startPagerduty({ routingKeys: [ROUTING_KEY] });
  servicenow = await startServicenow({ password: PASSWORD });
  slack = await startSlack({ token: TOKEN, groups: { S0ONCALL1: ["U0ONCALL1", "U0ONCALL2"] } });
  server = await TestServer.create({
    executors: {
      pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] },
      servicenow: { baseUrl: servicenow.url, auth: { kind: "basic", user: "holdpoint" } },
      majorIncident: {
        bridge: {
          kind: "slack",
          baseUrl: slack.url,
          callUrl: "https://meet.example.com/{incident}",
          settleMs: 300,
        },
        responders: { default: { groups: ["S0ONCALL1"] } },
      },
    },
    execution: { stepTimeoutMs: 3_000 },
    triage: { stage: "mim-automation" },
  });
  server.keepSecret("servicenow/password", PASSWORD);
  server.keepSecret("slack/token", TOKEN);
  const sources = join(server.dataDir, "sources");
  secrets["synthetics"] = createSource(sources, { name: "synthetics", kind: "cloudevents" }, RANDOM);
  secrets["relay"] = createSource(sources, { name: "relay", kind: "cloudevents", mapping: { derived: true } }, RANDOM);
  secrets["alertmanager"] = server.sourceSecret;
  await server.start();
});

after(async () => {
  await server.remove();
  await pagerduty.close();
  await servicenow.close();
  await slack.close();
});

/** No two services fail the same way here: they would be one incident. */
function failureOf(service: string): string {
  return `fails ${[...service].toReversed().join("")}`;
}

/** The same failure of `service`, as Alertmanager tells it. */
async function alert(service: string, { pod = "a", rule = `Checkout ${failureOf(service)}` } = {}): Promise<void> {
  const labels = { alertname: rule, environment: "production", service, severity: "sev1", pod };
  const one = {
    status: "firing",
    labels,
    annotations: { summary: "Nobody can pay <!channel>", runbook_url: "https://runbooks.example.com/checkout" },
    startsAt: new Date().toISOString(),
    endsAt: "0001-01-01T00:00:00Z",
    generatorURL: "",
    fingerprint: Buffer.from(service + pod + rule)
      .toString("hex")
      .slice(0, 16),
  };
  const body = {
    version: "4",
    groupKey: service,
    truncatedAlerts: 0,
    status: "firing",
    receiver: "holdpoint",
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: "",
    alerts: [one],
  };
  await deliver("alertmanager", body, "application/json");
}

/** The same failure as somebody else saw it, who is asked from outside. */
async function event(service: string, source: "synthetics" | "relay"): Promise<void> {
  const data = {
    name: `Checkout ${failureOf(service)}`,
    status: "firing",
    environment: "production",
    service,
    severity: "sev1",
  };
  const body = {
    specversion: "1.0",
    type: "probe.failed",
    source: "/probes/checkout",
    id: `${source}-${service}`,
    time: new Date().toISOString(),
    data,
  };
  await deliver(source, body, "application/cloudevents+json");
}

async function deliver(source: string, body: object, type: string): Promise<void> {
  const headers = { authorization: `Bearer ${secrets[source]}`, "content-type": type };
  const url = `${server.url}/v1/signals/${source}`;
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(response.ok, `${response.status} ${await response.text()}`);
}

/** What triage asked for about this service, the oldest first. */
async function majors(service: string): Promise<readonly ActionView[]> {
  const { body } = await server.call("GET", `/v1/actions?kind=${MAJOR}&service=${service}`);
  return (body as { items: ActionView[] }).items.toReversed();
}

function settled(service: string, count: number): Promise<readonly ActionView[]> {
  return eventually(`${count} decisions about ${service}`, async () => {
    const all = await majors(service);
    const isDecided = all.every(({ status }) => !["proposed", "evaluating", "granted", "executing"].includes(status));
    return all.length === count && isDecided ? all : undefined;
  });
}

function channelsOf(service: string): readonly SlackChannel[] {
  return slack.channels.filter(({ name }) => name.startsWith(`inc-${service}-`));
}

function recordsOf(service: string): readonly Readonly<Record<string, unknown>>[] {
  return servicenow.incidents.filter(({ correlation_id: key, short_description: title }) => {
    return String(key).endsWith(":major") && String(title).includes(` ${service}: `);
  });
}

async function ended(id: string): Promise<ActionView> {
  return eventually(`the end of ${id}`, async () => {
    const action = (await server.call("GET", `/v1/actions/${id}`)).body as ActionView;
    return action.endedAt === null ? undefined : action;
  });
}

function assertOpened(service: string, incident: string): void {
  const [record, ...moreRecords] = recordsOf(service);
  const [channel, ...moreChannels] = channelsOf(service);
  assert.ok(record !== undefined && channel !== undefined);
  assert.deepEqual([moreRecords, moreChannels], [[], []]);
  assert.equal(record["major_incident_state"], "accepted");
  assert.match(String(record["correlation_id"]), new RegExp(`:${incident}:major$`));
  assert.match(channel.topic, new RegExp(`^sev1 · ${service} in production · ${incident}`));
  assert.equal(channel.messages.length, 1);
  const { text } = channel.messages[0] as { text: string };
  for (const part of [
    `Record: ${String(record["number"])}`,
    `<https://meet.example.com/${incident}>`,
    "<!subteam^S0ONCALL1>",
    "sig_",
    '"confidence":0.9',
    "Granted as grt_",
  ]) {
    assert.ok(text.includes(part), `${part} is in ${text}`);
  }
  assert.ok(!text.includes("<!channel>"), "no signal calls everybody");
  assert.deepEqual([...channel.members].sort(), ["U0HOLDPNT", "U0ONCALL1", "U0ONCALL2"]);
  assert.deepEqual([...slack.complaints, ...servicenow.complaints], []);
}

it("two independent signals open a major incident, and one alone never does", async () => {
  await alert("checkout");
  const [first] = await settled("checkout", 1);
  assert.equal(first?.status, "held");
  assert.ok(first.evaluation?.verdicts.some(({ code }) => code === "not-confirmed"));
  // The same detector again, another of the same source, and what only repeats them: one voice still.
  await alert("checkout", { pod: "b" });
  await event("checkout", "relay");
  await settled("checkout", 2);
  assert.deepEqual([recordsOf("checkout"), channelsOf("checkout")], [[], []]);

  await event("checkout", "synthetics");
  const confirmed = (await settled("checkout", 3)).at(-1);
  assert.equal(confirmed?.status, "succeeded", JSON.stringify(confirmed));
  const whole = await ended(confirmed.id);
  assert.ok(whole.evaluation?.verdicts.some(({ code }) => code === "confirmed"));
  assertOpened("checkout", confirmed.incident ?? "");
  assert.equal(pagerduty.incidents.length, 1, "whoever is on call was paged once");
});

it("with one signal it is a person who decides, and whose approval opens it", async () => {
  await alert("search");
  const [held] = await settled("search", 1);
  assert.equal(held?.status, "held");
  const { code, text } = server.holdpoint(["approve", held.id, "--yes", "--reason", "customers call"], SECOND);
  assert.equal(code, 0, text);
  assert.equal((await ended(held.id)).status, "succeeded");
  assertOpened("search", held.incident ?? "");
});

it("a denial opens nothing", async () => {
  await alert("images");
  const [held] = await settled("images", 1);
  server.holdpoint(["deny", held?.id ?? "", "--yes", "--reason", "a drill"], SECOND);
  assert.equal((await ended(held?.id ?? "")).status, "denied");
  assert.deepEqual([recordsOf("images"), channelsOf("images")], [[], []]);
});

it("whatever Slack does meanwhile, and a crash in between, each part is there once", async () => {
  slack.fail({ path: "/api/conversations.create", mode: "act-then-drop" });
  slack.fail({ path: "/api/conversations.setTopic", mode: "rate-limit", retryAfter: "1" });
  slack.fail({ path: "/api/chat.postMessage", mode: "act-then-hang" });
  await event("mail", "synthetics");
  await alert("mail");
  await eventually("a message under way", () => (channelsOf("mail")[0]?.messages.length === 1 ? true : undefined));
  await server.restart();
  const done = await eventually("the end", async () =>
    (await majors("mail")).find(({ status }) => ["succeeded", "failed", "needs-attention"].includes(status)),
  );
  assert.equal(done.status, "succeeded", JSON.stringify(await ended(done.id)));
  assertOpened("mail", done.incident ?? "");
});

it("what no repeat mends is left to people with its name, and the rest stands", async () => {
  slack.refuse("usergroups.users.list", "missing_scope", 9);
  await event("video", "synthetics");
  await alert("video");
  const stuck = await eventually("an end", async () =>
    (await majors("video")).find(({ status }) => status === "needs-attention"),
  );
  const { text } = server.holdpoint(["describe", "action", stuck.id]);
  assert.match(text, /responders-missing/);
  assert.equal(channelsOf("video")[0]?.messages.length, 1);
  assert.equal(recordsOf("video").length, 1);
});

it("it is taken back by people: the record's state, and the channel", async () => {
  const [declared] = (await majors("search")).filter(({ status }) => status === "succeeded");
  const proposal = {
    kind: "incident.retract-major",
    target: { environment: "production", service: "search" },
    arguments: { incident: declared?.incident ?? "" },
  };
  const proposed = await server.propose(proposal, "retract");
  assert.equal(proposed.body.status, "held", JSON.stringify(proposed.body));
  const { code, text } = server.holdpoint(["approve", proposed.body.id, "--yes", "--reason", "false alarm"], SECOND);
  assert.equal(code, 0, text);
  assert.equal((await ended(proposed.body.id)).status, "succeeded");
  assert.equal(recordsOf("search")[0]?.["major_incident_state"], "canceled");
  assert.equal(channelsOf("search")[0]?.isArchived, true);
});
