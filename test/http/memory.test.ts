// What incidents leave behind, for the next one like them: shown while policy keeps it, and erased when it does not.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it, test } from "node:test";
import { openSqliteReader } from "../../src/adapters/stores/sqlite-reader.ts";
import { storeSource } from "../../src/ledger/store-source.ts";
import { verifyLog } from "../../src/ledger/verify.ts";
import { loadKeys } from "../../src/main/keys.ts";
import { systemClock } from "../../src/main/system.ts";
import { normalizeDelivery } from "../../src/signals/normalize-delivery.ts";
import { MODEL_FORMAT, type ModelDraft } from "../../src/model/events.ts";
import { Graph } from "../../src/model/graph.ts";
import { signalMappingSchema } from "../../src/wire/schemas/signal.ts";
import type { ExplainedCause } from "../../src/wire/types/explanation.ts";
import type { DraftTrial, IncidentExplanationView, IncidentView } from "../../src/wire/types/incident-views.ts";
import type { ModelCausesView, ModelGraphView } from "../../src/wire/types/model-views.ts";
import type { Signal } from "../../src/wire/types/signal.ts";
import type { Recorder } from "../history/recorder.ts";
import { delivery, startServer, type Ask } from "./fixture.ts";
import { writeModelPast, writePast } from "./past.ts";
import { openTerminal } from "../cli/terminal.ts";
import { DAY_S, nodeText, recordShop, simulate, STEP_S, type Run } from "../model/emergent-shop.ts";
import { culprit, DAYS, EMBEDS, innocentChanges } from "../model/emergent-week.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: open }
spec:
  match: { actions: ["kubernetes.*", "record.note"] }
  route: pair
  rules:
    - { name: restarts, when: 'action.kind == "kubernetes.restart"', decision: allow }
    - { name: others, decision: hold }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: pair }
