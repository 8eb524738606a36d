// OCSF events as lines of JSON, each chained to the one before; the end of the chain is what an exporter remembers.

import { z } from "zod";
import { AppError } from "../../core/errors.ts";
import type { ExportBatch } from "../../wire/contracts/export.ts";
import { toOcsfEvent, type ChainLink, type EventContext } from "./ocsf-event.ts";

const memoSchema = z.strictObject({ uid: z.string(), typeUid: z.int(), fingerprint: z.string() });

export type Lines = { readonly text: string; readonly memo: string | null };

/** One line for each record, each ended by a line feed. Throws `config-invalid` for a memo that no chain ends with. */
export function ocsfLines({ records, memo }: ExportBatch, of: Omit<EventContext, "previous">): Lines {
  let previous = parseMemo(memo);
  let text = "";
  for (const record of records) {
    const { event, link } = toOcsfEvent(record, { ...of, previous });
    text += `${JSON.stringify(event)}\n`;
    previous = link;
  }
  return { text, memo: previous === null ? null : JSON.stringify(previous) };
}

function parseMemo(memo: string | null): ChainLink | null {
  if (memo === null) return null;
  try {
    return memoSchema.parse(JSON.parse(memo));
  } catch (cause) {
    throw new AppError("config-invalid", "the exporter remembers no end of a chain", {}, cause);
  }
}
