// Reads YAML documents field by field, with the line and column of everything that is wrong.

import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, visit } from "yaml";
import type { Document, ParsedNode, Scalar, YAMLMap } from "yaml";

const FILE_CHARS_MAX = 256 * 1024;
const DOCUMENTS_MAX = 64;
const DEPTH_MAX = 12;

/** A file of a bundle; `path` is only a name. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Something that does not load. Line and column count from 1. */
export interface Problem {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

interface Source {
  readonly file: SourceFile;
  readonly lines: LineCounter;
  readonly problems: Problem[];
}

/** A place in a document. Reading what is not there reports a problem and gives undefined. */
export class Field {
  readonly #source: Source;
  readonly #node: ParsedNode | null;
  readonly #offset: number;

  constructor(source: Source, node: ParsedNode | null, offset: number) {
    this.#source = source;
    this.#node = node;
    this.#offset = node?.range[0] ?? offset;
  }

  get path(): string {
    return this.#source.file.path;
  }

  get line(): number {
    return this.#source.lines.linePos(this.#offset).line;
  }

  /** Reports a problem here; `at` is an offset inside this text, kept when the text stands in the file as it is. */
  fail(message: string, at = 0): undefined {
    const { file, lines, problems } = this.#source;
    const { line, col } = lines.linePos(this.#offset + this.#shift(at));
    problems.push({ path: file.path, line, column: col, message });
    return undefined;
  }

  #shift(at: number): number {
    const node = this.#node;
    if (at === 0 || !isScalar(node) || typeof node.value !== "string") return 0;
    const start = node.type === "PLAIN" ? 0 : 1;
    const verbatim = this.#source.file.text.startsWith(node.value, this.#offset + start);
    return verbatim ? start + at : 0;
  }

