// The other pages in a real browser: proofs checked in the page, the ledger, activity, and text of agents that stays text.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import type { Page } from "playwright-core";
import type { JsonObject } from "../../src/core/json.ts";
import { signerFromSeed, verifierOf } from "../../src/ledger/ed25519.ts";
import { note } from "../http/fixture.ts";
import { newKey, registrationBody } from "../http/signing.ts";
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
let noted: string;
const opened: Opened[] = [];

before(async () => {
  if (skip !== false) return;
  holdpoint = await startConsole();
  noted = await propose(holdpoint.server, "deployer", note("staging"));
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

const OTHER_ROOT = verifierOf(signerFromSeed("other.example/root", new Uint8Array(32).fill(7))).text;

const receipt = (page: Page) => page.getByRole("region", { name: "Receipt" });

/** Changes one letter of the signed statement, and leaves the signatures as they are. */
function tamper(text: string): string {
  const envelope = JSON.parse(text) as { payload: string };
  const statement = Buffer.from(envelope.payload, "base64").toString();
  const changed = statement.replace(/action\.granted/, "action.refused");
  assert.notEqual(changed, statement);
  return JSON.stringify({ ...envelope, payload: Buffer.from(changed).toString("base64") });
}

describe("a receipt", { skip }, () => {
  it("is verified in the page, which says under which root key and where that came from", async () => {
    const page = await open("ada", `/console/actions/${noted}`);
    await receipt(page).getByText("verified", { exact: true }).waitFor();
    await receipt(page).getByText("Root key as this server gives it").waitFor();
    assert.equal(await page.locator("[data-root-key]").textContent(), holdpoint.server.running.root);
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "action");
    await receipt(page).getByRole("button", { name: "Pin this one" }).click();
    await receipt(page).getByText("Root key pinned in this browser").waitFor();
    await page.reload();
    await receipt(page).getByText("Root key pinned in this browser").waitFor();
    await receipt(page).getByText("verified", { exact: true }).waitFor();
  });

  it("that was tampered with on its way is refused, loudly", async () => {
    const page = await open("ada", "/console/actions");
    await page.route("**/receipt", async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, body: tamper(await answer.text()) });
    });
    await page.getByRole("link", { name: "record.note" }).first().click();
    await receipt(page).getByText("does not verify", { exact: true }).waitFor();
    await receipt(page).getByRole("alert").getByText("This receipt does not verify").waitFor();
    await keepShot(page, "receipt-refused");
  });

  it("of another installation is refused under the root key that somebody pinned", async () => {
    const page = await open("ada", `/console/actions/${noted}`);
    await receipt(page).getByText("verified", { exact: true }).waitFor();
    await receipt(page).getByLabel("Root key to pin").fill(OTHER_ROOT.replace("other", "any"));
    await receipt(page).getByRole("button", { name: "Pin", exact: true }).click();
    await receipt(page).getByText("Not a root key: a public key does not match its own hash.").waitFor();
    await receipt(page).getByLabel("Root key to pin").fill(OTHER_ROOT);
    await receipt(page).getByRole("button", { name: "Pin", exact: true }).click();
    await receipt(page).getByText("does not verify", { exact: true }).waitFor();
    await receipt(page).getByText("The server names another root key now.").waitFor();
  });
});

describe("the ledger", { skip }, () => {
  it("is walked event by event, each with its facts and its own proof", async () => {
    const page = await open("ada", "/console/ledger?from=0");
    await page.getByRole("link", { name: "0", exact: true }).click();
    await page.getByRole("heading", { name: /^log\.opened/ }).waitFor();
    await receipt(page).getByText("verified", { exact: true }).waitFor();
    await page.keyboard.press("j");
    await page.getByRole("heading", { name: /^engine\.started/ }).waitFor();
    assert.match(page.url(), /\/ledger\/1$/);
    assert.deepEqual(await seriousFindings(page), []);
  });

  it("is filtered by type and subject in the address, and shows the signed head", async () => {
    const page = await open("ada", `/console/ledger?subject=${noted}`);
    await page.getByRole("cell", { name: "action.proposed" }).waitFor();
    const subjects = await page.locator("tbody tr td:nth-child(4)").allTextContents();
    assert.ok(subjects.length >= 2 && subjects.every((subject) => subject === noted), subjects.join());
    await page.getByRole("region", { name: "Signed checkpoint" }).waitFor();
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "ledger");
  });
});

