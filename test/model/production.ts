// A small production: services that answer over HTTP and take work from a queue, traced by OpenTelemetry's own SDK.

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type Span,
  type Tracer,
} from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { TracerProvider, BatchSpanProcessor, type SpanExporter } from "@opentelemetry/sdk-trace";

const propagator = new W3CTraceContextPropagator();
const carry = {
  get: (carrier: Record<string, unknown>, key: string) => carrier[key] as string | undefined,
  keys: (carrier: Record<string, unknown>) => Object.keys(carrier),
};

export interface Asked {
  readonly span: Span;
  readonly tracing: Context;
  readonly path: string;
}

/** One service. `answer` decides what it does when it is asked; what it throws is a failure. */
export class Service {
  readonly name: string;
  readonly #provider: TracerProvider;
  readonly #tracer: Tracer;
  #server: Server | null = null;
  #port = 0;

  constructor(name: string, exporter: SpanExporter) {
    this.name = name;
    const resource = resourceFromAttributes({ "service.name": name, "deployment.environment.name": "production" });
    const processor = new BatchSpanProcessor({ exporter, scheduledDelayMillis: 100, maxQueueSize: 100_000 });
    this.#provider = new TracerProvider({ resource, spanProcessors: [processor] });
    this.#tracer = this.#provider.getTracer("small-production");
  }

  /** Listens on a free port and answers every path with `answer`. */
  async serve(answer: (asked: Asked) => Promise<void>): Promise<void> {
    this.#server = createServer((request, response) => {
      void this.#take(request, answer).then((status) => response.writeHead(status).end());
    });
    await new Promise<void>((resolve) => this.#server?.listen(0, "127.0.0.1", resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async #take(request: IncomingMessage, answer: (asked: Asked) => Promise<void>): Promise<number> {
    const parent = propagator.extract(ROOT_CONTEXT, request.headers, carry);
    const path = request.url ?? "/";
    const attributes = { "http.request.method": "GET", "http.route": path };
    return this.#within({ name: `GET ${path}`, kind: SpanKind.SERVER, attributes }, parent, async (span, tracing) => {
      await answer({ span, tracing, path });
    });
  }

  /** Runs work in a span and answers 200, or 500 where it throws. */
  async #within(
    { name, kind, attributes }: { name: string; kind: SpanKind; attributes: Record<string, string> },
    parent: Context,
    work: (span: Span, tracing: Context) => Promise<void>,
  ): Promise<number> {
    const span = this.#tracer.startSpan(name, { kind, attributes }, parent);
    try {
      await work(span, trace.setSpan(parent, span));
      return 200;
    } catch {
      span.setStatus({ code: SpanStatusCode.ERROR });
      return 500;
    } finally {
      span.end();
    }
  }

  /** Calls another service over HTTP as part of what is asked; throws where it fails. */
  async call(other: Service, path: string, { tracing }: Pick<Asked, "tracing">): Promise<void> {
    const attributes = { "server.address": `${other.name}.internal`, "http.request.method": "GET" };
    const status = await this.#within(
      { name: "GET", kind: SpanKind.CLIENT, attributes },
      tracing,
      async (_span, own) => {
        const headers: Record<string, string> = {};
        propagator.inject(own, headers, {
          set: (carrier: Record<string, string>, key, value) => (carrier[key] = value),
        });
        const response = await fetch(`http://127.0.0.1:${other.#port}${path}`, { headers });
        await response.arrayBuffer();
        if (!response.ok) throw new Error(String(response.status));
      },
    );
    if (status !== 200) throw new Error("the call failed");
  }

  /** A question to something that sends no spans. */
  async depend(name: string, attributes: Record<string, string>, { tracing }: Pick<Asked, "tracing">): Promise<void> {
    await this.#within({ name, kind: SpanKind.CLIENT, attributes }, tracing, async () => undefined);
  }

  /** Puts a message into a queue that consumers take from. */
  async publish(queue: Queue, { tracing }: Pick<Asked, "tracing">): Promise<void> {
    const attributes = { "messaging.system": "kafka", "messaging.destination.name": queue.name };
    await this.#within(
      { name: `send ${queue.name}`, kind: SpanKind.PRODUCER, attributes },
      tracing,
      async (_span, own) => {
        const headers: Record<string, string> = {};
        propagator.inject(own, headers, {
          set: (carrier: Record<string, string>, key, value) => (carrier[key] = value),
        });
        queue.put(headers);
      },
    );
  }

  /** Takes every message of a queue. */
  consume(queue: Queue, work: (asked: Pick<Asked, "tracing">) => Promise<void>): void {
    const attributes = { "messaging.system": "kafka", "messaging.destination.name": queue.name };
    queue.onMessage(async (headers) => {
      const parent = propagator.extract(ROOT_CONTEXT, headers, carry);
      const span = { name: `process ${queue.name}`, kind: SpanKind.CONSUMER, attributes };
      await this.#within(span, parent, (_span, tracing) => work({ tracing }));
    });
  }

  /** One request from outside, where no trace has begun; its status. */
  async visit(path: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.#port}${path}`);
    await response.arrayBuffer();
    return response.status;
  }

  flush(): Promise<void> {
    return this.#provider.forceFlush();
  }

  async stop(): Promise<void> {
    await this.#provider.shutdown();
    await new Promise((resolve) => (this.#server === null ? resolve(null) : this.#server.close(resolve)));
  }
}

/** A queue in memory: messages are carried from producers to one consumer. */
export class Queue {
  readonly name: string;
  #take: (headers: Record<string, string>) => Promise<void> = async () => undefined;
  readonly #running = new Set<Promise<void>>();

  constructor(name: string) {
    this.name = name;
  }

  put(headers: Record<string, string>): void {
    const work = this.#take(headers).finally(() => this.#running.delete(work));
    this.#running.add(work);
  }

  onMessage(take: (headers: Record<string, string>) => Promise<void>): void {
    this.#take = take;
  }

  async idle(): Promise<void> {
    await Promise.all(this.#running);
  }
}
