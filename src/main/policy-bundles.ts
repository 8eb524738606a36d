// Policy bundles by hash: read from the policy folder at the start, from the ledger when a recorded one is needed.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { Logger } from "pino";
import type { Json } from "../core/json.ts";
import { AppError } from "../core/errors.ts";
import { KERNEL } from "../kernel/command.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { State } from "../kernel/state.ts";
import { bundleHash, loadBundle, type Bundle } from "../policy/load.ts";
import { findMissingPlaces, type HealthPlaces } from "../policy/verification.ts";
import type { Problem } from "../policy/yaml-reader.ts";
import type { LedgerReader } from "../wire/contracts/store.ts";
import type { HealthCheck } from "../wire/types/health.ts";
import type { InstallationKeys } from "./keys.ts";
import { readRecordedPayload } from "./recorded-payload.ts";

export type PolicyFile = { readonly path: string; readonly text: string };

const BUNDLES_MAX = 64;
const FILES_MAX = 256;

/** The files of a policy folder, by relative path, in order; case files below `tests/` are not part of the bundle. */
export function readPolicyFolder(dir: string): readonly PolicyFile[] {
  const files: PolicyFile[] = [];
  const visit = (folder: string): void => {
    for (const name of readdirSync(folder).toSorted()) {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) {
        if (name !== "tests") visit(path);
      } else if (name.endsWith(".yaml") && name !== "classifier-rules.yaml") {
        files.push({ path: relative(dir, path), text: readFileSync(path, "utf8") });
      }
    }
  };
  visit(dir);
  if (files.length === 0 || files.length > FILES_MAX) {
    throw new AppError("config-invalid", `${dir} holds no policy files, or more than ${FILES_MAX}`);
  }
  return files;
}

/** What the engine evaluates with: loaded bundles, bounded, the one unused for longest leaving first. */
export class PolicyBundles {
  readonly #byHash = new Map<string, Bundle>();
  #lastUsed = "";

  /** Loads and keeps a bundle; `null` with the problems when it does not load. */
  add(files: readonly PolicyFile[]): { bundle: Bundle | null; problems: readonly Problem[] } {
    const { bundle, problems } = loadBundle(files);
    if (bundle !== null) this.#keep(bundle);
    return { bundle, problems };
  }

  /** A bundle as the ledger holds it; throws `ledger-corrupt` when its bytes have another hash. */
  addRecorded(hash: string, content: Json): void {
    const { files } = content as unknown as { files: readonly PolicyFile[] };
    const { bundle } = loadBundle(files);
    if (bundle === null) return; // this engine refuses what an older one took: then every action is refused
    if (bundle.hash !== hash) throw new AppError("ledger-corrupt", "a policy bundle's bytes are not those of its hash");
    this.#keep(bundle);
  }

  /** The bundle with that hash; undefined when it is not loaded. */
  get(hash: string): Bundle | undefined {
    const bundle = this.#byHash.get(hash);
    if (hash !== this.#lastUsed && bundle !== undefined) this.#keep(bundle); // what is used stays
    this.#lastUsed = hash;
    return bundle;
  }

  /** The checks of one of its verifications; undefined when the bundle is not loaded. */
  checksOf(hash: string, name: string): readonly HealthCheck[] | undefined {
    return this.#byHash.get(hash)?.verifications.find((one) => one.name === name)?.checks;
  }

  #keep(bundle: Bundle): void {
    this.#lastUsed = "";
    this.#byHash.delete(bundle.hash);
    this.#byHash.set(bundle.hash, bundle);
    const oldest = this.#byHash.keys().next();
    if (this.#byHash.size > BUNDLES_MAX && oldest.done !== true) this.#byHash.delete(oldest.value);
  }
}

/** Says at the start which checks can never pass: nobody should learn it from an action that is taken back for it. */
export function warnOfMissingPlaces(bundle: Bundle | undefined, places: HealthPlaces, log: Logger): void {
  const missing = findMissingPlaces(bundle?.verifications ?? [], places);
  if (missing.length === 0) return;
  log.warn({ code: "config-invalid", missing }, "checks ask what is not configured: they can never pass");
}

type Recorded = { readonly reader: LedgerReader; readonly keys: InstallationKeys };

/** The bundles that state names: the active one and those proposed, from the bytes in the ledger. */
export async function loadRecordedBundles(
  bundles: PolicyBundles,
  state: Readonly<State>,
  recorded: Recorded,
): Promise<void> {
  for (const [hash, seq] of state.proposedBundles) {
    bundles.addRecorded(hash, await readRecordedPayload(recorded.reader, recorded.keys, seq));
  }
}

/**
 * What a start enforces. In `file` mode the folder's files, recorded and active at once; in `governed` mode only the
 * first start takes them, and later files must be proposed. Throws `policy-invalid` with every problem's place.
 */
export async function activatePolicy(
  kernel: Kernel,
  bundles: PolicyBundles,
  of: { activation: "file" | "governed"; dir: string },
): Promise<void> {
  if (of.activation === "governed" && kernel.state.bundleHash !== null) return;
  const files = readPolicyFolder(of.dir);
  const hash = bundleHash(files);
  // What is in the ledger already was loaded from there.
  const { problems } = bundles.get(hash) === undefined ? bundles.add(files) : { problems: [] };
  if (problems.length > 0) {
    const places = problems.map(({ path, line, column, message }) => `${path}:${line}:${column} ${message}`);
    throw new AppError("policy-invalid", places.join("\n"));
  }
  await kernel.submit({
    type: "propose-policy",
    actor: KERNEL,
    input: { bundleHash: hash, mode: "file", person: null, requestHash: hash },
    content: { files: files.map(({ path, text }) => ({ path, text })) },
  });
}