describe("actions", { skip }, () => {
  it("are listed page by page, filtered by the address, and opened by keyboard", async () => {
    const as = await holdpoint.server.bearer("deployer");
    for (let i = 0; i < 55; i++) {
      await holdpoint.server.ask("/v1/actions", { as, body: note("staging", `note ${i}`) });
    }
    const page = await open("ada", "/console/actions?environment=staging");
    await page.getByRole("link", { name: "Older" }).click();
    await page.waitForURL(/environment=staging&cursor=/);
    await page.getByRole("link", { name: noted }).or(page.getByText(noted)).first().waitFor();
    await page.getByRole("link", { name: "To the newest" }).click();
    await page.waitForURL("**/actions?environment=staging");
    await page.getByRole("link", { name: "Older" }).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/actions\/act_/);
    await receipt(page).getByText("verified", { exact: true }).waitFor();
  });
});

describe("an action", { skip }, () => {
  it("is explained from the ledger: whose authority, what constrained it, how it was decided", async () => {
    const page = await open("ada", `/console/actions/${noted}`);
    const explained = page.getByRole("region", { name: "Explained" });
    await explained.getByRole("button", { name: "Explain" }).click();
    await explained.getByText("agent:deployer").waitFor();
    assert.deepEqual(await seriousFindings(page), []);
  });
});

describe("agents", { skip }, () => {
  it("are registered by an action that is approved here, shown with all they may do, and revoked at once", async () => {
    const bounds = {
      kinds: ["record.note"],
      environments: ["staging"],
      owner: "person:ada",
      purpose: "watches the canary",
    };
    const body = registrationBody("agent:watcher", [newKey()], bounds);
    const as = await holdpoint.server.bearer("ada");
    const { json } = await holdpoint.server.ask("/v1/agents", { as, body });
    const asked = json?.["id"] as string;
    const grace = await open("grace", `/console/holds/${asked}`);
    await grace.getByRole("button", { name: "Approve …" }).click();
    const typed = grace.getByLabel(/^Protected: type/);
    if ((await typed.count()) > 0) await typed.fill("holdpoint");
    await grace.getByRole("button", { name: "Approve this plan" }).click();
    await grace.getByText(/^Approved\./).waitFor();
    await grace.goto(`${holdpoint.server.url}/console/agents`);
    await grace.getByRole("region", { name: "Registered" }).getByRole("link", { name: "agent:watcher" }).click();
    const registration = grace.getByRole("region", { name: "Registration" });
    const text = (await registration.textContent()) ?? "";
    for (const part of ["person:ada", "record.note", "staging", "watches the canary", asked])
      assert.ok(text.includes(part), part);
    assert.deepEqual(await seriousFindings(grace), []);
    await keepShot(grace, "agent");
    await grace.getByRole("button", { name: "Revoke …" }).click();
    await grace.getByLabel("Reason (optional)").fill("its key leaked");
    await grace.getByRole("button", { name: "Revoke it" }).click();
    await grace.getByText("agent:watcher is revoked.").waitFor();
    await registration.getByText("Revoked").waitFor();
    assert.equal(await grace.getByRole("button", { name: "Revoke …" }).count(), 0);
  });
});

describe("activity", { skip }, () => {
  it("shows what happens while it happens, each event once and in order", async () => {
    const page = await open("grace", "/console/activity");
    await page.locator("[data-connection=live]").waitFor();
    await page.locator("tbody tr").first().waitFor();
    const ids = [
      await propose(holdpoint.server, "deployer", note("staging")),
      await propose(holdpoint.server, "deployer", note("production")),
    ];
    await page
      .getByRole("link", { name: ids[1] ?? "" })
      .first()
      .waitFor();
    await page.getByRole("cell", { name: "action.held" }).first().waitFor();
    const seqs = (await page.locator("tbody tr td:first-child").allTextContents()).map(Number);
    assert.deepEqual(
      seqs,
      seqs.map((_, i) => (seqs[0] ?? 0) - i),
    );
    assert.deepEqual(await seriousFindings(page), []);
    await keepShot(page, "activity");
    await page.getByLabel("Show events of").selectOption("signal");
    await page.waitForURL("**/activity?family=signal");
    await page.getByText("Nothing of that kind happened lately").waitFor();
    await page.getByLabel("Show events of").selectOption("action");
    await page.locator("tbody tr").first().waitFor();
    const types = await page.locator("tbody tr td:nth-child(3)").allTextContents();
    assert.ok(
      types.every((type) => type.startsWith("action.")),
      types.join(),
    );
  });
});

