// What the effects run with: executors, classifier, terms, from configuration.

import { join, resolve } from "node:path";
import type { Logger } from "pino";
import { createImageRegistries, NO_REGISTRIES } from "../adapters/images/image-registries.ts";
import { createImageVerifier, NO_IMAGE_VERIFIER } from "../adapters/images/image-verifier.ts";
import { createBudgets } from "../adapters/health/budgets.ts";
import { createHealthProbe } from "../adapters/health/probe.ts";
import { findSecret } from "../signals/redact.ts";
import { createSqlReader } from "../adapters/executors/sql-reader.ts";
import { createRolloutReaders } from "../adapters/executors/kubernetes-rollouts.ts";
import { correlationPrefix, createDiffReader, createExecutors } from "../adapters/executors/registry.ts";
import type { EmergencyBrake } from "../effects/brake.ts";
import type { ClassifyParts } from "../effects/classify.ts";
import type { VerifyParts } from "../effects/verify.ts";
import type { PredictParts } from "../effects/predict.ts";
import type { ExplainParts } from "../effects/explain.ts";
import type { RelateParts } from "../effects/relate.ts";
import type { ExecuteParts } from "../effects/execute.ts";
import { TRIAGE_KINDS } from "../kernel/triage-kinds.ts";
import type { PassedOver } from "../wire/contracts/classifier.ts";
import type { Credentials } from "../wire/contracts/credentials.ts";
import type { ImageRegistries, ImageVerifier } from "../wire/contracts/images.ts";
import type { DiffReader } from "../wire/contracts/diffs.ts";
import type { HealthProbe, ServiceStateReader } from "../wire/contracts/health.ts";
import type { Egress } from "../wire/contracts/egress.ts";
import type { SqlReader } from "../wire/contracts/sql-reader.ts";
import { parseTcpAddress } from "../wire/schemas/origin.ts";
import type { PayloadReader } from "../wire/contracts/writer.ts";
import { chainTimeoutMs, createClassifiers } from "./classifiers.ts";
import type { Config } from "./config.ts";
import type { Core } from "./core.ts";
import { openSecrets } from "./secrets.ts";
import { systemClock } from "./system.ts";

function ticketTerms({ executors }: Config, origin: string): ExecuteParts["tickets"] {
  if (executors.servicenow === undefined) return null;
  const { resolvedState, closeCode } = executors.servicenow;
  return { prefix: correlationPrefix(origin), resolvedState, closeCode };
}

/** Far from the kernel's own deadline: a model that is slow is told from one that nobody asked. */
const PREDICT_TIMEOUT_MS = 5_000;
/** A page waits for it. */
const RELATE_TIMEOUT_MS = 1_000;
/** Nobody waits for it. */
const EXPLAIN_TIMEOUT_MS = 30_000;

export type EffectParts = ClassifyParts &
  ExecuteParts &
  PredictParts &
  RelateParts &
  ExplainParts &
  VerifyParts & { readonly diffs: DiffReader | null };

/** Says at the start what triage will ask for in vain: nobody should learn it from the first alert. */
export function warnOfMissing({ executors }: Pick<EffectParts, "executors">, log: Logger): void {
  const kinds = Object.keys(TRIAGE_KINDS).filter((kind) => !executors.has(kind));
  if (kinds.length === 0) return;
  log.warn({ kinds, code: "executor-missing" }, "refused until their executors are configured: docs/executors.md");
}

type Needs = {
  readonly config: Config;
  readonly core: Pick<Core, "kernel" | "bundles">;
  readonly brake: EmergencyBrake;
  readonly payloads: PayloadReader;
  readonly origin: string;
  readonly egress: Egress;
  /** The runtime model. */
  readonly predictor: PredictParts["predictor"] &
    RelateParts["relater"] &
    ExplainParts["explainer"] &
    ServiceStateReader;
  readonly registered: ExecuteParts["registered"];
  readonly onPassedOver: (passed: PassedOver) => void;
  readonly log: Logger;
};

