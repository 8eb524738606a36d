// The few largest of many, without bringing the many in order.

/** Of what is added it keeps the largest, of equals those that were added first. */
export class Worst {
  readonly #max: number;
  /** A heap: the one that leaves next is on top. Values, things and their order, side by side by place. */
  readonly #values: Float64Array;
  readonly #things: Uint32Array;
  readonly #orders: Uint32Array;
  #count = 0;
  #added = 0;

  constructor(max: number) {
    this.#max = max;
    this.#values = new Float64Array(max);
    this.#things = new Uint32Array(max);
    this.#orders = new Uint32Array(max);
  }

  add(thing: number, value: number): void {
    const order = this.#added++;
    if (this.#count < this.#max) {
      this.#rise(this.#count++, thing, value, order);
    } else if (value > (this.#values[0] as number)) {
      this.#sink(thing, value, order);
    }
  }

  /** The largest first. */
  sorted(): readonly number[] {
    const places = Array.from({ length: this.#count }, (_, place) => place);
    places.sort((a, b) => (this.#isLess(a, this.#values[b] as number, this.#orders[b] as number) ? 1 : -1));
    return places.map((place) => this.#things[place] as number);
  }

  /** Whether what is at a place leaves before another. */
  #isLess(place: number, value: number, order: number): boolean {
    const own = this.#values[place] as number;
    return own < value || (own === value && (this.#orders[place] as number) > order);
  }

  #put(place: number, thing: number, value: number, order: number): void {
    this.#things[place] = thing;
    this.#values[place] = value;
    this.#orders[place] = order;
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#things[from] as number, this.#values[from] as number, this.#orders[from] as number);
  }

  #rise(from: number, thing: number, value: number, order: number): void {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (this.#isLess(above, value, order)) break;
      this.#move(above, place);
      place = above;
    }
    this.#put(place, thing, value, order);
  }

  #sink(thing: number, value: number, order: number): void {
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= this.#count) break;
      const other = below + 1;
      const isOther =
        other < this.#count && this.#isLess(other, this.#values[below] as number, this.#orders[below] as number);
      if (isOther) below = other;
      if (!this.#isLess(below, value, order)) break;
      this.#move(below, place);
      place = below;
    }
    this.#put(place, thing, value, order);
  }
}
