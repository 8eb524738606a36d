// The whole of it put together: store, state, policy, kernel, effects, follower, door. In that order, or not at all.

import { chmodSync, mkdirSync } from "node:fs";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import type { Logger } from "pino";
import { openViewReader } from "../adapters/stores/views-sqlite.ts";
import type { AppError } from "../core/errors.ts";
import { EmergencyBrake } from "../effects/brake.ts";
import { EffectRunner } from "../effects/runner.ts";
import { loadConsoleFiles } from "../http/console-files.ts";
import { Metrics } from "../http/metrics.ts";
import { RefusalCounter } from "../http/refusals.ts";
import { createServer } from "../http/server.ts";
import type { ViewService } from "../http/services.ts";
import { ClockGuard } from "../kernel/clock-guard.ts";
import { KERNEL } from "../kernel/command.ts";
import { Kernel } from "../kernel/kernel.ts";
import type { State } from "../kernel/state.ts";
import type { Engine } from "../kernel/transaction.ts";
import { checkSnapshot, sealSnapshot } from "../ledger/snapshot-note.ts";
import type { LedgerReader } from "../wire/contracts/store.ts";
import type { ViewReader } from "../wire/contracts/views.ts";
import { followAgents } from "./agents.ts";
import { followBrake } from "./brake-file.ts";
import { healthPlaces, type Config } from "./config.ts";
import type { Core } from "./core.ts";
import { startDeliveries, type Delivering } from "./deliveries.ts";
import { createEffectParts, type EffectParts } from "./effect-parts.ts";
import { openEgress } from "./egress.ts";
import { keepForgetting } from "./expired-memory.ts";
import { OWNER_ID, registerOwner } from "./first-start.ts";
import { FollowerClient } from "./follower-client.ts";
import { openIdentity } from "./identity.ts";
import { grantInitialStage } from "./initial-stage.ts";
import { loadKeys, type InstallationKeys } from "./keys.ts";
import { LedgerReads } from "./ledger-reads.ts";
import { startModel, type ModelClient } from "./model-client.ts";
import { openReader } from "./open-store.ts";
import { activatePolicy, loadRecordedBundles, PolicyBundles, warnOfMissingPlaces } from "./policy-bundles.ts";
import { restoreState } from "./restore.ts";
import { followRights, installRights } from "./rights.ts";
import { createServices } from "./services.ts";
import { openSlack } from "./slack-service.ts";
import { systemClock, systemRandom } from "./system.ts";
import { warnOfShadow } from "./stage-reads.ts";
import { tellModel } from "./tell-model.ts";
import { startTimers } from "./timers.ts";
import { ENGINE_VERSION, LOG_FORMAT } from "./version.ts";
import { WriterClient } from "./writer-client.ts";

export type Running = {
  readonly url: string;
  readonly origin: string;
  /** Verifier key of the root: what others need to check the ledger. */
  readonly root: string;
  readonly isFirstStart: boolean;
  /** Signs the owner in to a browser, once; at the first start alone. */
  readonly signInUrl: string | null;
  readonly kernel: Kernel;
  /** Ends everything in order, once: whoever asks again waits for the same end. */
  stop(): Promise<void>;
};

type Hooks = {
  readonly log: Logger;
  /** The ledger's fate is unknown: the process must end. */
  readonly onFatal: (error: AppError) => void;
};

/** Starts everything and listens. Throws, with nothing left running, when a part cannot be had. */
export async function start(config: Config, { log, onFatal: end }: Hooks): Promise<Running> {
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  chmodSync(config.dataDir, 0o700);
  let leaveFlag = (): void => {};
  const onFatal = (error: AppError): void => {
    leaveFlag();
    end(error);
  };
  const hooks: Hooks = { log, onFatal };
  const places = { dataDir: config.dataDir, ownerDir: config.ownerDir };
  const place = { dataDir: config.dataDir, postgresUrl: config.postgresUrl };
  const { writer } = await WriterClient.start({ place, places, origin: config.origin }, hooks.onFatal);
  const closers: (() => Promise<void>)[] = [() => writer.close()];
  try {
    const reader = await openReader(place);
    closers.push(() => reader.close());
    const keys = await loadKeys(reader, config.dataDir);
    const core = await startKernel({ config, hooks, keys, reader, writer });
    const follower = await startFollower({ config, hooks, keys, reader, writer, kernel: core.kernel });
    closers.push(() => follower.stop());
    const delivering = startDeliveries(config, { log: hooks.log, beginAt: core.kernel.durableSize });
    closers.push(() => delivering.stop());
    const model = startModel(config, log);
    closers.push(() => model.stop());
    const edge = await openEdge({ config, hooks, keys, reader, writer, follower, core, delivering, model });
    closers.push(...edge.closers);
    leaveFlag = edge.leaveFlag;
    log.info({ url: edge.url, origin: keys.origin, size: core.kernel.durableSize }, "holdpoint is ready");
    let stopping: Promise<void> | undefined;
    return {
      url: edge.url,
      origin: keys.origin,
      root: keys.root.text,
      isFirstStart: edge.isFirstStart,
      signInUrl: edge.signInUrl,
      kernel: core.kernel,
      stop: () => (stopping ??= closeAll(closers, core.kernel)),
    };
  } catch (error) {
    await closeAll(closers, null);
    throw error;
  }
}