type HealthWays = { readonly egress: Egress; readonly credentials: Credentials; readonly model: ServiceStateReader };

/** Throws `config-invalid` when an executor or a classifier cannot be used. */
export function createEffectParts({
  config,
  core: { kernel, bundles },
  brake,
  payloads,
  origin,
  egress,
  predictor,
  registered,
  onPassedOver,
  log,
}: Needs): EffectParts {
  const onFailure = (ref: string, why: string): void => log.warn({ ref, why }, "a secret cannot be had");
  const credentials = openSecrets(config, { onFailure });
  const registries = openRegistries(config, { egress, credentials });
  const executors = createExecutors({
    config: config.executors,
    pinImage: registries.pin,
    credentials,
    egress,
    clock: systemClock,
    installation: origin,
    findSecret,
    hidden: [config.dataDir, config.ownerDir],
    records: join(config.dataDir, "executions"),
  });
  warnOfMissing({ executors }, log);
  const diffs = createDiffReader({ config: config.executors, credentials, egress, clock: systemClock });
  const classifier = createClassifiers(config, egress, onPassedOver);
  const health = openHealth(config, { egress, credentials, model: predictor });
  const probeTimeout = (): AbortSignal => AbortSignal.timeout(config.health.timeoutMs);
  return {
    kernel,
    brake,
    payloads,
    executors,
    diffs,
    classifier,
    origin,
    tickets: ticketTerms(config, origin),
    registered,
    teams: config.teams,
    classifyTimeout: () => AbortSignal.timeout(chainTimeoutMs(config)),
    health,
    budgets: createBudgets(config.health.objectives, { probe: health, timeout: probeTimeout }),
    checksOf: (bundle, name) => bundles.checksOf(bundle, name),
    images: openImages(config, registries),
    predictor,
    predictTimeout: () => AbortSignal.timeout(PREDICT_TIMEOUT_MS),
    explainer: predictor,
    explainTimeout: () => AbortSignal.timeout(EXPLAIN_TIMEOUT_MS),
    relater: predictor,
    relateTimeout: () => AbortSignal.timeout(RELATE_TIMEOUT_MS),
    probeTimeout,
    planTimeoutMs: config.execution.planTimeoutMs,
    stepTimeoutMs: config.execution.stepTimeoutMs,
  };
}

function openRegistries({ images }: Config, ways: { egress: Egress; credentials: Credentials }): ImageRegistries {
  return images === undefined ? NO_REGISTRIES : createImageRegistries(images, ways);
}

/** Paths are from the data folder. */
function openImages({ images, dataDir }: Config, registries: ImageRegistries): ImageVerifier {
  if (images === undefined) return NO_IMAGE_VERIFIER;
  const { trustedRoot, bundles } = images;
  const root = trustedRoot === undefined ? {} : { trustedRoot: resolve(dataDir, trustedRoot) };
  const folder = bundles === undefined ? {} : { bundles: resolve(dataDir, bundles) };
  return createImageVerifier({ ...images, ...folder, ...root }, registries);
}

function openHealth({ health: config, executors }: Config, { egress, credentials, model }: HealthWays): HealthProbe {
  const databases = openHealthDatabases(config, { egress, credentials });
  const ways = { egress, credentials, clock: systemClock };
  const clusters = createRolloutReaders({ config: executors.kubernetes, ...ways });
  return createHealthProbe({ config, databases, clusters, model, ...ways });
}

/** Of each database that SQL checks may ask, by its name. */
export function openHealthDatabases(
  { databases }: Config["health"],
  { egress, credentials }: Omit<HealthWays, "model">,
): ReadonlyMap<string, SqlReader> {
  const readers = Object.entries(databases).map(([name, config]) => {
    const connect = egress.connectTo(parseTcpAddress(config).address);
    return [name, createSqlReader({ config, connect, credentials })] as const;
  });
  return new Map(readers);
}
