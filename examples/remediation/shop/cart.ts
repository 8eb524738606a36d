// Keeps baskets, with a flaw: those that nobody comes back for are never let go. Without memory it serves nobody.

import { bodyOf, serve } from "./service.ts";

const LIMIT_BYTES = 256 * 1_048_576;

const baskets: Buffer[] = [];

function memoryShare(): number {
  return process.memoryUsage.rss() / LIMIT_BYTES;
}

serve({
  async answer(request, { peers }) {
    const isFull = memoryShare() > 1;
    if (request.url === "/healthz") return { status: isFull ? 503 : 200, body: { memoryShare: memoryShare() } };
    if (isFull) return { status: 503 };
    if (request.url === "/orders") {
      const body = new Uint8Array(await bodyOf(request));
      const { ok } = await fetch(`${peers["worker"]}/queue`, { method: "POST", body });
      return { status: ok ? 202 : 503 };
    }
    if (request.method === "POST") baskets.push(Buffer.from(await bodyOf(request)));
    return { status: 200, body: { baskets: baskets.length } };
  },
  gauges: () => ({ memory_share: memoryShare(), baskets: baskets.length }),
});
