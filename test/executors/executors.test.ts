// The executor contract on every executor there is.

import type { JsonObject } from "../../src/core/json.ts";
import { executorContract, TestClock, type Stage, type Subject } from "./contract.ts";
import {
  buildExecutor,
  operationsStage,
  pagerdutyIncidentStage,
  pagerdutyStage,
  servicenowStage,
  slackStage,
} from "./fixture.ts";
import { argocdStage } from "./argocd-stage.ts";
import { githubStage } from "./github-stage.ts";
import { outboundContract } from "./outbound-contract.ts";

function recordingStage(kind: string, args: JsonObject): Stage {
  const clock = new TestClock();
  let built = 0;
  const build = (): ReturnType<typeof buildExecutor> => {
    const executor = buildExecutor({ kind, config: {}, clock });
    // The only effect is that the step succeeded: that is what its entry in the ledger says.
    const execute: typeof executor.execute = async (request, signal) => {
      const outcome = await executor.execute(request, signal);
      if (outcome.status === "succeeded") built += 1;
      return outcome;
    };
    return { ...executor, execute };
  };
  return {
    clock,
    kind,
    args,
    build,
    buildWithoutSecrets: build,
    effects: () => built,
    complaints: () => [],
    standIn: undefined,
    write: { method: "", path: "" },
    secrets: [],
    close: () => Promise.resolve(),
  };
}

const OUTBOUND: readonly Subject[] = [
  { name: "github pull request", start: () => githubStage() },
  { name: "github merge by an app", start: () => githubStage("github.merge", { login: "app" }) },
  { name: "argocd sync", start: () => argocdStage() },
  { name: "argocd rollback", start: () => argocdStage("argocd.rollback") },
  { name: "pagerduty trigger", start: () => pagerdutyStage("pagerduty.trigger") },
  { name: "pagerduty resolve", start: () => pagerdutyStage("pagerduty.resolve") },
  { name: "pagerduty note", start: () => pagerdutyIncidentStage("pagerduty.note", { args: { text: "Looked." } }) },
  {
    name: "pagerduty escalate",
    start: () => pagerdutyIncidentStage("pagerduty.escalate", { args: { policy: "second", level: 2 } }),
  },
  { name: "http call", start: operationsStage },
  { name: "slack message", start: slackStage },
  { name: "servicenow create", start: () => servicenowStage({ kind: "servicenow.incident.create", login: "basic" }) },
  { name: "servicenow change", start: () => servicenowStage({ kind: "servicenow.change.create", login: "basic" }) },
  { name: "servicenow update", start: () => servicenowStage({ kind: "servicenow.incident.update", login: "oauth" }) },
];

const NOTE = { text: "The cache was warmed by hand.", tags: ["cache"] };
const RUNBOOK = { title: "Warm the cache", steps: [{ title: "Warm it", commands: ["warm --all"], expect: "done" }] };
const recording = (kind: string, args: JsonObject) => (): Promise<Stage> => Promise.resolve(recordingStage(kind, args));
executorContract({ name: "recording", start: recording("record.note", NOTE) });
executorContract({ name: "runbook document", start: recording("runbook.document", RUNBOOK) });
for (const subject of OUTBOUND) {
  executorContract(subject);
  outboundContract(subject);
}
