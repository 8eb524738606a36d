// Deciding in a real browser: signing in, approving and denying, by mouse, by keyboard and on a phone.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { note } from "../http/fixture.ts";
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

const skip = NO_BROWSER;
/** Notes on production wait for one person, those on the database for two with different roles. */
const POLICY = `
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: note }
spec:
  match: { actions: [record.note] }
  rules:
    - { name: database, when: action.service == "database", decision: hold, route: pair }
    - { name: production, when: action.environment == "production", decision: hold, route: on-call }
    - { name: otherwise, decision: allow }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: on-call }
spec: { steps: [{ roles: [on-call], within: 15m }] }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: pair }
spec:
  steps:
    - { approvers: { all: [{ role: on-call }, { role: owner }] }, within: 10m }
    - { roles: [owner], within: 15m }
`;
let holdpoint: Console;
const opened: Opened[] = [];

before(async () => {
  if (skip === false) holdpoint = await startConsole({ policy: POLICY });
});
after(() => holdpoint?.stop());
afterEach(async () => {
  for (const { context, problems } of opened.splice(0)) {
    assert.deepEqual(problems, [], "no error in the browser's console, and no request elsewhere");
    await context.close();
  }
});

async function open(...given: Parameters<Console["open"]>): Promise<Page> {
  const one = await holdpoint.open(...given);
  opened.push(one);
  return one.page;
}

const hold = (text: string): Promise<string> => propose(holdpoint.server, "deployer", note("production", text));

async function statusOf(id: string): Promise<unknown> {
  const as = await holdpoint.server.bearer("ada");
  return (await holdpoint.server.ask(`/v1/actions/${id}`, { as })).json?.["status"];
}

/** What was answered last, with the reason as the ledger keeps it. */
async function answersTo(id: string): Promise<readonly { decision: string; person: string; planHash: string }[]> {
  const as = await holdpoint.server.bearer("ada");
  const { json } = await holdpoint.server.ask(`/v1/actions/${id}`, { as });
  return json?.["answers"] as unknown as readonly { decision: string; person: string; planHash: string }[];
}

/** Pages are asked in text: the types of these files know no browser. */
const ask = <T>(page: Page, expression: string): Promise<T> => page.evaluate(expression) as Promise<T>;

const focused = (page: Page): Promise<string> => ask(page, "document.activeElement.textContent.trim()");

describe("signing in", { skip }, () => {
  it("takes a one-time code, once, and leaves it in no address", async () => {
    const one = await holdpoint.openAnonymous("/console/holds");
    opened.push(one);
    const { page } = one;
    await page.getByRole("heading", { name: "Sign in to Holdpoint" }).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "sign-in");
    const code = await holdpoint.code("ada");
    await page.getByLabel("One-time code").fill(code);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("person:ada").waitFor();
    assert.match(page.url(), /\/console\/holds$/);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("One-time code").fill(code);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    assert.match((await page.getByRole("alert").textContent()) ?? "", /code-invalid/);
  });

  it("by a link waits for the person, leads where the link leads, and keeps the code out of the history", async () => {
    const id = await hold("by a link");
    const page = await open("ada", `/console/holds/${id}`);
    await page.getByRole("article", { name: `Hold ${id}` }).waitFor();
    assert.ok(!page.url().includes("hpc_"), page.url());
  });

  it("ends where the session ends: the page shows nothing more", async () => {
    const page = await open("grace");
    await page.getByRole("heading", { name: /^Holds/ }).waitFor();
    const { context } = opened.at(-1) as Opened;
    await context.clearCookies();
    await page.reload();
    await page.getByRole("heading", { name: "Sign in to Holdpoint" }).waitFor();
    assert.equal(await page.getByRole("navigation").count(), 0);
  });
});

