// The yardstick: a bare Fastify POST echo.

import fastify from "fastify";

const server = fastify();
server.post("/echo", (request, reply) => reply.send(request.body));
await server.listen({ host: "127.0.0.1", port: 0 });
const address = server.server.address();
process.stdout.write(`ready ${typeof address === "object" && address !== null ? address.port : 0}\n`);
process.once("SIGTERM", () => process.exit(0));
