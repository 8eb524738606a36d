// The structure of the repository: layers, lengths, banned words. Each check is also shown a planted fault.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CODE_FILES, SRC_FILES, TEXT_FILES, isFile, readText } from "./tidy/checkout.ts";
import floor from "./floor.json" with { type: "json" };
import { checkConnections, checkLateLoading } from "./tidy/connections.ts";
import { checkLayers, LAYERS, roomOf } from "./tidy/layers.ts";
import { checkLinks, checkText } from "./tidy/repository.ts";
import {
  checkExports,
  checkFileLength,
  checkFileName,
  checkFirstLine,
  checkFunctionLength,
  checkTestRuns,
} from "./tidy/shape.ts";
import { parseSource, type Finding, type Source } from "./tidy/source.ts";
import { checkEnvironment, checkPureWords } from "./tidy/words.ts";

const sources = new Map(CODE_FILES.map((path) => [path, parseSource(path, readText(path))]));
const srcSources = SRC_FILES.map(sourceOf);
const testSources = CODE_FILES.filter((path) => path.startsWith("test/")).map(sourceOf);
const otherSources = CODE_FILES.filter((path) => !path.startsWith("test/")).map(sourceOf);

function sourceOf(path: string): Source {
  const source = sources.get(path);
  assert.ok(source, path);
  return source;
}

function assertNone(findings: readonly Finding[]): void {
  const lines = findings.map(({ path, line, message }) => `${path}:${line} ${message}`);
  assert.equal(lines.length, 0, `\n${lines.join("\n")}\n`);
}

describe("the repository", () => {
  test("is seen whole by these checks", () => {
    const rooms = new Set(SRC_FILES.map((path) => roomOf(path)));
    for (const room of floor.rooms) assert.ok(rooms.has(room), `no file of room ${room} was seen`);
    assert.ok(SRC_FILES.length >= floor.srcFiles, `${SRC_FILES.length} files of src were seen`);
    const testFiles = CODE_FILES.filter((path) => path.endsWith(".test.ts"));
    assert.ok(testFiles.length >= floor.files, `${testFiles.length} test files were seen`);
    assert.ok(
      TEXT_FILES.includes("README.md") && TEXT_FILES.includes(".ci/run") && TEXT_FILES.includes("package.json"),
    );
    for (const { path, nodes } of sources.values()) assert.ok(nodes.length > 1, `${path} has no code`);
  });

  test("imports run down the layers only", () => assertNone(srcSources.flatMap(checkLayers)));
  test("pure rooms use no clock, randomness, timers or I/O", () => assertNone(srcSources.flatMap(checkPureWords)));
  test("only src/main reads the environment", () => assertNone(srcSources.flatMap(checkEnvironment)));
  test("only the way out opens connections", () => assertNone(srcSources.flatMap(checkConnections)));
  test("what few installations use is loaded when it is first needed", () => {
    assertNone(srcSources.flatMap(checkLateLoading));
    const load = (text: string): number => checkLateLoading(parseSource("src/adapters/classifiers/a.ts", text)).length;
    assert.equal(load(`import { generateText } from "ai";`), 1);
    assert.equal(load(`import { createAnthropic } from "@ai-sdk/anthropic";`), 1);
    assert.equal(load(`import type { LanguageModel } from "ai"; const a = await import("ai");`), 0);
  });
  test("exports are named and found where they are written", () => {
    assertNone([...sources.values()].flatMap(checkExports));
  });
  test("files have at most 400 lines", () => {
    assertNone(CODE_FILES.flatMap((path) => checkFileLength(path, readText(path))));
  });
  test("functions have at most 70 lines", () => assertNone(otherSources.flatMap(checkFunctionLength)));
  test("every file says in its first line what it holds", () => {
    assertNone(CODE_FILES.flatMap((path) => checkFirstLine(path, readText(path))));
  });
  test("file names are kebab-case", () => assertNone(CODE_FILES.flatMap(checkFileName)));
  test("no test is singled out or skipped without a reason", () => assertNone(testSources.flatMap(checkTestRuns)));
  test("no text holds a path of one machine, a registry's address or work left undone", () => {
    assertNone(TEXT_FILES.flatMap((path) => checkText(path, readText(path))));
  });
  test("links in the documentation lead to files", () => {
    const pages = TEXT_FILES.filter((path) => path.endsWith(".md"));
    assertNone(pages.flatMap((path) => checkLinks(path, readText(path), isFile)));
  });
});

