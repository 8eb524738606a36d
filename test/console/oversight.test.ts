// Levels, approvers, reviews and broken glass in a real browser: who may go how far, and how people use their say.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import { signDetached } from "../../src/adapters/identity/detached-jws.ts";
import { generatePrivateJwk, publicJwkOf } from "../../src/adapters/identity/key-pairs.ts";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { systemRandom } from "../../src/main/system.ts";
import { note } from "../http/fixture.ts";
import { keepShot, NO_BROWSER, PHONE, propose, seriousFindings, type Console, type Opened } from "./fixture.ts";
import { startOversight } from "./oversight-stage.ts";

const skip = NO_BROWSER;

let holdpoint: Console;
const opened: Opened[] = [];

before(async () => {
  if (skip === false) holdpoint = await startOversight();
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

async function approve(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Approve …" }).click();
  const typed = page.getByLabel(/^Protected: type/);
  if ((await typed.count()) > 0) await typed.fill("holdpoint");
  await page.getByRole("button", { name: "Approve this plan" }).click();
  await page.getByText(/^Approved\./).waitFor();
}

describe("levels", { skip }, () => {
  it("are asked for by one person, granted by another, shown with their end, and taken back at once", async () => {
    const ada = await open("ada", "/console/levels");
    const advice = ada.getByRole("region", { name: "Modes in force" }).getByText("No agent has a level.");
    await advice.waitFor();
    await holdpoint.server.bearer("deployer");
    await advice.waitFor({ state: "detached" });
    await ada.getByRole("button", { name: "Ask for a level …" }).click();
    assert.ok(await ada.getByRole("button", { name: "Ask for it" }).isDisabled());
    await ada.getByLabel("Agent", { exact: true }).fill("agent:deployer");
    await ada.getByLabel("Level", { exact: true }).selectOption("2");
    await ada.getByLabel("Kinds").fill("record.note ticket.*");
    await ada.getByLabel("Environments").fill("staging");
    await ada.getByLabel("For how long").selectOption("90");
    await ada.getByLabel("Reason").fill("it has earned <b>that</b>");
    await ada.getByRole("button", { name: "Ask for it" }).click();
    await ada.waitForURL(/\/actions\/act_/);
    const id = ada.url().split("/").at(-1) ?? "";

    const grace = await open("grace", `/console/holds/${id}`);
    await grace.getByText("it has earned <b>that</b>").first().waitFor();
    await approve(grace);
    await grace.goto(`${holdpoint.server.url}/console/levels?status=active`);
    const row = grace.getByRole("row").filter({ hasText: "ticket.*" });
    const text = (await row.textContent()) ?? "";
    for (const part of ["agent:deployer", "conditional autonomy", "staging / any service", "active", "left", id]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    assert.deepEqual(await seriousFindings(grace), []);
    await keepShot(grace, "levels");
    await row.getByRole("button", { name: /^Revoke/ }).click();
    await grace.getByLabel("Reason (optional)").fill("not after all");
    await grace.getByRole("button", { name: "Revoke it" }).click();
    await grace.getByText(/^lvl_\w+ is revoked\.$/).waitFor();
    await row.waitFor({ state: "detached" });
    await grace.getByRole("link", { name: "Revoked" }).click();
    await grace.waitForURL(/status=revoked/);
    await row.waitFor();
    const live = ada.getByRole("row").filter({ hasText: "ticket.*" });
    await ada.goto(`${holdpoint.server.url}/console/levels`);
    assert.match((await live.textContent()) ?? "", /revoked/);
  });

  it("offer nothing to whoever may not ask, and are refused by the server where the page cannot tell", async () => {
    const page = await open("ada", "/console/levels");
    await page.getByRole("button", { name: "Ask for a level …" }).click();
    await page.getByLabel("Agent", { exact: true }).fill("not an agent");
    await page.getByLabel("Kinds").fill("record.note");
    await page.getByRole("button", { name: "Ask for it" }).click();
    await page.getByRole("alert").getByText("arguments-invalid").waitFor();
  });
});

/** What an agent whose level was taken away asks for is advice. */
async function advised(): Promise<string> {
  const { server } = holdpoint;
  const [as, ada] = [await server.bearer("stranger"), await server.bearer("ada")];
  const { json } = await server.ask("/v1/levels?agent=agent:stranger&status=active", { as: ada });
  const [level] = (json?.["items"] ?? []) as { id: string }[];
  const target = { environment: "holdpoint", service: "holdpoint" };
  const body = { kind: "level.revoke", target, arguments: { grant: level?.id ?? "" } };
  await server.ask("/v1/actions", { as: ada, body });
  const { json: answer, text } = await server.ask("/v1/actions", { as, body: note("staging", "restart of cart") });
  assert.equal(answer?.["status"], "advised", text);
  return answer["id"] as string;
}

describe("advice", { skip }, () => {
  it("is labelled with a reason and what is wrong with it, as text, and the last word counts", async () => {
    const id = await advised();
    const grace = await open("grace", `/console/actions/${id}`);
    const panel = grace.getByRole("region", { name: "Was it good advice?" });
    assert.ok(await panel.getByRole("button", { name: "Agree", exact: true }).isDisabled(), "a reason is needed");
    await panel.getByLabel("Why").fill("there is no <b>cart-7</b>");
    await panel.getByLabel("rests on what is not there").check();
    await panel.getByRole("button", { name: "Disagree" }).click();
    await grace.getByText("Recorded: disagree.").waitFor();
    const given = panel.getByRole("listitem");
    await given.waitFor();
    const text = (await given.textContent()) ?? "";
    for (const part of ["disagree", "grace", "rests on what is not there", "there is no <b>cart-7</b>"]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    assert.deepEqual(await seriousFindings(grace), []);
    await keepShot(grace, "advice");
    await panel.getByLabel("Why").fill("it was there after all");
    await panel.getByRole("button", { name: "Agree", exact: true }).click();
    await panel.getByText("it was there after all").last().waitFor();
    await given.filter({ hasText: "cart-7" }).waitFor({ state: "detached" });
    assert.equal(await given.count(), 1);
  });
});

describe("broken glass", { skip }, () => {
  it("is asked for by whoever the route names alone, with a reason and the name typed, and owes a review", async () => {
    const id = await propose(holdpoint.server, "visitor", note("production", "now or never"));
    const visitor = await open("visitor", `/console/holds/${id}`);
    await visitor.getByText(/^You cannot answer/).waitFor();
    assert.equal(await visitor.getByRole("button", { name: "Break glass …" }).count(), 0);
    const iris = await open("iris", `/console/holds/${id}`);
    await iris.getByRole("button", { name: "Break glass …" }).click();
    const doIt = iris.getByRole("button", { name: "Break the glass", exact: true });
    assert.ok(await doIt.isDisabled());
    await iris.getByLabel("Why it cannot wait").fill("the shop is down <script>alert(1)</script>");
    assert.ok(await doIt.isDisabled(), "its name is not typed yet");
    await iris
      .getByLabel(/^Protected: type/)
      .fill(((await iris.getByText(/^Protected: type/).textContent()) ?? "").split(" ").at(-1) ?? "");
    assert.deepEqual(await seriousFindings(iris), []);
    await keepShot(iris, "break-glass");
    await doIt.click();
    await iris.getByText(/^The glass is broken/).waitFor();

    await iris.goto(`${holdpoint.server.url}/console/reviews`);
    const row = iris.getByRole("row").filter({ hasText: id });
    await row.getByText("nobody yet").waitFor();
    await row.getByRole("link", { name: "record.note" }).click();
    await iris.getByText("You cannot give it: you broke it.").waitFor();

    const ada = await open("ada", "/console/reviews?status=owed");
    assert.deepEqual(await seriousFindings(ada), []);
    await keepShot(ada, "reviews");
    await ada.getByRole("row").filter({ hasText: id }).getByRole("link", { name: "record.note" }).click();
    assert.ok(await ada.getByRole("button", { name: "It had to be" }).isDisabled());
    await ada.getByLabel("What you found").fill("the shop was down indeed");
    assert.deepEqual(await seriousFindings(ada), []);
    await ada.getByRole("button", { name: "It had to be" }).click();
    const judgement = ada.getByRole("region", { name: "Judgement" });
    await judgement.getByText("the shop was down indeed").waitFor();
    await judgement.getByText("person:ada").waitFor();
    await keepShot(ada, "review");
    await iris.reload();
    await iris.getByRole("region", { name: "Judgement" }).getByText("justified").first().waitFor();
  });
});

describe("grants", { skip }, () => {
  it("are shown while something may be done under them, and taken back with the call that is under way", async () => {
    const target = { environment: "staging", service: "cart" };
    const id = await propose(holdpoint.server, "visitor", {
      kind: "http.call",
      target,
      arguments: { operation: "drain" },
    });
    const page = await open("ada", "/console/grants?status=active");
    const row = page.getByRole("row").filter({ hasText: id });
    await row.getByText("staging / cart").waitFor();
    await row.getByText(/left$/).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "grants");
    await row.getByRole("button", { name: /^Revoke grt_/ }).click();
    await page.getByLabel("Reason (optional)").fill("the wrong cart");
    await page.getByRole("button", { name: "Revoke it" }).click();
    await page.getByText(/^grt_\w+ is revoked/).waitFor();
    await row.waitFor({ state: "detached" });
    await page.getByRole("link", { name: "All", exact: true }).click();
    await row.getByText("person:ada").waitFor();
    assert.match((await row.textContent()) ?? "", /revoked/);
  });

  it("of a bound are asked for by one person, granted by the route's people, and shown with what is used", async () => {
    await holdpoint.server.bearer("deployer");
    const ada = await open("ada", "/console/grants");
    await ada.getByRole("button", { name: "Ask for a bounded grant …" }).click();
    const dialog = ada.getByRole("dialog");
    const ask = dialog.getByRole("button", { name: "Ask for it" });
    for (const [label, value] of [
      ["Services", "cart"],
      ["How many actions", "two"],
      ["Agent", "agent:deployer"],
      ["Route", "pair"],
      ["Kinds", "record.note"],
      ["Environments", "staging, canary"],
    ] as const) {
      assert.ok(await ask.isDisabled(), `before ${label}`);
      await dialog.getByLabel(label, { exact: true }).fill(value);
    }
    assert.ok(await ask.isDisabled(), "two is no number");
    await dialog.getByLabel("How many actions").fill("2");
    await dialog.getByLabel("Size of them together").fill("1e9");
    assert.ok(await ask.isDisabled(), "nor is 1e9");
    await dialog.getByLabel("Size of them together").fill("50");
    await dialog.getByLabel("For how long").selectOption("168");
    await dialog.getByLabel("Reason").fill("two notes a day <b>no more</b>");
    assert.deepEqual(await seriousFindings(ada), []);
    await keepShot(ada, "ask-for-grant");
    await ask.click();
    await ada.waitForURL(/\/actions\/act_/);
    const id = ada.url().split("/").at(-1) ?? "";

    const grace = await open("grace", `/console/holds/${id}`, { scheme: "dark" });
    await grace.getByText("two notes a day <b>no more</b>").first().waitFor();
    for (const part of ["agent:deployer", "record.note", "canary", "pair"]) {
      await grace.getByRole("region", { name: "Plan" }).getByText(part).first().waitFor();
    }
    await keepShot(grace, "hold-of-grant-dark");
    await approve(grace);
    await grace.goto(`${holdpoint.server.url}/console/grants?status=active`);
    const row = grace.getByRole("row").filter({ hasText: id });
    await row.getByText("route pair: 0 of 2 used, size 0 of 50").waitFor();
    const within = await propose(holdpoint.server, "deployer", note("staging", "within the grant"));
    await row.getByText("route pair: 1 of 2 used, size 1 of 50").waitFor();
    const as = await holdpoint.server.bearer("ada");
    const { json } = await holdpoint.server.ask(`/v1/actions/${within}`, { as });
    assert.deepEqual([json?.["status"], json?.["answers"]], ["succeeded", []], "nobody was asked");
    await keepShot(grace, "grants-bounded-dark");
    await row.getByRole("button", { name: /^Revoke grs_/ }).click();
    await grace.getByRole("button", { name: "Revoke it" }).click();
    await grace.getByText(/^grs_\w+ is revoked\.$/).waitFor();
    const again = await propose(holdpoint.server, "deployer", note("staging", "after the grant"));
    assert.equal((await holdpoint.server.ask(`/v1/actions/${again}`, { as })).json?.["status"], "held");
  });

  it("of a bound that nobody could be asked for are refused, and the page says why", async () => {
    const page = await open("ada", "/console/grants");
    await page.getByRole("button", { name: "Ask for a bounded grant …" }).click();
    for (const [label, value] of [
      ["Agent", "agent:nobody"],
      ["Route", "no-such-route"],
      ["Kinds", "record.note"],
      ["Environments", "staging"],
    ] as const) {
      await page.getByLabel(label, { exact: true }).fill(value);
    }
    await page.getByRole("button", { name: "Ask for it" }).click();
    await page.waitForURL(/\/actions\/act_/);
    await page.getByText("agent-unregistered").first().waitFor();
    await keepShot(page, "grant-refused");
  });
});

describe("approvers", { skip }, () => {
  it("are shown by how they decide, and flagged where it looks like rubber-stamping", async () => {
    const as = await holdpoint.server.bearer("grace");
    for (let i = 0; i < 10; i++) {
      const id = await propose(holdpoint.server, "visitor", note("production", `hurry ${i}`));
      const path = `/v1/actions/${id}`;
      const planHash = (await holdpoint.server.ask(path, { as })).json?.["planHash"] as string;
      const answered = await holdpoint.server.ask(`${path}/approvals`, { as, body: { decision: "approve", planHash } });
      assert.equal(answered.status, 200, answered.text);
    }
    const page = await open("ada", "/console/approvers?status=flagged");
    const row = page.getByRole("row").filter({ hasText: "grace" });
    await row.getByText("approves in bursts").waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "approvers");
    await row.getByRole("link", { name: "grace" }).click();
    await page.getByRole("region", { name: "How they decide" }).getByText("100 % approved").waitFor();
    const decisions = await page.getByRole("region", { name: "Latest decisions" }).getByRole("row").count();
    assert.ok(decisions > 10, `${decisions}`);
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "approver");
  });
});

describe("an action that was taken back", { skip }, () => {
  it("shows before and after: what the checks saw, what took it back, and on demand the whole story", async () => {
    const turn = {
      kind: "http.call",
      target: { environment: "staging", service: "web" },
      arguments: { operation: "turn" },
    };
    const page = await open("ada", `/console/actions/${await propose(holdpoint.server, "ada", turn)}`);
    await page.getByText("reverted", { exact: true }).waitFor();
    const outcome = page.getByRole("region", { name: "Outcome" });
    const row = outcome.getByRole("row").filter({ hasText: "page" });
    await row.getByText("503").waitFor();
    await row.getByText("fail", { exact: true }).waitFor();
    await outcome.getByText(/^turn:act_/).waitFor();
    await outcome.getByText("status: 200").waitFor();
    await page.getByText("By http.call, which bears on configuration, performance").waitFor();
    await page.getByRole("button", { name: "Explain" }).click();
    await page.getByText(/undone .* before the right to ended/).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "action-reverted");
    await outcome.getByRole("link", { name: /^act_/ }).click();
    await outcome.getByText("Takes back").waitFor();
  });
});

