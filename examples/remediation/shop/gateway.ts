// The shop's front: a page needs the catalog in time, and a basket; an order needs the cart.

import { bodyOf, serve, type Reply, type Told } from "./service.ts";

const CART_TIMEOUT_MS = 2_000;

serve({
  async answer(request, told): Promise<Reply> {
    if (request.url === "/healthz") return { status: 200 };
    if (request.method === "POST") return pass(told, request.url ?? "/", await bodyOf(request));
    const [products, basket] = await Promise.all([
      get(told, "catalog", "/products", told.settings["catalogTimeoutMs"] ?? 1_000),
      get(told, "cart", "/basket", CART_TIMEOUT_MS),
    ]);
    return { status: products && basket ? 200 : 503 };
  },
});

async function get({ peers }: Told, name: string, path: string, timeoutMs: number): Promise<boolean> {
  const response = await fetch(`${peers[name]}${path}`, { signal: AbortSignal.timeout(timeoutMs) });
  await response.arrayBuffer();
  return response.ok;
}

async function pass({ peers }: Told, path: string, body: Buffer): Promise<Reply> {
  const signal = AbortSignal.timeout(CART_TIMEOUT_MS);
  const response = await fetch(`${peers["cart"]}${path}`, { method: "POST", body: new Uint8Array(body), signal });
  await response.arrayBuffer();
  return { status: response.status };
}