describe("the layer check finds", () => {
  const check = (path: string, text: string): readonly Finding[] => checkLayers(parseSource(path, text));

  test("an import of a higher layer, however it is written", () => {
    for (const text of [
      `import { a } from "../kernel/kernel.ts";`,
      `import type { A } from "../kernel/kernel.ts";`,
      `import { type A } from "../kernel/kernel.ts";`,
      `import "../kernel/kernel.ts";`,
      `export { a } from "../kernel/kernel.ts";`,
      `export * from "../kernel/kernel.ts";`,
      `const a = await import("../kernel/kernel.ts");`,
      `type A = import("../kernel/kernel.ts").A;`,
      `new Worker(new URL("../kernel/kernel.ts", import.meta.url));`,
    ]) {
      assert.equal(check("src/core/planted.ts", text).length, 1, text);
    }
  });

  test("rooms of one layer that meet", () => {
    assert.equal(check("src/policy/planted.ts", `import { a } from "../model/graph.ts";`).length, 1);
    assert.equal(check("src/http/planted.ts", `import { a } from "../cli/get.ts";`).length, 1);
    assert.equal(check("src/adapters/executors/planted.ts", `import { a } from "../stores/sqlite.ts";`).length, 1);
  });

  test("what adapters, sdk, console and wire/types may not see", () => {
    assert.equal(check("src/adapters/executors/planted.ts", `import { a } from "../../ledger/tree.ts";`).length, 1);
    assert.equal(check("src/sdk/planted.ts", `import { a } from "../wire/schemas/action.ts";`).length, 1);
    assert.equal(check("src/sdk/planted.ts", `import { z } from "zod";`).length, 1);
    assert.equal(check("src/wire/types/planted.ts", `import { z } from "zod";`).length, 1);
    assert.equal(check("src/wire/types/planted.ts", `import { a } from "../schemas/action.ts";`).length, 1);
  });

  test("files and imports outside every room, and rooms without a noun", () => {
    assert.equal(check("src/planted.ts", "export const a = 1;").length, 1);
    assert.equal(check("src/elsewhere/planted.ts", "export const a = 1;").length, 1);
    assert.equal(check("src/kernel/utils/planted.ts", "export const a = 1;").length, 1);
    assert.equal(check("src/core/planted.ts", `import { a } from "../../test/tidy/source.ts";`).length, 1);
    assert.equal(check("src/cli/planted.ts", "await import(name);").length, 1);
  });

  test("nothing where the direction is right", () => {
    assert.deepEqual(check("src/adapters/stores/fine.ts", `import { a } from "../../ledger/tree.ts";`), []);
    assert.deepEqual(
      check("src/kernel/fine.ts", `import { a } from "../policy/rules.ts"; import { b } from "./state.ts";`),
      [],
    );
    assert.deepEqual(check("src/sdk/fine.ts", `import type { A } from "../wire/types/signal.ts";`), []);
    assert.deepEqual(check("src/wire/types/fine.ts", `import type { Json } from "../../core/json.ts";`), []);
    assert.equal(new Set(LAYERS.flat()).size, LAYERS.flat().length);
  });
});

