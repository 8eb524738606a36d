// What a call to a cluster comes with, or why there is nothing to come with.

import type { TlsTerms } from "../../wire/contracts/egress.ts";

export interface Access {
  readonly tls: TlsTerms;
  readonly token: string | null;
}

/** There is no credential that could be used. The message names no value. */
export class AccessProblem extends Error {
  override name = "AccessProblem";
}
