// Webhook sources: the secret opens one door and no other.

import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createSource } from "../../src/adapters/identity/source-secrets.ts";
import { isAppError } from "../../src/core/errors.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import { hasScope, PLAIN_SCOPES } from "../../src/wire/types/scopes.ts";
import { ADA, open, register, temporaryFolder, tokenFor } from "./fixture.ts";
import type { Installation } from "./fixture.ts";

const isCode = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

function addSource(at: Installation, name: string): string {
  const secret = createSource(join(at.dir, "sources"), { name, kind: "alertmanager" }, at.random);
  at.sources.reload();
  return secret;
}

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}`, sourceSecret: undefined });
const plain = (secret: string) => ({ authorization: undefined, sourceSecret: secret });

test("a source's secret, in either header, proves the source, which may write its own signals only", (t) => {
  const at = open(temporaryFolder(t));
  const secret = addSource(at, "alertmanager");
  for (const credentials of [bearer(secret), plain(secret), { ...bearer(secret), authorization: `bearer ${secret}` }]) {
    const identity = at.sources.authenticate("alertmanager", credentials);
    assert.deepEqual(identity, {
      id: "source:alertmanager",
      kind: "source",
      name: "alertmanager",
      sourceKind: "alertmanager",
      scopes: ["signals:write:alertmanager"],
    });
    assert.ok(hasScope(identity, "signals:write:alertmanager"));
    assert.ok(!hasScope(identity, "signals:write:other"));
    for (const scope of [...PLAIN_SCOPES, "actions:propose:pagerduty.trigger"] as const) {
      assert.ok(!hasScope(identity, scope), scope);
    }
  }
});

test("the secret is shown once: the file holds its hash, readable by the owner alone", (t) => {
  const at = open(temporaryFolder(t));
  const secret = addSource(at, "alertmanager");
  const path = join(at.dir, "sources", "alertmanager.json");
  assert.match(secret, /^hps_[A-Za-z0-9_-]{43}$/);
  assert.ok(!readFileSync(path, "utf8").includes(secret.slice(4)));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.throws(() => addSource(at, "alertmanager"), isCode("config-invalid"));
});

test("anything but the source's own secret is refused", async (t) => {
  const at = open(temporaryFolder(t));
  const secret = addSource(at, "alertmanager");
  const other = addSource(at, "alertmanager-eu");
  const { access_token: token } = await tokenFor(at, register(at, ADA), ADA.id);
  const hash = JSON.parse(readFileSync(join(at.dir, "sources", "alertmanager.json"), "utf8")) as {
    secretSha256: string;
  };
  const refused = {
    nothing: { authorization: undefined, sourceSecret: undefined },
    "an empty secret": plain(""),
    "another source's": bearer(other),
    "a person's token": bearer(token),
    "the stored hash": plain(hash.secretSha256),
    "the secret cut short": plain(secret.slice(0, -1)),
    "the secret and more": plain(`${secret}A`),
    "the secret and white space": plain(`${secret} `),
    "the secret in capitals": plain(secret.toUpperCase()),
    "a basic credential": { authorization: `Basic ${btoa(`a:${secret}`)}`, sourceSecret: undefined },
    "both headers": { authorization: `Bearer ${secret}`, sourceSecret: secret },
    "a megabyte": plain("A".repeat(1_000_000)),
  };
  for (const [name, credentials] of Object.entries(refused)) {
    assert.throws(() => at.sources.authenticate("alertmanager", credentials), isCode("source-secret-invalid"), name);
  }
  assert.throws(() => at.sources.authenticate("nagios", bearer(secret)), isCode("source-unknown"));
  assert.throws(() => at.sources.authenticate("../clients/person:ada", bearer(secret)), isCode("source-unknown"));
  assert.throws(() => at.sources.authenticate("__proto__", bearer(secret)), isCode("source-unknown"));
});

test("a source's secret is no access token", async (t) => {
  const at = open(temporaryFolder(t));
  const secret = addSource(at, "alertmanager");
  await assert.rejects(at.verifier.verify(`Bearer ${secret}`), isCode("token-invalid"));
});

test("a malformed source file turns that source off, and a new secret works as soon as it is seen", (t) => {
  const at = open(temporaryFolder(t));
  const secret = addSource(at, "alertmanager");
  const other = addSource(at, "alertmanager-eu");
  const path = join(at.dir, "sources", "alertmanager.json");
  const good = readFileSync(path, "utf8");
  for (const bad of ["{", "{}", good.replace("alertmanager", "other"), good.replace(/[0-9a-f]{64}/, "00")]) {
    writeFileSync(path, bad);
    at.clock.advance(1000);
    assert.throws(() => at.sources.authenticate("alertmanager", bearer(secret)), isCode("source-unknown"));
    assert.ok(at.sources.authenticate("alertmanager-eu", bearer(other)));
  }
  assert.equal(at.problems.length, 4);
  const { secretSha256 } = JSON.parse(readFileSync(join(at.dir, "sources", "alertmanager-eu.json"), "utf8")) as {
    secretSha256: string;
  };
  writeFileSync(path, good.replace(/[0-9a-f]{64}/, secretSha256));
  at.clock.advance(1000);
  assert.throws(() => at.sources.authenticate("alertmanager", bearer(secret)), isCode("source-secret-invalid"));
  assert.equal(at.sources.authenticate("alertmanager", bearer(other)).name, "alertmanager");
});

test("a source's file says only what was asked, and the rest is the standard mapping", (t) => {
  const at = open(temporaryFolder(t));
  addSource(at, "alertmanager");
  const file = JSON.parse(readFileSync(join(at.dir, "sources", "alertmanager.json"), "utf8")) as object;
  assert.deepEqual(Object.keys(file).sort(), ["kind", "name", "secretSha256"]);
  assert.ok((at.sources.find("alertmanager")?.mapping.serviceLabels.length ?? 0) > 0);
  assert.throws(
    () => createSource(join(at.dir, "sources"), { name: "Up", kind: "alertmanager" }, at.random),
    isCode("request-invalid"),
  );
});
