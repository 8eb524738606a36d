// Incidents and the runtime model in a real browser: what broke, what explains it, and the graph it happened in.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import type { JsonObject } from "../../src/core/json.ts";
import { draftPolicy } from "../../src/history/policy-draft.ts";
import type { IncidentView } from "../../src/wire/types/incident-views.ts";
import type { ModelCausesView } from "../../src/wire/types/model-views.ts";
import { note } from "../http/fixture.ts";
import type { Service } from "../model/production.ts";
import {
  keepShot,
  NO_BROWSER,
  PHONE,
  propose,
  seriousFindings,
  startConsole,
  type Console,
  type Opened,
} from "./fixture.ts";
import { DEPLOY, SCRIPT, SETUP, startShop } from "./troubled-shop.ts";

const skip = NO_BROWSER;

const CAUSES = [
  {
    kind: "change",
    cause: DEPLOY,
    change: DEPLOY,
    score: 0.75,
    chain: ["service:production:payments", "service:production:checkout"],
    evidence: [`pool.size ${SCRIPT}: 50 to 1`],
  },
] as const;
const BEGAN = new Date().toISOString();

let holdpoint: Console;
let reader: string;
let shop: readonly Service[] = [];
const opened: Opened[] = [];

before(async () => {
  if (skip !== false) return;
  holdpoint = await startConsole(SETUP);
  reader = await holdpoint.server.bearer("ada");
  shop = await startShop(holdpoint.server, ask);
});
after(async () => {
  await Promise.all(shop.map((service) => service.stop()));
  await holdpoint?.stop();
});
afterEach(async () => {
  for (const { context, problems } of opened.splice(0)) {
    assert.deepEqual(problems, [], "no error in the browser's console, and no request elsewhere");
    await context.close();
  }
});

