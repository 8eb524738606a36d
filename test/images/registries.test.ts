// Tags become digests and bundles are found in a real registry: as it is, and behind what newer ones do; offline as ever.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, test } from "node:test";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { parseImageName } from "../../src/adapters/images/image-name.ts";
import { createImageRegistries, imageOrigins } from "../../src/adapters/images/image-registries.ts";
import { createImageVerifier } from "../../src/adapters/images/image-verifier.ts";
import { imagesConfigSchema } from "../../src/wire/schemas/images-config.ts";
import { credentialsFrom } from "../executors/fixture.ts";
import { Authority, ISSUER, statementOf } from "./authority.ts";
import { absent, Front, PASSWORD, Registry } from "./registry.ts";

const RELEASE = "https://github.com/acme/shop/.github/workflows/release.yml@refs/tags/v1";
const BUILDER = "https://github.com/actions/runner/github-hosted";

describe("a registry", { skip: absent }, () => {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-registries-"));
  const authority = new Authority();
  let registry: Registry;
  let front: Front;

  before(async () => {
    writeFileSync(join(dir, "trusted_root.json"), authority.trustedRoot());
    registry = await Registry.start();
    front = await Front.start(registry);
  });
  after(async () => {
    authority.remove();
    rmSync(dir, { recursive: true, force: true });
    await front?.stop();
    registry?.stop();
  });

  function open(more: object = {}, password = PASSWORD) {
    const named = { host: "registry.test", user: "holdpoint", passwordRef: "registry/password" };
    const config = imagesConfigSchema.parse({
      trustedRoot: join(dir, "trusted_root.json"),
      certificateTransparency: false,
      signers: [{ name: "release", identity: RELEASE, issuer: ISSUER, builder: BUILDER }],
      registries: [{ ...named, baseUrl: registry.url, ...more }],
    });
    const egress = createEgress({ allow: imageOrigins(config) });
    const credentials = credentialsFrom({ "registry/password": password });
    const registries = createImageRegistries(config, { egress, credentials });
    const pin = (image: string) => registries.pin(image, AbortSignal.timeout(60_000));
    return { pin, registries, verifier: createImageVerifier(config, registries) };
  }

  const behindTheFront = () => open({ baseUrl: front.url, tokenServer: front.tokenServer, blobOrigins: [front.blobs] });

  async function signed(tag: string): Promise<string> {
    const digest = await registry.image("shop/cart", tag, `layer of ${tag}`);
    const signature = JSON.stringify(authority.bundle(statementOf(digest), RELEASE));
    const provenance = JSON.stringify(authority.bundle(statementOf(digest, BUILDER), RELEASE));
    await registry.attach("shop/cart", digest, [signature, provenance]);
    return digest;
  }

  it("says what a tag stands for, and what is verified is that digest, whatever the tag stands for later", async () => {
    const digest = await signed("1");
    for (const { pin, verifier } of [open(), behindTheFront()]) {
      const image = await pin("registry.test/shop/cart:1");
      assert.equal(image, `registry.test/shop/cart:1@sha256:${digest}`);
      const fact = await verifier.verify(image, []);
      assert.deepEqual(fact, { digest, code: "verified", signers: ["release"], provenance: ["release"] });
    }
    const other = await registry.image("shop/cart", "1", "something else");
    const { pin, verifier } = behindTheFront();
    const moved = await pin("registry.test/shop/cart:1");
    assert.equal(moved, `registry.test/shop/cart:1@sha256:${other}`);
    assert.equal((await verifier.verify(moved, [])).code, "missing");
    assert.equal((await verifier.verify(`registry.test/shop/cart:1@sha256:${digest}`, [])).code, "verified");
  });

  it("is asked about its own images alone, and what has a digest keeps it", async () => {
    const { pin } = open();
    for (const image of ["other.test/shop/cart:1", "shop/cart:1", `registry.test/shop/cart@sha256:${"0".repeat(64)}`]) {
      assert.equal(await pin(image), image);
    }
    await registry.image("shop/cart", "latest", "latest");
    assert.match(await pin("registry.test/shop/cart"), /^registry\.test\/shop\/cart:latest@sha256:[0-9a-f]{64}$/);
  });

  it("that does not know the tag, the password, or is away, gives no digest", async () => {
    await assert.rejects(open().pin("registry.test/shop/cart:none"), { code: "target-not-found" });
    await assert.rejects(open({}, "wrong").pin("registry.test/shop/cart:1"), { code: "target-forbidden" });
    const away = open({ baseUrl: "http://127.0.0.1:9" });
    await assert.rejects(away.pin("registry.test/shop/cart:1"), { code: "target-unavailable" });
    const image = `registry.test/shop/cart@sha256:${"0".repeat(64)}`;
    assert.equal((await away.verifier.verify(image, [])).code, "unavailable", "what it might have had is not known");
  });

  it("that lies, answers garbage, hangs, or sends us elsewhere is not believed, and gets no password", async () => {
    const digest = await signed("2");
    const image = `registry.test/shop/cart:2@sha256:${digest}`;
    const { registries, verifier } = behindTheFront();
    assert.equal((await verifier.verify(image, [])).code, "verified");
    for (const misbehaves of ["lies", "garbage", "elsewhere", "down"] as const) {
      front.misbehaves = misbehaves;
      assert.equal((await verifier.verify(image, [])).code, "unavailable", misbehaves);
    }
    front.misbehaves = "hangs";
    assert.equal(await registries.findBundles(image, AbortSignal.timeout(300)), undefined);
    const pinned = registries.pin("registry.test/shop/cart:2", AbortSignal.timeout(300));
    await assert.rejects(pinned, { code: "target-unavailable" });
    front.misbehaves = "none";
    const unlisted = open({ baseUrl: front.url, tokenServer: front.tokenServer });
    assert.equal((await unlisted.verifier.verify(image, [])).code, "unavailable", "blobs are where nobody said");
  });
});

test("names of images are taken apart as container runtimes do", () => {
  const part = (image: string) => {
    const name = parseImageName(image);
    return name === null ? null : [name.host, name.repository, name.tag, name.digest];
  };
  const hex = "0".repeat(64);
  assert.deepEqual(part("nginx"), ["docker.io", "library/nginx", null, null]);
  assert.deepEqual(part("acme/cart:1"), ["docker.io", "acme/cart", "1", null]);
  assert.deepEqual(part("localhost/cart"), ["localhost", "cart", null, null]);
  assert.deepEqual(part("registry.test:5000/a/b/c:1.2-x"), ["registry.test:5000", "a/b/c", "1.2-x", null]);
  assert.deepEqual(part(`ghcr.io/acme/cart:1@sha256:${hex}`), ["ghcr.io", "acme/cart", "1", hex]);
  for (const image of [
    "",
    "UPPER",
    "a/../b",
    "a//b",
    "r.test/a?x=1",
    "r.test/a/manifests/../b",
    "a:b:c",
    "a@sha256:1",
  ]) {
    assert.equal(part(image), null, image);
  }
});
