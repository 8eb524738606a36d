// A queue that gives the lowest first: a binary heap of nodes by their rank, each in it once.

export class RankQueue {
  readonly #rankOf: (node: number) => number;
  readonly #heap: number[] = [];
  readonly #inside = new Set<number>();

  constructor(rankOf: (node: number) => number) {
    this.#rankOf = rankOf;
  }

  add(node: number): void {
    if (this.#inside.has(node)) return;
    this.#inside.add(node);
    this.#heap.push(node);
    let at = this.#heap.length - 1;
    while (at > 0) {
      const above = Math.floor((at - 1) / 2);
      if (this.#rank(above) <= this.#rank(at)) break;
      this.#swap(at, above);
      at = above;
    }
  }

  /** The lowest, taken out; undefined when there is none. */
  take(): number | undefined {
    const first = this.#heap[0];
    if (first === undefined) return undefined;
    const last = this.#heap.pop() as number;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#sink();
    }
    this.#inside.delete(first);
    return first;
  }

  #sink(): void {
    for (let at = 0; ;) {
      let lowest = at;
      for (const below of [2 * at + 1, 2 * at + 2]) {
        if (below < this.#heap.length && this.#rank(below) < this.#rank(lowest)) lowest = below;
      }
      if (lowest === at) return;
      this.#swap(at, lowest);
      at = lowest;
    }
  }

  #rank(at: number): number {
    return this.#rankOf(this.#heap[at] as number);
  }

  #swap(a: number, b: number): void {
    const node = this.#heap[a] as number;
    this.#heap[a] = this.#heap[b] as number;
    this.#heap[b] = node;
  }
}
