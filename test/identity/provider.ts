// A certified OpenID provider (oidc-provider) on this machine, with the clients, people and keys that a test gives it.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Provider, type ClientMetadata, type Configuration, type JWKS } from "oidc-provider";

export type Person = { readonly sub: string; readonly preferred_username: string; readonly groups: readonly string[] };

export type Settings = {
  readonly clients: ClientMetadata[];
  readonly people: readonly Person[];
  readonly jwks: JWKS;
};

export type RunningProvider = {
  readonly url: string;
  /** Takes its settings, new keys too, and answers by them from now on. */
  configure(settings: Settings): void;
  /** Who is at the keyboard when the provider asks who it is; null: they say no. */
  person: string | null;
  stop(): Promise<void>;
};

const AUDIENCE = "holdpoint";
const API_SCOPES = "actions:propose:record.note actions:read admin";

export async function startProvider(): Promise<RunningProvider> {
  let provider: Provider | undefined;
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  /** What a page of the provider would ask of the person. */
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (provider === undefined) return void response.writeHead(503).end();
    if (request.url?.startsWith("/interaction/") !== true) return void provider.callback()(request, response);
    const { person } = running;
    const result =
      person === null
        ? { error: "access_denied", error_description: "no" }
        : { login: { accountId: person }, consent: {} };
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }

  const running: RunningProvider = {
    url,
    person: null,
    configure: (settings) => {
      provider = new Provider(url, configurationOf(settings));
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return running;
}

function configurationOf({ clients, people, jwks }: Settings): Configuration {
  return {
    clients,
    jwks,
    cookies: { keys: ["a key for cookies of a test"] },
    scopes: ["openid", "profile", "groups", ...API_SCOPES.split(" ")],
    claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["groups"] },
    ttl: { AccessToken: 300, ClientCredentials: 300, Grant: 300, IdToken: 300, Interaction: 300, Session: 300 },
    pkce: { required: () => true },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    // It would not call an address of this machine otherwise.
    fetch: (url, { dispatcher: _guarded, ...options }: RequestInit = {}) => fetch(url, options),
    features: {
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = form;
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = "";
        },
      },
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 7) },
      resourceIndicators: {
        enabled: true,
        // People's tokens are for the provider alone: it tells their claims for them.
        defaultResource: (_ctx, client) =>
          client.grantTypeAllowed("client_credentials") ? "urn:holdpoint" : undefined,
        useGrantedResource: () => false,
        getResourceServerInfo: () => ({
          scope: API_SCOPES,
          audience: AUDIENCE,
          accessTokenFormat: "jwt",
          accessTokenTTL: 300,
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
    findAccount: (_ctx, id) => {
      const person = people.find(({ sub }) => sub === id);
      return person === undefined ? undefined : { accountId: id, claims: () => ({ ...person }) };
    },
    async loadExistingGrant({ oidc }) {
      const { client, session } = oidc;
      if (client === undefined || session?.accountId === undefined) return undefined;
      const grant = new oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid profile groups");
      await grant.save();
      return grant;
    },
  };
}
