// A real Kubernetes API server with its etcd for one test file: tokens, certificates, RBAC, and an audit log that nobody
// of ours writes. There are no controllers behind it: what they would do, a test does.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { JsonObject } from "../../src/core/json.ts";
import { freePort } from "../e2e/server.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/kube-apiserver.mjs", import.meta.url));
const ADMIN_TOKEN = "admin-of-the-tests";
const WAIT_MAX_MS = 120_000;

/** Writes of everybody, with what they ask for; whoever only looks, and the server's own housekeeping, is left out. */
const AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    users: ["system:apiserver", "system:anonymous"]
  - level: Request
    verbs: [create, update, patch, delete, deletecollection]
  - level: Metadata
`;

const binary = execFileSync(process.execPath, [SCRIPT, "--where"], { encoding: "utf8" }).trim();
const hasEtcd = spawnSync("etcd", ["--version"]).status === 0;

/** Why tests of it must be skipped, or false. */
export const absent: string | false =
  existsSync(binary) && hasEtcd
    ? false
    : "needs a Kubernetes API server: node scripts/kube-apiserver.mjs builds it once";

export interface AuditEntry {
  readonly requestReceivedTimestamp: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly responseStatus?: { readonly code: number };
  readonly requestObject?: unknown;
}

export interface Answered {
  readonly status: number;
  readonly body: JsonObject;
}

export class ApiServer {
  readonly url: string;
  readonly #folder: string;
  readonly #children: ChildProcess[] = [];
  #log = "";

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.url = `https://127.0.0.1:${port}`;
  }

  static async start(): Promise<ApiServer> {
    const folder = mkdtempSync(join(tmpdir(), "holdpoint-kubernetes-"));
    const server = new ApiServer(folder, await freePort());
    try {
      await server.#run();
    } catch (error) {
      await server.stop();
      throw new Error(`the API server did not start:\n${server.#log.slice(-4_000)}`, { cause: error });
    }
    return server;
  }

  async #run(): Promise<void> {
    const [client, peer] = [await freePort(), await freePort()];
    const etcd = `http://127.0.0.1:${client}`;
    const peers = `http://127.0.0.1:${peer}`;
    this.#spawn("etcd", [
      `--data-dir=${join(this.#folder, "etcd")}`,
      ...["--unsafe-no-fsync", `--listen-client-urls=${etcd}`, `--advertise-client-urls=${etcd}`],
      ...[
        `--listen-peer-urls=${peers}`,
        `--initial-advertise-peer-urls=${peers}`,
        `--initial-cluster=default=${peers}`,
      ],
    ]);
    const files = this.#writeFiles();
    this.#spawn(binary, [
      ...[`--etcd-servers=${etcd}`, "--bind-address=127.0.0.1", `--secure-port=${new URL(this.url).port}`],
      ...[`--cert-dir=${join(this.#folder, "pki")}`, "--service-cluster-ip-range=10.0.0.0/24"],
      ...["--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none"],
      ...["--service-account-issuer=https://kubernetes.test", `--service-account-key-file=${files.key}`],
      ...[`--service-account-signing-key-file=${files.key}`, `--token-auth-file=${files.tokens}`],
      ...[`--client-ca-file=${files.ca}`, "--authorization-mode=RBAC"],
      // Pods would need a service account's secret, which a controller makes.
      ...["--disable-admission-plugins=ServiceAccount", "--profiling=false"],
      ...[`--audit-policy-file=${files.policy}`, `--audit-log-path=${this.#auditPath}`, "--audit-log-mode=blocking"],
    ]);
    for (const end = Date.now() + WAIT_MAX_MS; ; await sleep(200)) {
      const ready = await this.call("GET", "/readyz").catch(() => undefined);
      if (ready?.status === 200) return;
      assert.ok(Date.now() < end, "ready in time");
      assert.ok(
        this.#children.every(({ exitCode }) => exitCode === null),
        "it runs",
      );
    }
  }

  #spawn(command: string, args: readonly string[]): void {
    const child = spawn(command, args, { cwd: this.#folder, stdio: ["ignore", "pipe", "pipe"] });
    const hear = (text: Buffer): void => void (this.#log = (this.#log + text.toString()).slice(-16_384));
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    this.#children.push(child);
  }

  #writeFiles(): { readonly key: string; readonly tokens: string; readonly ca: string; readonly policy: string } {
    const at = (name: string): string => join(this.#folder, name);
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    writeFileSync(at("accounts.key"), privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
    writeFileSync(at("tokens.csv"), `${ADMIN_TOKEN},admin,1,"system:masters"\n`, { mode: 0o600 });
    writeFileSync(at("audit.yaml"), AUDIT_POLICY);
    this.#openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      "ca.key",
      "-out",
      "ca.crt",
      "-subj",
      "/CN=c",
    );
    return { key: at("accounts.key"), tokens: at("tokens.csv"), ca: at("ca.crt"), policy: at("audit.yaml") };
  }

  #openssl(...args: readonly string[]): void {
    execFileSync("openssl", args, { cwd: this.#folder, stdio: ["ignore", "ignore", "pipe"] });
  }

  get #auditPath(): string {
    return join(this.#folder, "audit.log");
  }

  /** PEM of what signed its certificate. */
  get ca(): string {
    return readFileSync(join(this.#folder, "pki", "apiserver.crt"), "utf8");
  }

  /** A certificate that makes its bearer the user `name`. */
  clientCertificate(name: string): { readonly cert: string; readonly key: string } {
    const signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2"];
    this.#openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "u.key", "-out", "u.csr", "-subj", `/CN=${name}`);
    this.#openssl("x509", "-req", "-in", "u.csr", "-out", "u.crt", ...signed);
    const read = (file: string): string => readFileSync(join(this.#folder, file), "utf8");
    return { cert: read("u.crt"), key: read("u.key") };
  }

  /** A service account's own token, as a pod would get it. */
  async accountToken(namespace: string, name: string): Promise<string> {
    const { body } = await this.must("POST", `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { audiences: ["https://kubernetes.test"], expirationSeconds: 3_600 },
    });
    return (body["status"] as { token: string }).token;
  }

  /** One request of the tests' own, as the cluster's administrator unless told. */
  call(
    method: string,
    path: string,
    body?: unknown,
    type = "application/json",
    token = ADMIN_TOKEN,
  ): Promise<Answered> {
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    const text = body === undefined ? "" : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": type,
      "content-length": String(Buffer.byteLength(text)),
    };
    const sent = request(this.url + path, { method, headers, rejectUnauthorized: false, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const said = Buffer.concat(chunks).toString();
        resolve({ status: answer.statusCode ?? 0, body: said.startsWith("{") ? (JSON.parse(said) as JsonObject) : {} });
      });
    });
    sent.on("error", reject);
    sent.end(text);
    return promise;
  }

  /** The same, and it must work. */
  async must(method: string, path: string, body?: unknown, type?: string): Promise<Answered> {
    const answered = await this.call(method, path, body, type);
    assert.ok(answered.status < 300, `${method} ${path}: ${JSON.stringify(answered)}`);
    return answered;
  }

  get(path: string): Promise<JsonObject> {
    return this.must("GET", path).then(({ body }) => body);
  }

  /** Every request of one user, as the server itself wrote it down. */
  requestsBy(user: string): readonly AuditEntry[] {
    const lines = readFileSync(this.#auditPath, "utf8").split("\n");
    const entries = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as AuditEntry);
    return entries.filter(({ user: by }) => by.username === user);
  }

  /** … and of these what changed something. */
  writesBy(user: string): readonly AuditEntry[] {
    return this.requestsBy(user).filter(({ verb, requestURI, responseStatus }) => {
      const isWrite = ["create", "update", "patch", "delete", "deletecollection"].includes(verb);
      return isWrite && !requestURI.includes("dryRun=All") && (responseStatus?.code ?? 0) < 300;
    });
  }

  async stop(): Promise<void> {
    for (const child of this.#children.reverse()) {
      const gone = child.exitCode === null ? new Promise((resolve) => child.once("close", resolve)) : undefined;
      child.kill("SIGKILL");
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
