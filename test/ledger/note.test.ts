// Keys, notes, checkpoints and envelopes: the published vectors of RFC 8032, C2SP's own examples, DSSE as sigstore reads it.

import { test } from "node:test";
import assert from "node:assert/strict";
import { dsse } from "@sigstore/core";
import fc from "fast-check";
import { checkpointText, openCheckpoint, parseCheckpoint, signCheckpoint } from "../../src/ledger/checkpoint.ts";
import { decodeBase64 } from "../../src/ledger/base64.ts";
import { openEnvelope, parseEnvelope, preAuthEncoding, signEnvelope } from "../../src/ledger/dsse.ts";
import { parseVerifier, signerFromSeed, verifierFromPublicKey, verifierOf } from "../../src/ledger/ed25519.ts";
import {
  LogKeys,
  openKeyStatement,
  parseStatements,
  signKeyStatement,
  statementsText,
} from "../../src/ledger/key-statement.ts";
import { parseNote, signNote, verifyNote } from "../../src/ledger/note.ts";
import { firstStatement, logKeys, logSigner, nextSigner, ORIGIN, rootSigner, seedBytes } from "./fixture.ts";

const corrupt = { code: "ledger-corrupt" };

// RFC 8032 section 7.1: seed, public key, message, signature.
const RFC_8032 = [
  [
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
] as const;

test("signers and verifiers agree with the vectors of RFC 8032", () => {
  for (const [seed, publicKey, message, signature] of RFC_8032) {
    const [bytes, expected] = [Buffer.from(message, "hex"), Buffer.from(signature, "hex")];
    const signer = signerFromSeed("vector", Buffer.from(seed, "hex"));
    assert.equal(Buffer.from(signer.publicKey).toString("hex"), publicKey);
    assert.deepEqual(Buffer.from(signer.sign(bytes)), expected);
    const verifier = verifierFromPublicKey("vector", signer.publicKey);
    assert.ok(verifier.verify(bytes, expected));
    assert.ok(!verifier.verify(Buffer.concat([bytes, Buffer.of(0)]), expected));
    assert.ok(!verifier.verify(bytes, expected.subarray(1)));
  }
});

test("a verifier key text is read back, and no other spelling of it is", () => {
  const { text } = verifierOf(logSigner);
  assert.equal(parseVerifier(text).text, text);
  for (let at = 0; at < text.length; at++) {
    const other = text.slice(0, at) + (text[at] === "x" ? "y" : "x") + text.slice(at + 1);
    assert.throws(() => parseVerifier(other), corrupt, other);
  }
  for (const wrong of ["", "a", "a+b", "a+b+", `${text}=`, ` ${text}`, text.replace("+", "++")])
    assert.throws(() => parseVerifier(wrong), corrupt, wrong);
});

const log = verifierOf(logSigner);
const note = signNote("one\n\ntwo\n", [logSigner]);

test("a note is signed and read back with its text, empty lines included", () => {
  assert.equal(verifyNote(note, [log]), "one\n\ntwo\n");
  assert.match(note, /^one\n\ntwo\n\n— ledger\.example\/main [A-Za-z0-9+/]+={0,2}\n$/);
});

test("signatures of unknown keys are ignored, but a note needs a known one", () => {
  const both = signNote("text\n", [nextSigner, logSigner, rootSigner]);
  assert.equal(verifyNote(both, [log]), "text\n");
  assert.throws(() => verifyNote(both, []), /no known key/);
  assert.throws(() => verifyNote(note, [verifierOf(nextSigner)]), /no known key/);
});

test("a known key's wrong or repeated signature refuses the whole note", () => {
  const other = signNote("other\n", [logSigner]).split("\n\n")[1] ?? "";
  const rightly = signNote("text\n", [rootSigner]);
  assert.throws(() => verifyNote(rightly + other, [log, verifierOf(rootSigner)]), /is wrong/);
  const line = note.slice(note.lastIndexOf("—"));
  assert.throws(() => verifyNote(note + line, [log]), /twice/);
});

test("malformed notes are refused", () => {
  const signature = note.slice(note.lastIndexOf("—"));
  const wrong = [
    "",
    "\n",
    "\n\n",
    "text\n",
    "text\n\n",
    `text${signature}`,
    `text\n${signature}`,
    note.slice(0, -1),
    `${note}\n`,
    `\n${signature}`,
    `te\u0000xt\n\n${signature}`,
    `te\txt\n\n${signature}`,
    `te\rxt\n\n${signature}`,
    `te\ud800xt\n\n${signature}`,
    `text\n\n${signature.replace("—", "-")}`,
    `text\n\n${signature.replace("— ", "—  ")}`,
    `text\n\n${signature.replace("\n", " \n")}`,
    `text\n\n${signature.replace("ledger", "led+ger")}`,
    `text\n\n${signature.replace("ledger", "led\u00a0ger")}`,
    "text\n\n— a AAAA\n",
    "text\n\n— a AAAAAAA\n",
    `text\n\n${signature.repeat(101)}`,
    `${"x".repeat(1_000_001)}\n\n${signature}`,
  ];
  for (const text of wrong) assert.throws(() => parseNote(text), corrupt, JSON.stringify(text.slice(0, 60)));
});

test("texts that would be read differently are not signed", () => {
  for (const text of ["", "no newline", "control\u0007\n", "\ud800\n"])
    assert.throws(() => signNote(text, [logSigner]), corrupt);
  assert.throws(() => signerFromSeed("with space", seedBytes("a")), { code: "config-invalid" });
  assert.throws(() => signerFromSeed("short", new Uint8Array(31)), { code: "config-invalid" });
});

// The example of c2sp.org/tlog-checkpoint.
const BEHIND_THE_SOFA = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

test("the specification's example checkpoint is read and written back", () => {
  const checkpoint = parseCheckpoint(BEHIND_THE_SOFA);
  assert.deepEqual(
    [checkpoint.origin, checkpoint.size, checkpoint.extension],
    ["example.com/behind-the-sofa", 20_852_163, []],
  );
  assert.equal(checkpointText(checkpoint), BEHIND_THE_SOFA);
  const extended = `${BEHIND_THE_SOFA}one\ntwo\n`;
  assert.deepEqual(parseCheckpoint(extended).extension, ["one", "two"]);
  const { text, signatures } = parseNote(
    `${BEHIND_THE_SOFA}\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n`,
  );
  assert.deepEqual([text, signatures[0]?.keyId, signatures[0]?.signature.length], [BEHIND_THE_SOFA, 0x033de0ae, 64]);
});

test("malformed checkpoints are refused", () => {
  const [origin, size, root] = BEHIND_THE_SOFA.split("\n") as [string, string, string];
  const wrong = [
    "",
    origin,
    `${origin}\n${size}\n`,
    `${origin}\n${size}\n${root}`,
    `\n${size}\n${root}\n`,
    `${origin}\n0${size}\n${root}\n`,
    `${origin}\n-1\n${root}\n`,
    `${origin}\n1.0\n${root}\n`,
    `${origin}\n1e3\n${root}\n`,
    `${origin}\n9007199254740993\n${root}\n`,
    `${origin}\n${size}\n${root.slice(0, -1)}\n`,
    `${origin}\n${size}\n${root.replace("2I=", "2J=")}\n`,
    `${origin}\n${size}\nAAAA\n`,
    `${origin}\n${size}\n${root}\n\n`,
    `${origin}\n${size}\n${root}\n\nextension\n`,
  ];
  for (const text of wrong) assert.throws(() => parseCheckpoint(text), corrupt, JSON.stringify(text));
});

test("a checkpoint opens only for its log and with the key of its size", () => {
  const root = seedBytes("any root");
  const mine = signCheckpoint({ origin: ORIGIN, size: 3, root, extension: [] }, logSigner);
  assert.equal(openCheckpoint(mine, logKeys()).size, 3);
  assert.throws(
    () => openCheckpoint(signCheckpoint({ origin: "other", size: 3, root, extension: [] }, logSigner), logKeys()),
    corrupt,
  );
  assert.throws(
    () => openCheckpoint(signCheckpoint({ origin: ORIGIN, size: 3, root, extension: [] }, nextSigner), logKeys()),
    corrupt,
  );
});

test("the pre-authentication encoding is sigstore's, and the protocol's example", () => {
  assert.equal(
    preAuthEncoding("http://example.com/HelloWorld", Buffer.from("hello world")).toString(),
    "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
  );
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.uint8Array(), (type, payload) => {
      assert.deepEqual(preAuthEncoding(type, payload), dsse.preAuthEncoding(type, Buffer.from(payload)));
    }),
  );
});