describe("people", { skip }, () => {
  it("are listed with what they hold; who is asked about one sees what would change, and whoever may takes it away", async () => {
    const jwk = generatePrivateJwk(systemRandom);
    const ask = async (roles: readonly string[]): Promise<string> => {
      const asked = { id: "person:eve", roles, keys: [publicJwkOf(jwk)] } as unknown as JsonObject;
      const proofs = [signDetached(canonicalJson(asked), { jwk, type: "holdpoint-registration+jws" })];
      const as = await holdpoint.server.bearer("ada");
      const { json, text } = await holdpoint.server.ask("/v1/people", { as, body: { ...asked, proofs } });
      assert.equal(json?.["status"], "held", text);
      return json["id"] as string;
    };
    const page = await open("grace", `/console/holds/${await ask(["on-call"])}`);
    const change = page.getByRole("region", { name: "What would change" });
    await change.getByText("is not registered yet").waitFor();
    await change.getByText("+ on-call").waitFor();
    await approve(page);
    await page.goto(`${holdpoint.server.url}/console/holds/${await ask(["owner"])}`);
    await change.getByText("+ owner").waitFor();
    await change.getByText("− on-call").waitFor();
    assert.equal(await change.getByText("as before").count(), 2, "scopes and keys stay");
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "hold-of-rights");
    await page.goto(`${holdpoint.server.url}/console/people`);
    const row = page.getByRole("row").filter({ hasText: "person:eve" });
    await row.getByText("on-call").waitFor();
    assert.equal(await page.getByRole("row").filter({ hasText: "person:ada" }).getByText("owner").count(), 1);
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "people");
    await row.getByRole("button", { name: "Revoke person:eve" }).click();
    await page
      .getByRole("dialog")
      .getByRole("button", { name: /^Revoke/ })
      .click();
    await row.getByText("revoked").waitFor();
  });
});

