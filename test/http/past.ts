// Logs that began long before the server that now goes on with them: decided by the kernel, sealed as it would have done.

import { loadBundle } from "../../src/policy/load.ts";
import { openSqlite } from "../../src/adapters/stores/sqlite.ts";
import type { JsonObject } from "../../src/core/json.ts";
import { Sealer } from "../../src/ledger/seal.ts";
import { openSqliteReader } from "../../src/adapters/stores/sqlite-reader.ts";
import { join } from "node:path";
import { loadModelKeys } from "../../src/main/model-keys.ts";
import { ModelLog, modelPath } from "../../src/main/model-log.ts";
import { systemRandom } from "../../src/main/system.ts";
import type { ModelDraft } from "../../src/model/events.ts";
import type { KeyPlaces } from "../../src/main/keys.ts";
import { WriterClient } from "../../src/main/writer-client.ts";
import { Recorder } from "../history/recorder.ts";

type Past = {
  readonly tell: (recorder: Recorder) => void;
  readonly afterwards?: (writer: WriterClient) => Promise<void>;
};

/** Decides under that policy, in the order of time, and leaves the ledger of it; `afterwards` may still change what is sealed. */
export async function writePast(places: KeyPlaces, policy: string, { tell, afterwards }: Past): Promise<void> {
  const files = [{ path: "past.yaml", text: policy }];
  const { bundle } = loadBundle(files);
  if (bundle === null) throw new Error("the past has no policy");
  const recorder = new Recorder({ version: "past/1", policy: (hash) => (hash === bundle.hash ? bundle : undefined) });
  recorder.nowMs = 0;
  const [actor, bundleHash] = ["system:kernel", bundle.hash];
  recorder.submit({ type: "open-log", actor, input: { format: 1 } });
  recorder.submit({ type: "start-engine", actor, input: { engine: "past/1" } });
  const input = { bundleHash, mode: "file", person: null, requestHash: bundleHash } as const;
  recorder.submit({ type: "propose-policy", actor, input, content: { files } });
  tell(recorder);
  const onLost = (error: Error): void => {
    throw error;
  };
  const place = { dataDir: places.dataDir, postgresUrl: null };
  const { writer } = await WriterClient.start({ place, places, origin: undefined }, onLost);
  try {
    await writer.append(recorder.groups.flat());
    await afterwards?.(writer);
  } finally {
    await writer.close();
  }
}

/** The model's log of what was measured and told then; after `writePast`, which makes its key. */
export async function writeModelPast(
  { dataDir }: KeyPlaces,
  told: Iterable<{ readonly draft: ModelDraft; readonly timeMs: number }>,
): Promise<void> {
  const ledger = openSqliteReader(join(dataDir, "ledger.db"));
  const keys = await loadModelKeys(ledger, dataDir);
  await ledger.close();
  const onSnapshotProblem = (_size: number, cause: unknown): void => {
    throw cause;
  };
  const parts = { dataDir, keys, clock: { nowMs: () => 0 }, random: systemRandom };
  const log = await ModelLog.open({ ...parts, snapshotEveryEvents: 1e9, onSnapshotProblem });
  const from = log.graph.size;
  await log.close();
  // One commit for all of it: each of its own waits for the disk.
  const store = openSqlite(modelPath(dataDir));
  const { signer, keyEncryptionKey, logKeys } = keys;
  const sealer = await Sealer.resume(store, logKeys, { signer, random: systemRandom, keyEncryptionKey });
  const events = [...told].map(({ draft: { type, facts }, timeMs: time }, index) => {
    const seq = from + index;
    const header = { seq, time, type, version: 1, actor: "system:model", subject: "model", command: seq };
    return { ...header, facts: facts as unknown as JsonObject };
  });
  await store.append(sealer.seal(events));
  await store.close();
}
