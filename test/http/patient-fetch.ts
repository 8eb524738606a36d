// `fetch` as the manual asks for: a read is repeated while the views are behind, as they are where the machine is busy.

import { setTimeout as sleep } from "node:timers/promises";

/** Each waits for the views as long as the server does. */
const ASKED_MAX = 8;
const AGAIN_MS = 1_000;

export async function fetchPatiently(
  url: string,
  init: RequestInit & { readonly method: string },
): Promise<{ readonly response: Response; readonly text: string }> {
  for (let asked = 1; ; asked++) {
    const response = await fetch(url, init);
    const text = await response.text();
    const isBehind = response.status === 503 && text.includes('"code":"views-behind"');
    if (!isBehind || init.method !== "GET" || asked === ASKED_MAX) return { response, text };
    await sleep(AGAIN_MS);
  }
}
