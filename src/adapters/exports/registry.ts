// Which receiver each configured exporter delivers to, and where it is.

import { isAbsolute, join } from "node:path";
import type { Clock } from "../../core/clock.ts";
import type { Credentials } from "../../wire/contracts/credentials.ts";
import type { Egress } from "../../wire/contracts/egress.ts";
import type { ExportTransport } from "../../wire/contracts/export.ts";
import type { ExporterConfig, ExportsConfig } from "../../wire/schemas/exports-config.ts";
import { parseOrigin } from "../../wire/schemas/origin.ts";
import { createCloudwatchTransport } from "./cloudwatch.ts";
import { createOcsfFileTransport } from "./ocsf-file.ts";
import { createOcsfHttpsTransport } from "./ocsf-https.ts";
import { createOtlpTransport } from "./otlp.ts";
import { createSplunkTransport } from "./splunk-hec.ts";

/** Contents make records large: fewer of them are in memory at once. */
const FULL_RECORDS_MAX = 64;

/** The origin that an exporter sends to, null for files. Throws `config-invalid`. */
function exporterOrigin(config: ExporterConfig): string | null {
  if (config.kind === "ocsf-file") return null;
  if (config.kind === "cloudwatch") return parseOrigin(config.baseUrl ?? `https://logs.${config.region}.amazonaws.com`);
  return parseOrigin(config.baseUrl);
}

/** Origins of all exporters, for the allow-list. Throws `config-invalid` for an unusable address. */
export function exportOrigins(exporters: ExportsConfig): readonly string[] {
  return Object.values(exporters).flatMap((config) => exporterOrigin(config) ?? []);
}

export interface TransportParts {
  readonly name: string;
  readonly config: ExporterConfig;
  readonly dataDir: string;
  readonly egress: Egress;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Of this program. */
  readonly version: string;
  /** A GUID of this process. */
  readonly channel: string;
}

export function createTransport(parts: TransportParts): ExportTransport {
  const transport = transportOf(parts);
  const recordsMax = parts.config.content === "full" ? FULL_RECORDS_MAX : transport.recordsMax;
  return { ...transport, recordsMax: Math.min(recordsMax, transport.recordsMax) };
}

function transportOf(parts: TransportParts): ExportTransport {
  const { name, config, dataDir, egress, credentials, clock, sleep, version, channel } = parts;
  const origin = exporterOrigin(config) ?? "";
  const outward = { origin, call: egress.callTo(origin), credentials, clock };
  switch (config.kind) {
    case "splunk-hec":
      return createSplunkTransport({ ...outward, config, sleep, channel });
    case "cloudwatch":
      return createCloudwatchTransport({ ...outward, config });
    case "otlp":
      return createOtlpTransport({ ...outward, config, version });
    case "ocsf-https":
      return createOcsfHttpsTransport({ ...outward, name, config, version });
    case "ocsf-file":
      return createOcsfFileTransport({
        name,
        config,
        dir: isAbsolute(config.path) ? config.path : join(dataDir, config.path),
        version,
      });
  }
}
