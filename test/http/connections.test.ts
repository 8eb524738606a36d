// Connections that fall silent: the ones that end, and the ones that may wait.

import { once } from "node:events";
import { connect, type AddressInfo, type Socket } from "node:net";
import { test } from "node:test";
import assert from "node:assert/strict";
import fastify from "fastify";
import { endSilentConnections } from "../../src/http/connections.ts";

function request(socket: Socket, path: string): void {
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
}

test("a connection whose answer never comes ends, one between two requests stays", async () => {
  const server = fastify();
  endSilentConnections(server, { silentMs: 60, everyMs: 10 });
  server.get("/never", () => new Promise(() => undefined));
  server.get("/now", () => "answered");
  await server.listen({ host: "127.0.0.1", port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const [idle, hanging] = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
  request(idle, "/now");
  await once(idle, "data");
  request(hanging, "/never");
  hanging.resume();
  await once(hanging, "close");
  request(idle, "/now");
  const [answer] = (await once(idle, "data")) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
  idle.destroy();
  await server.close();
});
