// A loopback proxy before a PostgreSQL server that loses things at the worst moment: around COMMIT.

import { connect, createServer } from "node:net";
import type { Socket } from "node:net";

/**
 * What happens when a watched statement passes: `forward` nothing; `cut-before` the client is cut off and the server
 * never sees it; `cut-after` the server answers and the client never hears it; `cut-late` the client is cut off and the
 * server sees it only after `lateMs`.
 */
export type ProxyMode = "forward" | "cut-before" | "cut-after" | "cut-late";

export interface CommitProxy {
  readonly port: number;
  mode: ProxyMode;
  /** The statement that is watched for, as it stands in the protocol. */
  watched: string;
  lateMs: number;
  /** How often a watched statement was interfered with. */
  readonly hits: () => number;
  readonly close: () => Promise<void>;
}

export async function startCommitProxy(serverPort: number): Promise<CommitProxy> {
  const sockets = new Set<Socket>();
  let hits = 0;
  const listener = createServer((client) => {
    const server = connect(serverPort, "127.0.0.1");
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
    }
    let deaf = false;
    server.on("data", (bytes) => (deaf ? client.destroy() : client.write(bytes)));
    server.on("close", () => client.destroy());
    client.on("close", () => {
      if (!deaf || proxy.mode !== "cut-late") server.destroy();
    });
    client.on("data", (bytes) => {
      if (proxy.mode === "forward" || !bytes.includes(proxy.watched)) return void server.write(bytes);
      hits += 1;
      deaf = true;
      if (proxy.mode === "cut-after") return void server.write(bytes);
      if (proxy.mode === "cut-late") setTimeout(() => server.write(bytes), proxy.lateMs);
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  const proxy: CommitProxy = {
    port: typeof address === "object" && address !== null ? address.port : 0,
    mode: "forward",
    watched: "commit\0",
    lateMs: 300,
    hits: () => hits,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => listener.close(() => resolve()));
    },
  };
  return proxy;
}
