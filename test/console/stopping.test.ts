// The kill switch in a real browser: always in reach, with a preview; what is not enforced is said on every page.

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
let holdpoint: Console;
const opened: Opened[] = [];

before(async () => {
  if (skip === false) holdpoint = await startConsole();
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

async function killswitch(): Promise<{ readonly mode: string; readonly brakes: readonly { readonly id: string }[] }> {
  const as = await holdpoint.server.bearer("ada");
  const { json } = await holdpoint.server.ask("/v1/killswitch", { as });
  return json as unknown as { mode: string; brakes: { id: string }[] };
}

const banner = (page: Page) => page.getByRole("region", { name: "Modes in force" });

describe("the kill switch", { skip }, () => {
  it("previews what a stop would reach and changes nothing, then stops exactly that", async () => {
    const cart = await propose(holdpoint.server, "deployer", note("production"));
    const search = { ...note("production"), target: { environment: "production", service: "search" } };
    const other = await propose(holdpoint.server, "deployer", search);
    const page = await open("ada", "/console/ledger");
    await page.getByRole("button", { name: "Kill switch" }).click();
    const dialog = page.getByRole("dialog", { name: "Kill switch" });
    const preview = dialog.getByRole("region", { name: "Preview" });
    await preview.getByText("Would stop 2 under way:").waitFor();
    await dialog.getByLabel("service").fill("search");
    await preview.getByText("Would stop 1 under way:").waitFor();
    const text = (await preview.textContent()) ?? "";
    assert.ok(text.includes(other) && !text.includes(cart), text);
    assert.deepEqual((await killswitch()).brakes, [], "a preview changes nothing");
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "killswitch");
    await dialog.getByLabel("Reason").fill("errors at search");
    await dialog.getByRole("button", { name: "Pause service search" }).click();
    await page.getByText("Paused: service search.").waitFor();
    const { mode, brakes } = await killswitch();
    assert.equal(mode, "run");
    assert.equal(brakes.length, 1);
    await banner(page).getByText("pause of service search").waitFor();
  });

  it("stops everything from any page by keyboard, and never by one stray key", async () => {
    const page = await open("grace", "/console/holds");
    await page.getByRole("heading", { name: /^Holds/ }).waitFor();
    await page.keyboard.press("g");
    await page.keyboard.press("k");
    const dialog = page.getByRole("dialog", { name: "Kill switch" });
    await dialog.getByRole("button", { name: "Pause everything" }).waitFor();
    await page.keyboard.press("Enter");
    assert.equal((await killswitch()).mode, "run");
    await dialog.getByRole("button", { name: "Pause everything" }).focus();
    await page.keyboard.press("Enter");
    await banner(page).getByText("Paused.").waitFor();
    assert.equal((await killswitch()).mode, "pause");
    await page.getByRole("button", { name: "Stopped" }).waitFor();
    await keepShot(page, "paused");
  });

  it("shows everybody at once that all is stopped, and resuming is asked for, not done", async () => {
    const page = await open("ada", "/console/actions");
    await banner(page).getByText("Paused.").waitFor();
    await page.getByRole("button", { name: "Stopped" }).click();
    const brakes = page.getByRole("list", { name: "Brakes in force" });
    const whole = brakes.getByRole("listitem").filter({ hasText: "everything" });
    await whole.getByRole("button", { name: "Ask to resume" }).click();
    await whole.getByRole("link", { name: /Asked: act_\w+ is held/ }).click();
    await page.getByRole("article").getByText("killswitch.resume").first().waitFor();
    await page.getByText(/You cannot answer: you proposed it/).waitFor();
    assert.equal((await killswitch()).mode, "pause");
  });

  it("is resumed by another owner, and every page says so by itself", async () => {
    const [ada, grace] = [
      await open("ada", "/console/activity"),
      await open("grace", "/console/holds?kind=killswitch.resume"),
    ];
    await grace.locator("section[aria-label=Holds] ul a").first().click();
    await grace.getByRole("button", { name: "Approve …" }).click();
    const typed = grace.getByLabel(/^Protected: type/);
    if ((await typed.count()) > 0) await typed.fill("holdpoint");
    await grace.getByRole("button", { name: "Approve this plan" }).click();
    await grace.getByText(/^Approved\./).waitFor();
    await ada.getByRole("button", { name: /^Kill switch/ }).waitFor();
    await ada.getByText("brake.released").waitFor();
    assert.equal((await killswitch()).mode, "run");
    await ada.getByRole("button", { name: /^Kill switch/ }).click();
    await ada.getByRole("link", { name: "What earlier stops did" }).click();
    await ada.getByRole("heading", { name: "Stops" }).waitFor();
    await ada
      .getByRole("row", { name: /everything/ })
      .getByRole("link")
      .click();
    await ada.getByRole("region", { name: "Stop", exact: true }).getByText("nothing was in flight").waitFor();
    assert.deepEqual(await seriousFindings(ada), []);
  });
});

describe("the kill switch on a phone", { skip }, () => {
  it("has its button on the screen without scrolling, whatever it would stop", async () => {
    const page = await open("visitor", "/console/actions", { size: PHONE });
    await page.getByRole("button", { name: /^Kill switch/ }).click();
    const button = page.getByRole("button", { name: "Pause everything" });
    await page.getByRole("region", { name: "Preview" }).waitFor();
    const box = await button.boundingBox();
    assert.ok(box !== null && box.y + box.height <= PHONE.height && box.x + box.width <= PHONE.width);
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "phone-killswitch");
  });
});

