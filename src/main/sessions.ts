// Sessions put together: codes, sign-in at other issuers, and the sessions that both open.

import { join } from "node:path";
import type { Logger } from "pino";
import type { ClientRegistry } from "../adapters/identity/clients.ts";
import type { TrustedIssuer } from "../adapters/identity/external-tokens.ts";
import { LogoutTokens } from "../adapters/identity/logout-tokens.ts";
import type { Memberships } from "../adapters/identity/memberships.ts";
import { admitPerson } from "../adapters/identity/people.ts";
import { SignInCodes } from "../adapters/identity/sign-in-codes.ts";
import { SignIns, type SignedIn } from "../adapters/identity/sign-ins.ts";
import { isOver, Sessions, type SessionGrant } from "../adapters/identity/sessions.ts";
import { AppError, isAppError } from "../core/errors.ts";
import type { AdmitSession, OpenedSession, SessionService, SignInCode } from "../http/services.ts";
import type { Egress } from "../wire/contracts/egress.ts";
import type { Config } from "./config.ts";
import { openSecrets } from "./secrets.ts";
import { systemClock as clock, systemRandom as random } from "./system.ts";

type SessionNeeds = {
  readonly config: Pick<Config, "dataDir" | "credentials" | "sessions" | "issuers">;
  /** Where people and agents find this server. */
  readonly url: string;
  readonly clients: ClientRegistry;
  readonly memberships: Memberships;
  readonly trusted: ReadonlyMap<string, TrustedIssuer>;
  readonly egress: Egress;
  readonly log: Logger;
};

type OpenedSessions = {
  readonly sessions: SessionService;
  /** An address that signs a registered person in, once: for whoever reads what the process prints. */
  readonly signInUrlOf: (person: string) => string;
};

export function openSessions({
  config,
  url,
  clients,
  memberships,
  trusted,
  egress,
  log,
}: SessionNeeds): OpenedSessions {
  const { hours, idleMinutes } = config.sessions;
  const codes = new SignInCodes({ clock, random });
  const path = join(config.dataDir, "keys", "sessions.json");
  const lifetimes = { lifetimeMs: hours * 3_600_000, idleMs: idleMinutes * 60_000 };
  const open = new Sessions({ path, clients, trusted, clock, random, ...lifetimes });
  const logouts = new LogoutTokens({ trusted, clock });
  const credentials = openSecrets(config);
  const callback = `${url}/v1/session/callback`;
  const issuers = [...trusted.values()].map((one) => one.config);
  const signIns = new SignIns({ issuers, callback, egress, credentials, clock, random });
  const issueCode = (grant: Omit<SessionGrant, "external">): SignInCode => {
    const { code, expiresAt } = codes.issue({ ...grant, external: null });
    // What is behind `#` is sent to no server and stands in no access log.
    return { code, url: `${url}/console/#code=${code}`, expiresAt };
  };
  const opened = (grant: SessionGrant, admit: AdmitSession): OpenedSession => {
    admit(grant.client);
    const { secret, identity } = open.open(grant);
    const issuer = grant.external === null ? null : (trusted.get(grant.external.issuer)?.config.name ?? null);
    log.info({ identity: identity.id, session: identity.tokenId, issuer, expiresAt: identity.expiresAt }, "signed in");
    return { secret, identity, issuer };
  };
  const turnedAway = new WeakMap<object, string>();
  const sessions: SessionService = {
    url,
    find: (secret, how) => open.find(secret, how),
    issueCode: ({ id, keyThumbprint, roles, scopes }) => issueCode({ client: id, keyThumbprint, roles, scopes }),
    open: (code, verifier, admit) => opened(codes.use(code, verifier), admit),
    end: (tokenId, code) => {
      open.end(tokenId, code);
      log.info({ session: tokenId, code }, "signed out");
    },
    takeEnded: () => open.takeEnded(),
    giveBack: (ended) => open.giveBack(ended),
    endAtIssuer: async (token) => {
      const signedOut = await logouts.verify(token);
      codes.end(({ external }) => isOver(external, signedOut));
      open.endAt(signedOut);
      log.info({ issuer: signedOut.issuer }, "signed out at the issuer");
    },
    turnedAway: (error) => (isAppError(error) ? (turnedAway.get(error) ?? null) : null),
    providers: signIns.names,
    beginSignIn: (name, commandLine) => signIns.begin(name, commandLine),
    finishSignIn: async (query, sealed, admit) => {
      const signedIn = await signIns.finish(query, sealed).catch((error: unknown) => {
        log.warn({ err: isAppError(error) ? (error.cause ?? error) : error }, "a sign-in failed");
        throw error;
      });
      const grant = grantFor({ clients, memberships, turnedAway }, signedIn);
      const { commandLine } = signedIn;
      if (commandLine === null) return opened(grant, admit);
      const { port, challenge, state } = commandLine;
      // Nobody but a program on the browser's own machine gets it, and only the one that began can use it.
      const answer = new URLSearchParams({ code: codes.issue(grant, challenge).code, state });
      return { address: `http://127.0.0.1:${port}/?${answer.toString()}` };
    },
  };
  return { sessions, signInUrlOf: (person) => issueCode(wholeGrant(clients, person)).url };
}

function wholeGrant(clients: ClientRegistry, person: string): Omit<SessionGrant, "external"> {
  const client = clients.find(person);
  const keyThumbprint = client?.keys[0]?.thumbprint;
  if (client === undefined || keyThumbprint === undefined) {
    throw new AppError("config-invalid", `${person} is not registered`);
  }
  return { client: person, keyThumbprint, roles: client.roles, scopes: client.scopes };
}

type Admitting = Pick<SessionNeeds, "clients" | "memberships"> & {
  /** By the error that turned them away. */
  readonly turnedAway: WeakMap<object, string>;
};

function grantFor({ clients, memberships, turnedAway }: Admitting, signedIn: SignedIn): SessionGrant {
  const { issuer, subject, sub, sid } = signedIn;
  const external = { issuer, subject, ...(sub === undefined ? {} : { sub }), ...(sid === undefined ? {} : { sid }) };
  try {
    const { id, roles, scopes } = admitPerson(clients, memberships, signedIn);
    return { client: id, keyThumbprint: null, external, roles, scopes };
  } catch (error) {
    const id = clients.registeredAs({ issuer, subject });
    if (isAppError(error) && id !== undefined) turnedAway.set(error, id);
    throw error;
  }
}
