// The last windows of telemetry by entry, service and call: how many requests came, how many failed, and how long they took.

const WINDOWS_MAX = 90;
const ROW_WIDTH = 4;

export interface Count {
  readonly count: number;
  readonly failed: number;
}

export interface WindowCount extends Count {
  /** Its beginning. */
  readonly fromS: number;
  /** 95th percentile of that window. */
  readonly p95Ms: number;
}

/** Rows of subject, requests, failures and 95th percentile in milliseconds, beside their beginning and end in seconds. */
export type CountedWindow = { readonly from: number; readonly to: number; readonly counts: readonly number[] };

type Span = { readonly fromS: number; readonly toS: number };

/** A part of the graph: folded from the windows of its log, so that what is measured outlives a restart. */
export class EntryWindows {
  readonly #windows: CountedWindow[] = [];

  add(window: CountedWindow): void {
    this.#windows.push(window);
    if (this.#windows.length > WINDOWS_MAX) this.#windows.shift();
  }

  dump(): readonly CountedWindow[] {
    return this.#windows;
  }

  /** Since when it is counted, where older windows had to go; null where none had to. */
  get keptFromS(): number | null {
    return this.#windows.length < WINDOWS_MAX ? null : (this.#windows[0]?.from ?? null);
  }

  /** Of the windows that lie wholly within, by subject. */
  sum(span: Span): { readonly windows: number; readonly counts: ReadonlyMap<number, Count> } {
    const within = this.#within(span);
    const sums = new Map<number, { count: number; failed: number }>();
    for (const { counts } of within) {
      for (let row = 0; row < counts.length; row += ROW_WIDTH) {
        const { subject, count, failed } = rowAt(counts, row);
        const before = sums.get(subject);
        if (before === undefined) sums.set(subject, { count, failed });
        else {
          before.count += count;
          before.failed += failed;
        }
      }
    }
    return { windows: within.length, counts: sums };
  }

  /** One for each window within that counted any of it. */
  of(subject: number, span: Span): readonly WindowCount[] {
    const found: WindowCount[] = [];
    for (const { from, counts } of this.#within(span)) {
      for (let row = 0; row < counts.length; row += ROW_WIDTH) {
        if (counts[row] === subject) found.push({ fromS: from, ...rowAt(counts, row) });
      }
    }
    return found;
  }

  #within({ fromS, toS }: Span): readonly CountedWindow[] {
    return this.#windows.filter(({ from, to }) => from >= fromS && to <= toS);
  }
}

type Row = Omit<WindowCount, "fromS"> & { readonly subject: number };

function rowAt(rows: readonly number[], row: number): Row {
  const [subject = 0, count = 0, failed = 0, p95Ms = 0] = rows.slice(row, row + ROW_WIDTH);
  return { subject, count, failed, p95Ms };
}
