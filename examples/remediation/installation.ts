// A Holdpoint of its own for the example: a folder, the settings, the server, two owners, and the command line of each.

import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entryOf } from "../../scripts/server-build.mjs";

const PROJECT = join(import.meta.dirname, "../..");
const SHOP_ADDRESS = /http:\/\/127\.0\.0\.1:4710/g;
const START_MAX_MS = 180_000;

export interface Ran {
  readonly code: number | null;
  readonly text: string;
}

export class Installation {
  readonly dir = mkdtempSync(join(tmpdir(), "holdpoint-remediation-"));
  readonly data = join(this.dir, "data");
  readonly shopToken = randomBytes(24).toString("hex");
  #url = "";
  #server: ChildProcess | undefined;

  get url(): string {
    return this.#url;
  }

  /** The standard pack with the example's policies, and the shop's address where the settings name it. */
  prepare(shopUrl: string): void {
    mkdirSync(join(this.data, "secrets", "http"), { recursive: true, mode: 0o700 });
    writeFileSync(join(this.data, "secrets", "http", "shop"), this.shopToken, { mode: 0o600 });
    const settings = readFileSync(join(import.meta.dirname, "holdpoint.yaml"), "utf8");
    writeFileSync(join(this.data, "holdpoint.yaml"), settings.replaceAll(SHOP_ADDRESS, shopUrl));
    const policies = join(this.data, "policies");
    cpSync(join(PROJECT, "policies"), policies, { recursive: true });
    cpSync(join(import.meta.dirname, "policies"), policies, { recursive: true });
  }

  async start(): Promise<void> {
    const port = await freePort();
    this.#url = `http://127.0.0.1:${port}`;
    const env = { ...this.environment("people"), HOLDPOINT_DATA: this.data, HOLDPOINT_PORT: String(port) };
    const child = spawn(process.execPath, [entryOf("serve")], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#server = child;
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
    await new Promise<void>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`Holdpoint ${why}:\n${log.slice(-4_000)}`));
      const timer = setTimeout(fail, START_MAX_MS, "did not start in time");
      child.once("exit", (code) => fail(`ended with ${code}`));
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        if (!text.includes(" is ready at ")) return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Everybody has a folder of keys of their own: an agent cannot sign as a person. */
  environment(who: string): NodeJS.ProcessEnv {
    const config = join(this.dir, who);
    mkdirSync(config, { recursive: true, mode: 0o700 });
    return { ...process.env, HOLDPOINT_CONFIG: config, HOLDPOINT_SERVER: this.#url };
  }

  /** The command line as `client`, with the keys of `who`. */
  async holdpoint(args: readonly string[], { as, who = "people" }: { as: string; who?: string }): Promise<Ran> {
    const env = { ...this.environment(who), HOLDPOINT_CLIENT: as, HOLDPOINT_DATA: this.data };
    const child = spawn(process.execPath, [join(PROJECT, "bin/holdpoint.mjs"), ...args], { cwd: this.dir, env });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (said: string) => (text += said));
    }
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, text };
  }

  async stop(keep: boolean): Promise<void> {
    const server = this.#server;
    if (server !== undefined && server.exitCode === null) {
      const gone = new Promise((resolve) => server.once("exit", resolve));
      server.kill("SIGTERM");
      await gone;
    }
    if (!keep) rmSync(this.dir, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