/** An alert of that service fires, or ends, and its triage is over. */
async function fires(service: string, alertname: string, status: "firing" | "resolved" = "firing"): Promise<void> {
  const { server } = holdpoint;
  const labels = { alertname, environment: "production", service, severity: "critical" };
  const ends = status === "resolved" ? { endsAt: new Date().toISOString() } : {};
  const body = { version: "4", status, alerts: [{ status, startsAt: BEGAN, ...ends, labels, annotations: {} }] };
  const answer = await server.ask("/v1/signals/alertmanager", { method: "POST", as: `Bearer ${server.secret}`, body });
  assert.equal(answer.status, 202, answer.text);
  const { state } = server.running.kernel;
  for (let tries = 0; tries < 2_000 && state.runs.size > 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
}

async function incidentOf(service: string, status: string): Promise<string> {
  const { items } = await ask<{ items: IncidentView[] }>(`/v1/incidents?status=${status}&service=${service}`);
  assert.ok(items[0], `no incident of ${service} is ${status}`);
  return items[0].id;
}

async function ask<T>(path: string, more: { method?: string; body?: JsonObject } = {}): Promise<T> {
  const { status, json, text } = await holdpoint.server.ask(path, { as: reader, ...more });
  assert.ok(status < 300, text);
  return json as unknown as T;
}

async function open(...given: Parameters<Console["open"]>): Promise<Page> {
  const one = await holdpoint.open(...given);
  opened.push(one);
  return one.page;
}

/**
 * A cause shows over hours of telemetry, of which this production has seconds: the page is told what the model would answer
 * then. What is measured on the hops is the model's own.
 */
async function tellCauses(page: Page): Promise<void> {
  await page.route("**/v1/model/causes", (route) => {
    const moment = { at: Date.now(), knownAt: Date.now(), modelVersion: 7, observedUntil: Date.now() };
    const symptom = { node: CAUSES[0].chain[1], measure: "errors" };
    const view: ModelCausesView = { ...moment, symptom, none: false, causes: CAUSES, unjudged: [], suffering: [] };
    return route.fulfill({ json: view });
  });
}

async function noScriptRan(page: Page): Promise<void> {
  assert.equal(await page.locator("main img").count(), 0, "text stays text");
}

describe("incidents", { skip, timeout: 180_000 }, () => {
  let joined: string;

  before(async () => {
    await fires("checkout", "OrdersFail");
    await fires("payments", "CardProcessorDown");
    joined = await incidentOf("checkout", "open");
  });

  it("are listed with those that are open on top, and open by keyboard into what happened and why", async () => {
    const page = await open("ada");
    await page.getByRole("heading", { name: /^Holds/ }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("i");
    await page.getByRole("heading", { name: "Incidents", level: 1 }).waitFor();
    const row = page.getByRole("row").filter({ hasText: joined });
    const text = (await row.textContent()) ?? "";
    for (const part of ["open", "production / checkout", "checkout, payments"]) assert.ok(text.includes(part), text);
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "incidents");
    await row.getByRole("link").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "production / checkout" }).waitFor();

    const why = page.getByRole("region", { name: "Joined with others" });
    assert.match((await why.textContent()) ?? "", /when payments fails, at least [\d.]+ % of the requests of checkout/);
    const timeline = page.getByRole("region", { name: "Timeline" });
    await timeline.getByText("payments", { exact: true }).first().waitFor();
    assert.ok((await timeline.getByText("signal", { exact: true }).count()) >= 2);
    assert.ok((await timeline.getByText("run", { exact: true }).count()) >= 1);
    await page.getByText("No change that the model knows of explains it.").waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await page.getByLabel("Symptom").selectOption("latency");
    await page.waitForURL(/measure=latency/);
    await page.getByRole("region", { name: "What explains it" }).getByLabel("Service").selectOption("payments");
    await page.waitForURL(/service=payments/);
  });

  it("are explained hop by hop, with what was measured on each and the evidence, as text", async () => {
    const [deploy] = CAUSES;
    const page = await open("ada", "/console/");
    await tellCauses(page);
    await page.goto(`${holdpoint.server.url}/console/incidents/${joined}`);
    const causes = page.getByRole("region", { name: "What explains it" });
    const chain = causes.getByLabel("Chain, from the cause to the symptom");
    await chain.getByText("checkout calls payments").waitFor();
    const hops = await chain.getByRole("listitem").allTextContents();
    assert.equal(hops.length, 2);
    assert.match(hops[0] ?? "", /^service:production:payments.*cause/);
    assert.match(hops[1] ?? "", /^service:production:checkout.*symptom.*observed.*per second.*failures went on/);
    await causes.getByLabel("Evidence").getByText(deploy.evidence[0]).waitFor();
    await noScriptRan(page);
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "incident-open");
    await chain.getByRole("link").first().click();
    await page.waitForURL(/\/model\?node=/);
    await page.getByRole("heading", { name: "Model", level: 1 }).waitFor();
  });

  it("are what a hold rests on: it shows who signed what with which model, the blast radius, and its doubts", async () => {
    const { server } = holdpoint;
    const id = await propose(server, "deployer", {
      ...note("production", "restarted"),
      target: { environment: "production", service: "payments" },
      reason: "cards fail",
      confidence: 0.9,
      evidence: [{ kind: "incident", id: joined }],
      context: { thought: `it is the pool ${SCRIPT}` },
    });
    const page = await open("ada", `/console/holds/${id}`);
    const facts = page.getByRole("region", { name: "What is asked for" });
    await facts.getByText(/^model maker\//).waitFor();
    const evidence = page.getByRole("region", { name: "Evidence" });
    assert.match((await evidence.textContent()) ?? "", /0\.90, as whoever proposed it says/);
    await evidence.getByText("What it was thought out from").click();
    await evidence.getByText(`it is the pool ${SCRIPT}`).waitFor();
    const radius = page.getByRole("region", { name: "Blast radius" });
    const said = (await radius.textContent()) ?? "";
    assert.match(said, /Predicted[\d.]+ % \([\d.]+ % to [\d.]+ %\) of all requests from outside suffer/);
    assert.match(said, /At stake.*if everything that needs it fails: \d+ entr(y|ies), \d+ services?/);
    assert.match(said, /no outcome of its kind was measured yet/);
    await noScriptRan(page);
    assert.deepEqual(await seriousFindings(page), []);
    await page.setViewportSize({ width: 1680, height: 950 });
    await keepShot(page, "hold-of-an-agent");
    await page.getByRole("button", { name: "Show the dark theme" }).click();
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "hold-of-an-agent-dark");
    await radius.getByRole("link").click();
    await page.getByRole("region", { name: "When it fails" }).waitFor();
    await page.goBack();
    await evidence.getByRole("link", { name: joined }).click();
    await page.waitForURL(/\/incidents\/inc_/);

    const command = `/v1/incidents/${joined}/command`;
    await ask(command, { body: { except: { kinds: ["pagerduty.*"] } } });
    const banner = page.getByRole("region", { name: "Modes in force" });
    await banner.getByText(`Incident command of ${joined} by ada.`).waitFor();
    assert.match(
      (await banner.textContent()) ?? "",
      /Agents wait: .*environment production.*but not kinds pagerduty\.\*/,
    );
    await keepShot(page, "incident-command");
    await ask(command, { method: "DELETE" });
    await banner.getByText(/^Incident command/).waitFor({ state: "detached" });
  });

  it("that have ended show what was recorded and suggest a policy, and are remembered by the next one like them", async () => {
    await fires("checkout", "OrdersFail", "resolved");
    await fires("payments", "CardProcessorDown", "resolved");
    const { resolved } = holdpoint.server.running.kernel.state;
    const isExplained = (): boolean => resolved.get(joined)?.incident.explained === true;
    for (let tries = 0; tries < 2_000 && !isExplained(); tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const page = await open("ada", `/console/incidents/${joined}`);
    await page.getByText("Nothing that the model knew when it ended explains it.").waitFor();

    const [{ evidence, score, change, ...cause }] = CAUSES;
    const ended = await ask<IncidentView>(`/v1/incidents/${joined}`);
    assert.ok(ended.explained !== null);
    const told = { ...cause, changeKind: "deploy", scorePpm: score * 1_000_000 };
    const explained = { ...ended.explained, causes: [told] };
    const draft = draftPolicy({ ...ended, explained }, [], "pair");
    assert.ok(draft !== null && change === DEPLOY);
    await tellCauses(page);
    await page.route(`**/v1/incidents/${joined}`, (route) => route.fulfill({ json: { ...ended, explained } }));
    await page.route(`**/v1/incidents/${joined}/explanation`, async (route) => {
      const answer = await route.fetch();
      const recorded = (await answer.json()) as JsonObject;
      await route.fulfill({ json: { ...recorded, evidence: "recorded", causes: [{ ...told, evidence }] } });
    });
    await page.route(`**/v1/incidents/${joined}/memory`, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ json: { ...((await answer.json()) as JsonObject), draft } });
    });
    await page.reload();
    const causes = page.getByRole("region", { name: "What explains it" });
    await causes.getByText("recorded at").waitFor();
    await causes.getByLabel("Evidence").getByText(evidence[0]).waitFor();
    await page.getByText("decision: hold").waitFor();
    await page.getByRole("button", { name: "Copy" }).click();
    await page.getByText(/^Copied\.|select the text/).waitFor();
    await noScriptRan(page);
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "incident-ended");

    await fires("checkout", "QueueGrows");
    const next = await incidentOf("checkout", "open");
    const phone = await open("ada", `/console/incidents/${next}`, { size: PHONE, scheme: "dark" });
    const like = phone.getByRole("row").filter({ hasText: joined });
    assert.match((await like.textContent()) ?? "", /structure/);
    const width = await phone.evaluate("document.documentElement.scrollWidth");
    assert.ok(Number(width) <= PHONE.width, `${String(width)} wide`);
    assert.deepEqual(await seriousFindings(phone), []);
    await keepShot(phone, "phone-incident-dark");
    await phone.goto(`${holdpoint.server.url}/console/incidents`);
    await phone.getByRole("row").filter({ hasText: next }).waitFor();
    const stands = await phone.getByRole("table").getByRole("row").allTextContents();
    assert.match(stands[1] ?? "", /^open/, "what is open is on top");
    assert.match(stands[2] ?? "", /^resolved/);
  });
});