spec: { steps: [{ roles: [owner], within: 10m }] }
`;

const DAY_MS = 86_400_000;
const MONTH_MS = 30.4375 * DAY_MS;
const NOW_MS = systemClock.nowMs();
const ALERT = { labels: { alertname: "OrdersFail", service: "checkout" } };
const CHAIN = ["change:payments@2", "service:production:payments", "service:production:checkout"];
const cause = (change: string): ExplainedCause => {
  return { kind: "change", cause: change, changeKind: "deploy", scorePpm: 900_000, chain: CHAIN };
};

let server: Awaited<ReturnType<typeof startServer>>;
let reader: string;
/** The oldest first: two that are over, and two that are remembered. */
const past: string[] = [];

/** The alert as the server will read it. */
function heard(): Signal {
  const receivedAtMs = NOW_MS;
  const none = { headers: {}, telemetry: null, thresholds: [], ownKeys: { pagerduty: "", servicenow: "" } };
  const told = { ...none, body: delivery(ALERT), receivedAtMs };
  const [read] = normalizeDelivery("alertmanager", told, {
    source: "alertmanager",
    mapping: signalMappingSchema.parse({}),
    receivedAtMs,
  });
  assert.ok(read?.kind === "signal");
  return read.signal;
}

/** The same alert fires and ends, and the model says what it was. */
function happen(recorder: Recorder, change: string): void {
  const { detector, environment, service, signature, failure, claimedSeverity } = heard();
  const facts = { source: "alertmanager", detector, environment, service, signature, failure, claimedSeverity };
  for (const status of ["firing", "resolved"] as const) {
    const input = { ...facts, status, deliveryKey: `${change}:${status}` };
    recorder.submit({ type: "receive-signal", actor: "source:alertmanager", input });
    const [run] = recorder.state.runs.keys();
    const none = { classification: null, classifier: null, code: "no-classifier", problems: [] };
    if (run !== undefined) recorder.submit({ type: "classify-run", actor: "system:effects", input: { run, ...none } });
    recorder.nowMs += 60_000;
  }
  const incident = [...recorder.state.resolved.keys()].at(-1) ?? "";
  const explanation = { modelVersion: 7, causes: [cause(change)] };
  const content = { evidence: [[`what spoke for ${change}`]] };
  recorder.submit({ type: "explain-incident", actor: "system:effects", input: { incident, explanation }, content });
  past.push(incident);
}

/** A restart that policy allowed, and whose grant ran out. */
function restart(recorder: Recorder): void {
  const own = { kind: "kubernetes.restart", environment: "production", service: "payments", resource: null };
  const by = { agentKind: "person", person: "bob", requestHash: "r", planHash: "p" } as const;
  const how = { repeat: "idempotent", effect: "external", reversible: false, idempotencyKey: null } as const;
  recorder.submit({ type: "propose-action", actor: "person:bob", input: { ...own, ...by, ...how } });
  recorder.nowMs += DAY_MS;
  recorder.submit({ type: "tick", actor: "system:kernel", input: {} });
}

/** Beside the shop a search whose index answers late in the last hour, without an error; half an hour on, people ask again. */
function withSearch({ instants, worst }: Run): Run {
  const lateS = DAYS * DAY_S - 6 * STEP_S;
  for (const { atS, instant } of instants) {
    const slower = atS >= lateS ? 12 : 1 + (atS % 7) / 100;
    const perSecond = atS >= lateS + 3 * STEP_S ? 200 : 50 + (atS % 11);
    const index = { perSecond, errorRatio: 0.0005, p95Ms: 40 * slower };
    instant.nodes.set("index", index).set("search", { ...index, p95Ms: 10 + index.p95Ms });
    instant.calls.set("search index", index);
  }
  return { instants, worst };
}

/** Six days of a shop that ended just now: a library's default timeout was lowered on the second, and carts fail since the peak. */
function week(): readonly { readonly draft: ModelDraft; readonly timeMs: number }[] {
  const changes = [...innocentChanges(1, 40), culprit];
  const told: { draft: ModelDraft; timeMs: number }[] = [];
  const graph = new Graph();
  graph.apply({ seq: 0, time: 0, type: "model.opened", facts: { format: MODEL_FORMAT } });
  const beginS = Math.floor(NOW_MS / 1000) - DAYS * DAY_S;
  const keep = (draft: ModelDraft, timeMs: number): void => void told.push({ draft, timeMs });
  recordShop(withSearch(simulate(changes, DAYS)), changes, EMBEDS, { beginS, graph, keep });
  return told;
}

before(async () => {
  let cut = 0;
  server = await startServer({
    policy: POLICY,
    settings: "model: { windowSeconds: 1 }",
    past: async (places) => {
      await writePast(places, POLICY, {
        tell(recorder) {
          for (const [monthsAgo, change] of [
            [27, "old@1"],
            [25, "old@2"],
            [3, "payments@1"],
            [1, "payments@2"],
          ] as const) {
            recorder.nowMs = NOW_MS - monthsAgo * MONTH_MS;
            if (change === "payments@2") restart(recorder);
            happen(recorder, change);
            if (change === "old@1") cut = recorder.groups.at(-1)?.[0]?.seq ?? 0;
          }
        },
        // As after a crash: the key is gone, and nothing says so.
        afterwards: async (writer) => assert.equal(await writer.erase([String(cut)]), 1),
      });
      await writeModelPast(places, week());
    },
  });
  reader = await server.bearer("ada");
  const body = delivery(ALERT);
  const fired = await server.ask("/v1/signals/alertmanager", { method: "POST", as: `Bearer ${server.secret}`, body });
  assert.equal(fired.status, 202, fired.text);
});
after(() => server?.stop());

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

async function ask<T>(path: string, more: Ask = {}): Promise<T> {
  const { status, json, text } = await server.ask(path, { as: reader, ...more });
  assert.ok(status < 300, text);
  return json as unknown as T;
}

/** An alert of that service fires, or ends, and its triage is over. */
async function fire(service: string, alertname: string, status: "firing" | "resolved"): Promise<void> {
  const ends = status === "resolved" ? { endsAt: new Date(systemClock.nowMs()).toISOString() } : {};
  const startsAt = new Date(NOW_MS).toISOString();
  const body = delivery({ status, startsAt, ...ends, labels: { alertname, service } });
  const sent = { method: "POST", as: `Bearer ${server.secret}`, body };
  assert.equal((await server.ask("/v1/signals/alertmanager", sent)).status, 202);
  const { state } = server.running.kernel;
  for (let tries = 0; tries < 4_000 && state.runs.size > 0; tries++) await pause();
}

/** The incident of that service, as soon as what explains it is recorded. */
async function explainedOf(service: string): Promise<IncidentView> {
  const listed = async () => (await ask<{ items: IncidentView[] }>(`/v1/incidents?service=${service}`)).items.at(-1);
  for (let tries = 0; tries < 4_000 && (await listed())?.explained == null; tries++) await pause();
  const incident = await listed();
  assert.ok(incident?.explained, JSON.stringify(incident));
  return incident;
}

type Memory = {
  readonly similar: readonly (Pick<IncidentView, "id" | "resolution"> & {
    by: string[];
    cause: ExplainedCause | null;
  })[];
  readonly draft: string | null;
  readonly trial: DraftTrial | null;
};

describe("a failure that emerges days after its cause", { timeout: 240_000 }, () => {
  const STOREFRONT = nodeText("storefront");
  const WAY = [`change:${culprit.id}`, "library::redis-client", nodeText("cart"), STOREFRONT];

  it("is laid to that change, first and with the whole chain, over the API and on the command line alike", async () => {
    type Found = Pick<ModelCausesView, "none" | "causes" | "suffering">;
    const found = await ask<Found>("/v1/model/causes", { body: { node: STOREFRONT, measure: "errors" } });
    const [first, second] = found.causes;
    assert.deepEqual([found.none, first?.kind, first?.change, first?.chain], [false, "change", culprit.id, WAY]);
    assert.ok((first?.score ?? 0) > (second?.score ?? 0));
    assert.match(first?.evidence.join() ?? "", /defaults\.timeout: 40 to 14 ms/);

    const before = { node: STOREFRONT, measure: "errors", at: String(NOW_MS - DAY_S * 1000) };
    const calm = await ask<Found>("/v1/model/causes", { body: before });
    assert.deepEqual([calm.none, calm.causes], [true, []], "a day before nothing had failed");

    const [, token] = reader.split(" ");
    const folder = server.dataDir;
    const terminal = openTerminal({ configDir: folder, dataDir: folder, server: server.url });
    const { code, out, err } = await terminal(["model", "causes", STOREFRONT], { env: { token } });
    assert.equal(code, 0, err);
    assert.match(out, new RegExp(`^1\\. change ${culprit.id} .*\n {3}${WAY.join(" → ")}\n`));
  });

  it("is remembered with that chain when its incident has ended, and shown with the next one of its services", async () => {
    await fire("storefront", "PagesFail", "firing");
    await fire("storefront", "PagesFail", "resolved");
    const incident = await explainedOf("storefront");
    assert.deepEqual([incident.explained?.measure, incident.explained?.causes[0]?.chain], ["errors", WAY]);
    const { draft } = await ask<Memory>(`/v1/incidents/${incident.id}/memory`);
    assert.match(draft ?? "", /services: \["cart", "storefront"\]/);

    await fire("storefront", "SlowPages", "firing");
    const { items } = await ask<{ items: IncidentView[] }>("/v1/incidents?status=open&service=storefront");
    const { similar } = await ask<Memory>(`/v1/incidents/${items[0]?.id}/memory`);
    assert.deepEqual([similar[0]?.id, similar[0]?.cause?.chain], [incident.id, WAY]);
  });

  it("is in the graph as the cause of its incident, beside what had happened before the server began", async () => {
    const seen = () => ask<ModelGraphView>("/v1/model?kind=deploy,change,library,service,incident,action&limit=2000");
    const isCause = ({ kind, from, to }: ModelGraphView["edges"][number]): boolean =>
      kind === "caused" && to.startsWith("incident:production:") && from.endsWith(culprit.id.toLowerCase());
    for (let tries = 0; tries < 4_000 && !(await seen()).edges.some(isCause); tries++) await pause();
    const { nodes, edges } = await seen();
    assert.ok(edges.some(isCause), JSON.stringify(edges.filter(({ kind }) => kind === "caused")));
    const ids = new Set(nodes.map(({ id }) => id));
    for (const id of past) assert.ok(ids.has(`incident:production:${id}`), id);
    const actions = nodes.map(({ kind, declared }) => (kind === "action" ? declared?.attributes : undefined));
    const restarted = actions.find((one) => one?.["kind"] === "kubernetes.restart");
    assert.equal(restarted?.["status"], "expired");
  });
});

test("an incident of latency alone is explained by what was late first, and not by those who then asked again", async () => {
  await fire("search", "SearchIsLate", "firing");
  await fire("search", "SearchIsLate", "resolved");
  const { id, explained } = await explainedOf("search");
  const way = [nodeText("index"), nodeText("search")];
  assert.deepEqual(
    explained?.causes.map(({ kind, chain }) => [kind, chain]),
    [["outside", way]],
  );
  const told = await ask<IncidentExplanationView>(`/v1/incidents/${id}/explanation`);
  assert.deepEqual(told.symptom, { node: nodeText("search"), measure: "latency" });
  assert.match(told.causes[0]?.evidence.join() ?? "", /latency_p95_ms of service:production:index/);
  const body = { ...told.symptom, at: String(told.at), knownAt: String(told.recordedAt) };
  const again = await ask<ModelCausesView>("/v1/model/causes", { body });
  assert.deepEqual(again.causes[0]?.chain, way);
  const asErrors = await ask<ModelCausesView>("/v1/model/causes", { body: { ...body, measure: "errors" } });
  assert.equal(asErrors.causes[0]?.kind, "traffic", "what asking about errors would have blamed");
});

describe("the same failure again and again", { timeout: 240_000 }, () => {
  it("shows with each time the chain and the end of those before, as far as policy remembers them", async () => {
    const [, , first = "", second = ""] = past;
    const told = ({ similar }: Memory): unknown =>
      similar.map(({ id, by, cause: laidTo, resolution }) => [id, by.join(), laidTo?.cause, laidTo?.chain, resolution]);
    const before = [first, "signature,structure,change", "payments@1", CHAIN, "all-clear"];
    assert.deepEqual(told(await ask(`/v1/incidents/${second}/memory`)), [before]);
    const { items } = await ask<{ items: IncidentView[] }>("/v1/incidents?status=open&service=checkout");
    const now = await ask<Memory>(`/v1/incidents/${items[0]?.id}/memory`);
    assert.deepEqual(told(now), [
      [second, "signature,structure", "payments@2", CHAIN, "all-clear"],
      [first, "signature,structure", "payments@1", CHAIN, "all-clear"],
    ]);
    assert.deepEqual([now.draft, now.trial], [null, null], "it is not over");
  });

  it("is told to whoever asks before acting on a service that stood in the chain", async () => {
    const model = await ask<{ modelVersion: number }>("/v1/model");
    assert.ok(model.modelVersion >= 0);
    const change = { id: "payments@3", kind: "deploy", targets: ["service:production:payments"] };
    await ask("/v1/model/changes", { body: change });
    type Asked = { history: { incidents: { id: string; cause: ExplainedCause; resolution: string }[] } };
    const body = { target: "service:production:payments", action: { kind: "kubernetes.restart" } };
    const { history } = await ask<Asked>("/v1/model/predict", { body });
    const [, , first, second] = past;
    const told = history.incidents.map(({ id, cause: laidTo, resolution }) => [id, laidTo.chain, resolution]);
    assert.deepEqual(told, [
      [second, CHAIN, "all-clear"],
      [first, CHAIN, "all-clear"],
    ]);
  });

  it("suggests a policy that asks people, and says what that would have changed", async () => {
    const { draft, trial } = await ask<Memory>(`/v1/incidents/${past[3]}/memory`);
    assert.match(draft ?? "", /actions: \["argocd\.\*", "github\.\*", "kubernetes\.\*"\]/);
    assert.match(draft ?? "", /services: \["checkout", "payments"\]\n {2}route: "pair"/);
    const { decisions, wouldHold, held, refused, examples } = trial as DraftTrial;
    assert.deepEqual([decisions > 0, wouldHold, held, refused, examples.length], [true, 1, 0, 0, 1]);
    const { kind } = await ask<{ kind: string }>(`/v1/actions/${examples[0]}`);
    assert.equal(kind, "kubernetes.restart");
    const files = [
      { path: "past.yaml", text: POLICY },
      { path: "after.yaml", text: draft ?? "" },
    ];
    const { problems } = await ask<{ problems: unknown[] }>("/v1/policies/lint", { body: { files } });
    assert.deepEqual(problems, []);
  });

  it("is forgotten when its time is over: erased and on record, also where a crash cut that, and the ledger verifies", async () => {
    const [cut = "", over = "", kept = ""] = past;
    const erased = async (id: string): Promise<readonly string[]> =>
      (await ask<IncidentView>(`/v1/incidents/${id}`)).erased;
    for (let tries = 0; tries < 4_000 && (await erased(over)).length === 0; tries++) await pause();
    assert.deepEqual([await erased(cut), await erased(over), await erased(kept)], [["evidence"], ["evidence"], []]);
    for (const path of ["memory", "explanation"]) {
      const { status, json } = await server.ask(`/v1/incidents/${over}/${path}`, { as: reader });
      assert.deepEqual([status, json?.["code"]], [410, "memory-expired"]);
    }
    const { evidence, causes } = await ask<IncidentExplanationView>(`/v1/incidents/${kept}/explanation`);
    assert.deepEqual([evidence, causes[0]?.evidence], ["recorded", ["what spoke for payments@1"]]);
    type Events = { items: { subject: string; actor: string; facts: { retention: string } }[] };
    const { items } = await ask<Events>("/v1/ledger/events?type=payload.erased&limit=100");
    const told = items.map(({ subject, actor, facts }) => `${subject} ${actor} ${facts.retention}`);
    assert.deepEqual(new Set(told), new Set([cut, over].map((id) => `${id} system:retention evidence`)));
    assert.equal(told.length, 2);

    await server.halt();
    const store = openSqliteReader(join(server.dataDir, "ledger.db"));
    const { keyEncryptionKey } = await loadKeys(store, server.dataDir);
    const source = await storeSource(store);
    const { findings, payloads } = await verifyLog(source, { rootPublicKey: server.running.root, keyEncryptionKey });
    await store.close();
    assert.deepEqual([findings, payloads.erased], [[], 2]);
  });
});
