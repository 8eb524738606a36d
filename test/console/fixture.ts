// The console in a real browser: built, served by a whole server, opened in pages of signed-in people.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import axe from "axe-core";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import type { JsonObject } from "../../src/core/json.ts";
import { startServer, type Server, type Who } from "../http/fixture.ts";

const ROOT = join(import.meta.dirname, "../..");
const CHROMIUM = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/google-chrome"].find(existsSync);
const FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
/** What the pages look like is kept as output of a run, out of the repository. */
const SHOTS = join(ROOT, "dist", "screenshots");

/** Why browser tests cannot run here, or false. */
export const NO_BROWSER: string | false =
  CHROMIUM === undefined ? "needs Chromium (Debian: chromium-headless-shell)" : false;

export const PHONE = { width: 390, height: 844 };

type Stopping = Awaited<ReturnType<typeof startServer>>;

export type Console = {
  readonly server: Server;
  /** A page of somebody who has signed in through the sign-in page, in a browser profile of their own. */
  open(who: Who, path?: string, more?: OpenOptions): Promise<Opened>;
  /** A page of nobody. */
  openAnonymous(path: string): Promise<Opened>;
  code(who: Who): Promise<string>;
  stop(): Promise<void>;
};

type OpenOptions = {
  readonly size?: { readonly width: number; readonly height: number };
  readonly scheme?: "light" | "dark";
};

export type Opened = {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of the console, of scripts and of the content security policy so far. */
  readonly problems: readonly string[];
};

type Setup = NonNullable<Parameters<typeof startServer>[0]>;

/** Builds the console if need be, and starts a server and a browser. */
export async function startConsole(setup: Setup = {}): Promise<Console> {
  const built = spawnSync(process.execPath, [join(ROOT, "scripts", "build-console.mjs"), "--strict"], {
    encoding: "utf8",
  });
  assert.equal(built.status, 0, built.stderr);
  const server: Stopping = await startServer(setup);
  const browser = await chromium.launch({ executablePath: CHROMIUM ?? "", args: FLAGS });
  const code = async (who: Who): Promise<string> => {
    const { json } = await server.ask("/v1/session/codes", { method: "POST", as: await server.bearer(who), body: {} });
    return json?.["code"] as string;
  };
  return {
    server,
    code,
    openAnonymous: (path) => openPage(browser, server.url + path, {}),
    open: async (who, path = "/console/", more = {}) => {
      const opened = await openPage(browser, `${server.url}${path}#code=${await code(who)}`, more);
      await opened.page.getByRole("button", { name: "Sign in" }).click();
      await opened.page.getByRole("navigation").first().waitFor({ state: "attached" });
      return opened;
    },
    stop: async () => {
      await browser.close();
      await server.stop();
    },
  };
}

async function openPage(browser: Browser, url: string, { size, scheme }: OpenOptions): Promise<Opened> {
  const context = await browser.newContext({
    viewport: size ?? { width: 1440, height: 900 },
    colorScheme: scheme ?? "light",
    timezoneId: "Europe/Berlin",
    locale: "en",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    // An API answer that the page handles is also told here, by its status.
    const isAnswer = /Failed to load resource.*status of 4\d\d/.test(message.text());
    if (message.type() === "error" && !isAnswer) problems.push(message.text());
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) problems.push(`a request to ${request.url()}`);
  });
  await page.goto(url);
  return { page, context, problems };
}

/** Keeps a picture of the page. */
export async function keepShot(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}

type Violation = { readonly id: string; readonly impact: string; readonly nodes: readonly { readonly html: string }[] };

/** What axe finds that is serious or critical, by WCAG 2.2 level A and AA. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  // A colour that is on its way is none that anybody reads.
  const moving = "document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity)";
  await page.evaluate(`Promise.allSettled(${moving}.map(({ finished }) => finished)).then(() => null)`);
  // Evaluated past the page's own policy, which rightly lets no such script in.
  await page.evaluate(axe.source);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const options = { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] };
  const found = `axe.run(${JSON.stringify(options)}).then(({ violations }) => violations)`;
  const violations = (await page.evaluate(found)) as readonly Violation[];
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
}

/** Proposes as `who`, and answers the id of the action. */
export async function propose(server: Server, who: Who, body: JsonObject): Promise<string> {
  const { json, text } = await server.ask("/v1/actions", { as: await server.bearer(who), body });
  assert.ok(typeof json?.["id"] === "string", text);
  return json["id"];
}