/** The last opened first; what the kernel decided is durable before the writer goes. */
async function closeAll(closers: (() => Promise<void>)[], kernel: Kernel | null): Promise<void> {
  const [writer, ...others] = closers;
  for (const close of others.toReversed()) await close().catch(() => undefined);
  await kernel?.drain().catch(() => undefined);
  await writer?.().catch(() => undefined);
}

type KernelNeeds = {
  readonly config: Config;
  readonly hooks: Hooks;
  readonly keys: InstallationKeys;
  readonly reader: LedgerReader;
  readonly writer: WriterClient;
};

async function startKernel({ config, hooks, keys, reader, writer }: KernelNeeds): Promise<Core> {
  const state = await restoreState({
    store: reader,
    logKeys: keys.logKeys,
    checkSnapshot: (snapshot) => checkSnapshot(snapshot, reader, keys.logKeys),
    onSnapshotProblem: (size, cause) => hooks.log.warn({ size, err: cause }, "a snapshot was passed over"),
  });
  const bundles = new PolicyBundles();
  await loadRecordedBundles(bundles, state, { reader, keys });
  const engine: Engine = { version: ENGINE_VERSION, policy: (hash) => bundles.get(hash) };
  const clock = new ClockGuard(systemClock);
  const defer = (task: () => void): void => void setImmediate(task);
  const kernel = new Kernel({ state, engine, writer, clock, defer, onFatal: hooks.onFatal });
  await openForWork(kernel, state);
  await activatePolicy(kernel, bundles, { activation: config.policy.activation, dir: config.policyDir });
  await grantInitialStage({ kernel, config, keys, log: hooks.log });
  warnOfShadow({ kernel, bundles }, hooks.log);
  warnOfMissingPlaces(bundles.get(kernel.state.bundleHash ?? ""), healthPlaces(config), hooks.log);
  return { kernel, clock, bundles };
}

async function openForWork(kernel: Kernel, state: Readonly<State>): Promise<void> {
  const actor = KERNEL;
  if (state.nextSeq === 0) await kernel.submit({ type: "open-log", actor, input: { format: LOG_FORMAT } });
  await kernel.submit({ type: "start-engine", actor, input: { engine: ENGINE_VERSION } });
}

type FollowerNeeds = KernelNeeds & { readonly kernel: Kernel };

async function startFollower({ config, hooks, keys, reader, writer, kernel }: FollowerNeeds): Promise<FollowerClient> {
  const data = {
    place: { dataDir: config.dataDir, postgresUrl: config.postgresUrl },
    viewsPath: join(config.dataDir, "views.db"),
    engine: ENGINE_VERSION,
    snapshotEveryEvents: config.snapshotEvery,
  };
  const follower = new FollowerClient(data, {
    keepSnapshot: async (size, bytes) =>
      writer.saveSnapshot(await sealSnapshot({ size, bytes }, reader, { keys: keys.logKeys, signer: keys.signer })),
    onMismatch: (mismatch) => hooks.log.error({ mismatch }, "a decision does not replay as it was recorded"),
    onProblem: (message, fatal) => hooks.log.error({ message, fatal }, "the follower has a problem"),
  });
  kernel.onDurable(() => follower.notify(kernel.durableSize));
  await follower.started();
  return follower;
}

