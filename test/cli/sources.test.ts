// `source`: each kind can be configured, what is missing is said in the command's own words, and the manual has them all.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sourceFile } from "../../src/wire/schemas/identity.ts";
import { SOURCE_KINDS, type SourceKind } from "../../src/wire/types/source-kinds.ts";
import { openTerminal, temporaryFolder } from "./terminal.ts";

const ROOT = join(import.meta.dirname, "../..");
const KINDS = Object.entries(SOURCE_KINDS) as [SourceKind, { title: string; proof: string }][];
const TOPIC = "arn:aws:sns:eu-west-1:123456789012:alarms";

test("a source of each kind is configured, and told what is done at its vendor", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir });
  const theirs = join(dir, "theirs");
  writeFileSync(theirs, "the-secret-that-pagerduty-made\n");
  for (const [kind, { title, proof }] of KINDS) {
    const more = { pagerduty: ["--signing-secret-file", theirs], sns: ["--topic", TOPIC] } as Record<string, string[]>;
    const said = await terminal(["source", "add", `my-${kind}`, "--kind", kind, ...(more[kind] ?? [])]);
    assert.equal(said.code, 0, said.err);
    assert.ok(said.err.includes(`/v1/signals/my-${kind}`) && said.err.includes(`section ${title}`), said.err);
    const isShown = proof !== "sns" && kind !== "pagerduty";
    assert.equal(/^hps_[\w-]{43}\n$/.test(said.out), isShown, kind);
    const file = readFileSync(join(dir, "sources", `my-${kind}.json`), "utf8");
    assert.equal(sourceFile.parse(JSON.parse(file)).kind, kind);
    assert.ok(said.out === "" || !file.includes(said.out.trim()), "the file does not hold the secret");
  }
});

test("what is no kind, or lacks what its kind needs, is refused with what to say instead", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir });
  const refused = async (...flags: string[]): Promise<string> => {
    const { code, out, err } = await terminal(["source", "add", "one", ...flags]);
    assert.deepEqual([code, out], [2, ""], err);
    assert.ok(!existsSync(join(dir, "sources", "one.json")));
    return err;
  };
  const unknown = await refused("--kind", "nagios");
  assert.match(unknown, /cloudevents is for what has no kind of its own/);
  for (const [kind] of KINDS) assert.ok(unknown.includes(kind), kind);
  assert.match(await refused("--kind", "grafana"), /use alertmanager/);
  assert.match(await refused("--kind", "CloudWatch"), /use eventbridge, or sns/);
  assert.match(await refused("--kind", "pagerduty"), /--signing-secret-file/);
  assert.match(await refused("--kind", "sns"), /--topic/);
  assert.match(await refused("--kind", "datadog", "--topic", TOPIC), /topics are for kind sns/);
  assert.match(await refused("--kind", "datadog", "--signing-secret-file", "x"), /Datadog signs with no secret/);
  assert.match(await refused(), /--kind/);
});

test("kinds may be written as people write them, and are listed", async (t) => {
  const dir = temporaryFolder(t);
  const terminal = openTerminal({ configDir: dir, dataDir: dir });
  assert.equal((await terminal(["source", "add", "nr", "--kind", "New-Relic"])).code, 0);
  assert.match(readFileSync(join(dir, "sources", "nr.json"), "utf8"), /"kind": "newrelic"/);
  const { out } = await terminal(["source", "kinds"]);
  for (const [kind, { title }] of KINDS) assert.match(out, new RegExp(`^${kind} +${title} +\\S`, "m"));
});

test("the manual has a section for each kind, and the README a row", () => {
  const manual = readFileSync(join(ROOT, "docs/signals.md"), "utf8");
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  for (const [kind, { title }] of KINDS) {
    const anchor = title.toLowerCase().replaceAll(" ", "-");
    assert.ok(manual.includes(`\n### ${title}\n`), title);
    assert.ok(manual.includes(`| [\`${kind}\`](#${anchor}) |`), kind);
    assert.ok(readme.includes(`[${title}](docs/signals.md#${anchor})`), title);
  }
});
