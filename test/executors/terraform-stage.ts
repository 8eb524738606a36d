// A working directory of OpenTofu with a state, a folder of saved plans, and a program that stands in for it.

import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createTerraformExecutor } from "../../src/adapters/executors/terraform.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { findSecret } from "../../src/signals/redact.ts";
import type { Executor } from "../../src/wire/contracts/executor.ts";
import { terraformConfigSchema } from "../../src/wire/schemas/terraform-config.ts";
import { TestClock, type Stage } from "./contract.ts";
import { credentialsFrom } from "./fixture.ts";

const STAND_IN = new URL("../../examples/stand-ins/tofu.sh", import.meta.url);
export const STATE_KEY = "k3y-of-the-state";
const LINEAGE = "3f1d0a52-aaaa-bbbb-cccc-000000000001";

/** Or an action, by its address. */
export interface Resource {
  readonly address: string;
  readonly actions?: readonly string[];
  readonly before?: JsonObject | null;
  readonly after?: JsonObject | null;
  readonly seconds?: number;
  readonly fails?: boolean;
  /** Of the change as it is: sensitive values, what is not known yet. */
  readonly marks?: JsonObject;
}

export type TerraformStage = Stage & {
  readonly directory: string;
  save(name: string, resources: readonly Resource[], more?: JsonObject): void;
  /** As somebody else's apply leaves it. */
  moveState(): void;
  applied(): readonly string[];
  /** With the workspace configured otherwise. */
  buildWith(more: JsonObject): Executor;
};

const CHANGE: Resource = {
  address: "aws_lb.cart",
  before: { name: "cart", idle: 60 },
  after: { name: "cart", idle: 90 },
};

export function terraformStage(limits: JsonObject = {}): TerraformStage {
  // Not below /tmp: a program has a /tmp of its own.
  const folder = mkdtempSync("/var/tmp/holdpoint-tofu-");
  chmodSync(folder, 0o755);
  const program = join(folder, "tofu");
  copyFileSync(STAND_IN, program);
  chmodSync(program, 0o755);
  const [directory, plans, records] = ["work", "plans", "records"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const path of [directory, plans]) mkdirSync(path);
  chmodSync(directory, 0o777);
  let serial = 7;
  const writeState = (): void => {
    const state = { version: 4, serial, lineage: LINEAGE, outputs: { password: { value: "hunter2-of-the-state" } } };
    writeFileSync(join(directory, "terraform.tfstate"), JSON.stringify(state), { mode: 0o666 });
    chmodSync(join(directory, "terraform.tfstate"), 0o666);
  };
  writeState();
  const save = (name: string, resources: readonly Resource[], more: JsonObject = {}): void => {
    const changed = resources.filter(({ address }) => !address.startsWith("action."));
    const changes = changed.map(({ address, actions = ["update"], before = null, after = null, marks = {} }) => ({
      address,
      change: { actions, before, after, before_sensitive: {}, after_sensitive: {}, after_unknown: {}, ...marks },
    }));
    const plan = { format_version: "1.2", terraform_version: "1.10.0", timestamp: "2026-09-21T10:00:00Z", ...more };
    const text = JSON.stringify({ ...plan, resource_changes: changes });
    const steps = resources.map(
      ({ address, seconds = 0, fails = false }) => `${fails ? "!" : ""}${address} ${seconds}\n`,
    );
    writeFileSync(join(plans, name), `${LINEAGE}:${serial}\n${text}\n${steps.join("")}`);
  };
  save("raise.tfplan", [CHANGE]);
  const secrets: Readonly<Record<string, string>> = { "tofu/state": STATE_KEY };
  const shared = { name: "cart", environment: "production", service: "cart", network: "none" };
  const workspace = { ...shared, directory, plans, secrets: { STATE_KEY: "tofu/state" }, limits };
  const build = (has: Readonly<Record<string, string>> = secrets, more: JsonObject = {}): Executor =>
    createTerraformExecutor({
      config: terraformConfigSchema.parse({ program, workspaces: [{ ...workspace, ...more }] }),
      credentials: credentialsFrom(has),
      hidden: [],
      records,
      installation: "holdpoint.test/log",
      findSecret,
    });
  const applied = (): readonly string[] => {
    const path = join(directory, "applied");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  };
  return {
    clock: new TestClock(),
    kind: "terraform.apply",
    args: { workspace: "cart", plan: "raise.tfplan" },
    build: () => build(),
    buildFor: (target) => build(secrets, target),
    buildWith: (more) => build(secrets, more),
    buildWithoutSecrets: () => build({}),
    effects: () => applied().length,
    complaints: () => [],
    standIn: undefined,
    reach: "ready",
    write: { method: "", path: "" },
    secrets: [STATE_KEY, "hunter2-of-the-state"],
    close: async () => {
      await Promise.resolve();
      rmSync(folder, { recursive: true, force: true });
    },
    directory,
    save,
    moveState: () => {
      serial += 1;
      writeState();
    },
    applied,
  };
}
