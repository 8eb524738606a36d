// Live updates: what became durable, told to everybody who listens and may know, as server-sent events.
//
//   a batch is durable ──► one text per set of scopes ──► written to each reader ──► a reader that is too slow is let go
//
// Only positions and names are told, never facts or payloads: a reader asks the API for the rest, as what it is.

import type { ServerResponse } from "node:http";
import { AppError } from "../core/errors.ts";
import type { EventHeader } from "../wire/types/event.ts";
import type { Identity } from "../wire/types/identity.ts";
import { hasScope, type ClientScope } from "../wire/types/scopes.ts";

type Told = Pick<EventHeader, "seq" | "time" | "type" | "subject">;

const READERS_MAX = 128;
const READERS_PER_IDENTITY_MAX = 8;
/** Kept for readers that come back, which is half of what one may leave unread; of what was before, the gap is told. */
const RECENT_MAX = 1_024;
/** What a reader may leave unread before it is let go; it comes back and says where it was. */
const UNREAD_BYTES_MAX = 512 * 1024;
/** Shorter than any proxy's patience and than the server's own for a silent connection. */
const HEARTBEAT_MS = 10_000;
const RETRY_MS = 2_000;

/** Whoever may read one of these may read of events of that family; `ledger:read` is for all of them. */
const SCOPE_OF_FAMILY: Readonly<Record<string, ClientScope>> = {
  action: "actions:read",
  agent: "agents:read",
  brake: "killswitch:read",
  domain: "actions:read",
  grant: "actions:read",
  health: "actions:read",
  hold: "actions:read",
  incident: "incidents:read",
  level: "actions:read",
  policy: "policies:read",
  review: "actions:read",
  run: "runs:read",
  signal: "signals:read",
  silence: "incidents:read",
  stage: "policies:read",
  step: "actions:read",
  storm: "incidents:read",
};
const SCOPES: readonly ClientScope[] = [...new Set<ClientScope>(["ledger:read", ...Object.values(SCOPE_OF_FAMILY)])];

type Reader = {
  readonly response: ServerResponse;
  readonly identity: string;
  /** Which of `SCOPES` it has, as one word: readers with the same share their texts. */
  readonly rights: string;
  /** Rejects once the credential that opened the stream no longer holds. */
  readonly check: () => Promise<unknown>;
};

export type Opening = {
  readonly identity: Identity;
  readonly response: ServerResponse;
  /** The last event that the reader has seen, null for one that begins now. */
  readonly after: number | null;
  readonly check: () => Promise<unknown>;
};

export class LiveEvents {
  readonly #readers = new Set<Reader>();
  #recent: Told[] = [];
  #size: number;
  readonly #heartbeatMs: number;
  #timer: NodeJS.Timeout | null = null;

  /** `size`: how many events were durable before the first that will be published. */
  constructor(size: number, heartbeatMs = HEARTBEAT_MS) {
    this.#size = size;
    this.#heartbeatMs = heartbeatMs;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Whether `identity` may be told of anything at all. */
  static mayRead(identity: Identity): boolean {
    return SCOPES.some((scope) => hasScope(identity, scope));
  }

  publish(events: readonly Told[]): void {
    for (const { seq, time, type, subject } of events) {
      this.#recent.push({ seq, time, type, subject });
      this.#size = seq + 1;
    }
    if (this.#recent.length > 2 * RECENT_MAX) this.#recent = this.#recent.slice(-RECENT_MAX);
    const texts = new Map<string, string>();
    for (const reader of this.#readers) {
      const text = texts.get(reader.rights) ?? textFor(reader.rights, events);
      texts.set(reader.rights, text);
      if (text !== "") this.#write(reader, text);
    }
  }

  /** Begins a stream on an answer whose headers are not sent yet. Throws `rate-limited` and `overloaded`. */
  open({ identity, response, after, check }: Opening): void {
    if (this.#readers.size >= READERS_MAX) throw new AppError("overloaded", "too many streams are open");
    const own = [...this.#readers].filter((reader) => reader.identity === identity.id).length;
    if (own >= READERS_PER_IDENTITY_MAX) {
      throw new AppError("rate-limited", `an identity has at most ${READERS_PER_IDENTITY_MAX} streams`);
    }
    const rights = SCOPES.filter((scope) => hasScope(identity, scope)).join(" ");
    const reader: Reader = { response, identity: identity.id, rights, check };
    response.writeHead(200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    response.on("close", () => this.#drop(reader));
    this.#readers.add(reader);
    this.#timer ??= setInterval(() => this.#beat(), this.#heartbeatMs);
    this.#write(reader, this.#greeting(after, rights));
  }

  /** Ends every stream: the server stops. */
  close(): void {
    for (const reader of this.#readers) reader.response.end();
    this.#readers.clear();
    this.#rest();
  }

  #greeting(after: number | null, rights: string): string {
    const hello = message("hello", { size: this.#size }, this.#size - 1);
    const missed = after === null ? "" : this.#missed(after, rights);
    return `retry: ${RETRY_MS}\n${missed}${hello}`;
  }

  #missed(after: number, rights: string): string {
    const oldest = this.#recent[0]?.seq ?? this.#size;
    const gap = after + 1 < oldest ? message("gap", { from: after + 1, to: oldest - 1 }) : "";
    const kept = this.#recent.filter(({ seq }) => seq > after);
    return gap + textFor(rights, kept);
  }

  #beat(): void {
    for (const reader of this.#readers) {
      this.#write(reader, ": still here\n\n");
      reader.check().catch(() => this.#end(reader));
    }
  }

  #write(reader: Reader, text: string): void {
    reader.response.write(text);
    if (reader.response.writableLength > UNREAD_BYTES_MAX) reader.response.destroy();
  }

  #end(reader: Reader): void {
    reader.response.end();
    this.#drop(reader);
  }

  #drop(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size === 0) this.#rest();
  }

  #rest(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

function textFor(rights: string, events: readonly Told[]): string {
  const scopes = new Set(rights.split(" "));
  const isTold = ({ type }: Told): boolean => {
    const scope = SCOPE_OF_FAMILY[type.split(".")[0] ?? ""];
    return scopes.has("ledger:read") || (scope !== undefined && scopes.has(scope));
  };
  return events
    .filter(isTold)
    .map(({ seq, time, type, subject }) => message("event", { seq, time, type, subject }, seq))
    .join("");
}

/** One server-sent event (WHATWG HTML, section 9.2); JSON has no raw line feed that could end it early. */
function message(name: string, data: object, id?: number): string {
  const idLine = id === undefined || id < 0 ? "" : `id: ${id}\n`;
  return `${idLine}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
