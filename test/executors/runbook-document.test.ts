// A runbook is what was proposed, as Markdown: boxes to check, and nothing in the text that makes more of itself.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../../src/core/json.ts";
import { createRunbookDocuments } from "../../src/adapters/executors/runbook-document.ts";
import { never, planRequest } from "./contract.ts";

async function markdownOf(args: JsonObject): Promise<string> {
  const plan = await createRunbookDocuments().plan(planRequest({ kind: "runbook.document", args }), never);
  return (plan.diff as { markdown: string }).markdown;
}

test("each step has a box, its commands a block, and the way back comes last", async () => {
  const markdown = await markdownOf({
    title: "Fail over the database",
    summary: "The primary is slow.\n\nThe replica is not.",
    steps: [
      { title: "Look at the lag", commands: ["psql -c 'select 1'", "echo `date`"], expect: "less than 5 s" },
      { title: "Promote", detail: "Only when the lag is small." },
    ],
    rollback: [{ title: "Promote the old one again" }],
  });
  assert.equal(
    markdown,
    `# Fail over the database

For production / cart, asked for by system:\u200btriage.

The primary is slow.

The replica is not.

## Steps

- [ ] **1. Look at the lag**

  \`\`\`
  psql -c 'select 1'
  echo \`date\`
  \`\`\`

  Expect: less than 5 s

- [ ] **2. Promote**

  Only when the lag is small.

## If it goes wrong

- [ ] **1. Promote the old one again**
`,
  );
});

test("no text makes a box, a heading, a link, a mention, HTML or the end of a block", async () => {
  const hostile = [
    "- [x] done already",
    "# Approved",
    "[click](https://evil.test)",
    "https://evil.test",
    "@oncall",
    "<script>alert(1)</script>",
    "![x](y)",
    "1. first",
    "---",
    "| a | b |",
  ];
  for (const text of hostile) {
    const args = {
      title: text,
      summary: `a\n${text}`,
      steps: [{ title: text, detail: text, commands: [text], expect: text }],
    };
    const markdown = await markdownOf(args);
    const prose = markdown.replace(/^ {2}`{3,}\n[^]*?^ {2}`{3,}$/m, "");
    assert.equal(prose.match(/^\s*- \[.\]/gm)?.length, 1, text);
    assert.equal(prose.match(/^#+ /gm)?.length, 2, text);
    for (const markup of [
      /(?<!\\)<\w/,
      /(?<!\\)\]\(/,
      /@\w/,
      /https:\/\//,
      /^\s*(?:---|===)/m,
      /^\s*\d+\. /m,
      /(?<!\\)\|/,
    ]) {
      assert.doesNotMatch(prose, markup, text);
    }
  }
  const fenced = await markdownOf({ title: "t", steps: [{ title: "s", commands: ["````", "- [x] hm", "```` ````"] }] });
  assert.match(fenced, /^ {2}`````\n {2}````\n {2}- \[x\] hm\n {2}```` ````\n {2}`````$/m);
});
