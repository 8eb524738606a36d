// The labelled corpus: hand-written texts of many vendors, filled with values from a seed.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { KEY_FORMS } from "./key-forms.ts";
import { randomFrom, type Random } from "./random.ts";
import { makeValue } from "./values.ts";

export type CorpusCase = {
  /** `password`, `national-number` …; of a negative, the group that it stands in. */
  readonly kind: string;
  /** What exactly was put in: `github-token`, `us-ssn`; empty where there is nothing. */
  readonly value: string;
  readonly vendor: string;
  readonly field: string;
  /** Text that must stay and values that must go, in turns: the first and the last are text. */
  readonly parts: readonly string[];
  readonly ipAddresses: boolean;
};

type Template = readonly [vendor: string, field: string, text: string];
type Groups = Readonly<Record<string, readonly Template[]>>;

/** How often each template is filled; carriers are filled for every kind of key instead. */
const FILLS = { positive: 5, negative: 4, key: 6 };

/** `first` was written before the patterns that find things, `later` after them. */
export type Part = "first" | "later";

export function positiveCases(seed: number, part: Part): CorpusCase[] {
  const { "key-carriers": carriers = [], ...others } = readGroups(fileOf("positives", part));
  const random = randomFrom(seed);
  const keys = Object.keys(KEY_FORMS).flatMap((name) =>
    Array.from({ length: FILLS.key }, () => {
      const [vendor, field, text] = random.pick(carriers);
      return fill("key", [vendor, field, text.replace("[[KEY]]", `[[${name}]]`)], random);
    }),
  );
  return [...keys, ...fillGroups(others, FILLS.positive, random)];
}

export function negativeCases(seed: number, part: Part): CorpusCase[] {
  return fillGroups(readGroups(fileOf("negatives", part)), FILLS.negative, randomFrom(seed));
}

function fileOf(name: string, part: Part): string {
  return part === "first" ? `${name}.yaml` : `${name}-later.yaml`;
}

function readGroups(file: string): Groups {
  return parse(readFileSync(join(import.meta.dirname, file), "utf8")) as Groups;
}

function fillGroups(groups: Groups, times: number, random: Random): CorpusCase[] {
  return Object.entries(groups).flatMap(([kind, templates]) =>
    // A text without anything to fill in is one case, however often it is written.
    templates.flatMap((template) =>
      Array.from({ length: /\[\[|\(\(/.test(template[2]) ? times : 1 }, () => fill(kind, template, random)),
    ),
  );
}

function fill(kind: string, [vendor, field, text]: Template, random: Random): CorpusCase {
  const kept = text.replaceAll(/\(\(([\w:-]+)\)\)/g, (_, name: string) => makeValue(name, random));
  // Split by a capturing group: text, name of a value, text …
  const parts = kept.split(/\[\[([\w:-]+)\]\]/);
  const value = parts[1] ?? "";
  return {
    kind,
    value,
    vendor,
    field,
    parts: parts.map((part, index) => (index % 2 === 0 ? part : makeValue(part, random))),
    ipAddresses: kind.endsWith("ip-address") || kind.endsWith("ip-addresses"),
  };
}