test("an envelope opens with its own key, type and spelling only", () => {
  const envelope = signEnvelope("application/x", "content é", logSigner);
  assert.equal(openEnvelope(envelope, "application/x", log), "content é");
  assert.throws(() => openEnvelope(envelope, "application/y", log), corrupt);
  assert.throws(() => openEnvelope(envelope, "application/x", verifierOf(nextSigner)), corrupt);
  assert.throws(
    () => openEnvelope({ ...envelope, payload: envelope.payload.replace("=", "") }, "application/x", log),
    corrupt,
  );
  assert.throws(
    () =>
      openEnvelope({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }, "application/x", log),
    corrupt,
  );
  for (const value of [
    null,
    1,
    [],
    {},
    { ...envelope, more: 1 },
    { ...envelope, signatures: {} },
    { ...envelope, signatures: [{ sig: "" }] },
  ])
    assert.throws(() => parseEnvelope(value), corrupt);
});

test("base64 has one spelling for one byte sequence", () => {
  for (const text of ["QQ", "QR==", "QQ==\n", "Q Q==", "QQ=", "Q_-=", "====", "QUI"])
    assert.equal(decodeBase64(text), undefined, text);
  assert.deepEqual(decodeBase64("QQ=="), Buffer.from("A"));
});

const root = verifierOf(rootSigner);
const state = (signer: typeof logSigner, fromSize: number, revokedAtSize: number | null) =>
  signKeyStatement({ logKey: verifierOf(signer).text, fromSize, revokedAtSize }, rootSigner);

