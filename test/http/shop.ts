// A shop of six services and a queue, traced by OpenTelemetry's own SDK and sent to a server.

import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { Queue, Service } from "../model/production.ts";

/** frontend → cart → redis; frontend → checkout → payments and the queue orders → shipping; failures of payments spread. */
export async function openShop({ url, secret }: { url: string; secret: string }) {
  const options = { url: `${url}/v1/traces`, headers: { authorization: `Bearer ${secret}` } };
  const make = (name: string, Exporter: typeof JsonExporter | typeof ProtobufExporter): Service =>
    new Service(name, new Exporter(options));
  const frontend = make("frontend", ProtobufExporter);
  const cart = make("cart", JsonExporter);
  const checkout = make("checkout", ProtobufExporter);
  const payments = make("payments", JsonExporter);
  const shipping = make("shipping", ProtobufExporter);
  const mail = make("mail", ProtobufExporter);
  const orders = new Queue("orders");
  const state = { isPaymentsDown: false, sendsMail: false };
  await frontend.serve(async (asked) => {
    if (asked.path === "/cart") return frontend.call(cart, "/items", asked);
    if (asked.path === "/buy") return frontend.call(checkout, "/orders", asked);
  });
  await cart.serve(async (asked) =>
    cart.depend("GET", { "db.system.name": "redis", "server.address": "redis-cart" }, asked),
  );
  await checkout.serve(async (asked) => {
    await checkout.call(payments, "/charge", asked);
    await checkout.publish(orders, asked);
    if (state.sendsMail) await checkout.call(mail, "/send", asked);
  });
  await payments.serve(async () => {
    if (state.isPaymentsDown) throw new Error("down");
  });
  await mail.serve(async () => undefined);
  shipping.consume(orders, async (asked) =>
    shipping.depend("INSERT", { "db.system.name": "postgresql", "db.namespace": "parcels" }, asked),
  );
  const services = [frontend, cart, checkout, payments, shipping, mail];
  return {
    state,
    /** So many requests of each kind, and what the services send of them. */
    async visit(mix: Readonly<Record<string, number>>): Promise<void> {
      for (const path of mixed(mix)) await frontend.visit(path);
      await orders.idle();
      for (const service of services) await service.flush();
    },
    stop: async () => void (await Promise.all(services.map((service) => service.stop()))),
  };
}

/** So that a window's end falls into traffic of one mix. */
function mixed(mix: Readonly<Record<string, number>>): readonly string[] {
  return Object.entries(mix)
    .flatMap(([path, count]) => Array.from({ length: count }, (_, i) => ({ path, at: (i + 0.5) / count })))
    .toSorted((a, b) => a.at - b.at)
    .map(({ path }) => path);
}
