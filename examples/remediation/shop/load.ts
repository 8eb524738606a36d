// Customers: they look, they order, and while `abandoning` they also fill baskets that they never come back for.

const LOOKS_PER_SECOND = 20;
const BASKETS_PER_SECOND = 12;
const BASKET_BYTES = 1_000_000;

let gateway = "";
let isAbandoning = false;
const counts = { served: 0, failed: 0 };

process.on("message", (message: { gateway?: string; abandoning?: boolean; report?: true }) => {
  if (message.gateway !== undefined) gateway = message.gateway;
  if (message.abandoning !== undefined) isAbandoning = message.abandoning;
  if (message.report === true) process.send?.(counts);
});
process.on("disconnect", () => process.exit(0));

async function ask(path: string, body?: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    const signal = AbortSignal.timeout(5_000);
    const response = await fetch(gateway + path, body === undefined ? { signal } : { method: "POST", body, signal });
    await response.arrayBuffer();
    counts[response.ok ? "served" : "failed"] += 1;
  } catch {
    counts.failed += 1;
  }
}

function every(perSecond: number, act: () => void): void {
  setInterval(() => gateway !== "" && act(), 1_000 / perSecond);
}

every(LOOKS_PER_SECOND, () => void ask("/"));
every(LOOKS_PER_SECOND / 10, () => void ask("/orders", new TextEncoder().encode('{"tea":1}')));
every(BASKETS_PER_SECOND, () => isAbandoning && void ask("/basket", new Uint8Array(BASKET_BYTES).fill(1)));
process.send?.({ ready: true });
