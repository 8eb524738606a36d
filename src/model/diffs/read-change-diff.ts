// A unified diff, read for what a change does: which settings it moved, and what its code does. None of its lines is kept.

import type { CodeChange, SettingChange } from "../../wire/types/model.ts";
import { findCodeTrait } from "./code-traits.ts";
import { countSkipped, parseDiff } from "./parse-diff.ts";
import { findAllSettingChanges } from "./setting-changes.ts";

const KEY_CHARS_MAX = 256;

export interface ReadDiff {
  readonly settings: readonly SettingChange[];
  readonly code: CodeChange;
  /** Changed lines that were not read. */
  readonly skipped: number;
}

/** Each setting once, as it was moved last. */
export function readChangeDiff(diff: string): ReadDiff {
  const files = parseDiff(diff, []);
  const settings = new Map(findAllSettingChanges(files).map((one) => [one.key.slice(0, KEY_CHARS_MAX), one]));
  const { trait, weight } = findCodeTrait(files);
  return {
    settings: [...settings].map(([key, one]) => ({ ...one, key })),
    code: { trait, weight },
    skipped: countSkipped(diff),
  };
}
