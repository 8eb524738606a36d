// Addresses that configuration names: what may leave this machine, and how.

import { AppError } from "../../core/errors.ts";

const LOOPBACK = new Set(["127.0.0.1", "[::1]", "localhost"]);

/**
 * Checks a configured base address and returns its origin. Throws `config-invalid` for anything but a bare origin, and
 * for plain HTTP beyond this machine: credentials go over it.
 */
export function parseOrigin(baseUrl: string): string {
  const url = parseAddress(baseUrl);
  if (url.pathname === "/") return url.origin;
  throw new AppError("config-invalid", `${url.origin}: a base address is scheme, host and port, and nothing else`);
}

/** As `parseOrigin`, for addresses that may have a path: no user, query or fragment. */
export function parseAddress(text: string): URL {
  const url = URL.parse(text);
  if (url === null) throw new AppError("config-invalid", "a base address is not a URL");
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new AppError("config-invalid", `${url.origin}: a base address has no user, query or fragment`);
  }
  const safe = url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.has(url.hostname));
  if (!safe) throw new AppError("config-invalid", `${url.origin}: only https leaves this machine`);
  return url;
}

/**
 * The address of what speaks no HTTP, as `tcp://host:port`, and whether it is on this machine: what leaves it speaks TLS.
 * Throws `config-invalid`.
 */
export function parseTcpAddress({ host, port }: { host: string; port: number }): { address: string; isLocal: boolean } {
  const url = URL.parse(`https://${host.includes(":") ? `[${host}]` : host}`);
  if (url === null || url.pathname !== "/" || url.port !== "" || url.username !== "" || host.endsWith("/")) {
    throw new AppError("config-invalid", "a host is a name or an address, and nothing else");
  }
  return { address: `tcp://${url.hostname}:${port}`, isLocal: LOOPBACK.has(url.hostname) };
}