describe("the model", { skip, timeout: 180_000 }, () => {
  const PAYMENTS = "service:production:payments";
  const drawingOf = (page: Page) => page.getByRole("region", { name: "Drawing of the graph" });
  const nodesIn = async (page: Page): Promise<readonly string[]> => {
    const names = await drawingOf(page).locator("a > title").allTextContents();
    return names.toSorted();
  };
  const pathOf = (search: Readonly<Record<string, string>>): string =>
    `/console/model?${new URLSearchParams(search).toString()}`;

  it("is found by a part of a name, and walked from node to node, by keyboard alone", async () => {
    const page = await open("ada");
    await page.getByRole("heading", { name: /^Holds/ }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("m");
    await page.getByRole("row").filter({ hasText: "service:production:frontend" }).getByText("100 %").waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "model-beginnings");
    await page.keyboard.press("/");
    await page.keyboard.type("paym");
    await page.getByRole("list", { name: "Nodes found" }).getByRole("link").first().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL(/node=service(:|%3A)production(:|%3A)payments/);
    await drawingOf(page).getByRole("link").first().waitFor();
    assert.deepEqual(await nodesIn(page), [
      "checkout, service, observed",
      "frontend, service, observed",
      "payments, service, observed, chosen",
    ]);
    await drawingOf(page).getByRole("link", { name: "checkout, service" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/node=service(:|%3A)production(:|%3A)checkout/);
    await drawingOf(page).getByRole("link", { name: "checkout, service, observed, chosen" }).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
  });

  it("says what fails with a node and along which way, in the drawing and in the tables alike", async () => {
    const page = await open("ada", pathOf({ node: PAYMENTS, show: "impact" }));
    const impact = page.getByRole("region", { name: "When it fails" });
    await impact.getByText(/of all requests from outside fail/).waitFor();
    const row = impact.getByRole("row").filter({ hasText: "service:production:frontend" });
    assert.deepEqual(
      (await row.getByRole("listitem").allTextContents()).map((text) => text.replace("→ ", "")),
      ["service:production:frontend", "service:production:checkout", PAYMENTS],
    );
    const nodes = await nodesIn(page);
    assert.ok(nodes.includes("payments, service, observed, fails, chosen"), nodes.join());
    assert.ok(
      nodes.some((name) => /^checkout, service, observed, ≤ .*% fail$/.test(name)),
      nodes.join(),
    );
    await page.getByText(`pool.size ${SCRIPT}: 50 → 1`).first().waitFor();
    await noScriptRan(page);
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "model-impact");
    await page.getByRole("button", { name: "As a table" }).click();
    await page.waitForURL(/view=table/);
    const table = page.getByRole("region", { name: "Nodes", exact: true });
    const rows = await table.getByRole("row").allTextContents();
    assert.equal(rows.length, 1 + nodes.length);
    assert.ok(
      rows.some((text) => /service:production:checkout≤ .*% fail.*service● observed/.test(text)),
      rows.join(),
    );
    const edges = await page.getByRole("region", { name: "Edges" }).getByRole("row").allTextContents();
    assert.ok(
      edges.some((text) => /checkoutcallson the wayservice:production:payments/.test(text)),
      edges.join(),
    );
    assert.deepEqual(await seriousFindings(page), []);
  });

  it("is looked at as of another moment, and compared with it, by links that say so", async () => {
    const page = await open("ada", pathOf({ node: PAYMENTS }));
    const slider = page.getByRole("slider", { name: "As of" });
    await slider.waitFor();
    assert.equal(await slider.getAttribute("aria-valuetext"), "now");
    await page.getByRole("region", { name: "The node" }).getByText(DEPLOY).first().waitFor();
    await slider.focus();
    await page.keyboard.press("Home");
    await page.waitForURL(/[?&]at=/);
    const at = Number(new URL(page.url()).searchParams.get("at")?.replaceAll('"', ""));
    assert.match((await slider.getAttribute("aria-valuetext")) ?? "", /UTC$/);
    await page.getByRole("region", { name: "The node" }).getByText(DEPLOY).first().waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Now" }).click();
    await page.getByRole("region", { name: "The node" }).getByText(DEPLOY).first().waitFor();

    await page.goto(holdpoint.server.url + pathOf({ node: PAYMENTS, show: "diff", from: String(at - 60_000) }));
    const diff = page.getByRole("region", { name: "What differs" });
    await diff.getByText(`service:production:checkout calls ${PAYMENTS}`).waitFor();
    assert.match((await diff.getByLabel("Differences").textContent()) ?? "", /\+ appeared/);
    await diff.getByText(DEPLOY).waitFor();
    await diff.getByText(`pool.size ${SCRIPT}: 50 → 1`).waitFor();
    await page.getByLabel("Compared with").waitFor();
    await noScriptRan(page);
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "model-diff");

    await page.goto(holdpoint.server.url + pathOf({ node: PAYMENTS, at: String(at - 60_000) }));
    await page.getByText("not there at this moment").waitFor();
  });

  it("takes no address for more than text, and fits a phone in the dark", async () => {
    const phone = await open("ada", pathOf({ node: `service:production:${SCRIPT}`, at: "yesterday", depth: "99" }), {
      size: PHONE,
      scheme: "dark",
    });
    await phone.getByRole("alert").getByText("model-node-not-found").first().waitFor();
    await noScriptRan(phone);
    for (const search of [{}, { node: PAYMENTS }, { node: PAYMENTS, view: "table", show: "impact" }]) {
      await phone.goto(holdpoint.server.url + pathOf(search));
      await phone.getByRole("main").getByRole("region").first().waitFor();
      const width = await phone.evaluate("document.documentElement.scrollWidth");
      assert.ok(Number(width) <= PHONE.width, `${JSON.stringify(search)} is ${String(width)} wide`);
      assert.deepEqual(await seriousFindings(phone), []);
    }
    await phone.route("**/v1/model?kind=*", (route) => route.fulfill({ status: 403, json: { code: "scope-missing" } }));
    await phone.goto(holdpoint.server.url + pathOf({ node: PAYMENTS }));
    await phone.getByLabel("Find a node").fill("paym");
    await phone
      .getByRole("status")
      .getByText(/^The model cannot be read/)
      .waitFor();
    await phone.getByLabel("Find a node").fill("");
    await drawingOf(phone).getByRole("link").first().waitFor();
    await keepShot(phone, "phone-model-dark");
  });
});
