// Regular expressions for `matches`: the common core of RE2's syntax, run in time linear in the text.
//
// JavaScript's own engine backtracks and can take exponential time, so a pattern becomes a nondeterministic automaton
// that is followed on all paths at once (Thompson, "Regular expression search algorithm", 1968). What is not in the
// core (word boundaries, flags, Unicode classes, back references, look-around) is refused, never guessed.

const PATTERN_CHARS_MAX = 500;
const STATES_MAX = 2_000;
const REPEAT_MAX = 100;
const GROUPS_DEEP_MAX = 32;

/** Inclusive ranges of code points. */
type Ranges = readonly (readonly [number, number])[];

type Tree =
  | { readonly op: "chars"; readonly ranges: Ranges }
  | { readonly op: "start" | "end" }
  | { readonly op: "sequence" | "choice"; readonly of: readonly Tree[] }
  | { readonly op: "repeat"; readonly of: Tree; readonly min: number; readonly max: number };

export class PatternError extends Error {
  override name = "PatternError";
}

const CODE_POINT_MAX = 0x10ffff;
const DIGIT: Ranges = [[48, 57]];
const WORD: Ranges = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const SPACE: Ranges = [
  [9, 10],
  [12, 13],
  [32, 32],
];
const CLASSES: Readonly<Record<string, Ranges>> = {
  d: DIGIT,
  w: WORD,
  s: SPACE,
  D: complement(DIGIT),
  W: complement(WORD),
  S: complement(SPACE),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11 };
const NOT_NEWLINE = complement([[10, 10]]);

function complement(ranges: Ranges): Ranges {
  const sorted = ranges.toSorted((a, b) => a[0] - b[0]);
  const result: [number, number][] = [];
  let next = 0;
  for (const [from, to] of sorted) {
    if (from > next) result.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= CODE_POINT_MAX) result.push([next, CODE_POINT_MAX]);
  return result;
}

class PatternParser {
  readonly #chars: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#chars = Array.from(text);
    if (this.#chars.length > PATTERN_CHARS_MAX) throw new PatternError(`longer than ${PATTERN_CHARS_MAX} characters`);
  }

