// A small production traced by OpenTelemetry's own SDK, and the graph that comes of it.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createSource } from "../../src/adapters/identity/source-secrets.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { systemRandom } from "../../src/main/system.ts";
import type {
  ModelDiffView,
  ModelEdgeView,
  ModelGraphView,
  ModelNodeHistoryView,
} from "../../src/wire/types/model-views.ts";
import type { IncidentExplanationView, IncidentView } from "../../src/wire/types/incident-views.ts";
import { startServer, type Ask } from "./fixture.ts";
import { openShop } from "./shop.ts";

const SETTINGS = `limits: { writes: { burst: 100000, perSecond: 10000 }, tokens: { burst: 10000, perSecond: 1000 } }
model: { windowSeconds: 1, holdSeconds: 0.5, fadeAfterMinutes: 0.05 }`;

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: measured }
spec:
  match: { actions: [record.note] }
  route: registrars
  rules:
    - name: small
      gates:
        - blastRadius: { maxTrafficShare: 0.2, onUnknown: hold }
        - networkBoundary: { zones: [shop], onFail: hold }
      decision: allow
---
apiVersion: holdpoint.dev/v1
kind: Memory
metadata: { name: incidents }
spec: { readers: [{ roles: [owner], services: [checkout] }] }
`;

let server: Awaited<ReturnType<typeof startServer>>;
let secret: string;
let reader: string;
let shop: Shop;

before(async () => {
  server = await startServer({ settings: SETTINGS, policy: POLICY });
  secret = createSource(join(server.dataDir, "sources"), { name: "otel", kind: "otlp" }, systemRandom);
  reader = await server.bearer("ada");
  await new Promise((resolve) => setTimeout(resolve, 1100)); // sources are looked at again within a second
  shop = await openShop({ url: server.url, secret });
});
after(async () => {
  await shop?.stop();
  await server.stop();
});

type Shop = Awaited<ReturnType<typeof openShop>>;

async function ask<T>(path: string, more: Ask = {}): Promise<T> {
  const { status, json, text } = await server.ask(path, { as: reader, ...more });
  assert.ok(status < 300, text);
  return json as unknown as T;
}

const graph = (query = ""): Promise<ModelGraphView> => ask(`/v1/model${query}`);

/** Asks until the graph is as it should be; windows close by the clock. */
async function until(isSo: (view: ModelGraphView) => boolean, query = ""): Promise<ModelGraphView> {
  for (let tries = 0; tries < 1_500; tries++) {
    const view = await graph(query);
    if (isSo(view)) return view;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`the graph never got there: ${JSON.stringify((await graph(query)).edges.map(edgeText))}`);
}

const service = (name: string): string => `service:production:${name}`;
const edgeText = ({ kind, from, to }: Pick<ModelEdgeView, "kind" | "from" | "to">): string => `${from} ${kind} ${to}`;
const hasEdge = (view: ModelGraphView, text: string): boolean => view.edges.some((edge) => edgeText(edge) === text);
const edgeOf = (view: ModelGraphView, text: string): ModelEdgeView => {
  const edge = view.edges.find((one) => edgeText(one) === text);
  assert.ok(edge, `${text} is not among ${view.edges.map(edgeText).join(", ")}`);
  return edge;
};

/** An alert of that service fires, or ends, and its triage is over. */
async function fires(name: string, alertname: string, status: "firing" | "resolved" = "firing"): Promise<void> {
  const labels = { alertname, environment: "production", service: name, severity: "critical" };
  const at = BEGAN;
  const ends = status === "resolved" ? { endsAt: new Date().toISOString() } : {};
  const alerts = [{ status, startsAt: at, ...ends, labels, annotations: {} }];
  const body = { version: "4", status, alerts };
  const { status: code, text } = await server.ask("/v1/signals/alertmanager", {
    method: "POST",
    as: `Bearer ${server.secret}`,
    body,
  });
  assert.equal(code, 202, text);
  const { state } = server.running.kernel;
  for (let tries = 0; tries < 2_000 && state.runs.size > 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
}

const BEGAN = new Date().toISOString();
const MAIL = `${service("checkout")} calls ${service("mail")}`;
const ENTRY = "operation:production:frontend GET";

describe("the graph of a traced production", { timeout: 120_000 }, () => {
  let beforeMailMs: number;

  test("has its services, datastores, queues and entries, with shares as the traffic was mixed", async () => {
    await shop.visit({ "/": 120, "/cart": 60, "/buy": 20 });
    const view = await until((one) =>
      hasEdge(one, `${service("shipping")} writes datastore:production:postgresql/parcels`),
    );
    const near = (value: number | undefined, wanted: number): void =>
      assert.ok(Math.abs((value ?? 0) - wanted) <= 0.05 * wanted, `${value} is not ${wanted}`);
    assert.ok(hasEdge(view, `${service("checkout")} writes queue:production:orders`));
    assert.ok(hasEdge(view, `${service("shipping")} reads queue:production:orders`));
    near(edgeOf(view, `${service("frontend")} calls ${service("cart")}`).observed?.share, 60 / 200);
    near(edgeOf(view, `${service("frontend")} calls ${service("checkout")}`).observed?.share, 20 / 200);
    near(edgeOf(view, `${service("cart")} reads datastore:production:redis/redis-cart`).observed?.share, 1);
    near(edgeOf(view, `${ENTRY} /cart reaches datastore:production:redis/redis-cart`).observed?.share, 1);
    const share = (id: string): number | undefined => view.nodes.find((node) => node.id === id)?.observed?.share;
    near(share(service("payments")), 20 / 200);
    near(share(`${ENTRY} /buy`), 20 / 200);
    near(share(service("shipping")), 20 / 200);
    assert.ok(!view.nodes.some(({ id }) => id.includes(".internal")), "an address is the service that answered there");
  });

  test("shows how failures of a dependency spread to who asked", async () => {
    shop.state.isPaymentsDown = true;
    await shop.visit({ "/": 120, "/cart": 60, "/buy": 20 });
    shop.state.isPaymentsDown = false;
    const name = `${service("checkout")} calls ${service("payments")}`;
    const view = await until((one) => (edgeOf(one, name).observed?.failures ?? 0) > 0);
    const { failures = 0, spread = 0 } = edgeOf(view, name).observed ?? {};
    assert.equal(spread, failures);
    const reached = edgeOf(view, `${ENTRY} /buy reaches ${service("payments")}`).observed;
    assert.equal(reached?.spread, reached?.failures);
    assert.equal(edgeOf(view, `${service("frontend")} calls ${service("cart")}`).observed?.failures, 0);
  });

  test("predicts from that what a failure of the dependency would do", async () => {
    type Impact = { trafficShare: { low: number; mid: number; high: number }; entries: { id: string }[] };
    const body = { target: service("payments") };
    const { trafficShare, entries } = await ask<Impact>("/v1/model/predict", { body });
    assert.deepEqual(
      entries.map(({ id }) => id),
      [`${ENTRY} /buy`],
    );
    // One in ten requests buys, and all of those that did failed with payments.
    assert.ok(trafficShare.low < 0.1 && 0.1 < trafficShare.high + 0.01, JSON.stringify(trafficShare));
    assert.ok(trafficShare.mid > 0.07 && trafficShare.mid < 0.13, JSON.stringify(trafficShare));
  });

  test("joins alerts of one cause into one incident, across services that share no word, and no others", async () => {
    await fires("shipping", "ParcelsLate");
    await fires("checkout", "OrdersFail");
    await fires("payments", "CardProcessorDown");
    const { items } = await ask<{ items: IncidentView[] }>("/v1/incidents?status=open");
    const open = items.map(({ services }) => services.toSorted().join(" "));
    assert.deepEqual(open.toSorted(), ["checkout payments", "shipping"]);
    const [relation] = items.find(({ services }) => services.length === 2)?.related ?? [];
    assert.deepEqual([relation?.cause, relation?.effect], ["payments", "checkout"]);
    assert.ok((relation?.lowPpm ?? 0) > 100_000 && (relation?.modelVersion ?? 0) > 0);

    // Signals keep the incident that they came under: who asks for the one that absorbed it finds them all, page by page.
    const joined = items.find(({ services }) => services.length === 2);
    const [absorbed] = joined?.absorbed ?? [];
    const found: { service: string; incident: string }[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const path = `/v1/signals?incident=${joined?.id}&limit=1${cursor === "" ? "" : `&cursor=${cursor}`}`;
      const page: { items: typeof found; cursor: string | null } = await ask(path);
      found.push(...page.items);
      cursor = page.cursor;
    }
    const services = found.map(({ service: one }) => one).toSorted();
    assert.deepEqual(services, ["checkout", "payments"]);
    assert.deepEqual(
      new Set(found.map(({ incident }) => incident)),
      new Set([joined?.id, absorbed]),
      "one came under each",
    );
  });

  test("remembers what explained an incident, and shows it with the next one like it", async () => {
    const { items } = await ask<{ items: IncidentView[] }>("/v1/incidents?status=open&service=checkout");
    const [{ id: first }] = items as [IncidentView];
    await fires("checkout", "OrdersFail", "resolved");
    await fires("payments", "CardProcessorDown", "resolved");
    const isExplained = (): boolean => server.running.kernel.state.resolved.get(first)?.incident.explained === true;
    for (let tries = 0; tries < 2_000 && !isExplained(); tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    await fires("checkout", "QueueGrows");
    const { items: now } = await ask<{ items: IncidentView[] }>("/v1/incidents?status=open&service=checkout");
    type Memory = { similar: { id: string; by: string[]; cause: JsonObject | null }[]; draft: string | null };
    const memory = await ask<Memory>(`/v1/incidents/${now[0]?.id}/memory`);
    const [like] = memory.similar;
    assert.deepEqual([like?.id, like?.by, memory.draft], [first, ["structure"], null], JSON.stringify(memory));
    const { explained } = await ask<IncidentView>(`/v1/incidents/${first}`);
    assert.deepEqual(like?.cause ?? null, explained?.causes[0] ?? null);
    assert.ok(explained !== null && explained.modelVersion > 0);
    const told = await ask<IncidentExplanationView>(`/v1/incidents/${first}/explanation`);
    assert.deepEqual([told.recordedAt, told.modelVersion], [explained.at, explained.modelVersion]);
    assert.deepEqual([told.incident, told.evidence], [first, "recorded"]);
    assert.deepEqual(
      told.causes.map(({ evidence: _evidence, ...cause }) => cause),
      explained.causes,
    );
    for (const { evidence } of told.causes) assert.ok(evidence.length > 0, "each cause comes with what spoke for it");
    const ofAbsorbed = await ask<IncidentView>(`/v1/incidents/${first}`);
    for (const one of ofAbsorbed.absorbed) {
      assert.deepEqual(await ask(`/v1/incidents/${one}/explanation`), told, "it is that of whoever absorbed it");
    }
    // The policy in force shows it to those that it names, and of the incidents that it names.
    const other = await server.bearer("visitor");
    const asOther = (path: string) => server.ask(path, { as: other }).then(({ json }) => json);
    for (const path of ["memory", "explanation"]) {
      assert.equal((await asOther(`/v1/incidents/${first}/${path}`))?.["code"], "memory-withheld");
    }
    assert.equal((await asOther(`/v1/incidents/${first}`))?.["explained"], null);
    const listed = (await asOther("/v1/incidents"))?.["items"] as unknown as readonly IncidentView[];
    assert.ok(listed.length > 1 && listed.every((one) => one.explained === null));
    const shipping = await ask<{ items: IncidentView[] }>("/v1/incidents?service=shipping");
    await server.ask(`/v1/incidents/${shipping.items[0]?.id}/memory`, { as: reader }).then(({ json }) => {
      assert.equal(json?.["code"], "memory-withheld");
    });
    const lasting = await ask<IncidentExplanationView>(`/v1/incidents/${now[0]?.id}/explanation`);
    assert.deepEqual([lasting.recordedAt, lasting.causes], [null, []]);
    await server.ask("/v1/incidents/inc_00000000z/memory", { as: reader }).then(({ json }) => {
      assert.equal(json?.["code"], "incident-not-found");
    });
  });

  test("decides: the same action flips with its target's zone and with the measured traffic, and is asked about before", async () => {
    type Predicted = { share: { high: number }; modelVersion: number; zone: string | null };
    type Decided = { status: string; prediction?: Predicted; verdicts: { code: string; evidence: JsonObject }[] };
    const declareZones = (zone: string): Promise<unknown> => {
      const nodes = ["frontend", "checkout", "payments"].map((name) => ({ id: service(name), attributes: { zone } }));
      return ask("/v1/model/declared/zones", { method: "PUT", body: { nodes, edges: [] } });
    };
    const target = { environment: "production", service: "payments" };
    const propose = (): Promise<Decided> =>
      ask("/v1/actions", {
        headers: { prefer: "wait=10" },
        body: { kind: "record.note", target, arguments: { text: "restart" } },
      });
    const advise = async (): Promise<{ advice: JsonObject; history: JsonObject }> =>
      ask("/v1/model/predict", { body: { target: service("payments"), action: { kind: "record.note" } } });
    const codes = ({ verdicts }: Decided): readonly string[] => verdicts.map(({ code }) => code);

    assert.deepEqual((await advise()).advice["answer"], "review", "no zone is declared");
    const undeclared = await propose();
    assert.equal(undeclared.status, "held");
    assert.ok(codes(undeclared).includes("zone-undeclared"));

    await declareZones("shop");
    assert.equal((await advise()).advice["answer"], "proceed");
    const small = await propose();
    assert.equal(small.status, "succeeded", JSON.stringify(small));
    assert.ok((small.prediction?.share.high ?? 1e6) < 200_000 && small.prediction?.zone === "shop");

    await declareZones("pci");
    assert.ok(codes(await propose()).includes("boundary-crossed"));
    await declareZones("shop");

    // Now nearly everybody buys.
    await shop.visit({ "/": 20, "/cart": 10, "/buy": 800 });
    await until((one) => (one.nodes.find(({ id }) => id === service("payments"))?.observed?.share ?? 0) > 0.3);
    const { advice, history } = await advise();
    assert.deepEqual([advice["answer"], advice["policies"]], ["refuse", ["measured"]]);
    const outcomes = { held: 2, succeeded: 1 };
    assert.deepEqual([history["count"], history["outcomes"]], [3, outcomes]);
    const large = await propose();
    assert.equal(large.status, "refused");
    assert.ok(codes(large).includes("blast-radius-exceeded"));
    assert.ok((large.prediction?.modelVersion ?? 0) > (small.prediction?.modelVersion ?? 0));
    const elsewhere = { target: "datastore:production:postgresql/parcels", action: { kind: "record.note" } };
    assert.equal((await server.ask("/v1/model/predict", { as: reader, body: elsewhere })).status, 400);
    const past = { target: service("payments"), at: "2026-01-01T00:00:00Z", action: { kind: "record.note" } };
    assert.equal((await server.ask("/v1/model/predict", { as: reader, body: past })).status, 400);
  });

  test("has incidents, actions and policies in it, as the ledger tells of them, for whoever may read those", async () => {
    const isTold = ({ nodes }: ModelGraphView): boolean =>
      nodes.filter(({ declared }) => declared?.attributes["status"] === "held").length === 2 &&
      nodes.some(({ id }) => id === "policy::measured");
    const view = await until(isTold, "?kind=service,incident,action,policy");
    const [held, done] = ["held", "succeeded"].map((status) =>
      view.nodes.find(({ kind, declared }) => kind === "action" && declared?.attributes["status"] === status),
    );
    assert.ok(held !== undefined && done !== undefined);
    assert.ok(hasEdge(view, `${done.id} configured-by policy::measured`), view.edges.map(edgeText).join(", "));
    const { nodes: then } = await graph(`?kind=action&at=${held.since - 60_000}`);
    assert.deepEqual(then, [], "nothing was proposed yet");
    const { items } = await ask<{ items: IncidentView[] }>("/v1/incidents?service=shipping");
    const incident = `incident:production:${items[0]?.id}`;
    assert.ok(hasEdge(view, `${service("shipping")} caused ${incident}`));
    // Who reads the model alone sees production alone.
    const as = await server.bearer("ada", ["model:read"]);
    for (const path of [
      "?kind=incident",
      "?kind=service,action",
      "?kind=policy",
      `/nodes/${encodeURIComponent(incident)}`,
    ]) {
      assert.equal((await server.ask(`/v1/model${path}`, { as })).json?.["code"], "scope-insufficient", path);
    }
    const path = `/v1/model/nodes/${encodeURIComponent(service("shipping"))}`;
    const seen = async (more: Ask): Promise<string> => {
      const { edges, history } = await ask<ModelNodeHistoryView>(path, more);
      return JSON.stringify([edges, history]);
    };
    assert.ok((await seen({})).includes(incident));
    assert.ok(!(await seen({ as })).includes("incident:"));
  });

  test("shows a new dependency within a window, and not before it began", async () => {
    beforeMailMs = Date.now();
    shop.state.sendsMail = true;
    await shop.visit({ "/buy": 10 });
    const view = await until((one) => hasEdge(one, MAIL));
    assert.ok(edgeOf(view, MAIL).since >= beforeMailMs - 1000);
    assert.ok(!hasEdge(await graph(`?at=${beforeMailMs - 1000}`), MAIL));
    assert.ok(!hasEdge(await graph(`?knownAt=${beforeMailMs}`), MAIL));
  });

  test("lets a dependency fade that is used no more, and still has it in the past", async () => {
    const seenMs = Date.now();
    const was = edgeOf(await graph(), MAIL);
    shop.state.sendsMail = false;
    let view = await graph();
    for (let tries = 0; hasEdge(view, MAIL); tries++) {
      assert.ok(tries < 60, "it never faded");
      await shop.visit({ "/buy": 2, "/cart": 1 });
      await new Promise((resolve) => setTimeout(resolve, 200));
      view = await graph();
    }
    assert.ok(hasEdge(await graph(`?at=${was.since}`), MAIL), "it was there");
    assert.ok(hasEdge(await graph(`?knownAt=${seenMs}`), MAIL), "it was known");
    assert.ok(hasEdge(view, `${service("checkout")} calls ${service("payments")}`), "the other is used");
    const diff = await ask<ModelDiffView>(`/v1/model/diff?from=${was.since}&environment=production`);
    assert.ok(diff.edges.some((edge) => edgeText(edge) === MAIL && edge.difference === "ended"));
    const node = await ask<ModelNodeHistoryView>(`/v1/model/nodes/${encodeURIComponent(service("mail"))}`);
    const ofEdge = node.history.filter(({ edge }) => edge?.from === service("checkout") && edge.kind === "calls");
    assert.deepEqual([ofEdge[0]?.state, ofEdge.at(-1)?.state], [null, "observed"]);
  });

  test("is read near a node, by kind, and page by page, all of one moment", async () => {
    const near = await graph(`?around=${encodeURIComponent(service("cart"))}&kind=service,datastore`);
    assert.deepEqual(near.nodes.map(({ id }) => id).toSorted(), [
      "datastore:production:redis/redis-cart",
      service("cart"),
      service("frontend"),
    ]);
    const ids: string[] = [];
    let page = await graph("?limit=3");
    const { at, knownAt } = page;
    for (; page.cursor !== null; page = await graph(`?limit=3&cursor=${page.cursor}`)) {
      assert.deepEqual([page.at, page.knownAt], [at, knownAt]);
      ids.push(...page.nodes.map(({ id }) => id));
    }
    ids.push(...page.nodes.map(({ id }) => id));
    assert.deepEqual(
      ids,
      (await graph(`?at=${at}&knownAt=${knownAt}`)).nodes.map(({ id }) => id),
    );
  });
});
