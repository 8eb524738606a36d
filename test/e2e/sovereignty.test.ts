// No packet leaves the machine that configuration does not name, name lookups included: counted in a network namespace.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const RUN = fileURLToPath(new URL("sovereign-run.ts", import.meta.url));

/** An interface that leads nowhere takes every packet that is not for this machine, and counts it. */
const NETWORK = [
  "for f in all default; do echo 1 2>/dev/null > /proc/sys/net/ipv6/conf/$f/disable_ipv6 || true; done",
  "ip link set lo up",
  "ip link add out0 type veth peer name sink0",
  "ip address add 198.51.100.1/24 dev out0",
  "ip link set sink0 up",
  "ip link set out0 up",
  "ip route add default via 198.51.100.2 dev out0",
  // A neighbour that is known: otherwise only its address would be asked for.
  "ip neighbour add 198.51.100.2 lladdr 02:00:00:00:00:02 dev out0",
].join(" && ");

function inNamespace(command: string): ReturnType<typeof spawnSync> {
  return spawnSync("unshare", ["--user", "--map-root-user", "--net", "sh", "-c", `${NETWORK} && ${command}`], {
    encoding: "utf8",
    timeout: 120_000,
    // The process cannot end before a lookup that nobody answers has.
    env: { ...process.env, RES_OPTIONS: "timeout:1 attempts:1" },
  });
}

const canUnshare = inNamespace("true").status === 0;
const where = { skip: canUnshare ? false : "not permitted here: a network namespace of one's own (unshare, iproute2)" };

test("the pipeline works with rules and sends no packet; with one model, it reaches that one alone", where, () => {
  const { status, stdout, stderr } = inNamespace(`exec "${process.execPath}" "${RUN}"`);
  assert.equal(status, 0, String(stderr));
  const { rules, model, careless } = JSON.parse(String(stdout)) as Record<string, Record<string, unknown>>;
  assert.deepEqual(rules, { provider: "rules", pages: 1, left: 0 });
  assert.deepEqual(model, { provider: "openai-compatible", pages: 1, asked: 1, complaints: [], left: 0 });
  // Without this, nothing above would prove anything.
  assert.ok(Number(careless?.["address"]) > 0, "a call to an address is seen");
  assert.ok(Number(careless?.["name"]) > 0, "a lookup of a name is seen");
});
