// Takes orders from its queue one after the other.

import { bodyOf, serve } from "./service.ts";

const QUEUE_MAX = 1_000;
const ORDER_MS = 50;

let waiting = 0;
let done = 0;

setInterval(() => {
  if (waiting === 0) return;
  waiting -= 1;
  done += 1;
}, ORDER_MS);

serve({
  async answer(request) {
    if (request.url === "/healthz") return { status: 200 };
    await bodyOf(request);
    if (waiting >= QUEUE_MAX) return { status: 503 };
    waiting += 1;
    return { status: 202 };
  },
  gauges: () => ({ waiting, done }),
});
