// An agent as a process of its own: it looks at the shop's metrics, thinks, and proposes once, signed with its own key.
// `node agent.ts healer|tuner SHOP_URL`; AGENT_MODEL_URL and AGENT_MODEL name a model to think with instead of rules.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { modelMind, percent, rulesMind, type AgentName, type Mind, type Seen, type Thought } from "./thought.ts";

const LOOK_MS = 1_000;
const HOLDPOINT = join(import.meta.dirname, "../../bin/holdpoint.mjs");

const [name = "healer", shop = ""] = process.argv.slice(2);

function mindOf(agent: AgentName): Mind {
  const { AGENT_MODEL_URL: url, AGENT_MODEL: model, AGENT_MODEL_KEY: key } = process.env;
  return url === undefined || model === undefined ? rulesMind(agent) : modelMind(agent, { url, name: model, key });
}

async function ask(series: string): Promise<number> {
  const response = await fetch(`${shop}/api/v1/query?query=${encodeURIComponent(series)}`);
  const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
  return Number(data.result[0]?.value[1] ?? Number.NaN);
}

async function look(): Promise<Seen> {
  const [cartMemoryShare, gatewayErrorShare, gatewayLatencyMs] = await Promise.all([
    ask("shop:cart_memory:share"),
    ask("shop:gateway_errors:ratio3s"),
    ask("shop:gateway_latency_ms:mean3s"),
  ]);
  return { cartMemoryShare, gatewayErrorShare, gatewayLatencyMs };
}

/** The command line signs with the key in HOLDPOINT_CONFIG; the answer is the action's id and how it ended. */
async function propose({ operation, service, body, reason }: Thought, mind: Mind): Promise<string> {
  const prompt = join(process.env["HOLDPOINT_CONFIG"] ?? ".", "prompt.txt");
  writeFileSync(prompt, mind.prompt);
  const args = ["propose", "http.call", "-e", "production", "-s", service, "--reason", reason];
  args.push("-a", `operation=${operation}`, "-a", `body:=${JSON.stringify(body)}`);
  args.push("--model", mind.model, "--prompt-file", prompt, "--wait", "90");
  const child = spawn(process.execPath, [HOLDPOINT, ...args], { stdio: "pipe" });
  let [said, problem] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (problem += text));
  await new Promise((resolve) => child.once("close", resolve));
  return said === "" ? problem : said;
}

const mind = mindOf(name === "tuner" ? "tuner" : "healer");
process.on("disconnect", () => process.exit(0));
for (;;) {
  const seen = await look();
  console.log(`sees memory of cart ${percent(seen.cartMemoryShare)}, errors ${percent(seen.gatewayErrorShare)}, \
pages ${seen.gatewayLatencyMs.toFixed(0)} ms`);
  const thought = await mind.think(seen);
  if (thought !== null) {
    console.log(`proposes ${thought.operation} ${JSON.stringify(thought.body)}: ${thought.reason}`);
    process.stdout.write(await propose(thought, mind));
    break;
  }
  await sleep(LOOK_MS);
}
process.disconnect?.();
