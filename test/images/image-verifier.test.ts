// Images are verified offline: whose word there is for which digest, and why there is none.

import assert from "node:assert/strict";
import { createHash, hash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { createImageVerifier, NO_IMAGE_VERIFIER } from "../../src/adapters/images/image-verifier.ts";
import { imagesIn } from "../../src/policy/risks/images-in.ts";
import { imagesConfigSchema } from "../../src/wire/schemas/images-config.ts";
import type { ImageFact } from "../../src/wire/types/image.ts";
import { Rig } from "../kernel/rig.ts";
import { mustLoad } from "../policy/pack.ts";
import { Authority, ISSUER, keyBundle, newKeys, publicPemOf, statementOf } from "./authority.ts";

const RELEASE = "https://github.com/acme/shop/.github/workflows/release.yml@refs/tags/v1";
const BUILDER = "https://github.com/actions/runner/github-hosted";

const authority = new Authority();
const dir = mkdtempSync(join(tmpdir(), "holdpoint-images-"));
const own = newKeys();
writeFileSync(join(dir, "trusted_root.json"), authority.trustedRoot());
after(() => {
  authority.remove();
  rmSync(dir, { recursive: true, force: true });
});

const config = imagesConfigSchema.parse({
  bundles: join(dir, "bundles"),
  trustedRoot: join(dir, "trusted_root.json"),
  certificateTransparency: false,
  signers: [
    {
      name: "release",
      identity: "https://github.com/acme/shop/.github/workflows/release.yml@refs/tags/*",
      issuer: ISSUER,
      builder: BUILDER,
    },
    { name: "ops", publicKey: publicPemOf(own), builder: "https://builder.test" },
  ],
});
const verifier = createImageVerifier(config);

let images = 0;

/** An image nobody has seen before, with these bundles about it. */
function imageWith(bundlesOf: (digest: string) => readonly (object | string)[]): string {
  const digest = createHash("sha256").update(`image ${images++}`).digest("hex");
  const folder = join(dir, "bundles", `sha256-${digest}`);
  mkdirSync(folder, { recursive: true });
  for (const [i, bundle] of bundlesOf(digest).entries()) {
    writeFileSync(join(folder, `${i}.sigstore.json`), typeof bundle === "string" ? bundle : JSON.stringify(bundle));
  }
  return `registry.test/cart@sha256:${digest}`;
}

async function codeOf(bundlesOf: (digest: string) => readonly (object | string)[]): Promise<string> {
  const { code, signers } = await verifier.verify(imageWith(bundlesOf), []);
  assert.ok(code === "verified" || signers.length === 0);
  return code;
}

type Parts = { dsseEnvelope: { payload: string }; verificationMaterial: { tlogEntries: { inclusionProof: object }[] } };

describe("an image is verified", () => {
  it("by who was certified to sign it, and by whoever built it", async () => {
    const fact = await verifier.verify(
      imageWith((digest) => [
        authority.bundle(statementOf(digest), RELEASE),
        authority.bundle(statementOf(digest, BUILDER), RELEASE),
      ]),
      [],
    );
    assert.equal(fact.code, "verified");
    assert.deepEqual([fact.signers, fact.provenance], [["release"], ["release"]]);
  });

  it("by a plain key, and provenance of another builder is none", async () => {
    const fact = await verifier.verify(
      imageWith((digest) => [keyBundle(statementOf(digest, "https://elsewhere"), own)]),
      [],
    );
    assert.deepEqual([fact.code, fact.signers, fact.provenance], ["verified", ["ops"], []]);
  });

  it("by a bundle that came with the proposal, and one that is about something else helps nobody", async () => {
    const image = imageWith(() => []);
    const digest = image.slice(-64);
    const given = JSON.stringify(authority.bundle(statementOf(digest, BUILDER), RELEASE));
    const other = JSON.stringify(authority.bundle(statementOf("0".repeat(64)), RELEASE));
    const stranger = JSON.stringify(keyBundle(statementOf(digest), newKeys()));
    assert.deepEqual((await verifier.verify(image, [stranger, other, given])).provenance, ["release"]);
    assert.equal((await verifier.verify(image, [other])).code, "wrong-digest");
    assert.equal((await verifier.verify(image, [stranger])).code, "altered", "no key fits");
    assert.equal((await verifier.verify(image, ["{}", "null"])).code, "unreadable");
  });
});

describe("an image is not verified", () => {
  it("without a digest, or without a bundle", async () => {
    assert.equal((await verifier.verify("registry.test/cart:2", [])).code, "unpinned");
    assert.equal((await verifier.verify("registry.test/cart@sha256:ABC", [])).code, "unpinned");
    assert.equal(await codeOf(() => []), "missing");
    assert.equal((await NO_IMAGE_VERIFIER.verify(`a@sha256:${"0".repeat(64)}`, [])).code, "unavailable");
  });

  it("when the statement, the signature or the log's proof was altered", async () => {
    const altered = (change: (bundle: Parts, digest: string) => void) =>
      codeOf((digest) => {
        const bundle = authority.bundle(statementOf("0".repeat(64)), RELEASE) as Parts;
        change(bundle, digest);
        return [bundle];
      });
    const swap = (bundle: Parts, digest: string): void => {
      bundle.dsseEnvelope.payload = Buffer.from(statementOf(digest)).toString("base64");
    };
    assert.equal(await altered(swap), "altered");
    assert.equal(
      await altered((bundle) => {
        const [entry] = bundle.verificationMaterial.tlogEntries;
        if (entry !== undefined) entry.inclusionProof = { ...entry.inclusionProof, hashes: ["AAAA"] };
      }),
      "altered",
    );
    assert.equal(
      await codeOf((digest) => {
        const bundle = keyBundle(statementOf("0".repeat(64)), own) as Parts;
        swap(bundle, digest);
        return [bundle];
      }),
      "altered",
    );
  });

  it("when it was never logged, or its bundle has none of what it needs", async () => {
    assert.equal(
      await codeOf((digest) => {
        const bundle = authority.bundle(statementOf(digest), RELEASE) as Parts;
        bundle.verificationMaterial.tlogEntries = [];
        return [bundle];
      }),
      "untrusted",
    );
    for (const text of ["", "{}", "[]", "null", '{"mediaType":"x"}', "x".repeat(1_100_000)]) {
      assert.equal(await codeOf(() => [text]), "unreadable", text.slice(0, 20));
    }
  });

  it("for another image's digest", async () => {
    assert.equal(await codeOf(() => [authority.bundle(statementOf("f".repeat(64)), RELEASE)]), "wrong-digest");
  });

  it("by another identity, issuer, authority or key", async () => {
    const by = (identity: string, issuer?: string, from = authority) =>
      codeOf((digest) => [from.bundle(statementOf(digest), identity, issuer)]);
    assert.equal(await by(RELEASE.replace("acme", "evil")), "untrusted");
    assert.equal(await by(`${RELEASE}/more`), "untrusted");
    assert.equal(await by(`https://evil.test/${RELEASE}`), "untrusted");
    assert.equal(await by(RELEASE, "https://accounts.evil.test"), "untrusted");
    const other = new Authority();
    try {
      assert.equal(await by(RELEASE, ISSUER, other), "untrusted");
    } finally {
      other.remove();
    }
    assert.equal(await codeOf((digest) => [keyBundle(statementOf(digest), newKeys())]), "altered");
  });
});

it("what a plan runs is found by the fields that it changes, and what it does not show is not verified", () => {
  const image = `r/a@sha256:${"0".repeat(64)}`;
  const plan = (changes: readonly object[], kind = "kubernetes.set-image", more: object = {}) =>
    imagesIn({ kind, diff: { changes, ...more } as never });
  const path = ".template.spec.containers[app].image";
  assert.deepEqual(plan([{ path, from: "a:1", to: image }]), [image]);
  assert.deepEqual(
    plan([{ path: ".template.spec.initContainers", from: null, to: `[{"name":"x","image":"${image}"}]` }]),
    [image],
  );
  assert.deepEqual(plan([{ path: ".spec.replicas", from: 1, to: 2 }]), []);
  assert.deepEqual(plan([{ path: ".template", from: null, to: '{"image":… (9000 characters)' }]), [null]);
  const created = { object: "apps/Deployment shop/cart", change: "creates", fields: [] };
  assert.deepEqual(plan([created], "argocd.sync", { unlisted: 0 }), [null]);
  assert.deepEqual(plan([{ ...created, fields: [{ path, from: null, to: image }] }], "argocd.sync", { unlisted: 0 }), [
    image,
  ]);
});

describe("the gate imageSignature", () => {
  const bundle = mustLoad([
    {
      path: "images.yaml",
      text: `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: images }
spec:
  match: { actions: [kubernetes.set-image] }
  rules:
    - name: signed
      gates: [{ imageSignature: { signers: [release], provenance: true } }]
      decision: allow
`,
    },
  ]);

  async function decided(images?: readonly ImageFact[]): Promise<string> {
    const rig = await Rig.open({ version: "test/1", policy: () => bundle });
    const { subject: id } = await rig.propose({ kind: "kubernetes.set-image", planHash: null });
    const found = images === undefined ? {} : { images };
    const { result } = await rig.ask("plan-action", { action: id, planHash: hash("sha256", "p"), code: "", ...found });
    return result === "refused" ? rig.last("action.refused", id).code : result;
  }

  const fact = (code: ImageFact["code"], signers: readonly string[] = [], provenance: readonly string[] = []) =>
    ({ digest: "0".repeat(64), code, signers, provenance }) as const;

  it("lets through what a named signer signed and built, and says why it refuses the rest", async () => {
    assert.equal(await decided([fact("verified", ["release"], ["release"])]), "granted");
    assert.equal(await decided(), "granted");
    assert.equal(await decided([fact("verified", ["release"])]), "image-provenance-missing");
    assert.equal(await decided([fact("verified", ["ops"], ["ops"])]), "image-untrusted");
    for (const code of [
      "unpinned",
      "missing",
      "altered",
      "wrong-digest",
      "untrusted",
      "unreadable",
      "unseen",
    ] as const) {
      const good = fact("verified", ["release"], ["release"]);
      assert.equal(await decided([good, fact(code)]), `image-${code}`);
    }
  });
});
