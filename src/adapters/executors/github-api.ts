// GitHub's REST API as whoever may do one thing in one repository.

import type { JsonObject } from "../../core/json.ts";
import type { Reach } from "../../wire/contracts/executor.ts";
import { GithubLogin, type GithubLoginParts, type GithubScope } from "./github-login.ts";
import { GithubWire, type GithubWireParts, type Reply } from "./github-wire.ts";
import { outcomeReach } from "./reach.ts";

export type GithubParts = GithubLoginParts & GithubWireParts;

export class GithubApi {
  readonly #wire: GithubWire;
  readonly #login: GithubLogin;
  /** What github.com has and an Enterprise Server has not is not asked of it. */
  readonly isEnterprise: boolean;

  constructor(parts: GithubParts) {
    this.#wire = new GithubWire(parts);
    this.#login = new GithubLogin(parts, this.#wire);
    this.isEnterprise = parts.prefix !== "";
  }

  /** `route` is as GitHub documents it: `GET /repos/{owner}/{repo}`. Never throws. */
  async ask(scope: GithubScope, route: string, parameters: JsonObject, signal: AbortSignal): Promise<Reply> {
    const first = await this.#askOnce(scope, route, parameters, signal);
    if (first.status !== 401 || !first.kept) return first;
    this.#login.forget(scope); // revoked before its time; a 401 means that nothing was done
    return this.#askOnce(scope, route, parameters, signal);
  }

  async #askOnce(
    scope: GithubScope,
    route: string,
    parameters: JsonObject,
    signal: AbortSignal,
  ): Promise<Reply & { readonly kept: boolean }> {
    const login = await this.#login.token(scope, signal);
    if (login.kind === "refused") {
      const { outcome } = login;
      return { status: 0, data: null, message: "", asWrite: outcome, asRead: outcome, kept: false };
    }
    return { ...(await this.#wire.send(route, parameters, login.token, signal)), kept: login.kept };
  }

  /** Whether GitHub takes the login: by a repository that it is for. */
  async probe(target: string, scope: GithubScope, signal: AbortSignal): Promise<Reach> {
    const [owner = "", repo = ""] = scope.repository.split("/");
    const reply = await this.ask(scope, "GET /repos/{owner}/{repo}", { owner, repo }, signal);
    return outcomeReach(target, reply.status === 200 ? null : reply.asRead);
  }
}
