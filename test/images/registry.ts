// A real registry (Debian's docker-registry) with a name and a password, and before it what newer ones do: tokens, the
// referrers API of the OCI distribution specification, blobs that are elsewhere.

import { spawn } from "node:child_process";
import { hash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PROGRAM = "/usr/bin/docker-registry";
export const absent = existsSync(PROGRAM) ? false : "needs a registry: apt-get install docker-registry";

export const PASSWORD = "correct horse";
const ENTRY = "holdpoint:$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e\n";
const BASIC = `Basic ${Buffer.from(`holdpoint:${PASSWORD}`).toString("base64")}`;
const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";

type Descriptor = { readonly mediaType: string; readonly digest: string; readonly size: number };

export class Registry {
  readonly #folder = mkdtempSync(join(tmpdir(), "holdpoint-registry-"));
  readonly port: number;
  readonly #process: ReturnType<typeof spawn>;

  private constructor(port: number) {
    this.port = port;
    const config = join(this.#folder, "config.yml");
    writeFileSync(join(this.#folder, "htpasswd"), ENTRY);
    writeFileSync(
      config,
      `version: 0.1
log: { level: error }
storage: { inmemory: {} }
http: { addr: "127.0.0.1:${port}" }
auth: { htpasswd: { realm: tests, path: ${join(this.#folder, "htpasswd")} } }
`,
    );
    this.#process = spawn(PROGRAM, ["serve", config], { stdio: "ignore" });
  }

  static async start(): Promise<Registry> {
    const registry = new Registry(await freePort());
    for (let tries = 0; tries < 2_000; tries++) {
      const answer = await fetch(`${registry.url}/v2/`).catch(() => undefined);
      if (answer?.status === 401) return registry;
      await sleep(50);
    }
    registry.stop();
    throw new Error("the registry did not start");
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async ask(method: string, path: string, body?: string, type = "application/octet-stream"): Promise<Response> {
    const headers = { authorization: BASIC, "content-type": type, accept: `${INDEX}, ${MANIFEST}` };
    const to = path.startsWith("http") ? path : `${this.url}${path}`;
    return fetch(to, { method, headers, ...(body === undefined ? {} : { body }) });
  }

  async #blob(repository: string, text: string): Promise<Descriptor> {
    const digest = `sha256:${hash("sha256", text)}`;
    const begun = await this.ask("POST", `/v2/${repository}/blobs/uploads/`);
    const place = new URL(begun.headers.get("location") ?? "", this.url);
    place.searchParams.set("digest", digest);
    const ended = await this.ask("PUT", place.href, text);
    if (ended.status !== 201) throw new Error(`blob: ${ended.status} ${await ended.text()}`);
    return { mediaType: "application/octet-stream", digest, size: Buffer.byteLength(text) };
  }

  async #put(repository: string, reference: string, content: object, type: string): Promise<Descriptor> {
    const text = JSON.stringify(content);
    const answer = await this.ask("PUT", `/v2/${repository}/manifests/${reference}`, text, type);
    if (answer.status !== 201) throw new Error(`manifest: ${answer.status} ${await answer.text()}`);
    return { mediaType: type, digest: `sha256:${hash("sha256", text)}`, size: Buffer.byteLength(text) };
  }

  /** An image of one layer under a tag; gives its digest, in hex. */
  async image(repository: string, tag: string, content: string): Promise<string> {
    const config = { ...(await this.#blob(repository, "{}")), mediaType: "application/vnd.oci.image.config.v1+json" };
    const layer = { ...(await this.#blob(repository, content)), mediaType: "application/vnd.oci.image.layer.v1.tar" };
    const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] };
    const { digest } = await this.#put(repository, tag, manifest, MANIFEST);
    return digest.slice("sha256:".length);
  }

  /** As cosign attaches bundles: an artifact for each that refers to the image, listed under the tag `sha256-…`. */
  async attach(repository: string, digest: string, bundles: readonly string[]): Promise<void> {
    const listed: object[] = [];
    for (const bundle of bundles) {
      const empty = { ...(await this.#blob(repository, "{}")), mediaType: "application/vnd.oci.empty.v1+json" };
      const layer = { ...(await this.#blob(repository, bundle)), mediaType: BUNDLE };
      const subject = { mediaType: MANIFEST, digest: `sha256:${digest}`, size: 1 };
      const what = { schemaVersion: 2, mediaType: MANIFEST, artifactType: BUNDLE };
      const artifact = { ...what, config: empty, layers: [layer], subject };
      const name = `sha256:${hash("sha256", JSON.stringify(artifact))}`;
      listed.push({ ...(await this.#put(repository, name, artifact, MANIFEST)), artifactType: BUNDLE });
    }
    const index = { schemaVersion: 2, mediaType: INDEX, manifests: listed };
    await this.#put(repository, `sha256-${digest}`, index, INDEX);
  }

  stop(): void {
    this.#process.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export type Misbehaviour = "none" | "lies" | "hangs" | "elsewhere" | "garbage" | "down";

/**
 * Before a registry: takes bearer tokens that it gives for the password, answers the referrers API from the list that
 * the registry keeps under a tag, and sends whoever wants a blob to another origin.
 */
export class Front {
  misbehaves: Misbehaviour = "none";
  readonly asked: string[] = [];
  readonly #registry: Registry;
  readonly #servers: readonly Server[];

  private constructor(registry: Registry, servers: readonly Server[]) {
    this.#registry = registry;
    this.#servers = servers;
  }

  static async start(registry: Registry): Promise<Front> {
    const servers = [createServer(), createServer(), createServer()];
    const front = new Front(registry, servers);
    const [home, tokens, blobs] = servers as [Server, Server, Server];
    home.on("request", (request: IncomingMessage, reply: ServerResponse) => void front.#home(request, reply));
    tokens.on("request", (request: IncomingMessage, reply: ServerResponse) => front.#token(request, reply));
    blobs.on("request", (request: IncomingMessage, reply: ServerResponse) => void front.#blob(request, reply));
    for (const server of servers) await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return front;
  }

  #urlOf(which: number): string {
    const { port } = (this.#servers[which] as Server).address() as AddressInfo;
    return `http://127.0.0.1:${port}`;
  }

  get url(): string {
    return this.#urlOf(0);
  }

  get tokenServer(): string {
    return this.#urlOf(1);
  }

  get blobs(): string {
    return this.#urlOf(2);
  }

  async #home({ url = "", headers }: IncomingMessage, reply: ServerResponse): Promise<void> {
    this.asked.push(url);
    if (this.misbehaves === "hangs") return;
    if (this.misbehaves === "down") return void reply.writeHead(503).end();
    if (this.misbehaves === "garbage") return void reply.writeHead(200).end("<html>");
    if (headers.authorization !== "Bearer t0ken") {
      const realm = this.misbehaves === "elsewhere" ? "https://tokens.example.net/token" : `${this.tokenServer}/token`;
      const challenge = `Bearer realm="${realm}",service="tests",scope="repository:shop/cart:pull"`;
      return void reply.writeHead(401, { "www-authenticate": challenge }).end();
    }
    const [, repository = "", digest = ""] = /^\/v2\/(.+)\/referrers\/sha256:([0-9a-f]{64})\?/.exec(url) ?? [];
    const blob = /\/blobs\/(.+)$/.exec(url);
    if (blob !== null) return void reply.writeHead(307, { location: `${this.blobs}${url}` }).end();
    const path = digest === "" ? url : `/v2/${repository}/manifests/sha256-${digest}`;
    const answer = await this.#registry.ask("GET", path);
    // A registry that has the API answers with an empty list where there is nothing.
    if (digest !== "" && answer.status === 404) {
      return void reply.writeHead(200, { "content-type": INDEX }).end('{"schemaVersion":2,"manifests":[]}');
    }
    const text = await answer.text();
    reply.writeHead(answer.status).end(this.misbehaves === "lies" ? text.replace("layers", "Layers") : text);
  }

  #token({ url = "", headers }: IncomingMessage, reply: ServerResponse): void {
    const query = new URL(url, "http://x").searchParams;
    const isGood = headers.authorization === BASIC && query.get("service") === "tests";
    if (!isGood || query.get("scope") !== "repository:shop/cart:pull") return void reply.writeHead(401).end();
    reply.writeHead(200, { "content-type": "application/json" }).end('{"token":"t0ken","expires_in":300}');
  }

  async #blob({ url = "", headers }: IncomingMessage, reply: ServerResponse): Promise<void> {
    if (headers.authorization !== undefined) return void reply.writeHead(400).end("told who asks");
    const text = await (await this.#registry.ask("GET", url)).text();
    reply.writeHead(200).end(this.misbehaves === "lies" ? `${text} ` : text);
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
}
