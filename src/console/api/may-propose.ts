// Whether the person who is signed in may propose a kind, as far as the page can tell; the server decides.

import { hasScope, isClientScope } from "../../wire/types/scopes.ts";
import type { Session } from "./documents.ts";

export function mayPropose({ scopes }: Pick<Session, "scopes">, kind: string): boolean {
  const scope = `actions:propose:${kind}`;
  return isClientScope(scope) && hasScope({ scopes }, scope);
}
