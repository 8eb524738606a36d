// Identity put together: clients, sources, issuer and token checks over the data folder.

import { join } from "node:path";
import type { Logger } from "pino";
import { ClientRegistry } from "../adapters/identity/clients.ts";
import { TokenIssuer } from "../adapters/identity/issuer.ts";
import { openKeyPair } from "../adapters/identity/key-pairs.ts";
import { SnsMessages } from "../adapters/identity/sns-messages.ts";
import { signedFor, SourceProofs } from "../adapters/identity/source-proofs.ts";
import { SourceRegistry } from "../adapters/identity/source-secrets.ts";
import { TokenVerifier } from "../adapters/identity/tokens.ts";
import type { IdentityService } from "../http/services.ts";
import type { Egress } from "../wire/contracts/egress.ts";
import type { SourceFile } from "../wire/schemas/identity.ts";
import { fileSecrets } from "./secrets.ts";
import { systemClock, systemRandom } from "./system.ts";

export type Identities = IdentityService & { readonly findSource: (name: string) => SourceFile | undefined };

type Needs = {
  readonly dataDir: string;
  readonly issuer: string;
  readonly egress: Egress;
  readonly log: Logger;
};

/** `issuer` is the URL that tokens name; assertions must be made for it. */
export function openIdentity({ dataDir, issuer, egress, log }: Needs): Identities {
  const onProblem = (file: string, reason: string): void =>
    log.warn({ file, reason }, "an identity file is not usable");
  const clock = systemClock;
  const clients = new ClientRegistry({ dir: join(dataDir, "clients"), clock, onProblem });
  const sources = new SourceRegistry({ dir: join(dataDir, "sources"), clock, onProblem });
  const proofs = new SourceProofs({
    find: (source) => sources.find(source),
    credentials: fileSecrets(join(dataDir, "secrets")),
    sns: new SnsMessages(egress),
  });
  const key = openKeyPair(join(dataDir, "keys", "issuer.jwk"), systemRandom);
  const audience = "holdpoint";
  const seenPath = join(dataDir, "keys", "assertions.seen");
  const onEvent = (event: object): void => log.info(event, "token request");
  const tokenIssuer = new TokenIssuer({
    issuer,
    audience,
    key,
    clients,
    seenPath,
    clock,
    random: systemRandom,
    onEvent,
  });
  const revokedPath = join(dataDir, "keys", "tokens.revoked");
  const verifier = new TokenVerifier({ issuer, audience, key, clients, revokedPath, clock });
  return {
    cached: (header) => verifier.cached(header),
    verify: (header) => verifier.verify(header),
    revokeToken: (tokenId) => verifier.revokeToken(tokenId),
    issueToken: async (parameters) => ({ ...(await tokenIssuer.issueToken(parameters)) }),
    claimedClient: (parameters) => tokenIssuer.claimedClient(parameters),
    metadata: () => tokenIssuer.metadata(),
    jwks: () => tokenIssuer.jwks(),
    source: (name, headers, addressSecret) => {
      const sourceSecret = headers["x-holdpoint-source-secret"];
      return sources.authenticate(name, {
        authorization: textOf(headers["authorization"]),
        sourceSecret: textOf(sourceSecret),
        addressSecret,
        signedFor: signedFor(headers),
      });
    },
    prove: (source, delivery) => proofs.prove(source, delivery),
    findSource: (source) => sources.find(source),
  };
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}
