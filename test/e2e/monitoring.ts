// Prometheus and Alertmanager of the system: tests that need them say what to install where they are not there.

import { spawnSync } from "node:child_process";

const missing = ["prometheus", "prometheus-alertmanager"].filter(
  (command) => spawnSync(command, ["--version"], { stdio: "ignore" }).status !== 0,
);
export const needsMonitoring = {
  skip:
    missing.length === 0 ? false : `not here: apt-get install -y ${missing.join(" ")} (and keep them from starting)`,
};
