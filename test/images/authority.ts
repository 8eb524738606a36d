// A Sigstore of the tests' own, offline: a certificate authority, a transparency log of one entry each, and signers.

import { execFileSync } from "node:child_process";
import { createHash, createPublicKey, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dsse, json } from "@sigstore/core";

export const ISSUER = "https://token.actions.githubusercontent.com";
const LOG_NAME = "log.test";
const PAYLOAD_TYPE = "application/vnd.in-toto+json";

type Keys = { readonly privateKey: KeyObject; readonly publicKey: KeyObject };

function keys(): Keys {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function derOf(key: KeyObject): Buffer {
  return key.export({ type: "spki", format: "der" });
}

export function pemOf(key: KeyObject): string {
  return key.export({ type: "spki", format: "pem" }).toString();
}

function sha256(...parts: readonly (Buffer | string)[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** An in-toto statement about an image; with `builder`, its SLSA provenance v1. */
export function statementOf(digest: string, builder?: string): string {
  const subject = [{ name: "registry.test/cart", digest: { sha256: digest } }];
  const what =
    builder === undefined
      ? { predicateType: "https://sigstore.dev/cosign/sign/v1", predicate: {} }
      : {
          predicateType: "https://slsa.dev/provenance/v1",
          predicate: { buildDefinition: {}, runDetails: { builder: { id: builder } } },
        };
  return JSON.stringify({ _type: "https://in-toto.io/Statement/v1", subject, ...what });
}

function envelopeOf(statement: string, privateKey: KeyObject) {
  const payload = Buffer.from(statement);
  const sig = sign("sha256", dsse.preAuthEncoding(PAYLOAD_TYPE, payload), privateKey);
  return {
    payloadType: PAYLOAD_TYPE,
    payload: payload.toString("base64"),
    signatures: [{ sig: sig.toString("base64") }],
  };
}

/** Signed with a plain key, as `cosign attest --key` does without a log. */
export function keyBundle(statement: string, { privateKey }: Keys): object {
  return {
    mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
    verificationMaterial: { publicKey: { hint: "whatever" }, tlogEntries: [] },
    dsseEnvelope: envelopeOf(statement, privateKey),
  };
}

export const newKeys = keys;

export class Authority {
  readonly dir = mkdtempSync(join(tmpdir(), "holdpoint-authority-"));
  readonly #log = keys();
  readonly #ca: { readonly key: string; readonly pem: string };

  constructor() {
    const [key, pem] = [join(this.dir, "ca.key"), join(this.dir, "ca.pem")];
    this.#openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key);
    const ca = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
    this.#openssl("req", "-x509", "-key", key, "-subj", "/O=test/CN=authority", "-days", "3650", "-out", pem, ...ca);
    this.#ca = { key, pem };
  }

  #openssl(...args: string[]): void {
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "ignore"] });
  }

  /** `trusted_root.json`. */
  trustedRoot(): string {
    const der = Buffer.from(readFileSync(this.#ca.pem, "utf8").replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
    const validFor = { start: "2020-01-01T00:00:00Z" };
    return JSON.stringify({
      mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
      tlogs: [
        {
          baseUrl: `https://${LOG_NAME}`,
          hashAlgorithm: "SHA2_256",
          publicKey: {
            rawBytes: derOf(this.#log.publicKey).toString("base64"),
            keyDetails: "PKIX_ECDSA_P256_SHA_256",
            validFor,
          },
          logId: { keyId: this.#logId().toString("base64") },
        },
      ],
      certificateAuthorities: [
        {
          subject: { organization: "test", commonName: "authority" },
          uri: "https://authority.test",
          certChain: { certificates: [{ rawBytes: der.toString("base64") }] },
          validFor,
        },
      ],
      ctlogs: [],
      timestampAuthorities: [],
    });
  }

  #logId(): Buffer {
    return sha256(derOf(this.#log.publicKey));
  }

  /** Signed with a certificate for `identity`, and logged. */
  bundle(statement: string, identity: string, issuer = ISSUER): object {
    const leaf = this.#certify(identity, issuer);
    const envelope = envelopeOf(statement, leaf.privateKey);
    return {
      mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
      verificationMaterial: {
        certificate: { rawBytes: leaf.der.toString("base64") },
        tlogEntries: [this.#entry(envelope, leaf.publicKey)],
      },
      dsseEnvelope: envelope,
    };
  }

  #certify(identity: string, issuer: string): Keys & { readonly der: Buffer } {
    const pair = keys();
    const [key, csr, pem, ext] = ["leaf.key", "leaf.csr", "leaf.pem", "leaf.ext"].map((name) =>
      join(this.dir, name),
    ) as [string, string, string, string];
    writeFileSync(key, pair.privateKey.export({ type: "pkcs8", format: "pem" }));
    const lines = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature"];
    lines.push("extendedKeyUsage=codeSigning", `subjectAltName=critical,URI:${identity}`);
    lines.push(`1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:${issuer}`);
    writeFileSync(ext, lines.join("\n"));
    this.#openssl("req", "-new", "-key", key, "-subj", "/CN=leaf", "-out", csr);
    const by = ["-CA", this.#ca.pem, "-CAkey", this.#ca.key, "-CAcreateserial", "-days", "1"];
    this.#openssl("x509", "-req", "-in", csr, ...by, "-extfile", ext, "-out", pem);
    const der = Buffer.from(readFileSync(pem, "utf8").replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
    return { ...pair, der };
  }

  #entry(envelope: ReturnType<typeof envelopeOf>, verifier: KeyObject): object {
    const payloadHash = sha256(Buffer.from(envelope.payload, "base64")).toString("hex");
    const body = Buffer.from(
      JSON.stringify({
        apiVersion: "0.0.1",
        kind: "dsse",
        spec: {
          payloadHash: { algorithm: "sha256", value: payloadHash },
          signatures: [
            { signature: envelope.signatures[0]?.sig, verifier: Buffer.from(pemOf(verifier)).toString("base64") },
          ],
        },
      }),
    );
    const integratedTime = Math.floor(Date.now() / 1_000) + 1;
    const logId = this.#logId();
    const payload = { body: body.toString("base64"), integratedTime, logIndex: 0, logID: logId.toString("hex") };
    const promise = sign("sha256", Buffer.from(json.canonicalize(payload)), this.#log.privateKey);
    const root = sha256(Buffer.from([0]), body).toString("base64");
    const note = `${LOG_NAME}\n1\n${root}\n`;
    const signature = sign("sha256", Buffer.from(note), this.#log.privateKey);
    const signed = Buffer.concat([logId.subarray(0, 4), signature]).toString("base64");
    return {
      logIndex: "0",
      logId: { keyId: logId.toString("base64") },
      kindVersion: { kind: "dsse", version: "0.0.1" },
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp: promise.toString("base64") },
      inclusionProof: {
        logIndex: "0",
        rootHash: root,
        treeSize: "1",
        hashes: [],
        checkpoint: { envelope: `${note}\n\u2014 ${LOG_NAME} ${signed}\n` },
      },
      canonicalizedBody: body.toString("base64"),
    };
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export function publicPemOf({ privateKey }: Keys): string {
  return pemOf(createPublicKey(privateKey));
}
