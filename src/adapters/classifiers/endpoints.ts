// Where each configured model is reached: addresses for the provider, origins for the allow-list.

import type { ModelConfig } from "../../wire/schemas/classifier-config.ts";
import { parseAddress } from "../../wire/schemas/origin.ts";

/** Parts of AWS have their own domain (partitions); all others share the first. */
const AWS_DOMAINS: readonly (readonly [regionPrefix: string, domain: string])[] = [
  ["cn-", "amazonaws.com.cn"],
  ["eusc-", "amazonaws.eu"],
];

/** The address under which `model` is called, without a slash at its end. Throws `config-invalid`. */
export function baseUrlOf(model: ModelConfig): string {
  return parseAddress(model.baseUrl ?? defaultBaseUrl(model)).href.replace(/\/+$/, "");
}

/** Every origin that calling `model` needs: its own, and that of its token where one is fetched. */
export function originsOf(model: ModelConfig): readonly string[] {
  const origin = new URL(baseUrlOf(model)).origin;
  if (model.provider !== "vertex" || model.auth.kind !== "service-account") return [origin];
  return [origin, parseAddress(model.auth.tokenUrl).origin];
}

function defaultBaseUrl(model: ModelConfig): string {
  if (model.provider === "bedrock") {
    const domain = AWS_DOMAINS.find(([prefix]) => model.region.startsWith(prefix))?.[1] ?? "amazonaws.com";
    return `https://bedrock-runtime.${model.region}.${domain}`;
  }
  if (model.provider !== "vertex") return "";
  const { project, location } = model;
  return `https://${vertexHost(location)}/v1beta1/projects/${project}/locations/${location}/publishers/google`;
}

function vertexHost(location: string): string {
  if (location === "global") return "aiplatform.googleapis.com";
  if (location === "eu" || location === "us") return `aiplatform.${location}.rep.googleapis.com`;
  return `${location}-aiplatform.googleapis.com`;
}
