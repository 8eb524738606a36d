// Systems that repeat each secret as soon as they hear it.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { startStandIn, type Received, type Reply } from "../../examples/stand-ins/stand-in.ts";
import { answerOf, loginOf } from "./planted-answers.ts";
import { CERTIFICATE, SAID, UNSAID } from "./planted.ts";

const TOFU = new URL("../../examples/stand-ins/tofu.sh", import.meta.url);
const LINEAGE = "3f1d0a52-aaaa-bbbb-cccc-000000000001";

export interface LeakyPlaces {
  readonly url: string;
  readonly postgresPort: number;
  readonly mailPort: number;
  readonly folder: string;
}

export interface Leaky extends LeakyPlaces {
  readonly received: readonly Received[];
  /** All that was said to it. */
  heard(): string;
  close(): Promise<void>;
}

/** Says back all that it was told, in every form, and that it will not do it; as the systems it stands for say so. */
export async function startLeaky(): Promise<Leaky> {
  const act = async (request: Received): Promise<Reply> => (await answerOf(request)) ?? refuse(request);
  const http = await startStandIn({ act, report: () => null });
  const heard: string[] = [];
  const postgres = await startLeakyPostgres(heard);
  const mail = await startTcp(heard, mailReplies, "220 leaky ESMTP\r\n");
  const folder = makePrograms();
  return {
    url: http.url,
    received: http.received,
    postgresPort: postgres.port,
    mailPort: mail.port,
    folder,
    heard: () => heardIn(http.received) + heard,
    close: async () => {
      await http.close();
      for (const one of [postgres, mail]) one.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** All that was said in these requests. */
export function heardIn(received: readonly Received[]): string {
  return received.map(({ path, headers, body }) => `${path} ${said({ headers, body })}`).join("\n");
}

function said({ headers, body }: Pick<Received, "headers" | "body">): string {
  const basic = /^Basic (.*)/.exec(headers.authorization ?? "")?.[1] ?? "";
  return [
    ...Object.values(headers),
    Buffer.from(basic, "base64").toString(),
    loginOf(headers.authorization),
    decodeURIComponent(body.replace(/%(?![0-9A-F]{2})/g, "%25")),
    body,
  ].join(" ");
}

function refuse(request: Received): Reply {
  const { path, headers } = request;
  const all = said(request);
  const token = /(?:Bearer|Splunk|Basic) (.*)/.exec(headers.authorization ?? "")?.[1] ?? "";
  const forms = [all, encodeURIComponent(all), Buffer.from(token).toString("base64")];
  const flat = { message: all, errors: forms, error_description: all, reason: all, errorType: all, detail: all };
  // Slack answers with success, and Kubernetes with a Status.
  if (/^\/api\/[a-z]+\./.test(path)) return { status: 200, json: { ...flat, ok: false, error: all, needed: all } };
  const isFlat = /^\/(?:api|apis|idp|token|oauth_token\.do)\b/.test(path);
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", code: 400 };
  return { status: 400, json: { ...flat, ...status, error: isFlat ? all : { message: all, detail: forms.join(" ") } } };
}

type Answering = (said: Buffer) => string | Buffer | null;

/** A PostgreSQL that repeats the password in its refusal. */
export function startLeakyPostgres(heard: string[]): Promise<{ readonly port: number; close(): void }> {
  return startTcp(heard, postgresReplies);
}

async function startTcp(heard: string[], reply: Answering, greeting = ""): Promise<{ port: number; close(): void }> {
  const server = createServer((socket) => {
    if (greeting !== "") socket.write(greeting);
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      const basic = / ([A-Za-z0-9+/=]{8,})\r?\n$/.exec(chunk.toString("latin1"))?.[1] ?? "";
      heard.push(chunk.toString("latin1"), Buffer.from(basic, "base64").toString("latin1"));
      const answer = reply(chunk);
      if (answer !== null) socket.write(answer);
      if (answer?.[0] === "E".charCodeAt(0)) socket.end(); // as PostgreSQL after what is fatal
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}

/** Asks for the password as it is, and repeats it (PostgreSQL's protocol 3.0, messages R and E). */
function postgresReplies(chunk: Buffer): Buffer {
  const message = (type: string, body: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length + 4);
    return Buffer.concat([Buffer.from(type), length, body]);
  };
  if (chunk[0] !== "p".charCodeAt(0)) return message("R", Buffer.from([0, 0, 0, 3]));
  const password = chunk.subarray(5, -1).toString();
  const forms = [password, encodeURIComponent(password), Buffer.from(password).toString("base64")].join(" ");
  const fields = ["SFATAL", "VFATAL", "CXX000", `Mno: ${forms}`, `Dfor ${forms}`].map((field) => `${field}\0`);
  return message("E", Buffer.from(`${fields.join("")}\0`));
}

function mailReplies(chunk: Buffer): string {
  const line = chunk.toString().trim();
  if (/^EHLO/i.test(line)) return "250-leaky\r\n250 AUTH PLAIN LOGIN\r\n";
  const word = line.split(" ").at(-1) ?? "";
  return `554 5.7.0 you said ${line}: ${Buffer.from(word, "base64").toString().replaceAll("\0", " ")}\r\n`;
}

/** Programs that repeat their secrets, and do nothing without them; not below /tmp, since a program has one of its own. */
function makePrograms(): string {
  const folder = mkdtempSync("/var/tmp/holdpoint-leaky-");
  chmodSync(folder, 0o755);
  const write = (name: string, text: string, mode: number): void => {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), mode);
  };
  const all = '$SECRET $(printf %s "$SECRET" | base64)';
  write(
    "repeat",
    `#!/bin/bash\n[ "$SECRET" = ${SAID.runbook} ] || exit 99\necho "${all}"\necho "${all}" >&2\nexit "$1"\n`,
    0o755,
  );
  const tofu = readFileSync(TOFU, "utf8")
    .replace('[ -z "$STATE_KEY" ] || ', "")
    .replaceAll("k3y-of-the-state", SAID.tofu);
  write("tofu", tofu.replaceAll("hunter2-of-the-state", UNSAID.state), 0o755);
  mkdirSync(join(folder, "work"));
  mkdirSync(join(folder, "plans"));
  mkdirSync(join(folder, "pod"));
  chmodSync(join(folder, "work"), 0o777);
  const outputs = { password: { value: UNSAID.state } };
  write("work/terraform.tfstate", JSON.stringify({ version: 4, serial: 7, lineage: LINEAGE, outputs }), 0o666);
  const sensitive = { before_sensitive: { key: true }, after_sensitive: { key: true }, after_unknown: {} };
  const change = { actions: ["update"], before: { key: "old", a: 1 }, after: { key: UNSAID.sensitive, a: 2 } };
  const resources = [{ address: "aws_lb.cart", change: { ...change, ...sensitive } }];
  const plan = { format_version: "1.2", terraform_version: "1.10.0", timestamp: "2026-09-21T10:00:00Z" };
  const text = JSON.stringify({ ...plan, resource_changes: resources });
  write("plans/fails.tfplan", `${LINEAGE}:7\n${text}\n!aws_lb.cart 0\n`, 0o644);
  write("pod/token", SAID.pod, 0o644);
  write("pod/ca.crt", CERTIFICATE, 0o644);
  return folder;
}
