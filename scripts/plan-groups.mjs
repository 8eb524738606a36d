// Which test files share a process: loading the same modules anew for each of hundreds would take longer than most tests.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

const GROUP_FILES_MAX = 10;

/** What takes longest begins first and by itself, so that nothing waits for it in the end; then the folders that follow. */
const LONGEST = [
  "simulation/simulation.test.ts",
  "e2e/kill.test.ts",
  "e2e/verify.test.ts",
  "e2e/postgres.test.ts",
  "ledger/verify.test.ts",
  "e2e/kill-executors.test.ts",
];
const LONG_FOLDERS = [
  "e2e",
  "kubernetes",
  "http",
  "console",
  "executors",
  "examples",
  "model",
  "stores",
  "history",
  "cli",
];

/**
 * Files of one folder of the tests run together, a few at a time; the same files always meet.
 * @param {readonly string[]} files absolute
 * @param {string} tests the folder of all tests
 */
export function planGroups(files, tests) {
  const names = files.map((file) => relative(tests, file));
  const alone = LONGEST.filter((name) => names.includes(name));
  /** @type {Map<string, string[]>} */
  const folders = new Map();
  for (const name of names.toSorted((one, other) => turnOf(one) - turnOf(other))) {
    if (alone.includes(name)) continue;
    const folder = name.includes(sep) ? dirname(name).replaceAll(sep, "-") : "top";
    folders.set(folder, [...(folders.get(folder) ?? []), name]);
  }
  const shared = [...folders].flatMap(([folder, members]) =>
    chunks(members).map((some, at) => ({ name: `${folder}-${at + 1}`, members: some })),
  );
  const single = alone.map((name) => ({ name: name.replaceAll(sep, "-"), members: [name] }));
  return [...single, ...shared].map(({ name, members }) => ({ name, files: members.map((one) => join(tests, one)) }));
}

/** @param {string} name */
function turnOf(name) {
  const at = LONG_FOLDERS.findIndex((folder) => name.startsWith(`${folder}${sep}`));
  return at === -1 ? LONG_FOLDERS.length : at;
}

/** As few as can be, of nearly the same length. @param {readonly string[]} all */
function chunks(all) {
  const count = Math.ceil(all.length / GROUP_FILES_MAX);
  return Array.from({ length: count }, (_, at) => all.filter((_, index) => index % count === at));
}

/**
 * Writes one module for each group, which runs it; answers their paths.
 * @param {ReturnType<typeof planGroups>} groups
 * @param {{ folder: string, endsWithinMs: number }} options
 */
export function writeGroups(groups, { folder, endsWithinMs }) {
  const runner = new URL("test-group.mjs", import.meta.url).href;
  mkdirSync(folder, { recursive: true });
  return groups.map(({ name, files }) => {
    const path = join(folder, `${name}.mjs`);
    const text = [
      `// The test files that share this process.`,
      `import { runGroup } from ${JSON.stringify(runner)};`,
      `await runGroup(${JSON.stringify(files, null, 2)}, { endsWithinMs: ${endsWithinMs} });`,
    ];
    writeFileSync(path, `${text.join("\n")}\n`);
    return path;
  });
}
