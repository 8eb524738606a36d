// One installation's identity in a temporary folder, under a clock and randomness that the test owns.

import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { SignJWT } from "jose";
import { ClientRegistry, createClient } from "../../src/adapters/identity/clients.ts";
import type { NewClient } from "../../src/adapters/identity/clients.ts";
import { signAssertion } from "../../src/adapters/identity/client-assertions.ts";
import { DpopProofs } from "../../src/adapters/identity/dpop-proofs.ts";
import { TokenIssuer } from "../../src/adapters/identity/issuer.ts";
import type { IssuerEvent } from "../../src/adapters/identity/issuer.ts";
import { keyPairOf, openKeyPair } from "../../src/adapters/identity/key-pairs.ts";
import type { KeyPair } from "../../src/adapters/identity/key-pairs.ts";
import { SourceRegistry } from "../../src/adapters/identity/source-secrets.ts";
import { TokenVerifier } from "../../src/adapters/identity/tokens.ts";
import type { Clock } from "../../src/core/clock.ts";
import type { Random } from "../../src/core/random.ts";
import type { PrivateJwk, TokenResponse } from "../../src/wire/schemas/identity.ts";

export const ISSUER = "http://127.0.0.1:4600";
export const AUDIENCE = "holdpoint";
export const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

export class TestClock implements Clock {
  wallMs = 1_780_000_000_000;
  runMs = 0;
  nowMs(): number {
    return this.wallMs;
  }
  monotonicMs(): number {
    return this.runMs;
  }
  advance(ms: number): void {
    this.wallMs += ms;
    this.runMs += ms;
  }
}

export function seededRandom(seed: string): Random {
  let calls = 0;
  return {
    bytes(count) {
      return createHash("shake256", { outputLength: count }).update(`${seed}:${calls++}`).digest();
    },
  };
}

export const ADA: NewClient = {
  id: "person:ada",
  kind: "person",
  roles: ["on-call"],
  scopes: ["actions:read", "actions:approve", "killswitch:pause"],
};

export const DEPLOYER: NewClient = {
  id: "agent:deployer",
  kind: "agent",
  owner: "person:ada",
  roles: [],
  scopes: ["actions:read", "actions:propose:*"],
};

export function temporaryFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "holdpoint-identity-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export interface Installation {
  readonly dir: string;
  readonly clientsDir: string;
  readonly clock: TestClock;
  readonly random: Random;
  readonly key: KeyPair;
  readonly clients: ClientRegistry;
  readonly sources: SourceRegistry;
  readonly proofs: DpopProofs;
  readonly issuer: TokenIssuer;
  readonly verifier: TokenVerifier;
  readonly events: IssuerEvent[];
  readonly problems: string[];
}

let opened = 0;

/** Opens what `dir` holds, as a start of the process does: call it again to restart. */
export function open(dir: string, clock = new TestClock(), cachedMax = 100): Installation {
  const random = seededRandom(`installation ${opened++}`);
  const events: IssuerEvent[] = [];
  const problems: string[] = [];
  const onProblem = (file: string, reason: string): void => void problems.push(`${file}: ${reason}`);
  const clientsDir = join(dir, "clients");
  const key = openKeyPair(join(dir, "keys", "issuer.jwk"), random);
  const clients = new ClientRegistry({ dir: clientsDir, clock, onProblem, rights: null });
  const sources = new SourceRegistry({ dir: join(dir, "sources"), clock, onProblem });
  const shared = { issuer: ISSUER, audience: AUDIENCE, key, clients, clock };
  const seenPath = join(dir, "keys", "assertions.seen");
  const onEvent = (event: IssuerEvent): void => void events.push(event);
  const proofs = new DpopProofs({ origin: ISSUER, seenPath: join(dir, "keys", "proofs.seen"), clock });
  const issuer = new TokenIssuer({ ...shared, seenPath, proofs, random, onEvent });
  const verifier = new TokenVerifier({ ...shared, revokedPath: join(dir, "keys", "tokens.revoked"), cachedMax });
  return { dir, clientsDir, clock, random, key, clients, sources, proofs, issuer, verifier, events, problems };
}

export function register(at: Installation, client: NewClient): PrivateJwk {
  const keyPath = join(at.dir, `${client.id}.jwk`);
  const jwk = createClient(at.clientsDir, client, { keyPath, random: at.random });
  at.clients.reload();
  return jwk;
}

export function assertionFor(at: Installation, jwk: PrivateJwk, clientId: string): Promise<string> {
  return signAssertion(jwk, { clientId, audience: `${ISSUER}/oauth/token`, clock: at.clock, random: at.random });
}

export function request(assertion: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    grant_type: "client_credentials",
    client_assertion_type: ASSERTION_TYPE,
    client_assertion: assertion,
    ...more,
  };
}

export async function tokenFor(
  at: Installation,
  jwk: PrivateJwk,
  clientId: string,
  more: Record<string, unknown> = {},
): Promise<TokenResponse> {
  return at.issuer.issueToken(request(await assertionFor(at, jwk, clientId), more));
}

/** Signs any claims under any header with an Ed25519 key, as an attacker who has that key could. */
export function forge(
  jwk: PrivateJwk,
  header: Record<string, unknown>,
  claims: Record<string, unknown>,
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "EdDSA", ...header }).sign(keyPairOf(jwk).privateKey);
}

export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
}
