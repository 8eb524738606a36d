// A ledger that began long before the server that now goes on with it: decided by the kernel, sealed by the writer.

import { loadBundle } from "../../src/policy/load.ts";
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
