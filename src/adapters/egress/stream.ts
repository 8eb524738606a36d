// An answer that comes line by line and need not end: each line is handed on as it is there, and none is without bound.

import type { IncomingMessage } from "node:http";
import { StringDecoder } from "node:string_decoder";
import type { StreamEnd } from "../../wire/contracts/egress.ts";
import { depart, lostCode, type Departing } from "./exchange.ts";

export interface Streaming extends Departing {
  readonly lineBytesMax: number;
}

/** Never throws, but what `onLine` throws. Aborting `signal` ends it at once. */
export async function stream(
  outgoing: Streaming,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<StreamEnd> {
  if (signal.aborted) return { kind: "unsent", code: "aborted" };
  return depart(outgoing, (response) => readLines(response, { outgoing, onLine, signal }), signal);
}

type Reading = { readonly outgoing: Streaming; readonly onLine: (line: string) => void; readonly signal: AbortSignal };

async function readLines(response: IncomingMessage, { outgoing, onLine, signal }: Reading): Promise<StreamEnd> {
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) {
    response.destroy();
    return { kind: "refused", status };
  }
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    const next = await chunks.next().catch(() => null);
    if (next === null) return { kind: "lost", code: lostCode(signal) };
    if (next.done === true) return { kind: "ended" };
    rest += decoder.write(next.value);
    if (rest.length > outgoing.lineBytesMax && !rest.includes("\n")) {
      response.destroy();
      return { kind: "lost", code: "answer-too-large" };
    }
    const lines = rest.split("\n");
    rest = lines.pop() ?? "";
    try {
      for (const line of lines) if (line !== "") onLine(line);
    } catch (error) {
      response.destroy();
      throw error;
    }
  }
}
