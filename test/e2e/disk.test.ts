// Disks that fail under a running server: it refuses or does not know, stops, acts on nothing, and then tells the truth.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statfsSync, appendFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { startPagerduty, type PagerdutyStandIn } from "../../examples/stand-ins/pagerduty.ts";
import { eventually, pageOf, TestServer, writePolicies } from "./server.ts";

const POLICIES = `# Every page goes out at once.
apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  match: { actions: [pagerduty.trigger] }
  rules:
    - name: allowed
      decision: allow
`;
const PROPOSALS_MAX = 400;
const FATAL_EXIT = 70;
const SPACE_LEFT_BYTES = 48 * 1024;
const LOOKS_MAX = 40;
const FILLED_AT_ONCE_BYTES = 256 * 1024;

const canTrace = spawnSync("strace", ["-qq", "-e", "trace=none", "true"], { stdio: "ignore" }).status === 0;
const needsStrace = { skip: canTrace ? false : "strace is missing or may not trace: apt-get install -y strace" };
const canMount = process.getuid?.() === 0 && tryMount();
const needsMount = { skip: canMount ? false : "mounting a small tmpfs needs root" };

let policies: string;
let pagerduty: PagerdutyStandIn;

before(async () => {
  policies = writePolicies(tmpdir(), POLICIES);
  pagerduty = await startPagerduty();
});

after(async () => {
  await pagerduty.close();
  rmSync(policies, { recursive: true });
});

/** `after`: how many more calls work once the server has started. */
const FAULTS = [
  { name: "a sync that fails", calls: "fsync,fdatasync", error: "EIO", after: 5, times: "+" },
  {
    name: "one sync that fails, and the next ones do not",
    calls: "fsync,fdatasync",
    error: "EIO",
    after: 8,
    times: "",
  },
  { name: "a store that became read-only", calls: "pwrite64", error: "EROFS", after: 20, times: "+" },
  { name: "a disk that became full", calls: "pwrite64", error: "ENOSPC", after: 31, times: "+" },
];

for (const { name, calls, error, after: working, times } of FAULTS) {
  it(`${name} stops the server, and what it left in the dark is answered after the restart`, needsStrace, async () => {
    await withServer(tmpdir(), async (server) => {
      const started = await callsOfStart(calls);
      const when = `inject=${calls}:error=${error}:when=${started + working}${times}`;
      const trace = await startTraced(server, ["-e", `trace=${calls}`, "-e", when]);
      const told = await proposeUntilRefused(server);
      const injected = readFileSync(trace, "utf8").split("(INJECTED)").length - 1;
      assert.ok(injected > 0, "the injection fired");
      await assertTruthAfterRestart(server, told);
    });
  });
}

/** Starts under strace, which writes to the file that is answered. */
async function startTraced(server: TestServer, options: readonly string[]): Promise<string> {
  const trace = join(server.dir, "strace.txt");
  // -D leaves the process id to the server and follows it from outside.
  await server.start({ under: ["strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", trace, ...options] });
  return trace;
}

const counted = new Map<string, Promise<number>>();

/** How many of the calls the busiest thread needs for a first start: strace counts them for each thread. */
function callsOfStart(calls: string): Promise<number> {
  const count = counted.get(calls) ?? countCalls(calls);
  counted.set(calls, count);
  return count;
}