describe("a page that the server had no time for", { skip }, () => {
  it("is asked for again until it is as it is now", async () => {
    const id = await propose(holdpoint.server, "deployer", note("production", "soon gone"));
    const page = await open("ada", `/console/actions/${id}`);
    await page.locator("[data-connection=live]").waitFor();
    await page.getByText("held", { exact: true }).first().waitFor();
    let asked = 0;
    await page.route(`**/v1/actions/${id}`, async (route) => {
      asked += 1;
      if (asked > 2) return route.continue();
      return route.fulfill({ status: 429, json: { title: "Too many requests", code: "rate-limited" } });
    });
    const as = await holdpoint.server.bearer("deployer");
    const { status, text } = await holdpoint.server.ask(`/v1/actions/${id}/cancel`, { as, method: "POST", body: {} });
    assert.equal(status, 200, text);
    await page.getByText("cancelled", { exact: true }).first().waitFor();
    await page.unrouteAll({ behavior: "wait" });
  });
});

const SCRIPT = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
const HOSTILE = `${SCRIPT} javascript:alert(1) \u{202e}dlrow\u{202c} zero\u{200b}width {{7*7}} \${7*7}`;

describe("what an agent supplies", { skip }, () => {
  it("stays text in every field, on every page, with what cannot be seen named", async () => {
    const body: JsonObject = {
      kind: "record.note",
      target: { environment: "production", service: "cart", resource: "<script>document.title='owned'</script>" },
      arguments: { text: HOSTILE, tags: [SCRIPT.slice(0, 60)] },
      reason: HOSTILE,
    };
    const id = await propose(holdpoint.server, "deployer", body);
    const page = await open("ada", `/console/holds/${id}`);
    await page.getByRole("article", { name: `Hold ${id}` }).waitFor();
    for (const path of [
      `holds/${id}`,
      `actions/${id}`,
      "actions",
      "holds",
      `ledger?subject=${id}`,
      "activity",
      "agents",
      `agents/${encodeURIComponent("agent:deployer")}`,
    ]) {
      await page.goto(`${holdpoint.server.url}/console/${path}`);
      await page
        .getByText(/record\.note|action\.proposed|agent:deployer/)
        .first()
        .waitFor();
      assert.equal(await page.title(), "Holdpoint", path);
      assert.equal(
        await page.locator("main img, main script, main iframe, main a[href^='javascript:']").count(),
        0,
        path,
      );
    }
    await page.goto(`${holdpoint.server.url}/console/holds/${id}`);
    const card = page.getByRole("article", { name: `Hold ${id}` });
    await card.getByText(SCRIPT.slice(0, 30)).first().waitFor();
    const text = (await card.textContent()) ?? "";
    assert.ok(text.includes("<script>document.title='owned'</script>"), "it is shown as it was written");
    assert.ok(text.includes("U+202E") && text.includes("U+200B"), "what cannot be seen is named");
    assert.doesNotMatch(text, /[\u{202e}\u{200b}]/u);
    await keepShot(page, "hostile-text");
  });

  it("and what stands in the address is text as well", async () => {
    const page = await open(
      "ada",
      `/console/holds?environment=${encodeURIComponent(SCRIPT)}&service=${encodeURIComponent("\u{202e}x")}`,
    );
    await page.getByText("No hold matches the filter").waitFor();
    assert.equal(await page.title(), "Holdpoint");
    await page.getByRole("button", { name: /^Remove the filter service/ }).waitFor();
    await page.goto(`${holdpoint.server.url}/console/actions/${encodeURIComponent(SCRIPT.slice(0, 40))}`);
    await page.getByRole("alert").waitFor();
    assert.equal(await page.title(), "Holdpoint");
  });
});

describe("the pages", { skip }, () => {
  it("are as readable in the dark and on a phone", async () => {
    const id = await propose(holdpoint.server, "deployer", note("production", "in the dark"));
    const page = await open("ada", `/console/holds/${id}`, { scheme: "dark" });
    for (const path of [`holds/${id}`, `actions/${id}`, "actions", "activity", "agents", "ledger"]) {
      await page.setViewportSize({ width: 1440, height: 900 });
      await page.goto(`${holdpoint.server.url}/console/${path}`);
      await page.locator("main h1").first().waitFor();
      await page.locator("[data-connection=live]").waitFor();
      assert.deepEqual(await seriousFindings(page), [], path);
      await keepShot(page, `dark-${path.split("/")[0] ?? ""}${path.includes("/") ? "-one" : ""}`);
      await page.setViewportSize(PHONE);
      const [wide, screen] = (await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")) as number[];
      assert.equal(wide, screen, path);
    }
  });

  it("that do not exist say so, and lead back", async () => {
    const page = await open("ada", "/console/nowhere");
    await page.getByText("There is no such page").waitFor();
    await page.getByRole("link", { name: "To the holds" }).click();
    await page.getByRole("heading", { name: /^Holds/ }).waitFor();
  });
});