describe("the check of pure rooms finds", () => {
  const check = (text: string, path = "src/kernel/planted.ts"): readonly Finding[] =>
    checkPureWords(parseSource(path, text));

  test("every banned word", () => {
    for (const text of [
      "Date.now();",
      "new Date();",
      "let at: Date;",
      "const f = { at: Date };",
      "new Intl.Collator();",
      `"a".localeCompare("b");`,
      `names.sort((a, b) => a?.localeCompare(b));`,
      "performance.now();",
      "Math.random();",
      `Math["random"]();`,
      "const { random } = Math;",
      "Math.pow(a, b);",
      "Math.exp(a);",
      "a ** b;",
      "256 ** level;",
      "a **= 2;",
      "setTimeout(f, 1);",
      "process.exit(1);",
      "process;",
      `fetch("x");`,
      "globalThis.Date;",
      "crypto.randomUUID();",
      `import { readFileSync } from "node:fs";`,
      `import { readFileSync } from "fs";`,
      `import { randomBytes } from "node:crypto";`,
      `import * as crypto from "node:crypto";`,
      `import { setTimeout } from "node:timers/promises";`,
      `import { Client } from "pg";`,
    ]) {
      assert.ok(check(text).length >= 1, text);
    }
  });

  test("nothing in words that only look alike, and nothing in rooms that are not pure", () => {
    for (const text of [
      `const text = "Date.now()"; // Date.now()`,
      "const size = 2 ** 32 - 1;",
      "const big = 10n ** BigInt(digits);",
      "const span = 2 ** (8 * level);",
      "state.process = 1;",
      "const entry = { process: 1, Date: 2 };",
      "interface Entry { readonly fetch: number }",
      "function f(fetch: () => void): void { fetch(); }",
      "const pattern = /Math.random()/;",
      `import { createHash, type KeyObject } from "node:crypto";`,
      "Math.floor(Math.max(1, 2));",
    ]) {
      assert.deepEqual(check(text), [], text);
    }
    assert.deepEqual(check("Date.now();", "src/effects/fine.ts"), []);
  });

  test("the environment read outside src/main", () => {
    const environment = (path: string, text: string): number => checkEnvironment(parseSource(path, text)).length;
    for (const text of [
      "process.env.PORT;",
      `process["env"];`,
      "const { env } = process;",
      `import { env } from "node:process";`,
      `import process from "node:process";`,
    ]) {
      assert.ok(environment("src/cli/planted.ts", text) >= 1, text);
      assert.equal(environment("src/main/fine.ts", text), 0, text);
    }
    assert.equal(environment("src/cli/fine.ts", "process.exitCode = 1;"), 0);
  });
});

describe("the check of connections finds", () => {
  const check = (path: string, text: string): number => checkConnections(parseSource(path, text)).length;

  test("every way to open one outside the way out", () => {
    for (const text of [
      `await fetch("https://example.org");`,
      "const f = fetch;",
      "globalThis.fetch(url);",
      `globalThis["fetch"](url);`,
      "new WebSocket(url);",
      "new EventSource(url);",
      `import { request } from "node:http";`,
      `import { Agent } from "http";`,
      `import http from "node:http";`,
      `import * as https from "node:https";`,
      `import { connect } from "node:net";`,
      `import { Socket } from "node:net";`,
      `import { connect } from "node:tls";`,
      `import { createSocket } from "node:dgram";`,
      `import { lookup } from "node:dns/promises";`,
      `import { connect } from "node:http2";`,
      `import { request } from "undici";`,
      `const net = await import("node:net");`,
      `import { Pool } from "pg";`,
      `import { createAnthropic } from "@ai-sdk/anthropic";`,
    ]) {
      assert.ok(check("src/adapters/executors/planted.ts", text) >= 1, text);
      assert.equal(check("src/adapters/egress/fine.ts", text), 0, text);
    }
  });

  test("nothing in servers, types and names of our own", () => {
    for (const text of [
      `import { createServer } from "node:http";`,
      `import { createServer, isIP } from "node:net";`,
      `import type { Socket } from "node:net";`,
      "parts.fetch(url);",
      "const model = { fetch: out };",
      "function f(fetch: () => void): void { fetch(); }",
      "type F = typeof globalThis.fetch;",
    ]) {
      assert.equal(check("src/http/fine.ts", text), 0, text);
    }
    assert.equal(check("src/adapters/stores/fine.ts", `import { Pool } from "pg";`), 0);
    assert.equal(check("src/cli/api-client.ts", "await fetch(url);"), 0);
  });
});

