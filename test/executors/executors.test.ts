// The executor contract on every executor there is.

import { executorContract, TestClock, type Stage, type Subject } from "./contract.ts";
import { buildExecutor, operationsStage, pagerdutyStage, servicenowStage, slackStage } from "./fixture.ts";
import { githubStage } from "./github-stage.ts";
import { outboundContract } from "./outbound-contract.ts";

function recordingStage(): Stage {
  const clock = new TestClock();
  let built = 0;
  const build = (): ReturnType<typeof buildExecutor> => {
    const executor = buildExecutor({ kind: "record.note", config: {}, clock });
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
    kind: "record.note",
    args: { text: "The cache was warmed by hand.", tags: ["cache"] },
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
  { name: "github merge", start: () => githubStage("github.merge") },
  { name: "pagerduty trigger", start: () => pagerdutyStage("pagerduty.trigger") },
  { name: "pagerduty resolve", start: () => pagerdutyStage("pagerduty.resolve") },
  { name: "http call", start: operationsStage },
  { name: "slack message", start: slackStage },
  { name: "servicenow create", start: () => servicenowStage({ kind: "servicenow.incident.create", login: "basic" }) },
  { name: "servicenow update", start: () => servicenowStage({ kind: "servicenow.incident.update", login: "oauth" }) },
];

executorContract({ name: "recording", start: () => Promise.resolve(recordingStage()) });
for (const subject of OUTBOUND) {
  executorContract(subject);
  outboundContract(subject);
}