async function countCalls(calls: string): Promise<number> {
  let text = "";
  await withServer(tmpdir(), async (server) => {
    const trace = await startTraced(server, ["-e", `trace=${calls}`]);
    text = readFileSync(trace, "utf8");
    await server.kill("SIGTERM");
  });
  const threads = new Map<string, number>();
  for (const [, thread = ""] of text.matchAll(/^(\d+) +(?:fsync|fdatasync|pwrite64)\(/gm)) {
    threads.set(thread, (threads.get(thread) ?? 0) + 1);
  }
  return Math.max(...threads.values());
}

it(
  "a disk that is really full, then one that is read-only: refused, and true when there is room again",
  needsMount,
  async () => {
    const disk = mkdtempSync(join(tmpdir(), "holdpoint-disk-"));
    mount("-t", "tmpfs", "-o", "size=24m", "tmpfs", disk);
    try {
      await withServer(disk, async (server) => {
        await server.start();
        const filler = join(disk, "filler");
        await server.token("person:deployer");
        await untilQuiet(disk);
        fill(disk, filler);
        const told = await proposeUntilRefused(server);
        rmSync(filler);
        await assertTruthAfterRestart(server, told);

        await server.kill();
        mount("-o", "remount,ro", disk);
        await assert.rejects(server.start(), /did not start/, "on a read-only disk it does not start");
        mount("-o", "remount,rw", disk);
        await server.start();
        assert.ok((await server.verify()).ok);
      });
    } finally {
      spawnSync("umount", [disk]);
      rmSync(disk, { recursive: true, force: true });
    }
  },
);

/** What a start writes, views and journals too, is there. */
async function untilQuiet(disk: string): Promise<void> {
  for (let [before, looks] = [-1, 0]; looks < LOOKS_MAX; looks++) {
    const { bavail } = statfsSync(disk);
    if (bavail === before) return;
    before = bavail;
    await sleep(500);
  }
}

/** Piece by piece: the server writes meanwhile. */
function fill(disk: string, filler: string): void {
  for (;;) {
    const { bavail, bsize } = statfsSync(disk);
    const room = bavail * bsize - SPACE_LEFT_BYTES;
    if (room <= 0) return;
    appendFileSync(filler, Buffer.alloc(Math.min(room, FILLED_AT_ONCE_BYTES)));
  }
}

interface Told {
  /** Ids that were answered, by idempotency key. */
  readonly answered: ReadonlyMap<string, string>;
  /** The key of the request that got no answer or was told that nobody knows. */
  readonly unknown: string;
}

/** Proposes pages one after the other until one is not accepted; then the process must have ended by itself. */
async function proposeUntilRefused(server: TestServer): Promise<Told> {
  const answered = new Map<string, string>();
  const paged = pagerduty.incidents.length;
  for (let i = 0; i < PROPOSALS_MAX; i++) {
    const key = `${server.url}/${i}`;
    const { status, body } = await server.propose(pageOf(key), key);
    if (status === 200 || status === 202) {
      answered.set(key, String(body.id));
      continue;
    }
    if (status !== 0) assert.ok(["commit-unknown", "not-ready"].includes(body.code), JSON.stringify(body));
    const { code } = await server.ended;
    assert.equal(code, FATAL_EXIT, "it does not go on with a ledger whose fate is unknown");
    const acted = pagerduty.incidents.slice(paged).map(({ dedupKey }) => dedupKey);
    assert.ok(answered.size > 0, "it worked before");
    for (const dedupKey of acted) assert.ok(answered.has(dedupKey), `${dedupKey} was acted on and never acknowledged`);
    return { answered, unknown: key };
  }
  throw new Error("the disk never failed");
}

/** The same keys again: what was acknowledged is there under its id, and nothing is there or happens twice. */
async function assertTruthAfterRestart(server: TestServer, { answered, unknown }: Told): Promise<void> {
  const left = (await server.events()).filter(({ type }) => type === "action.proposed").length;
  await server.start();
  for (const [key, id] of answered) {
    const { status, body } = await server.propose(pageOf(key), key);
    assert.equal(status < 300 && body.repeated, true, `${key}: ${JSON.stringify(body)}`);
    assert.equal(body.id, id);
  }
  const { status, body } = await server.propose(pageOf(unknown), unknown);
  assert.ok(status === 200 || status === 202, JSON.stringify(body));
  assert.equal(body.repeated, left > answered.size, "it was kept exactly if the ledger says so");
  const wanted = [...answered.keys(), unknown];
  await eventually("every page", () => {
    const pages = new Set(pagerduty.incidents.map(({ dedupKey }) => dedupKey));
    return wanted.every((key) => pages.has(key)) ? true : undefined;
  });
  const pages = pagerduty.incidents.filter(({ dedupKey }) => wanted.includes(dedupKey));
  assert.equal(pages.length, wanted.length, "one page each");
  assert.ok((await server.verify()).ok);
}

async function withServer(below: string, use: (server: TestServer) => Promise<void>): Promise<void> {
  const executors = { pagerduty: { baseUrl: pagerduty.url, integrations: ["default"] } };
  const server = await TestServer.create({ policy: { path: policies }, executors }, below);
  try {
    await use(server);
  } finally {
    await server.remove();
  }
}

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync("mount", args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

function tryMount(): boolean {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-mount-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", dir], { stdio: "ignore" }).status === 0;
  if (mounted) spawnSync("umount", [dir]);
  rmSync(dir, { recursive: true, force: true });
  return mounted;
}
