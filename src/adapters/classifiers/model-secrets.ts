// Reading one secret for one call to a model: bounded in time, checked for what a header can carry, never in an error.

import type { Credentials } from "../../wire/contracts/credentials.ts";
import { ModelFailure } from "./model-failure.ts";

/** Printable ASCII: nothing that could end a header line. */
const HEADER_TEXT = /^[\x21-\x7e]{1,8192}$/;

/** Secrets as adapters of models read them. Each rejects with `credential-missing`, and with nothing of the value. */
export class ModelSecrets {
  readonly #credentials: Credentials;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** A secret that a header can carry. */
  async header(ref: string): Promise<string> {
    const secret = await this.text(ref);
    if (!HEADER_TEXT.test(secret)) throw new ModelFailure("credential-missing");
    return secret;
  }

  async text(ref: string): Promise<string> {
    const secret = await this.#credentials.get(ref).catch(() => "");
    if (secret === "") throw new ModelFailure("credential-missing");
    return secret;
  }
}