describe("a session", { skip }, () => {
  it("that somebody ended elsewhere leads to the sign-in page with whatever is asked next", async () => {
    const page = await open("ada", "/console/holds");
    await page.getByRole("heading", { name: /^Holds/ }).waitFor();
    const { context } = opened.at(-1) as Opened;
    const headers = { "x-holdpoint-csrf": "1", origin: holdpoint.server.url };
    const ended = await context.request.delete(`${holdpoint.server.url}/v1/session`, { headers });
    assert.equal(ended.status(), 200);
    await page.getByRole("link", { name: "Actions" }).click();
    await page.getByRole("heading", { name: "Sign in to Holdpoint" }).waitFor();
  });

  it("begins at an identity provider where the server names one", async () => {
    const one = await holdpoint.openAnonymous("/openapi.json");
    opened.push(one);
    const items = [{ name: "corp", url: "/v1/session/login?issuer=corp" }];
    await one.page.route("**/v1/session/providers", (route) => route.fulfill({ json: { items } }));
    await one.page.goto(`${holdpoint.server.url}/console/`);
    const link = one.page.getByRole("link", { name: "Sign in with corp" });
    await link.waitFor();
    assert.equal(await link.getAttribute("href"), "/v1/session/login?issuer=corp");
  });
});

describe("a hold", { skip }, () => {
  it("shows what, where, who, why, the plan, the verdicts, who must sign and the time left beside the buttons", async () => {
    const body = { ...note("production", "restart of cart finished"), reason: "the runbook asks for it" };
    const id = await propose(holdpoint.server, "deployer", body);
    const page = await open("ada", `/console/holds/${id}`);
    const card = page.getByRole("article", { name: `Hold ${id}` });
    await card.getByText("the runbook asks for it").waitFor();
    const text = (await card.textContent()) ?? "";
    for (const part of ["record.note", "production / cart", "agent:deployer", "restart of cart finished", "on-call"]) {
      assert.ok(text.includes(part), part);
    }
    assert.match(text, /14:\d\d left|15:00 left/);
    assert.match(text, /UTC \(\w+, \d\d:\d\d GMT\+1\)/);
    for (const name of ["What is asked for", "Plan", "Decision", "Signatures"]) {
      assert.ok(await card.getByRole("region", { name, exact: true }).isVisible(), name);
    }
    await card.getByRole("tab", { name: "Rollback" }).click();
    await card.getByText("There is nothing that would undo it.").waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "hold");
  });

  it("is approved after a reason and the name of a protected target typed by hand, and nothing less", async () => {
    const id = await hold("approve me");
    const page = await open("ada", `/console/holds/${id}`);
    await page.getByRole("button", { name: "Approve …" }).click();
    const dialog = page.getByRole("dialog");
    const confirm = dialog.getByRole("button", { name: "Approve this plan" });
    await confirm.waitFor();
    assert.equal(await ask(page, "document.activeElement.tagName"), "TEXTAREA");
    assert.equal(await confirm.isDisabled(), true);
    await dialog.getByLabel(/^Reason/).fill("seen on the dashboard too");
    await dialog.getByLabel("Protected: type cart to approve").fill("car");
    assert.equal(await confirm.isDisabled(), true);
    await dialog.getByLabel("Protected: type cart to approve").fill("cart");
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "approve");
    await confirm.click();
    await page.getByText(/^Approved\./).waitFor();
    assert.equal(await statusOf(id), "succeeded");
    const [answer] = await answersTo(id);
    assert.deepEqual([answer?.decision, answer?.person], ["approve", "ada"]);
    await page.getByRole("link", { name: "What became of it" }).click();
    await page.getByText("action.granted", { exact: true }).waitFor();
  });

  it("is denied with a reason, which goes into the record", async () => {
    const id = await hold("deny me");
    const page = await open("grace", `/console/holds/${id}`);
    await page.getByRole("button", { name: "Deny …" }).click();
    const dialog = page.getByRole("dialog");
    assert.equal(await dialog.getByRole("button", { name: "Deny", exact: true }).isDisabled(), true);
    await dialog.getByLabel("Reason").fill("not during the sale");
    await dialog.getByRole("button", { name: "Deny", exact: true }).click();
    await page.getByText(/^Denied\./).waitFor();
    assert.equal(await statusOf(id), "denied");
  });

  it("offers no answer to whoever cannot give one, and says why", async () => {
    const id = await propose(holdpoint.server, "ada", note("production", "my own"));
    const own = await open("ada", `/console/holds/${id}`);
    await own.getByText("You cannot answer: you proposed it, and nobody approves their own.").waitFor();
    const other = await open("visitor", `/console/holds/${id}`);
    await other.getByText(/You cannot answer: .*on-call/).waitFor();
    for (const page of [own, other]) {
      assert.equal(await page.getByRole("button", { name: "Approve …" }).isDisabled(), true);
      await page.keyboard.press("a");
      assert.equal(await page.getByRole("dialog").count(), 0);
    }
  });

  it("leaves every open page when somebody else answers it, without asking", async () => {
    const id = await hold("answered elsewhere");
    const [ada, grace] = [await open("ada", `/console/holds/${id}`), await open("grace", "/console/holds")];
    await grace.locator("[data-connection=live]").waitFor();
    await ada.locator("[data-connection=live]").waitFor();
    await grace.locator(`a[href*="${id}"]`).waitFor();
    await ada.getByRole("button", { name: "Deny …" }).click();
    await ada.getByLabel("Reason").fill("no");
    await ada.getByRole("dialog").getByRole("button", { name: "Deny", exact: true }).click();
    await grace.locator(`a[href*="${id}"]`).waitFor({ state: "detached" });
  });

  it("that is answered while its page is still being read is shown as it ended, though the first answer was older", async () => {
    const id = await hold("read slowly");
    const [page, other] = [await open("ada", "/console/activity"), await open("grace", `/console/actions/${id}`)];
    const ended = Promise.withResolvers<void>();
    let asked = 0;
    await page.route(`**/v1/actions/${id}`, async (route) => {
      const isFirst = (asked += 1) === 1;
      const response = await route.fetch();
      if (isFirst) await ended.promise;
      await route.fulfill({ response });
    });
    await page.goto(`${holdpoint.server.url}/console/actions/${id}`);
    await page.locator("[data-connection=live]").waitFor();
    const as = await holdpoint.server.bearer("ada");
    const planHash = (await holdpoint.server.ask(`/v1/actions/${id}`, { as })).json?.["planHash"] as string;
    const body = { decision: "deny", planHash, reason: "no" };
    await holdpoint.server.ask(`/v1/actions/${id}/approvals`, { as, body });
    await other.getByText("denied", { exact: true }).first().waitFor();
    ended.resolve();
    await page.getByText("denied", { exact: true }).first().waitFor();
    await page.unrouteAll({ behavior: "wait" });
  });

  it("that changed hands tells the person who was too late what happened, and decides nothing", async () => {
    const id = await hold("too late");
    const page = await open("ada", `/console/holds/${id}`);
    await page.getByRole("button", { name: "Deny …" }).click();
    await page.getByLabel("Reason").fill("too slow");
    const as = await holdpoint.server.bearer("grace");
    const planHash = (await holdpoint.server.ask(`/v1/actions/${id}`, { as })).json?.["planHash"] as string;
    await holdpoint.server.ask(`/v1/actions/${id}/approvals`, { as, body: { decision: "approve", planHash } });
    await page.getByRole("dialog").getByRole("button", { name: "Deny", exact: true }).click();
    await page.getByRole("dialog").getByRole("alert").waitFor();
    assert.match((await page.getByRole("dialog").getByRole("alert").textContent()) ?? "", /action-not-held/);
    assert.equal(await statusOf(id), "succeeded");
  });
});

