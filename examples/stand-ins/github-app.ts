// How GitHub lets an App in: an assertion that its key has signed, and tokens for what they were asked for alone.

import { createPublicKey, verify } from "node:crypto";
import type { Received, Reply } from "./stand-in.ts";

export interface GithubAppOptions {
  /** What the App calls itself in an assertion. */
  readonly id: string;
  /** PEM. */
  readonly publicKey: string;
  /** What its installation was given. */
  readonly permissions: Readonly<Record<string, string>>;
  /** Where its installation on the repository is not as it should be. */
  readonly installation?: "none" | "suspended";
  readonly nowMs?: () => number;
}

type Token = {
  readonly permissions: Readonly<Record<string, string>>;
  readonly untilMs: number;
};

const INSTALLATION = 7;
const LIFETIME_MS = 3_600_000;
/** docs.github.com/apps, Generating a JSON Web Token: at most ten minutes. */
const ASSERTION_S_MAX = 600;

/** What a request needs, by GitHub's table of permissions for Apps; null where any token will do. */
function needOf(method: string, path: string): readonly [name: string, access: "read" | "write"] | null {
  const access = method === "GET" ? "read" : "write";
  if (path.startsWith("/actions/")) return ["actions", access];
  if (/^\/(?:git|compare)\//.test(path) || path.endsWith("/merge")) return ["contents", access];
  return path === "" ? null : ["pull_requests", access];
}

function message(status: number, text: string): Reply {
  return { status, json: { message: text, documentation_url: "https://docs.github.com/rest" } };
}

const BAD: Reply = message(401, "Bad credentials");

export class GithubApp {
  readonly #options: GithubAppOptions;
  readonly #tokens = new Map<string, Token>();
  minted = 0;
  /** What was asked of a token, in order. */
  readonly asked: object[] = [];

  constructor(options: GithubAppOptions) {
    this.#options = options;
  }

  revokeTokens(): void {
    this.#tokens.clear();
  }

  /** The end of what is no business of a repository's: a login, or a request without a good one. */
  answer(request: Received, repository: string): Reply | undefined {
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
    const [owner, name] = repository.split("/");
    if (request.path === `/repos/${repository}/installation`) {
      if (!this.#isAssertion(bearer)) return BAD;
      if (this.#options.installation === "none") return message(404, "Not Found");
      const suspendedAt = this.#options.installation === "suspended" ? "2026-01-01T00:00:00Z" : null;
      return { status: 200, json: { id: INSTALLATION, account: { login: owner }, suspended_at: suspendedAt } };
    }
    if (request.path === `/app/installations/${INSTALLATION}/access_tokens`) {
      return this.#isAssertion(bearer) ? this.#mint(request, name ?? "") : BAD;
    }
    const token = this.#tokens.get(bearer);
    if (token === undefined || token.untilMs <= this.#nowMs()) return BAD;
    const need = needOf(request.method, request.path.slice(`/repos/${repository}`.length));
    const has = need === null || [need[1], "write"].includes(token.permissions[need[0]] ?? "");
    return has ? undefined : message(403, "Resource not accessible by integration");
  }

  #nowMs(): number {
    return this.#options.nowMs?.() ?? Date.now();
  }

  #isAssertion(bearer: string): boolean {
    const [header = "", claims = "", signature = ""] = bearer.split(".");
    const parts = [header, claims].map((part) => Buffer.from(part, "base64url").toString());
    try {
      const [{ alg }, { iss, iat, exp }] = parts.map((part) => JSON.parse(part) as Claims) as [Claims, Claims];
      const nowS = Math.floor(this.#nowMs() / 1_000);
      const isTimely = Number(iat) <= nowS && nowS < Number(exp) && Number(exp) <= nowS + ASSERTION_S_MAX;
      const key = createPublicKey(this.#options.publicKey);
      const isSigned = verify("sha256", Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url"));
      return alg === "RS256" && iss === this.#options.id && isTimely && isSigned;
    } catch {
      return false;
    }
  }

  #mint({ body }: Received, name: string): Reply {
    const { repositories = [], permissions = {} } = JSON.parse(body) as Asked;
    this.asked.push({ repositories, permissions });
    if (repositories.some((one) => one !== name))
      return message(422, "There is at least one repository that does not exist");
    const granted = this.#options.permissions;
    const isGranted = Object.entries(permissions).every(([one, access]) =>
      [access, "write"].includes(granted[one] ?? ""),
    );
    if (!isGranted) return message(422, "The permissions requested are not granted to this installation.");
    const token = `ghs_stand-in-secret-${++this.minted}`;
    const untilMs = this.#nowMs() + LIFETIME_MS;
    this.#tokens.set(token, { permissions, untilMs });
    const expires = new Date(untilMs).toISOString().replace(/\.\d+Z$/, "Z");
    return { status: 201, json: { token, expires_at: expires, permissions, repository_selection: "selected" } };
  }
}

type Claims = Readonly<Record<string, unknown>>;
type Asked = { readonly repositories?: readonly string[]; readonly permissions?: Readonly<Record<string, string>> };
