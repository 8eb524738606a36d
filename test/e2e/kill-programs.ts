// Programs that stop when they begin, between what they do and when they end, until Holdpoint is dead, and they with it.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { TARGET, type Case, type Part } from "./kill-case.ts";
import { Gate, type Front } from "./kill-fronts.ts";

const STAND_IN = new URL("../../examples/stand-ins/tofu.sh", import.meta.url);
export const STATE_KEY = "k3y-of-the-state";
const LINEAGE = "3f1d0a52-aaaa-bbbb-cccc-000000000001";
const LOOK_MS = 15;
/** The first waits until the last has come to its message. */
const LONG = { seconds: 110 };

/** A program that tells the gate what it is about to do, and waits for its leave. */
const gated = (gate: string, program: string): string => `#!/bin/bash
message() {
  local at="${gate}/$BASHPID-$RANDOM$RANDOM"
  printf '%s' "$1" > "$at.new" && mv "$at.new" "$at.said"
  until [ -e "$at.go" ]; do command sleep 0.02; done
}
${program}`;

/** `sleep` is what the stand-in does before each resource. */
const wrapped = (program: string): string => `sleep() { message resource; }
export -f message sleep
call="\${*:2:2}"
message "begin $call"
${program} "$@"
code=$?
message "end $call"
exit $code
`;

/** What programs say through a folder. A call that began and may act is stopped at its end. */
function startProgramFront(folder: string): Front {
  const front = { gate: new Gate(), port: 0, url: "" };
  let isMute = false;
  const hear = (said: string): boolean => {
    const { gate } = front;
    if (said.startsWith("end") && isMute) {
      isMute = false;
      gate.worked();
      return false;
    }
    const { passes, returns } = gate.next(said);
    if (passes && !returns) isMute = !said.startsWith("end");
    if (passes && !returns && !isMute) gate.worked();
    return passes && (returns || isMute);
  };
  const look = (): void => {
    for (const name of readdirSync(folder).filter((one) => one.endsWith(".said"))) {
      const said = readFileSync(join(folder, name), "utf8");
      rmSync(join(folder, name));
      if (hear(said)) writeFileSync(join(folder, name.replace(".said", ".go")), "");
    }
  };
  const timer = setInterval(look, LOOK_MS);
  return Object.assign(front, { close: () => clearInterval(timer) });
}

export async function terraformPart(): Promise<Part> {
  const folder = mkdtempSync("/var/tmp/holdpoint-killed-tofu-"); // a program has a /tmp of its own
  chmodSync(folder, 0o755);
  const [directory, plans, gate] = ["work", "plans", "gate"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [directory, plans, gate]) mkdirSync(path);
  for (const path of [directory, gate]) chmodSync(path, 0o777);
  const [program, real] = [join(folder, "tofu"), join(folder, "tofu-itself")];
  copyFileSync(STAND_IN, real);
  writeFileSync(program, gated(gate, wrapped(real)));
  for (const path of [program, real]) chmodSync(path, 0o755);
  const state = join(directory, "terraform.tfstate");
  writeFileSync(state, JSON.stringify({ version: 4, serial: 7, lineage: LINEAGE }));
  chmodSync(state, 0o666);
  const front = startProgramFront(gate);
  const apply: Case = {
    kind: "terraform.apply",
    write: /^begin apply/,
    unclear: /^resource/, // what it had begun then, nobody can tell
    repeat: "settled",
    fronts: [front],
    prepare(name) {
      const { serial } = JSON.parse(readFileSync(state, "utf8")) as { serial: number };
      const address = `null_resource.${name}`;
      const change = {
        actions: ["update"],
        before: { a: 1 },
        after: { a: 2 },
        before_sensitive: {},
        after_sensitive: {},
      };
      const resources = [{ address, change: { ...change, after_unknown: {} } }];
      const plan = { format_version: "1.2", terraform_version: "1.10.0", timestamp: "2026-09-21T10:00:00Z" };
      const text = JSON.stringify({ ...plan, resource_changes: resources });
      writeFileSync(join(plans, `${name}.tfplan`), `${LINEAGE}:${serial}\n${text}\n${address} 0\n`);
      return { args: { workspace: "web", plan: `${name}.tfplan` }, effects: () => countOf(directory, address) };
    },
  };
  const workspace = { ...TARGET, name: "web", network: "none", directory, plans, secrets: { STATE_KEY: "tofu/state" } };
  return Promise.resolve({
    config: { terraform: { program, workspaces: [workspace] } },
    cases: [apply],
    fronts: [front],
    complaints: () => [],
    close: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
  });
}

function countOf(directory: string, address: string): number {
  const path = join(directory, "applied");
  if (!existsSync(path)) return 0;
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line === address).length;
}

/** What a command of a runbook may do again is up to it: the one that may leaves a file, the other one writes a line. */
export function runbookPart(): Promise<Part> {
  const folder = mkdtempSync("/var/tmp/holdpoint-killed-runbook-");
  chmodSync(folder, 0o755);
  const commandOf = (name: string, kind: string, does: string) => {
    const [program, gate, done] = [join(folder, name), join(folder, `${name}-gate`), join(folder, `${name}-done`)];
    for (const path of [gate, done]) mkdirSync(path);
    for (const path of [gate, done]) chmodSync(path, 0o777);
    writeFileSync(program, gated(gate, `message begin\n${does.replace("DONE", done)}\nmessage end\n`));
    chmodSync(program, 0o755);
    const front = startProgramFront(gate);
    const action: Case = {
      kind,
      write: /^begin/,
      repeat: kind === "runbook.command" ? "settled" : "neither",
      fronts: [front],
      prepare: (key) => ({
        args: { command: name, parameters: { key } },
        effects: () => (existsSync(join(done, key)) ? readFileSync(join(done, key), "utf8").split("\n").length - 1 : 0),
      }),
    };
    const repeat = kind === "runbook.command" ? "idempotent" : "neither";
    const parameters = { key: { type: "text" } };
    return { front, action, config: { ...TARGET, name, program, args: ["{key}"], parameters, repeat, limits: LONG } };
  };
  const all = [
    commandOf("again", "runbook.command", 'echo "$HOLDPOINT_ACTION" > DONE/$1'),
    commandOf("once", "runbook.command-once", 'echo "$HOLDPOINT_ACTION" >> DONE/$1'),
  ];
  return Promise.resolve({
    config: { runbook: { commands: all.map(({ config }) => config) } },
    cases: all.map(({ action }) => action),
    fronts: all.map(({ front }) => front),
    complaints: () => [],
    close: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
  });
}
