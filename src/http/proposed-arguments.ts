// The arguments of a proposal as they were sent, for documents that say in words what the ledger has as hashes.

import { AppError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Services } from "./services.ts";

/** Empty when the proposal is unknown, or its contents have been erased. */
export async function proposedArguments(
  { views, ledger }: Pick<Services, "views" | "ledger">,
  action: string,
): Promise<Readonly<Record<string, Json>>> {
  const proposed = views.reader.find("actions", action);
  if (proposed === null) return {};
  const content = await ledger.payload(proposed.contentSeq).catch((error: unknown) => {
    if (error instanceof AppError) return null;
    throw error;
  });
  return (content as { args?: Readonly<Record<string, Json>> } | null)?.args ?? {};
}
