// Another issuer on this machine: discovery and keys as RFC 8414 and OpenID Connect publish them, and tokens as it likes.

import { generateKeyPairSync } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { SignJWT } from "jose";

export interface IssuerKeyPair {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: Record<string, unknown>;
}

export function rsaKey(kid: string, modulusLength = 2048): IssuerKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength });
  return { kid, alg: "RS256", privateKey, publicJwk: { ...publicKey.export({ format: "jwk" }), kid, use: "sig" } };
}

export function ecKey(kid: string): IssuerKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid, alg: "ES256", privateKey, publicJwk: { ...publicKey.export({ format: "jwk" }), kid, use: "sig" } };
}

export type StandIn = {
  readonly url: string;
  /** What is published now. */
  published: Record<string, unknown>[];
  /** What its discovery document says beside the usual. */
  metadata: Record<string, unknown>;
  /** Status of every answer. */
  status: number;
  /** How often its keys were asked for. */
  asked: number;
};

export async function startIssuer(t: Pick<TestContext, "after">, keys: readonly IssuerKeyPair[]): Promise<StandIn> {
  const server = createServer((request, response) => {
    const isKeys = request.url === "/keys";
    if (isKeys) standIn.asked++;
    const discovery = { issuer: standIn.url, jwks_uri: `${standIn.url}/keys`, ...standIn.metadata };
    response.writeHead(standIn.status, { "content-type": "application/json" });
    response.end(JSON.stringify(isKeys ? { keys: standIn.published } : discovery));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const standIn: StandIn = { url, published: keys.map((key) => key.publicJwk), metadata: {}, status: 200, asked: 0 };
  return standIn;
}

type Make = {
  readonly key: IssuerKeyPair;
  readonly claims: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
};

/** A signed token; a claim or a header member that is undefined is left out. */
export function sign({ key, claims, header = {} }: Make): Promise<string> {
  const all = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
  const head = Object.fromEntries(
    Object.entries({ alg: key.alg, kid: key.kid, typ: "at+jwt", ...header }).filter(([, value]) => value !== undefined),
  );
  return new SignJWT(all).setProtectedHeader(head as { alg: string }).sign(key.privateKey);
}