describe("a mode that does not enforce", { skip }, () => {
  it("is said on every page: dry run, and policies that come from files", async () => {
    const as = await holdpoint.server.bearer("ada");
    const { json } = await holdpoint.server.ask("/v1/killswitch", { method: "PUT", as, body: { mode: "dry-run" } });
    assert.ok(json !== null);
    const page = await open("ada");
    for (const path of ["holds", "actions", "activity", "agents", "ledger"]) {
      await page.goto(`${holdpoint.server.url}/console/${path}`);
      await banner(page).getByText("Dry run.").waitFor();
      await banner(page).getByText("Policies come from files.").waitFor();
    }
  });

  it("is said of the shadow stage, in which the triage agent does nothing", async () => {
    const as = await holdpoint.server.bearer("ada");
    const target = { environment: "holdpoint", service: "holdpoint" };
    const body = { kind: "stage.set", target, arguments: { stage: "shadow" } };
    const { json } = await holdpoint.server.ask("/v1/actions", { as, body });
    assert.ok(json !== null);
    const page = await open("ada");
    await banner(page).getByText("Shadow stage.").waitFor();
    assert.deepEqual(await seriousFindings(page), []);
  });
});

describe("the connection", { skip }, () => {
  it("is said to be lost when it is, with the time that is shown, and comes back by itself", async () => {
    const page = await open("ada", "/console/activity");
    const { context } = opened.at(-1) as Opened;
    await page.locator("[data-connection=live]").waitFor();
    await context.setOffline(true);
    // What is open stays open offline: the stream is cut by what it is read through.
    await page.route("**/v1/stream", (route) => route.abort());
    await page.reload({ waitUntil: "commit" }).catch(() => undefined);
    await context.setOffline(false);
    await page.goto(`${holdpoint.server.url}/console/activity`);
    await page.locator("[data-connection=lost]").waitFor();
    assert.match(
      (await page.locator("[data-connection=lost]").textContent()) ?? "",
      /Disconnected.*as of \d\d:\d\d:\d\d UTC/,
    );
    await page.unroute("**/v1/stream");
    await page.locator("[data-connection=live]").waitFor();
    // What the browser said about the cut is what this test made.
    const cut = opened.pop();
    assert.ok(
      cut?.problems.every((problem) => /ERR_FAILED|ERR_INTERNET_DISCONNECTED/.test(problem)),
      cut?.problems.join(),
    );
    await cut?.context.close();
  });
});
