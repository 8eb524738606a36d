// Proposing what changes Holdpoint itself: an action like any other, which the server decides.

import { write } from "./api-client.ts";
import type { Decision } from "./documents.ts";

type Wish = { readonly kind: string; readonly args: object; readonly reason: string; readonly key: string };

export function proposeOwn({ kind, args, reason, key }: Wish): Promise<Decision> {
  const target = { environment: "holdpoint", service: "holdpoint" };
  const body = { kind, target, arguments: args, ...(reason === "" ? {} : { reason }) };
  return write<Decision>({ method: "POST", path: "/v1/actions", body, key });
}