  /** The fields of a mapping with these names and no others; `required` ones must be there. */
  fields<K extends string>(names: readonly K[], required: readonly K[]): Partial<Record<K, Field>> | undefined {
    if (!isMap(this.#node)) return this.fail(`must be a mapping of ${names.join(", ")}`);
    const found: Partial<Record<K, Field>> = {};
    for (const { key, value } of this.#node.items) {
      const name = isScalar(key) ? key.value : undefined;
      const known = names.find((known) => known === name);
      const at = new Field(this.#source, key, this.#offset);
      if (known === undefined) at.fail(`unknown field \`${String(name)}\`; known are ${names.join(", ")}`);
      else found[known] = new Field(this.#source, value, at.#offset);
    }
    for (const name of required) if (found[name] === undefined) this.fail(`\`${name}\` is missing`);
    return found;
  }

  /** The items of a sequence of 1 to `countMax`. */
  items(countMax: number): Field[] | undefined {
    if (!isSeq(this.#node)) return this.fail("must be a list");
    const { items } = this.#node;
    if (items.length === 0 || items.length > countMax) return this.fail(`must have 1 to ${countMax} items`);
    return items.map((item) => new Field(this.#source, item, this.#offset));
  }

  /** The entries of a mapping with names of the author's choice, at most `countMax`. */
  entries(countMax: number): (readonly [string, Field])[] | undefined {
    if (!isMap(this.#node)) return this.fail("must be a mapping");
    const { items } = this.#node;
    if (items.length > countMax) return this.fail(`must have at most ${countMax} entries`);
    return items.map(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : "";
      return [name, new Field(this.#source, value, key.range[0])] as const;
    });
  }

  text(charsMax: number): string | undefined {
    const value = this.#scalar();
    if (typeof value !== "string") return this.fail("must be a text");
    if (value.length === 0 || value.length > charsMax) return this.fail(`must have 1 to ${charsMax} characters`);
    return value.isWellFormed() ? value : this.fail("contains a lone surrogate");
  }

  /** A text of the form that `pattern` describes; `what` says it in words. */
  textLike(pattern: RegExp, what: string, charsMax: number): string | undefined {
    const value = this.text(charsMax);
    if (value === undefined) return undefined;
    return pattern.test(value) ? value : this.fail(`must be ${what}`);
  }

  oneOf<T extends string>(values: readonly T[]): T | undefined {
    const value = this.#scalar();
    return values.find((known) => known === value) ?? this.fail(`must be one of ${values.join(", ")}`);
  }

  integer(min: number, max: number): number | undefined {
    const value = this.#scalar();
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    return this.fail(`must be a whole number from ${min} to ${max}`);
  }

  number(min: number, max: number): number | undefined {
    const value = this.#scalar();
    if (typeof value === "number" && value >= min && value <= max) return value;
    return this.fail(`must be a number from ${min} to ${max}`);
  }

  boolean(): boolean | undefined {
    const value = this.#scalar();
    return typeof value === "boolean" ? value : this.fail("must be true or false");
  }

  /** `30s`, `15m`, `24h` or `7d`, at most 31 days; in milliseconds. */
  durationMs(): number | undefined {
    const value = this.#scalar();
    const match = typeof value === "string" ? /^([1-9]\d{0,6})(s|m|h|d)$/.exec(value) : null;
    const unitMs = UNITS_MS[match?.[2] ?? ""] ?? 0;
    const ms = Number(match?.[1]) * unitMs;
    return match !== null && ms <= DURATION_MS_MAX ? ms : this.fail("must be a duration such as 15m, from 1s to 31d");
  }

  /** The plain scalar here, whatever it is; undefined for a list, a mapping or nothing. */
  #scalar(): unknown {
    return isScalar(this.#node) ? (this.#node as Scalar).value : undefined;
  }
}

const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION_MS_MAX = 31 * 86_400_000;

/** The documents of a file. Anchors, aliases and tags are refused: a policy reads as it is written. */
export function readDocuments(file: SourceFile, problems: Problem[]): Field[] {
  const lines = new LineCounter();
  const source: Source = { file, lines, problems };
  const whole = new Field(source, null, 0);
  if (file.text.length > FILE_CHARS_MAX) {
    lines.addNewLine(0);
    whole.fail(`the file is larger than ${FILE_CHARS_MAX} characters`);
    return [];
  }
  const documents = parseDocuments(file.text, lines);
  if (documents === undefined) {
    whole.fail("the file is nested too deeply");
    return [];
  }
  if (documents.length > DOCUMENTS_MAX) {
    whole.fail(`the file has more than ${DOCUMENTS_MAX} documents`);
    return [];
  }
  const before = problems.length;
  for (const document of documents) checkDocument(document, source);
  if (problems.length > before) return [];
  const filled = documents.filter((document) => document.contents !== null);
  if (filled.length === 0) whole.fail("the file has no document");
  return filled.map((document) => new Field(source, document.contents, 0));
}

type ParsedDocument = Document.Parsed<ParsedNode, true>;

function parseDocuments(text: string, lineCounter: LineCounter): ParsedDocument[] | undefined {
  try {
    const options = {
      lineCounter,
      uniqueKeys: false, // checked below: the parser compares every key with every other
      strict: true,
      version: "1.2",
      schema: "core",
      prettyErrors: false,
    };
    const documents = parseAllDocuments<ParsedNode>(text, options as Parameters<typeof parseAllDocuments>[1]);
    return [...documents] as ParsedDocument[];
  } catch (error) {
    if (error instanceof RangeError) return undefined; // the parser recurses per level
    throw error;
  }
}

function checkDocument(document: ParsedDocument, source: Source): void {
  const report = (message: string, offset: number): void => {
    new Field(source, null, offset).fail(message);
  };
  for (const error of [...document.errors, ...document.warnings]) report(error.message, error.pos[0]);
  if (document.errors.length > 0) return;
  visit(document, {
    Node(_, node, path) {
      const offset = node.range?.[0] ?? 0;
      if (isAlias(node) || node.anchor !== undefined) report("anchors and aliases are not supported", offset);
      else if (node.tag !== undefined && !node.tag.startsWith("tag:yaml.org,2002:"))
        report("tags are not supported", offset);
      for (const key of isMap(node) ? repeatedKeys(node) : []) report("map keys must be unique", key);
      if (path.length > DEPTH_MAX * 2) report(`nested deeper than ${DEPTH_MAX} levels`, offset);
      return path.length > DEPTH_MAX * 2 ? visit.BREAK : undefined;
    },
  });
}

/** Where keys stand that came before in the same mapping; one look at each, so that a long mapping takes no longer. */
function repeatedKeys(map: YAMLMap): readonly number[] {
  const seen = new Set<unknown>();
  const places: number[] = [];
  for (const { key } of map.items) {
    if (!isScalar(key)) continue;
    if (seen.has(key.value)) places.push(key.range?.[0] ?? 0);
    seen.add(key.value);
  }
  return places;
}