type EdgeNeeds = KernelNeeds & {
  readonly follower: FollowerClient;
  readonly core: Core;
  readonly delivering: Delivering;
  readonly model: ModelClient;
};
type Edge = {
  readonly url: string;
  readonly signInUrl: string | null;
  readonly isFirstStart: boolean;
  readonly closers: (() => Promise<void>)[];
  readonly leaveFlag: () => void;
};

async function openEdge(needs: EdgeNeeds): Promise<Edge> {
  const { config, hooks, keys, reader, writer, follower, core, delivering, model } = needs;
  const { kernel } = core;
  const brake = new EmergencyBrake({ monotonicMs: () => systemClock.monotonicMs() });
  const views: ViewReader = openViewReader(join(config.dataDir, "views.db"));
  const ledger = new LedgerReads({ reader, keys, writer, kernel, views });
  const egress = openEgress(config);
  const metrics = new Metrics();
  const port = config.port === 0 ? await freePort(config.host) : config.port;
  const url = `http://${config.host}:${port}`;
  const publicUrl = config.publicUrl ?? url;
  const isFirstStart = registerOwner(config, publicUrl, systemRandom);
  await installRights({ config, kernel, log: hooks.log });
  const followed = { agents: followAgents(kernel), rights: followRights(kernel) };
  const identity = openIdentity({ config, issuer: publicUrl, egress, ...followed, log: hooks.log });
  const signInUrl = isFirstStart ? identity.signInUrlOf(OWNER_ID) : null;
  const effects = createEffectParts({
    config,
    core,
    brake,
    payloads: ledger,
    origin: keys.origin,
    egress,
    predictor: model,
    registered: (ids) => identity.registered(ids),
    onPassedOver: (passed) => {
      hooks.log.warn({ passed }, "a classifier gave no usable answer");
      metrics.count("holdpoint_classifier_passed_over_total", "Classifiers that gave no usable answer.", { ...passed });
    },
    log: hooks.log,
  });
  const runner = createRunner(effects, { config, kernel, log: hooks.log });
  const refusals = new RefusalCounter();
  const services = createServices({
    config,
    core,
    brake,
    ledger,
    effects,
    identity,
    rights: followed.rights,
    follower,
    delivering,
    slack: openSlack({ config, egress }),
    refusals,
    model,
    views,
    metrics,
    log: hooks.log,
  });
  const server = createServer(services, loadConsoleFiles(config.consoleDir));
  // Before the door opens: nothing runs while nobody looks at the brake.
  const braking = followBrake({ dataDir: config.dataDir, brake, kernel, log: hooks.log });
  await server.listen({ host: config.host, port }).catch((error: unknown) => {
    braking.end();
    throw error;
  });
  runner.sweep();
  const stopTimers = startTimers({ kernel, runner, refusals, sessions: services.sessions, log: hooks.log });
  const closers = [
    async () => views.close(),
    ...tendPast({ config, core, views, viewService: services.views, ledger, model, log: hooks.log }),
    () => runner.stop(),
    stopTimers,
    async () => braking.end(),
    () => server.close(),
  ];
  return { url, signInUrl, isFirstStart, closers, leaveFlag: braking.leaveFlag };
}

type PastNeeds = Parameters<typeof tellModel>[0] & {
  readonly viewService: ViewService;
  readonly ledger: LedgerReads;
};

/** What is done with what the ledger tells of long after it was recorded; gives what ends it. */
function tendPast({ viewService, ledger, ...needs }: PastNeeds): readonly (() => Promise<void>)[] {
  const stopForgetting = keepForgetting({ ...needs, views: viewService, ledger });
  const stopTelling = tellModel(needs);
  return [stopForgetting, async () => stopTelling()];
}

type RunnerNeeds = { readonly config: Config; readonly kernel: Kernel; readonly log: Logger };

function createRunner(effects: EffectParts, { config, kernel, log }: RunnerNeeds): EffectRunner {
  return new EffectRunner({
    ...effects,
    kernel,
    nowMs: () => systemClock.nowMs(),
    laneMax: config.execution.concurrentPerKind,
    onProblem: (work, error) => log.warn({ work, err: error }, "an effect will be tried again"),
  });
}

/** Tokens name the server's address, so it is chosen before anything listens. */
async function freePort(host: string): Promise<number> {
  const probe = createTcpServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject);
    probe.listen(0, host, resolve);
  });
  const address = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  return typeof address === "object" && address !== null ? address.port : 0;
}
