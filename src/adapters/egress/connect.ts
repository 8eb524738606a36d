// One bare connection to an address that is allowed, for protocols that are not HTTP.

import { connect as connectTcp, type LookupFunction, type Socket } from "node:net";
import type { UnsentCode } from "../../wire/contracts/egress.ts";

/** `address` is `tcp://host:port`, already allowed. Rejects with a TypeError whose message is an UnsentCode. */
export function connect(address: string, lookup: LookupFunction, signal: AbortSignal): Promise<Socket> {
  if (signal.aborted) return Promise.reject(unsent("aborted"));
  const { hostname, port } = new URL(address);
  const host = hostname.replace(/^\[|\]$/g, "");
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connectTcp({ host, port: Number(port), lookup });
  const onAbort = (): void => void socket.destroy(unsent("aborted"));
  signal.addEventListener("abort", onAbort, { once: true });
  socket.once("error", () => reject(unsent(signal.aborted ? "aborted" : "unreachable")));
  socket.once("close", () => signal.removeEventListener("abort", onAbort));
  socket.once("connect", () => resolve(socket));
  return promise;
}

function unsent(code: UnsentCode): TypeError {
  return new TypeError(code);
}
