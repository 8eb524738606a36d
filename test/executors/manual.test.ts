// docs/executors.md names every code an outcome can have, every action kind, and every way a stand-in fails.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { EXECUTOR_KINDS } from "../../src/wire/types/executor-kinds.ts";
import { MISHAPS } from "../../examples/stand-ins/stand-in.ts";

const manual = readFileSync(new URL("../../docs/executors.md", import.meta.url), "utf8");
const room = new URL("../../src/adapters/executors/", import.meta.url);
const contract = new URL("../../src/wire/contracts/egress.ts", import.meta.url);
const files = [contract, ...readdirSync(room).map((name) => new URL(name, room))];
const code = files.map((file) => readFileSync(file, "utf8")).join("\n");

test("every outcome code in the code is in the manual, and the other way round", () => {
  const inCode = new Set(
    [...code.matchAll(/status: "(?:failed|retry|unknown)",[^}]*?code: "([a-z-]+)"/g)].map((match) => match[1]),
  );
  for (const type of code.matchAll(/type (?:Unsent|Lost)Code = ([^;]+);/g)) {
    for (const match of (type[1] ?? "").matchAll(/"([a-z-]+)"/g)) inCode.add(match[1]);
  }
  const listed = /^Codes: ([^]+?)\.\n/m.exec(manual)?.[1] ?? "";
  const inManual = new Set([...listed.matchAll(/`([a-z-]+)`/g)].map((match) => match[1]));
  assert.deepEqual(inManual, inCode);
});

test("every code of a part of a major incident is in the manual", () => {
  const slack = readdirSync(room).filter((name) => name.startsWith("slack-"));
  const text = slack.map((name) => readFileSync(new URL(name, room), "utf8")).join("\n");
  const codes = [...text.matchAll(/(?:code: |failed\("[a-z]+", )"([a-z]+(?:-[a-z]+)+)"/g)].map(([, one]) => one);
  assert.ok(codes.includes("responders-refused") && codes.includes("channel-archived"));
  const parts = ["channel-missing", "topic-missing", "message-missing", "responders-missing", "channel-open"];
  for (const one of [...codes, ...parts]) assert.ok(manual.includes(`\`${one}\``), one);
});

test("the manual names every way a stand-in fails", () => {
  const listed = manual.slice(manual.indexOf("Modes: "));
  for (const mode of MISHAPS) assert.ok(listed.includes(`\`${mode}\``), mode);
});

test("the kinds that executors are known by are those in the code, and in the manual", () => {
  const families = [...new Set([...EXECUTOR_KINDS].map((kind) => kind.split(".", 1)[0]))].join("|");
  const inCode = [...code.matchAll(new RegExp(`"((?:${families})(?:\\.[a-z][a-z-]*)+)"`, "g"))].map(
    (match) => match[1],
  );
  assert.deepEqual(new Set(inCode), EXECUTOR_KINDS);
  for (const kind of EXECUTOR_KINDS) assert.ok(manual.includes(`\`${kind}\``), kind);
});
