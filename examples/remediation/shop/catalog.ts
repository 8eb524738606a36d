// Knows the products; looking them up takes it some 20 ms.

import { setTimeout as sleep } from "node:timers/promises";
import { serve } from "./service.ts";

let looked = 0;

serve({
  async answer() {
    await sleep(15 + (looked++ % 10));
    return { status: 200, body: { products: ["tea", "cup", "pot"] } };
  },
});
