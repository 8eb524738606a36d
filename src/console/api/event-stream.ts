// The stream of live updates: read as it comes, opened again after a break where it was.
//
//   connecting ──hello──► live ──break──► lost ──wait, 1 s to 15 s──► connecting
//
// `fetch` instead of EventSource: it says with which problem a stream was refused, and an ended session is one.

import { isSignedOut, openAnswer } from "./api-client.ts";
import type { Told } from "./documents.ts";

export type StreamState = "connecting" | "live" | "lost";

export type StreamListener = {
  readonly onState: (state: StreamState) => void;
  readonly onEvents: (events: readonly Told[]) => void;
  /** Something was missed and is no longer told: read everything again. */
  readonly onGap: () => void;
  readonly onSignedOut: () => void;
};

const WAIT_FIRST_MS = 1_000;
const WAIT_MAX_MS = 15_000;
/** The server says something at least every ten seconds. */
const SILENCE_MAX_MS = 25_000;

type Message = { readonly id: string | null; readonly name: string; readonly data: string };

/** Where a reader is: the last event that it was told of. */
export type StreamPlace = { last: string | null };

/** Follows the stream from `place` on, which moves with it, until the answer is called. */
export function followEvents(listener: StreamListener, place: StreamPlace): () => void {
  const stop = new AbortController();
  void follow(listener, place, stop.signal);
  return () => stop.abort();
}

async function follow(listener: StreamListener, place: StreamPlace, stop: AbortSignal): Promise<void> {
  let waitMs = WAIT_FIRST_MS;
  const onMessages = (messages: readonly Message[]): void => {
    waitMs = WAIT_FIRST_MS;
    place.last = messages.findLast(({ id }) => id !== null)?.id ?? place.last;
    tell(listener, messages);
  };
  while (!stop.aborted) {
    listener.onState("connecting");
    try {
      await readStream({ last: place.last, stop, onMessages });
    } catch (error) {
      if (isSignedOut(error)) return listener.onSignedOut();
    }
    if (stop.aborted) return;
    listener.onState("lost");
    await pause(waitMs, stop);
    waitMs = Math.min(2 * waitMs, WAIT_MAX_MS);
  }
}

function tell(listener: StreamListener, messages: readonly Message[]): void {
  if (messages.some(({ name }) => name === "gap")) listener.onGap();
  const events = messages.filter(({ name }) => name === "event").map(({ data }) => JSON.parse(data) as Told);
  if (events.length > 0) listener.onEvents(events);
  if (messages.some(({ name }) => name === "hello")) listener.onState("live");
}

type Reading = {
  readonly last: string | null;
  readonly stop: AbortSignal;
  readonly onMessages: (messages: readonly Message[]) => void;
};

async function readStream({ last, stop, onMessages }: Reading): Promise<void> {
  const silence = new AbortController();
  const signal = AbortSignal.any([stop, silence.signal]);
  let timer = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
  try {
    const response = await openAnswer("/v1/stream", {
      headers: last === null ? {} : { "last-event-id": last },
      signal,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const chunk = await reader?.read();
      if (chunk === undefined || chunk.done) return;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
      const blocks = (rest + chunk.value).split("\n\n");
      rest = blocks.pop() ?? "";
      onMessages(blocks.flatMap(parseMessage));
    }
  } finally {
    clearTimeout(timer);
  }
}

/** One message of the server's own writing: each field stands on one line. */
function parseMessage(block: string): readonly Message[] {
  const fields = new Map(
    block.split("\n").map((line) => [line.split(": ", 1)[0] ?? "", line.slice(line.indexOf(": ") + 2)]),
  );
  const data = fields.get("data");
  return data === undefined ? [] : [{ id: fields.get("id") ?? null, name: fields.get("event") ?? "message", data }];
}

function pause(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stop.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
