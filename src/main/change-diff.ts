// A change with what its diff shows: settings that may be kept, and what its code does. Secrets in a diff go nowhere.

import { readChangeDiff } from "../model/diffs/read-change-diff.ts";
import { findSecret } from "../signals/redact.ts";
import { isSettingChange, SETTINGS_MAX } from "../wire/schemas/model.ts";
import type { Change, SettingChange } from "../wire/types/model.ts";

interface Read {
  readonly change: Change;
  /** Settings that are left out. */
  readonly withheld: number;
  /** Changed lines that were not read. */
  readonly skipped: number;
}

/** What was told in so many words counts for more than what is read of the diff. */
export function withDiff(change: Change, diff: string): Read {
  const { settings, code, skipped } = readChangeDiff(diff);
  const told = new Set(change.settings.map(({ key }) => key));
  const read = settings.filter(({ key }) => !told.has(key));
  const kept = read
    .filter((one) => isSettingChange(one) && !isSecret(one))
    .slice(0, SETTINGS_MAX - change.settings.length);
  const whole = { ...change, settings: [...change.settings, ...kept], code };
  return { change: whole, withheld: read.length - kept.length, skipped };
}

/** Beside its key a value is known for a secret that by itself looks like any other text. */
function isSecret({ key, before, after }: SettingChange): boolean {
  const values = [before, after].filter((value) => typeof value === "string");
  return [key, ...values, ...values.map((value) => `${key}=${value}`)].some((text) => findSecret(text) !== null);
}
