// A whole server in this process, on a free port with temporary folders, and a terminal that is pointed at it.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { pino } from "pino";
import { loadConfig } from "../../src/main/config.ts";
import { start } from "../../src/main/start.ts";
import { openTerminal, temporaryFolder, type Terminal } from "./terminal.ts";

export type RunningServer = {
  readonly url: string;
  readonly dir: string;
  readonly dataDir: string;
  readonly configDir: string;
  readonly terminal: Terminal;
};

/** Its first start has made `person:owner`, whom the terminal signs in as. */
export async function startServer(t: Pick<TestContext, "after">): Promise<RunningServer> {
  const dir = temporaryFolder(t);
  const [dataDir, configDir] = [join(dir, "data"), join(dir, "config")];
  mkdirSync(dataDir);
  // Each command asks for a token of its own: a test asks for more of them than a person would.
  writeFileSync(join(dataDir, "holdpoint.yaml"), "limits: { tokens: { burst: 10000, perSecond: 100 } }\n");
  const config = loadConfig({ HOLDPOINT_DATA: dataDir, HOLDPOINT_CONFIG: configDir, HOLDPOINT_PORT: "0" });
  const onFatal = (error: Error): void => {
    throw error;
  };
  const running = await start(config, { log: pino({ level: "silent" }), onFatal });
  t.after(() => running.stop());
  return { url: running.url, dir, dataDir, configDir, terminal: openTerminal({ dataDir, configDir }) };
}
