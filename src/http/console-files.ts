// The web console's built files, held in memory and served under /console/ with a policy that lets nothing else in.

import { hash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { AppError } from "../core/errors.ts";

type ConsoleFile = {
  readonly bytes: Buffer;
  readonly packed: () => Promise<Buffer>;
  readonly type: string;
  readonly tag: string;
};

/** By path below /console/: `index.html`, `assets/…`. Empty where the console was not built. */
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};
const FILES_MAX = 256;
const BYTES_MAX = 16 * 1024 * 1024;

/** Reads the folder once: what is not in it by exact name is not served. */
export function loadConsoleFiles(folder: string): ConsoleFiles {
  const files = new Map<string, ConsoleFile>();
  let total = 0;
  for (const path of ["index.html", ...assetsOf(folder)]) {
    const type = TYPES[extname(path)];
    const bytes = type === undefined ? null : readIfThere(join(folder, path));
    if (type === undefined || bytes === null) continue;
    total += bytes.length;
    if (files.size >= FILES_MAX || total > BYTES_MAX) throw new AppError("config-invalid", "the console is too large");
    files.set(path, { bytes, packed: packedOnce(bytes), type, tag: `"${hash("sha256", bytes).slice(0, 32)}"` });
  }
  return files.has("index.html") ? files : new Map();
}

const pack = promisify(gzip);

/** Packed when it is first asked for: most starts are nobody's first visit. */
function packedOnce(bytes: Buffer): () => Promise<Buffer> {
  let packed: Promise<Buffer> | undefined;
  return () => (packed ??= pack(bytes));
}

function assetsOf(folder: string): readonly string[] {
  try {
    return readdirSync(join(folder, "assets")).map((name) => `assets/${name}`);
  } catch {
    return []; // not built
  }
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": POLICY,
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  vary: "accept-encoding",
};

/** Mounts the console; every path outside assets/ is a page of it, so that links lead there directly. */
export function mountConsole(server: FastifyInstance, files: ConsoleFiles): void {
  const toConsole = (_request: FastifyRequest, reply: FastifyReply): FastifyReply => reply.redirect("/console/", 302);
  server.get("/", toConsole);
  server.get("/console", toConsole);
  server.get("/console/*", async (request, reply) => {
    const path = (request.params as Record<string, string>)["*"] ?? "";
    const isAsset = path.startsWith("assets/");
    const file = files.get(isAsset ? path : "index.html");
    if (file === undefined) {
      const why = files.size === 0 ? "the console is not built: node scripts/build-console.mjs, then start again" : "";
      throw new AppError("route-unknown", why === "" ? "no such file of the console" : why);
    }
    return sendFile(request, reply, { file, isNamedByContent: isAsset });
  });
}

type Sent = { readonly file: ConsoleFile; readonly isNamedByContent: boolean };

async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { file, isNamedByContent }: Sent,
): Promise<FastifyReply> {
  void reply.headers(HEADERS).header("etag", file.tag).type(file.type);
  void reply.header("cache-control", isNamedByContent ? "public, max-age=31536000, immutable" : "no-cache");
  if (request.headers["if-none-match"] === file.tag) return reply.code(304).send();
  const takesGzip = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
  if (takesGzip) return reply.header("content-encoding", "gzip").send(await file.packed());
  return reply.send(file.bytes);
}
