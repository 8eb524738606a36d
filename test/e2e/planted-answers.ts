// Where a secret is asked for only after something was answered: a workload whose image is looked up in a registry, and an
// issuer. Both answer well once, for who has the right secret.

import type { Received, Reply } from "../../examples/stand-ins/stand-in.ts";
import { rsaKey, sign } from "../identity/issuer-stand-in.ts";
import { SAID } from "./planted.ts";

const KEY = rsaKey("planted");

/** A deployment that can be read. */
const PINNED = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "pinned", namespace: "shop", uid: "1", resourceVersion: "1" },
  spec: { replicas: 1, template: { spec: { containers: [{ name: "app", image: "registry.test/cart:1" }] } } },
};

/** The tag that is told; what other tags stand for is refused. */
export const TAG = "3";
export const LOOKUP = `/v2/cart/manifests/${TAG}`;
export const REGISTRY_LOGIN = `Basic ${Buffer.from(`holdpoint:${SAID.registry}`).toString("base64")}`;

/** A code that is exchanged, for an identity in answer to `nonce`; others are refused. */
export const codeFor = (nonce: string): string => `known.${nonce}`;

/** A code that is refused as RFC 6749 says it. */
export const SPENT = "spent";

/** Nothing for what is refused. */
export async function answerOf(request: Received): Promise<Reply | undefined> {
  const { method, path, headers } = request;
  const { authorization } = headers;
  if (method === "GET" && path.endsWith("/namespaces/shop/deployments/pinned")) return { status: 200, json: PINNED };
  if (/^\/v2\/.+\/manifests\//.test(path)) {
    if (authorization === undefined) {
      return { status: 401, headers: { "www-authenticate": 'Basic realm="planted"' }, json: {} };
    }
    return path === LOOKUP && authorization === REGISTRY_LOGIN ? { status: 200, json: PINNED } : undefined;
  }
  return path.startsWith("/idp/") ? issue(request) : undefined;
}

async function issue({ path, headers, body }: Received): Promise<Reply | undefined> {
  const url = `http://${headers.host}/idp`;
  if (path.startsWith("/idp/.well-known")) {
    const places = { authorization_endpoint: `${url}/in`, token_endpoint: `${url}/token`, jwks_uri: `${url}/keys` };
    return { status: 200, json: { issuer: url, ...places, response_types_supported: ["code"] } };
  }
  if (path === "/idp/keys") return { status: 200, json: { keys: [KEY.publicJwk] } };
  const form = new URLSearchParams(body);
  const [prefix, nonce] = form.get("code")?.split(".") ?? [];
  const login = loginOf(headers.authorization);
  const isRight = login === `console:${SAID.issuer}` && form.has("code_verifier");
  if (prefix === SPENT) return { status: 400, json: { error: "invalid_grant", error_description: `not to ${login}` } };
  if (prefix !== "known" || !isRight) return undefined;
  const now = Math.floor(Date.now() / 1000);
  const who = { sub: "u-ada", preferred_username: "ada", groups: ["sre"], nonce };
  const claims = { iss: url, aud: "console", iat: now, exp: now + 300, ...who };
  const idToken = await sign({ key: KEY, claims, header: { typ: undefined } });
  return { status: 200, json: { access_token: "of-the-issuer", token_type: "Bearer", id_token: idToken } };
}

/** Name and password of a Basic header, each of which clients of OAuth encode as forms do (RFC 6749, 2.3.1). */
export function loginOf(authorization = ""): string {
  const basic = /^Basic (.*)/.exec(authorization)?.[1] ?? "";
  const login = Buffer.from(basic, "base64").toString();
  return decodeURIComponent(login.replaceAll("+", " ").replace(/%(?![0-9A-F]{2})/g, "%25"));
}
