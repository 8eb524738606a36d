// Ways to targets that stop at one message of an execution, on either side of the target's work, until Holdpoint is dead.

import { createServer, request as ask, type IncomingMessage, type Server } from "node:http";
import { connect, createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from "node:net";

/** The message of that number, or the first one that reads like that. */
export type Moment = number | RegExp;

/** Counts the messages of one execution, whatever fronts they come through, and stops at one of them. */
export class Gate {
  #count = 0;
  #at: Moment | undefined;
  #acts = false;
  #hold = Promise.withResolvers<void>();
  /** The message that it stopped at. */
  said = "";

  /** `acts`: the target does its work, and nobody hears of it. */
  arm(at: Moment, acts: boolean): void {
    this.#count = 0;
    this.#at = at;
    this.#acts = acts;
    this.said = "";
    this.#hold = Promise.withResolvers();
  }

  disarm(): void {
    this.#at = undefined;
  }

  /** Resolves when its message has come, and, where the target acts, has been worked on. */
  get held(): Promise<void> {
    return this.#hold.promise;
  }

  /** Of the next message: whether it goes on to the target, and whether its answer goes back. */
  next(said: string): { readonly passes: boolean; readonly returns: boolean } {
    this.#count += 1;
    const at = this.#at;
    const isIt = typeof at === "number" ? this.#count === at : at?.test(said) === true;
    if (!isIt) return { passes: true, returns: true };
    this.disarm(); // once
    this.said = said;
    if (!this.#acts) this.#hold.resolve();
    return { passes: this.#acts, returns: false };
  }

  worked(): void {
    this.#hold.resolve();
  }
}

export interface Front {
  readonly port: number;
  readonly url: string;
  /** Whose messages it counts now. */
  gate: Gate;
  close(): void;
}

async function listening(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** In front of an HTTP server. */
export async function startFront(target: string): Promise<Front> {
  const front: { gate: Gate } = { gate: new Gate() };
  const server = createServer((incoming, outgoing) => {
    const { gate } = front;
    const { passes, returns } = gate.next(`${incoming.method} ${incoming.url}`);
    if (!passes) return;
    void bodyOf(incoming).then((body) => {
      const { method = "GET", headers } = incoming;
      const passed = ask(new URL(incoming.url ?? "/", target), { method, headers }, (answer) => {
        void bodyOf(answer).then((text) => {
          if (!returns) return gate.worked();
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
          outgoing.end(text);
        });
      });
      passed.on("error", () => outgoing.destroy());
      passed.end(body);
    });
  });
  const port = await listening(server);
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return Object.assign(front, { port, url: `http://127.0.0.1:${port}`, close });
}

/** In front of anything over TCP: what the client sends at once is one message, and its answer is what comes before the next. */
export async function startTcpFront(target: number): Promise<Front> {
  const front: { gate: Gate } = { gate: new Gate() };
  const server = createTcpServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    let isMute = false;
    client.on("data", (chunk) => {
      const { passes, returns } = front.gate.next(chunk.toString("latin1"));
      if (!returns) isMute = true;
      if (passes) upstream.write(chunk);
    });
    upstream.on("data", (chunk) => {
      if (isMute) front.gate.worked();
      else client.write(chunk);
    });
    for (const socket of [client, upstream]) {
      socket.on("error", () => undefined);
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  const port = await listening(server);
  return Object.assign(front, { port, url: `http://127.0.0.1:${port}`, close: () => void server.close() });
}