describe("a quorum", { skip }, () => {
  const approve = async (page: Page): Promise<void> => {
    await page.getByRole("button", { name: "Approve …" }).click();
    await page.getByLabel(/^Protected: type/).fill("database");
    await page.getByRole("button", { name: "Approve this plan" }).click();
  };

  it("is given by two people in two browsers, each of whom sees what the other has signed", async () => {
    const body = { ...note("production", "drop an index"), target: { environment: "production", service: "database" } };
    const id = await propose(holdpoint.server, "deployer", body);
    const [ada, grace] = [await open("ada", `/console/holds/${id}`), await open("grace", `/console/holds/${id}`)];
    const signed = grace.getByRole("list", { name: "Who has signed" });
    await grace.getByText("route pair, step 1 of 2").waitFor();
    await grace.locator("[data-connection=live]").waitFor();
    assert.equal(await signed.count(), 0);
    await approve(ada);
    await ada.getByText(/^Approved\. .* waits for others\.$/).waitFor();
    assert.equal(await statusOf(id), "held");
    await ada.getByText("You cannot answer: you have approved it already, others must.").waitFor();
    await signed.getByText("ada").waitFor();
    assert.match(
      (await grace.getByRole("list", { name: "Who must sign" }).textContent()) ?? "",
      /1 of 1.*0 of 1|0 of 1.*1 of 1/,
    );
    assert.deepEqual(await seriousFindings(grace), []);
    await keepShot(grace, "quorum");
    await approve(grace);
    await grace.getByText(/^Approved\. .* is succeeded\.$/).waitFor();
    assert.equal(await statusOf(id), "succeeded");
    await ada.getByText("it is not held any more").waitFor();
  });

  it("is short of one again when somebody takes an approval back", async () => {
    const body = { ...note("production", "drop a table"), target: { environment: "production", service: "database" } };
    const id = await propose(holdpoint.server, "deployer", body);
    const page = await open("grace", `/console/holds/${id}`);
    await approve(page);
    await page.getByRole("button", { name: "Take my approval back" }).click();
    await page.getByRole("list", { name: "Answers" }).getByText("taken back").waitFor();
    assert.equal(await page.getByRole("list", { name: "Who has signed" }).count(), 0);
    assert.equal(await page.getByRole("button", { name: "Approve …" }).isEnabled(), true);
    assert.equal(await statusOf(id), "held");
    await page.goto(`${holdpoint.server.url}/console/actions/${id}`);
    await page.getByRole("button", { name: "Take back …" }).click();
    await page.getByRole("button", { name: "Take it back" }).click();
    await page.getByText(`${id} is taken back.`).waitFor();
    assert.equal(await statusOf(id), "cancelled");
  });
});