describe("the check of shape finds", () => {
  const parse = (text: string): Source => parseSource("test/planted.ts", text);

  test("files and functions that are too long", () => {
    assert.equal(checkFileLength("src/a.ts", "x\n".repeat(401)).length, 1);
    assert.deepEqual(checkFileLength("src/a.ts", "x\n".repeat(400)), []);
    for (const head of ["function f() {", "const f = () => {", "class A { f() {", "const o = { f() {"]) {
      const tail = head.endsWith("f() {") && !head.startsWith("function") ? "}}" : "}";
      assert.equal(checkFunctionLength(parse(`${head}\n${'"}";\n'.repeat(69)}${tail}`)).length, 1, head);
      assert.deepEqual(checkFunctionLength(parse(`${head}\n${"/* { */\n".repeat(68)}${tail}`)), [], head);
    }
    assert.deepEqual(checkFunctionLength(parse(`describe("x", () => {\n${"\n".repeat(99)}});`)), []);
  });

  test("a file that does not say what it holds, and names of another style", () => {
    assert.equal(checkFirstLine("src/a.ts", "import a;\n").length, 1);
    assert.equal(checkFirstLine("bin/a.mjs", "#!/usr/bin/env node\nimport a;\n").length, 1);
    assert.deepEqual(checkFirstLine("src/a.ts", "// What it holds.\n"), []);
    for (const name of ["src/core/blastRadius.ts", "src/core/Blast.ts", "src/core/a_b.ts", "src/http/Page.tsx"]) {
      assert.equal(checkFileName(name).length, 1, name);
    }
    for (const name of ["src/core/blast-radius.ts", "test/x/a-b.test.ts", "src/console/Page.tsx", "bin/a.mjs"]) {
      assert.deepEqual(checkFileName(name), [], name);
    }
  });

  test("default exports, barrels and require", () => {
    for (const text of [
      "export default 1;",
      "const a = 1; export { a as default };",
      `export * from "./a.ts";`,
      `const a = require("./a.ts");`,
    ]) {
      assert.equal(checkExports(parse(text)).length, 1, text);
    }
    assert.deepEqual(checkExports(parseSource("src/sdk/index.ts", `export * from "./a.ts";`)), []);
  });

  test("tests that do not run", () => {
    for (const text of [
      `test.only("x", () => {});`,
      `describe.skip("x", () => {});`,
      `it.todo("x");`,
      `test("x", { skip: true }, () => {});`,
      `test("x", (t) => { t.skip(); });`,
    ]) {
      assert.equal(checkTestRuns(parse(text)).length, 1, text);
    }
    for (const text of [
      `test("x", { skip: "needs the vectors" }, () => {});`,
      `test("x", { skip: reason }, () => {});`,
      `test("x", (t) => { t.skip("needs strace"); });`,
      "rows.skip(3);",
    ]) {
      assert.deepEqual(checkTestRuns(parse(text)), [], text);
    }
  });

  test("links that lead nowhere", () => {
    const check = (text: string): number => checkLinks("docs/a.md", text, (path) => path === "docs/b.md").length;
    assert.equal(check("[b](b.md), [b](../docs/b.md#part), [out](https://example.org/x), [here](#part)"), 0);
    assert.equal(check("[c](c.md) and [b](../b.md)"), 2);
  });

  test("what no text may hold", () => {
    const planted = [
      ["cd ", "/work/", "main"],
      ["see https://", "registry", ".example.org/holdpoint"],
      ["// TO", "DO: later"],
      ["// FIX", "ME"],
      ["// @ts-", "ignore"],
      ["// oxlint-", "disable-next-line eslint/no-console"],
    ].map((parts) => parts.join(""));
    for (const text of planted) assert.equal(checkText("docs/a.md", text).length, 1, text);
    const fine = ["a person's work/life", "method todo()", ["// oxlint-", "disable-next-line a/b -- it must"].join("")];
    for (const text of fine) assert.deepEqual(checkText("docs/a.md", text), [], text);
  });
});
