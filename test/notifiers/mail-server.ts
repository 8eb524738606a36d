// A real mail server that keeps what it takes, and fails as mail servers do.

import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import tls from "node:tls";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { makeCertificate } from "../identity/certificate.ts";

export const USER = "holdpoint";
export const PASSWORD = "a-password-of-its-own";

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly secure: boolean;
  readonly user: string | null;
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
}

/** `act-then-drop` takes the message and ends the connection before it says so. */
export type MailMishap = "refuse-recipient" | "busy" | "too-large" | "drop" | "act-then-drop" | "hang";

export interface MailServerOptions {
  readonly security?: "starttls" | "tls" | "none";
  readonly auth?: boolean;
  readonly trusted?: boolean;
}

const CERTIFICATE = makeCertificate("localhost", Date.now());
const STRANGER = makeCertificate("localhost", Date.now());

/** Trusts the server's certificate in this process, as NODE_EXTRA_CA_CERTS does for a whole one. */
export function trustCertificate(t: TestContext): void {
  const before = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...before, CERTIFICATE.pem]);
  t.after(() => tls.setDefaultCACertificates(before));
}

export async function startMailServer(t: TestContext, options: MailServerOptions = {}) {
  const { security = "starttls", auth = true, trusted = true } = options;
  const mails: Mail[] = [];
  const mishaps: MailMishap[] = [];
  let sessions = 0;
  const { pem, key } = trusted ? CERTIFICATE : STRANGER;
  const settings: SMTPServerOptions = {
    cert: pem,
    key: key.export({ type: "pkcs8", format: "pem" }).toString(),
    secure: security === "tls",
    authOptional: !auth,
    authMethods: ["PLAIN"],
    logger: false,
    disabledCommands: security === "none" ? ["STARTTLS"] : [],
    disableReverseLookup: true,
    closeTimeout: 50,
    onConnect: (_session, callback) => {
      sessions++;
      if (mishaps[0] === "hang") return void mishaps.shift();
      if (mishaps[0] !== "drop") return callback();
      mishaps.shift();
      for (const connection of server.connections)
        (connection as unknown as { _socket: { destroy(): void } })._socket.destroy();
    },
    onAuth: ({ username, password }, _session, callback) =>
      username === USER && password === PASSWORD
        ? callback(null, { user: username })
        : callback(new Error("Invalid username or password")),
    onRcptTo: (_address, _session, callback) => callback(refusalOf(mishaps, ["refuse-recipient", "busy"])),
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const refusal = refusalOf(mishaps, ["too-large"]);
        if (refusal !== null) return callback(refusal);
        const { envelope, secure } = session;
        const from = envelope.mailFrom === false ? "" : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address);
        const user = typeof session.user === "string" ? session.user : null;
        mails.push({ from, to, secure, user, ...partsOf(Buffer.concat(chunks).toString("utf8")) });
        if (mishaps[0] !== "act-then-drop") return callback();
        mishaps.shift();
        for (const one of server.connections) (one as unknown as { _socket: { destroy(): void } })._socket.destroy();
      });
    },
  };
  const server = new SMTPServer(settings);
  server.on("error", () => undefined);
  server.listen(0, "localhost");
  await once(server.server, "listening");
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo;
  return { port, mails, fail: (mishap: MailMishap) => void mishaps.push(mishap), sessions: () => sessions };
}

const REPLIES = { "refuse-recipient": 550, busy: 451, "too-large": 552 } as const;

function refusalOf(mishaps: MailMishap[], here: readonly (keyof typeof REPLIES)[]): Error | null {
  const kind = here.find((one) => one === mishaps[0]);
  if (kind === undefined) return null;
  mishaps.shift();
  return Object.assign(new Error(`no: ${PASSWORD}`), { responseCode: REPLIES[kind] });
}

/** Unfolded headers by lower-case name, and the text as it reads. */
function partsOf(message: string): Pick<Mail, "headers" | "text"> {
  const at = message.indexOf("\r\n\r\n");
  const lines = message
    .slice(0, at)
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.replace(/^[^:]*: ?/, "")]),
  );
  const body = message.slice(at + 4);
  return { headers, text: decode(body, headers.get("content-transfer-encoding") ?? "7bit").replaceAll("\r\n", "\n") };
}

function decode(body: string, encoding: string): string {
  if (encoding === "base64") return Buffer.from(body, "base64").toString("utf8");
  if (encoding !== "quoted-printable") return body;
  const bytes = body
    .replaceAll("=\r\n", "")
    .replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}