describe("the queue", { skip }, () => {
  it("is worked through by keyboard alone", async () => {
    const ids = [await hold("first"), await hold("second")];
    const page = await open("ada", "/console/actions");
    await page.getByRole("heading", { name: "Actions" }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("h");
    await page.getByRole("heading", { name: /^Holds/ }).waitFor();
    await page.locator(`a[href*="${ids[0]}"]`).waitFor();
    const links = "[...document.querySelectorAll('section[aria-label=Holds] ul a')]";
    const queue = await ask<string[]>(page, `${links}.map((link) => link.getAttribute("href"))`);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.waitForURL(`**${queue[1]}`);
    await page.keyboard.press("k");
    await page.waitForURL(`**${queue[0]}`);
    const id = queue[0]?.split("/").at(-1)?.split("?")[0] ?? "";
    await page.getByRole("article", { name: `Hold ${id}` }).waitFor();
    await page.keyboard.press("d");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    assert.equal(await statusOf(id), "held", "a question that is left decides nothing");
    await page.keyboard.press("a");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.type("by keyboard");
    await page.keyboard.press("Tab");
    await page.keyboard.type("cart");
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "Back");
    await page.keyboard.press("Tab");
    assert.equal(await focused(page), "Approve this plan");
    await page.keyboard.press("Enter");
    await page.getByText(/^Approved\./).waitFor();
    assert.equal(await statusOf(id), "succeeded");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
  });

  it("takes filters from the address and puts them there", async () => {
    await hold("filtered");
    const page = await open("ada", "/console/holds?environment=staging");
    await page.getByText("No hold matches the filter").waitFor();
    await page.getByRole("button", { name: "Remove the filter environment staging" }).click();
    await page.locator("section[aria-label=Holds] ul a").first().waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("service:cart");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/holds?service=cart");
    await page.keyboard.type("color:red");
    await page.keyboard.press("Enter");
    assert.match((await page.getByRole("alert").textContent()) ?? "", /color:red/);
  });

  it("is approved from on a phone, where nothing is wider than the screen", async () => {
    const id = await hold("on the way");
    const page = await open("grace", "/console/", { size: PHONE, scheme: "dark" });
    await page.locator(`a[href*="${id}"]`).click();
    await page.getByRole("article", { name: `Hold ${id}` }).waitFor();
    const widths = await ask<number[]>(page, "[document.documentElement.scrollWidth, innerWidth]");
    assert.equal(widths[0], widths[1]);
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "phone-hold");
    const approve = page.getByRole("button", { name: "Approve …" });
    const box = await approve.boundingBox();
    assert.ok(
      box !== null && box.y + box.height <= PHONE.height && box.width >= 44,
      "it is on the screen without scrolling",
    );
    await approve.click();
    await page.getByLabel("Protected: type cart to approve").fill("cart");
    await keepShot(page, "phone-approve");
    await page.getByRole("button", { name: "Approve this plan" }).click();
    await page.getByText(/^Approved\./).waitFor();
    assert.equal(await statusOf(id), "succeeded");
  });
});
