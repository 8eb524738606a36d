// The closed table of errors, and the manual that is held to it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { AppError, ERRORS, isAppError, type ErrorCode, type ErrorEntry } from "../../src/core/errors.ts";

const manual = readFileSync(join(import.meta.dirname, "..", "..", "docs", "errors.md"), "utf8");
const entries = Object.entries<ErrorEntry>(ERRORS);

/** Code to the text of its section. */
const sections = new Map(
  manual
    .split(/^## /m)
    .slice(1)
    .map((section) => [/^`(.+)`\n/.exec(section)?.[1] ?? section, section]),
);

test("the manual has one section per code, in the order of the table, and no other", () => {
  assert.deepEqual([...sections.keys()], Object.keys(ERRORS));
});

test("each section repeats status and title, and says what it means and what to do", () => {
  for (const [code, { status, title, fatal }] of entries) {
    const [, , summary, , means, , remedy] = (sections.get(code) ?? "").split("\n");
    assert.equal(summary, `${status} · ${title}${fatal ? " · *stops the process*" : ""}`, code);
    assert.match(means ?? "", /^\*\*Means:\*\* .{20,}\.$/, code);
    assert.match(remedy ?? "", /^\*\*Do:\*\* .{15,}\.$/, code);
  }
});

test("codes are kebab-case, titles are sentences without a full stop, statuses are HTTP errors", () => {
  for (const [code, { status, title }] of entries) {
    assert.match(code, /^[a-z]+(-[a-z]+)*$/);
    assert.match(title, /^[A-Z].*[^.]$/, code);
    assert.ok(Number.isInteger(status) && status >= 400 && status <= 599, code);
  }
});

test("an error keeps its code, facts and cause", () => {
  const cause = new Error("disk full");
  const error = new AppError("store-unavailable", "no write", { attempts: 2 }, cause);
  assert.deepEqual(
    [error.code, error.message, error.facts, error.cause],
    ["store-unavailable", "no write", { attempts: 2 }, cause],
  );
  assert.deepEqual(new AppError("internal", "x").facts, {});
  assert.ok(!("cause" in new AppError("internal", "x")));
});

test("an AppError is told apart from others, and by its code", () => {
  const error: unknown = new AppError("run-not-found", "no such run");
  assert.ok(isAppError(error) && isAppError(error, "run-not-found"));
  assert.ok(!isAppError(error, "action-not-found"));
  const imitations: readonly unknown[] = [new Error("x"), { code: "internal" satisfies ErrorCode }, "internal", null];
  for (const other of imitations) assert.ok(!isAppError(other));
});
