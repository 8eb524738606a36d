// A token lives for minutes, and a command may wait for longer: it asks for another, once, and only where it may.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { test, type TestContext } from "node:test";
import { generatePrivateJwk } from "../../src/adapters/identity/key-pairs.ts";
import { clientKeyPath } from "../../src/adapters/identity/key-places.ts";
import { systemRandom } from "../../src/main/system.ts";
import { startStandIn, type StandIn } from "./stand-in.ts";
import { openTerminal, temporaryFolder, type Terminal } from "./terminal.ts";

const EXPIRED = { status: 401, body: { code: "token-invalid", detail: "expired" } };

/** Tokens of which each is good for one call, or for none. */
async function staged(t: TestContext, goodFor: 0 | 1): Promise<{ standIn: StandIn; terminal: Terminal }> {
  let [given, calls] = [0, 0];
  const standIn = await startStandIn(t, ({ method, path }) => {
    if (path === "/oauth/token") {
      calls = 0;
      const token = ["a", "b", `c${++given}`].join(".");
      return { body: { access_token: token, token_type: "Bearer", expires_in: 300 } };
    }
    if (++calls > goodFor) return EXPIRED;
    return { body: { id: "act_1", status: method === "POST" ? "held" : "succeeded" } };
  });
  const configDir = temporaryFolder(t);
  const path = clientKeyPath(configDir, "person:ada");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(generatePrivateJwk(systemRandom)), { mode: 0o600 });
  return { standIn, terminal: openTerminal({ configDir, dataDir: configDir, server: standIn.url }) };
}

const authorizations = ({ requests }: StandIn): readonly (string | undefined)[] =>
  requests.filter(({ path }) => path !== "/oauth/token").map(({ authorization }) => authorization);

test("a token that ended while a command goes on is replaced, and what was refused is asked again", async (t) => {
  const { standIn, terminal } = await staged(t, 1);
  const proposal = "propose record.note -e staging -s cart --wait 60 --client person:ada".split(" ");
  const { code, out, err } = await terminal(proposal);
  assert.deepEqual([code, out], [0, "act_1 succeeded\n"], err);
  assert.deepEqual(authorizations(standIn), ["Bearer a.b.c1", "Bearer a.b.c1", "Bearer a.b.c2"]);
});

test("a token that is refused as soon as it is given is not asked for again and again", async (t) => {
  const { standIn, terminal } = await staged(t, 0);
  const { code, err } = await terminal(["get", "actions", "--client", "person:ada"]);
  assert.equal(code, 1);
  assert.match(err, /token-invalid/);
  assert.deepEqual(authorizations(standIn), ["Bearer a.b.c1", "Bearer a.b.c2"]);
});

test("a token that the environment gives is used as it is", async (t) => {
  const { standIn, terminal } = await staged(t, 0);
  const { err } = await terminal(["get", "actions"], { env: { token: "x.y.z" } });
  assert.match(err, /token-invalid[^]*HOLDPOINT_TOKEN/);
  assert.deepEqual(authorizations(standIn), ["Bearer x.y.z"]);
});
