// What the command line needs of the process around it: streams, environment, time, and what main alone can do.

import type { Clock } from "../core/clock.ts";
import type { Random } from "../core/random.ts";
import type { HealthPlaces } from "../policy/verification.ts";
import type { Classifier } from "../wire/contracts/classifier.ts";
import type { Reach } from "../wire/contracts/executor.ts";

/** The environment variables that settings come from, as they are set. */
export type CliEnvironment = {
  readonly server: string | undefined;
  readonly token: string | undefined;
  readonly tokenFile: string | undefined;
  readonly client: string | undefined;
  /** The folder of configuration and keys, already resolved (`HOLDPOINT_CONFIG`, XDG, home). */
  readonly configDir: string;
  /** The data folder of a local installation, already resolved (`HOLDPOINT_DATA` or `.holdpoint`). */
  readonly dataDir: string;
  readonly postgresUrl: string | null;
};

export type TextSink = { write(text: string): unknown };

export type TextSource = {
  readonly isTTY: boolean;
  /** The next line without its end, null at the end of input. */
  readLine(): Promise<string | null>;
  /** All of it, as bytes. */
  readAll(): Promise<Uint8Array>;
};

/** What a local installation is configured to do, for `doctor`. */
export type LocalConfiguration = {
  readonly policyDir: string;
  /** Names of the executors that are configured. */
  readonly executors: readonly string[];
  readonly healthPlaces: HealthPlaces;
};

export type ClassifierCheck = {
  readonly name: string;
  readonly model: string;
  /** Null when it can be asked, as far as this machine can tell without asking it. */
  readonly problem: string | null;
};

export type ExportCheck = {
  readonly name: string;
  readonly kind: string;
  /** Null when it can be sent to, as far as this machine can tell without sending anything. */
  readonly problem: string | null;
};

export type NotifierCheck = ExportCheck;

export type PolicyFile = { readonly path: string; readonly text: string };

export type CliHost = {
  /** Arguments after the command's own name. */
  readonly argv: readonly string[];
  readonly env: CliEnvironment;
  readonly stdin: TextSource;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly clock: Clock;
  readonly random: Random;
  readonly version: string;
  readonly nodeVersion: string;
  /** Aborts when the person wants the command to end (Ctrl-C). */
  readonly interrupted: AbortSignal;
  /** The shipped policy pack. */
  readonly policyDir: string;
  /** Runs the server until it is told to stop. */
  serve(): Promise<void>;
  /** The configuration file of the local installation; throws `config-invalid`. */
  readLocalConfiguration(): LocalConfiguration;
  /** Looks at every classifier of the local installation without asking any; throws `config-invalid`. */
  checkClassifiers(): Promise<readonly ClassifierCheck[]>;
  /** Looks at every export of the local installation without sending anything; throws `config-invalid`. */
  checkExports(): Promise<readonly ExportCheck[]>;
  /** Looks at every notifier of the local installation without telling anybody anything; throws `config-invalid`. */
  checkNotifiers(): Promise<readonly NotifierCheck[]>;
  /** Asks every target of the local installation's executors whether it is there, without any effect; throws `config-invalid`. */
  probeExecutors(): Promise<readonly Reach[]>;
  /** Asks every place that the local installation's verifications may ask, without any effect; throws `config-invalid`. */
  probeHealth(): Promise<readonly Reach[]>;
  /** A configured classifier of the local installation, and its teams; throws `config-invalid`. */
  openClassifier(name: string): { readonly classifier: Classifier; readonly teams: readonly string[] };
  /** A policy folder's files as the server reads them. */
  readPolicyFolder(dir: string): readonly PolicyFile[];
};
