// Identity put together: clients, sources, issuer and token checks over the data folder.

import { join } from "node:path";
import type { Logger } from "pino";
import { ClientRegistry, type Client } from "../adapters/identity/clients.ts";
import { DpopProofs } from "../adapters/identity/dpop-proofs.ts";
import type { TrustedIssuer } from "../adapters/identity/external-tokens.ts";
import { IssuerKeys } from "../adapters/identity/issuer-keys.ts";
import { TokenIssuer } from "../adapters/identity/issuer.ts";
import { openKeyPair } from "../adapters/identity/key-pairs.ts";
import { SESSION_ID } from "../adapters/identity/sessions.ts";
import { governIssuer } from "../adapters/identity/rights-in-force.ts";
import { Memberships } from "../adapters/identity/memberships.ts";
import { SnsMessages } from "../adapters/identity/sns-messages.ts";
import { signedFor, SourceProofs } from "../adapters/identity/source-proofs.ts";
import { SourceRegistry } from "../adapters/identity/source-secrets.ts";
import { TokenVerifier } from "../adapters/identity/tokens.ts";
import type { IdentityService, SessionService } from "../http/services.ts";
import type { AgentDirectory } from "../wire/contracts/agents.ts";
import type { RightsDirectory } from "../wire/contracts/rights.ts";
import type { Answerer } from "../wire/types/approvals.ts";
import type { Egress } from "../wire/contracts/egress.ts";
import type { Identity } from "../wire/types/identity.ts";
import type { SourceFile } from "../wire/schemas/identity.ts";
import type { Config } from "./config.ts";
import { openSecrets } from "./secrets.ts";
import { openSessions } from "./sessions.ts";
import { systemClock, systemRandom } from "./system.ts";

export type Identities = IdentityService & {
  readonly findSource: (name: string) => SourceFile | undefined;
  readonly sessions: SessionService;
  /** People who may act now. */
  readonly people: () => readonly Client[];
  /** An address that signs a registered person in, once: for whoever reads what the process prints. */
  readonly signInUrlOf: (person: string) => string;
};

type Needs = {
  readonly config: Pick<Config, "dataDir" | "credentials" | "sessions" | "issuers">;
  readonly issuer: string;
  readonly egress: Egress;
  readonly agents: AgentDirectory;
  readonly rights: RightsDirectory;
  readonly log: Logger;
};

/** `issuer` is the URL that tokens name; assertions must be made for it. */
export function openIdentity({ config, issuer, egress, agents, rights, log }: Needs): Identities {
  const { dataDir } = config;
  const onProblem = (file: string, reason: string): void =>
    log.warn({ file, reason }, "an identity file is not usable");
  const clock = systemClock;
  const trusted = openTrusted({ config, egress, rights });
  const memberships = new Memberships({ dir: join(dataDir, "memberships"), clock, onProblem, trusted });
  const clients = new ClientRegistry({ dir: join(dataDir, "clients"), clock, onProblem, agents, rights, memberships });
  const sources = new SourceRegistry({ dir: join(dataDir, "sources"), clock, onProblem });
  const sourceProofs = new SourceProofs({
    find: (source) => sources.find(source),
    credentials: openSecrets(config),
    sns: new SnsMessages(egress),
  });
  const key = openKeyPair(join(dataDir, "keys", "issuer.jwk"), systemRandom);
  const audience = "holdpoint";
  const seenPath = join(dataDir, "keys", "assertions.seen");
  const onEvent = (event: object): void => log.info(event, "token request");
  const proofs = new DpopProofs({ origin: issuer, seenPath: join(dataDir, "keys", "proofs.seen"), clock });
  const tokenIssuer = new TokenIssuer({
    issuer,
    audience,
    key,
    clients,
    seenPath,
    proofs,
    clock,
    random: systemRandom,
    onEvent,
  });
  const revokedPath = join(dataDir, "keys", "tokens.revoked");
  const verifier = new TokenVerifier({ issuer, audience, key, clients, revokedPath, clock, trusted });
  const { sessions, signInUrlOf } = openSessions({ config, url: issuer, clients, memberships, trusted, egress, log });
  return {
    sessions,
    signInUrlOf,
    people: () => clients.all().filter(({ kind }) => kind === "person"),
    cached: (header) => verifier.cached(header),
    verify: (header) => verifier.verify(header),
    revokeToken: (tokenId) =>
      tokenId.startsWith(SESSION_ID) ? sessions.end(tokenId, "signed-out") : verifier.revokeToken(tokenId),
    cachedBound: (header) => verifier.cachedBound(header),
    verifyBound: (header) => verifier.verifyBound(header),
    checkProof: async (request) => void (await proofs.check(request)),
    issueToken: async (parameters, proof) => ({ ...(await tokenIssuer.issueToken(parameters, proof)) }),
    claimedClient: (parameters) => tokenIssuer.claimedClient(parameters),
    person: (id) => registeredPerson(clients, id),
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
    prove: (source, delivery) => sourceProofs.prove(source, delivery),
    registered: (ids) =>
      ids.flatMap((id) => {
        const client = clients.find(id);
        return client === undefined ? [] : [answererOf(client)];
      }),
    findSource: (source) => sources.find(source),
  };
}

/** For one request: what it says of tokens is of none. */
function registeredPerson(clients: ClientRegistry, id: string): Identity | undefined {
  const client = clients.find(id);
  if (client === undefined || client.kind !== "person" || client.person === null) return undefined;
  const { kind, person, roles, scopes, keys } = client;
  const keyThumbprint = keys[0]?.thumbprint ?? null;
  return { id, kind, person, roles, scopes, tokenId: "", keyThumbprint, expiresAt: systemClock.nowMs() };
}

/** Each knows its keys by itself, and asks for them when the first token comes. */
function openTrusted({
  config,
  egress,
  rights,
}: Pick<Needs, "config" | "egress" | "rights">): ReadonlyMap<string, TrustedIssuer> {
  const trusted = config.issuers.map((issuer): [string, TrustedIssuer] => {
    const keys = new IssuerKeys({ url: issuer.url, egress, clock: systemClock });
    return [issuer.url, { config: governIssuer(issuer, rights), keys }];
  });
  return new Map(trusted);
}

/** As whom somebody's answer counts. Which models an agent may use is not in its file. */
function answererOf({ id, kind, person, roles, owner }: Client): Answerer {
  return { id, kind, models: [], owner, person, roles };
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}
