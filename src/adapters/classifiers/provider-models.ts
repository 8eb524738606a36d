// A model of each provider, as the SDK calls it. Every setting is given, so that none is taken from the environment, and
// every call goes through the way out. Providers are loaded when the first call needs them.

import type { LanguageModel } from "ai";
import type { Clock } from "../../core/clock.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Egress, FetchLimits, OutboundFetch } from "../../wire/contracts/egress.ts";
import type { ModelConfig } from "../../wire/schemas/classifier-config.ts";
import { baseUrlOf } from "./endpoints.ts";
import { ModelSecrets } from "./model-secrets.ts";
import { VertexToken } from "./vertex-token.ts";

const ANSWER: FetchLimits = { answerBytesMax: 512 * 1024 };

export interface ProviderParts {
  readonly credentials: Credentials;
  readonly egress: Egress;
  readonly clock: Clock;
}

/** Makes the model for one call, with the secrets as they are now. Rejects with a ModelFailure for a missing one. */
export type OpenModel = (signal: AbortSignal) => Promise<LanguageModel>;

type Of<P extends ModelConfig["provider"]> = Extract<ModelConfig, { provider: P }>;
type Reached = { readonly baseURL: string; readonly fetch: OutboundFetch; readonly secrets: ModelSecrets };

/** Throws `config-invalid` for an address that may not be called. */
export function providerModel(config: ModelConfig, parts: ProviderParts): OpenModel {
  const baseURL = baseUrlOf(config);
  const fetch = parts.egress.fetchTo(new URL(baseURL).origin, ANSWER);
  const reached = { baseURL, fetch, secrets: new ModelSecrets(parts.credentials) };
  switch (config.provider) {
    case "anthropic":
      return () => openAnthropic(config, reached);
    case "bedrock":
      return () => openBedrock(config, reached);
    case "azure":
      return () => openAzure(config, reached);
    case "vertex":
      return vertexModel(config, reached, parts);
    case "openai-compatible":
      return () => openCompatible(config, reached);
  }
}

async function openAnthropic(config: Of<"anthropic">, { secrets, ...reached }: Reached): Promise<LanguageModel> {
  const apiKey = await secrets.header(config.apiKeyRef);
  const { createAnthropic } = await import("@ai-sdk/anthropic");
  return createAnthropic({ ...reached, apiKey })(config.model);
}

async function openBedrock(config: Of<"bedrock">, { secrets, ...reached }: Reached): Promise<LanguageModel> {
  const { auth, region } = config;
  const credentials =
    auth.kind === "bearer"
      ? { apiKey: await secrets.header(auth.tokenRef) }
      : {
          apiKey: "", // else a token from the environment would win over the keys
          accessKeyId: await secrets.header(auth.accessKeyIdRef),
          secretAccessKey: await secrets.header(auth.secretAccessKeyRef),
          ...(auth.sessionTokenRef === undefined ? {} : { sessionToken: await secrets.header(auth.sessionTokenRef) }),
        };
  const { createAmazonBedrock } = await import("@ai-sdk/amazon-bedrock");
  return createAmazonBedrock({ ...reached, region, ...credentials })(config.model);
}

async function openAzure(config: Of<"azure">, { secrets, ...reached }: Reached): Promise<LanguageModel> {
  const { auth, apiVersion, deploymentUrls: useDeploymentBasedUrls } = config;
  const token = await secrets.header(auth.kind === "key" ? auth.apiKeyRef : auth.tokenRef);
  const credentials = auth.kind === "key" ? { apiKey: token } : { tokenProvider: () => Promise.resolve(token) };
  const { createAzure } = await import("@ai-sdk/azure");
  return createAzure({ ...reached, ...credentials, apiVersion, useDeploymentBasedUrls }).chat(config.model);
}

async function openCompatible(
  config: Of<"openai-compatible">,
  { secrets, ...reached }: Reached,
): Promise<LanguageModel> {
  const key = config.apiKeyRef === undefined ? {} : { apiKey: await secrets.header(config.apiKeyRef) };
  const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
  const settings = { ...reached, ...key, name: "openai-compatible", supportsStructuredOutputs: config.jsonSchema };
  return createOpenAICompatible(settings)(config.model);
}

function vertexModel(
  config: Of<"vertex">,
  { secrets, baseURL, fetch }: Reached,
  { egress, clock }: ProviderParts,
): OpenModel {
  const { auth, project, location } = config;
  const tokens = auth.kind === "bearer" ? null : vertexTokens(auth.tokenUrl, { egress, clock });
  return async (signal) => {
    const bearer =
      auth.kind === "bearer"
        ? await secrets.header(auth.tokenRef)
        : await tokens?.get(await secrets.text(auth.keyRef), signal);
    const { createVertex } = await import("@ai-sdk/google-vertex/edge");
    const signedIn = withBearer(fetch, bearer ?? "", () => tokens?.forget());
    return createVertex({ baseURL, project, location, apiKey: UNUSED_KEY, fetch: signedIn })(config.model);
  };
}

function vertexTokens(tokenUrl: string, { egress, clock }: Pick<ProviderParts, "egress" | "clock">): VertexToken {
  return new VertexToken({ tokenUrl, fetch: egress.fetchTo(new URL(tokenUrl).origin, ANSWER), clock });
}

/**
 * Given so that the provider does not sign in by itself. Its entry for edge runtimes is used because the other one asks
 * the machine for credentials: its files, its environment, its metadata server.
 */
const UNUSED_KEY = "unused";

/** The key's header gives way to the access token. */
function withBearer(fetch: OutboundFetch, bearer: string, onRefused: () => void): OutboundFetch {
  return async (input, init) => {
    const headers = new Headers(init?.headers);
    headers.delete("x-goog-api-key");
    headers.set("authorization", `Bearer ${bearer}`);
    const response = await fetch(input, { ...init, headers });
    if (response.status === 401) onRefused();
    return response;
  };
}