test("statements name one key for each size, and the earliest revocation counts", () => {
  const keys = new LogKeys(
    [state(logSigner, 0, null), state(logSigner, 0, 10), state(logSigner, 0, 12), state(nextSigner, 10, null)],
    root,
  );
  const names = [0, 9, 10, 999].map((size) => keys.at(size)?.text);
  assert.deepEqual(names, [log.text, log.text, verifierOf(nextSigner).text, verifierOf(nextSigner).text]);
  assert.equal(new LogKeys([state(logSigner, 5, 7)], root).at(4), undefined);
  assert.equal(new LogKeys([state(logSigner, 5, 7)], root).at(7), undefined);
});

test("statements that contradict each other, or are another root's, are refused", () => {
  const foreign = signKeyStatement({ logKey: log.text, fromSize: 0, revokedAtSize: null }, nextSigner);
  const other = signerFromSeed("ledger.example/other", seedBytes("other"));
  for (const list of [
    [],
    [foreign],
    [state(logSigner, 0, null), state(nextSigner, 10, null)],
    [state(logSigner, 0, 5), state(logSigner, 1, 5)],
    [state(logSigner, 0, 5), state(other, 5, null)],
  ]) {
    assert.throws(() => new LogKeys(list, root), corrupt);
  }
  for (const [fromSize, revokedAtSize] of [
    [-1, null],
    [0.5, null],
    [3, 2],
  ] as const) {
    assert.throws(() => openKeyStatement(state(logSigner, fromSize, revokedAtSize), root), corrupt);
  }
});

test("the stored list of statements is read back in its one spelling", () => {
  const text = statementsText([firstStatement]);
  assert.deepEqual(parseStatements(text), [firstStatement]);
  for (const wrong of ["", "null", "{}", `${text} `, "[1]"])
    assert.throws(() => parseStatements(wrong), corrupt, wrong);
});