describe("these pages", { skip }, () => {
  it("are reached by keyboard alone, and on a phone by the bar below", async () => {
    const page = await open("ada");
    await page.getByRole("heading", { name: /^Holds/ }).waitFor();
    for (const [key, heading] of [
      ["t", "Levels"],
      ["n", "Grants"],
      ["u", "People"],
      ["p", "Approvers"],
      ["r", "Reviews"],
      ["s", "Stops"],
    ] as const) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await page.getByRole("heading", { name: heading, level: 1 }).waitFor();
    }
    const phone = await open("ada", "/console/more", { size: PHONE, scheme: "dark" });
    await phone.getByRole("navigation", { name: "Pages" }).last().getByRole("link", { name: "More" }).waitFor();
    assert.deepEqual(await seriousFindings(phone), []);
    for (const [name, about] of [
      ["People", "Who holds which roles"],
      ["Approvers", "How people decide"],
      ["Reviews", "Glass that was broken"],
      ["Levels", "How far agents go by themselves"],
    ] as const) {
      await phone.goto(`${holdpoint.server.url}/console/more`);
      await phone.getByRole("main").getByRole("link", { name: about }).click();
      await phone.getByRole("heading", { name, level: 1 }).waitFor();
      const width = await phone.evaluate("document.documentElement.scrollWidth");
      assert.ok(Number(width) <= PHONE.width, `${name} is ${String(width)} wide`);
      assert.deepEqual(await seriousFindings(phone), []);
    }
    await keepShot(phone, "phone-levels-dark");
  });
});