  parse(): Tree {
    const tree = this.#choice();
    if (this.#at < this.#chars.length) throw new PatternError("unexpected `)`");
    return tree;
  }

  #choice(): Tree {
    const branches = [this.#sequence()];
    while (this.#take("|")) branches.push(this.#sequence());
    return branches.length === 1 ? (branches[0] as Tree) : { op: "choice", of: branches };
  }

  #sequence(): Tree {
    const parts: Tree[] = [];
    while (this.#at < this.#chars.length && !this.#sees("|") && !this.#sees(")")) parts.push(this.#repeated());
    return { op: "sequence", of: parts };
  }

  #repeated(): Tree {
    const of = this.#atom();
    const counts = this.#counts();
    if (counts === undefined) return of;
    if (of.op === "start" || of.op === "end") throw new PatternError("an anchor cannot repeat");
    this.#take("?"); // which match is found first makes no difference to whether there is one
    if (["*", "+", "?", "{"].some((char) => this.#sees(char))) throw new PatternError("a repetition cannot repeat");
    return { op: "repeat", of, ...counts };
  }

  #counts(): { min: number; max: number } | undefined {
    if (this.#take("*")) return { min: 0, max: Infinity };
    if (this.#take("+")) return { min: 1, max: Infinity };
    if (this.#take("?")) return { min: 0, max: 1 };
    if (!this.#sees("{")) return undefined;
    const match = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#chars.slice(this.#at, this.#at + 12).join(""));
    if (match === null) throw new PatternError("`{` must be a repetition or be escaped");
    this.#at += match[0].length;
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === "" ? Infinity : Number(match[3]);
    if (min > max || min > REPEAT_MAX || (max !== Infinity && max > REPEAT_MAX)) {
      throw new PatternError(`a repetition counts up to ${REPEAT_MAX}`);
    }
    return { min, max };
  }

  #atom(): Tree {
    const char = this.#next();
    if (char === "(") return this.#group();
    if (char === "[") return { op: "chars", ranges: this.#charClass() };
    if (char === ".") return { op: "chars", ranges: NOT_NEWLINE };
    if (char === "^") return { op: "start" };
    if (char === "$") return { op: "end" };
    if (["*", "+", "?", "{"].includes(char)) throw new PatternError(`nothing before \`${char}\` to repeat`);
    return { op: "chars", ranges: char === "\\" ? this.#escape() : single(char) };
  }

  #group(): Tree {
    if (this.#sees("?")) {
      this.#at++;
      if (!this.#take(":")) throw new PatternError("only plain groups and `(?:` are supported");
    }
    if (++this.#depth > GROUPS_DEEP_MAX) throw new PatternError(`groups nested deeper than ${GROUPS_DEEP_MAX}`);
    const tree = this.#choice();
    if (!this.#take(")")) throw new PatternError("missing `)`");
    this.#depth--;
    return tree;
  }

  #charClass(): Ranges {
    const negated = this.#take("^");
    const ranges: (readonly [number, number])[] = [];
    let first = true;
    while (first || !this.#sees("]")) {
      first = false;
      if (this.#sees("[")) throw new PatternError("`[` inside a class must be escaped");
      const from = this.#classItem();
      if (!this.#sees("-") || this.#chars[this.#at + 1] === "]") {
        ranges.push(...from);
        continue;
      }
      this.#at++;
      const to = this.#classItem();
      const [low, high] = [from[0]?.[0] as number, to[0]?.[1] as number];
      if (!isSingle(from) || !isSingle(to) || low > high) throw new PatternError("a class has a bad range");
      ranges.push([low, high]);
    }
    this.#at++;
    return negated ? complement(ranges) : ranges;
  }

  #classItem(): Ranges {
    const char = this.#next();
    return char === "\\" ? this.#escape() : single(char);
  }

  #escape(): Ranges {
    const char = this.#next();
    const known = CLASSES[char];
    if (known !== undefined) return known;
    const control = CONTROLS[char];
    if (control !== undefined) return [[control, control]];
    if (/[A-Za-z0-9]/.test(char) || char.charCodeAt(0) > 127) throw new PatternError(`\`\\${char}\` is not supported`);
    return single(char);
  }

  #next(): string {
    const char = this.#chars[this.#at++];
    if (char === undefined) throw new PatternError("ends too early");
    return char;
  }

  #sees(char: string): boolean {
    return this.#chars[this.#at] === char;
  }

  #take(char: string): boolean {
    if (!this.#sees(char)) return false;
    this.#at++;
    return true;
  }
}

function single(char: string): Ranges {
  const code = char.codePointAt(0) as number;
  return [[code, code]];
}

function isSingle(ranges: Ranges): boolean {
  return ranges.length === 1 && ranges[0]?.[0] === ranges[0]?.[1];
}

type State =
  | { readonly op: "chars"; readonly ranges: Ranges; readonly next: number }
  | { readonly op: "fork"; readonly nexts: number[] }
  | { readonly op: "start" | "end"; readonly next: number }
  | { readonly op: "done" };

/** Lays the automaton out back to front: each part is built knowing the state that follows it. */
class Automaton {
  readonly states: State[] = [{ op: "done" }];
  readonly entry: number;

  constructor(tree: Tree) {
    this.entry = this.#build(tree, 0);
  }

  #add(state: State): number {
    if (this.states.length >= STATES_MAX) throw new PatternError("the pattern is too large");
    return this.states.push(state) - 1;
  }

  #build(tree: Tree, next: number): number {
    switch (tree.op) {
      case "chars":
        return this.#add({ op: "chars", ranges: tree.ranges, next });
      case "start":
      case "end":
        return this.#add({ op: tree.op, next });
      case "sequence":
        return tree.of.reduceRight((follow, part) => this.#build(part, follow), next);
      case "choice":
        return this.#add({ op: "fork", nexts: tree.of.map((branch) => this.#build(branch, next)) });
      case "repeat":
        return this.#repeat(tree, next);
    }
  }

  #repeat({ of, min, max }: Tree & { op: "repeat" }, next: number): number {
    let entry = next;
    if (max === Infinity) {
      const nexts = [next];
      entry = this.#add({ op: "fork", nexts });
      nexts.push(this.#build(of, entry));
    } else {
      for (let i = min; i < max; i++) entry = this.#add({ op: "fork", nexts: [this.#build(of, entry), next] });
    }
    for (let i = 0; i < min; i++) entry = this.#build(of, entry);
    return entry;
  }
}

/**
 * Whether the pattern is found anywhere in a text (RE2's unanchored match). Throws PatternError for what is malformed
 * or outside the supported core. Time per text: its length times the pattern's, at worst.
 */
export function compilePattern(pattern: string): (text: string) => boolean {
  const { states, entry } = new Automaton(new PatternParser(pattern).parse());
  const seen = new Uint32Array(states.length);
  let generation = 0;
  /** Adds what `from` reaches without a character to `into`; true when that includes the end of the pattern. */
  const follow = (from: number, into: number[], at: { isStart: boolean; isEnd: boolean }): boolean => {
    const stack = [from];
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      if (seen[index] === generation) continue;
      seen[index] = generation;
      const state = states[index] as State;
      if (state.op === "done") return true;
      if (state.op === "chars") into.push(index);
      else if (state.op === "fork") stack.push(...state.nexts);
      else if (state.op === "start" ? at.isStart : at.isEnd) stack.push(state.next);
    }
    return false;
  };
  return (text) => {
    let current: number[] = [];
    generation = nextGeneration(seen, generation);
    if (follow(entry, current, { isStart: true, isEnd: text.length === 0 })) return true;
    for (let i = 0; i < text.length;) {
      const code = text.codePointAt(i) as number;
      i += code > 0xffff ? 2 : 1;
      const at = { isStart: false, isEnd: i >= text.length };
      const reached: number[] = [];
      generation = nextGeneration(seen, generation);
      for (const index of current) {
        const state = states[index] as State & { op: "chars" };
        if (isIn(state.ranges, code) && follow(state.next, reached, at)) return true;
      }
      if (follow(entry, reached, at)) return true;
      current = reached;
    }
    return false;
  };
}

function nextGeneration(seen: Uint32Array, generation: number): number {
  if (generation < 0xffffffff) return generation + 1;
  seen.fill(0);
  return 1;
}

function isIn(ranges: Ranges, code: number): boolean {
  for (const [from, to] of ranges) if (code >= from && code <= to) return true;
  return false;
}
