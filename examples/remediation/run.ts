// A shop, two agents and Holdpoint between them: a restart that goes alone, and a bad change that is taken back by itself.
// `node examples/remediation/run.ts` (npm run example); `--keep` leaves the record to look at.

import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { Installation } from "./installation.ts";
import type { AgentName } from "./thought.ts";

const OWNER = "person:owner";
const SECOND = "person:grace";
const AGENTS: Readonly<Record<AgentName, string>> = { healer: "cart", tuner: "gateway" };
const MODELS = ["rules/remediation", `openai-compatible/${process.env["AGENT_MODEL"] ?? "none"}`];

const isKept = process.argv.includes("--keep");
const installation = new Installation();
const children: ChildProcess[] = [];

function say(text: string): void {
  console.log(`\n── ${text}`);
}

function spawnPart(path: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const stdio = ["ignore", "pipe", "inherit", "ipc"] as const;
  const child = fork(join(import.meta.dirname, path), [...args], {
    env: { ...process.env, ...env },
    stdio: [...stdio],
  });
  children.push(child);
  return child;
}

function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once("message", (told) => resolve(told as T));
    child.once("exit", (code) => reject(new Error(`a part of the shop ended with ${code}`)));
  });
}

/** Runs a command of one of the two owners, shows it, and gives the action that it is about. */
async function people(as: string, ...args: string[]): Promise<string> {
  const { code, text } = await installation.holdpoint(args, { as });
  if (code !== 0 && code !== 3) throw new Error(`holdpoint ${args.join(" ")} (${code}):\n${text}`); // 3: it is held
  return /act_\w+/u.exec(text)?.[0] ?? "";
}

async function register(name: AgentName): Promise<void> {
  const id = `agent:${name}`;
  const file = join(installation.dir, `${name}.agent.json`);
  const service = AGENTS[name];
  const bounds = ["--kinds", "http.call", "--environments", "production", "--services", service, "--volume", "20"];
  const init = ["agent", "init", name, "--owner", OWNER, "--purpose", `keeps the ${service} well`, ...bounds];
  const made = await installation.holdpoint([...init, "--models", ...MODELS, "--out", file], { as: id, who: name });
  if (made.code !== 0) throw new Error(made.text);
  await people(SECOND, "approve", await people(OWNER, "agent", "register", file), "--yes");
  const until = new Date(Date.now() + 86_400_000).toISOString();
  const grant = ["propose", "level.grant", "-e", "holdpoint", "-s", "holdpoint", "-a", `agent=${id}`, "-a", "level:=2"];
  const covers = ["-a", 'kinds:=["http.call"]', "-a", 'environments:=["production"]', "-a", `services:=["${service}"]`];
  const asked = await people(OWNER, ...grant, ...covers, "-a", `expiresAt=${until}`, "--reason", "for the example");
  await people(SECOND, "approve", asked, "--yes");
}

/** Lets the agent look until it has proposed and its action has ended; gives the action's id. */
async function letWork(name: AgentName, shop: string, onProposal?: () => void): Promise<string> {
  const env = { ...installation.environment(name), HOLDPOINT_CLIENT: `agent:${name}` };
  const child = spawnPart("agent.ts", [name, shop], env);
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (said: string) => {
    text += said;
    if (said.includes("proposes ")) onProposal?.();
    process.stdout.write(said.replaceAll(/^(?=.)/gmu, `   [${name}] `));
  });
  await new Promise((resolve) => child.once("close", resolve));
  const id = /act_\w+/u.exec(text)?.[0];
  if (id === undefined) throw new Error(`${name} proposed nothing`);
  return id;
}

async function whatCameOf(id: string): Promise<void> {
  const { text } = await installation.holdpoint(["explain", id], { as: OWNER });
  const from = text.indexOf("What came of it");
  console.log(`\n   $ holdpoint explain ${id}   # its end:`);
  console.log((from < 0 ? text : text.slice(from)).replaceAll(/^(?=.)/gmu, "   "));
}

async function settingsOf(shop: string): Promise<string> {
  return (await fetch(`${shop}/settings`)).text();
}

async function tell(): Promise<void> {
  say("A shop starts: gateway, cart, catalog and a worker behind a queue, each a process. Customers come.");
  const platform = spawnPart("shop/platform.ts", [], { SHOP_TOKEN: installation.shopToken });
  const { url: shop, gateway } = await message<{ url: string; gateway: string }>(platform);
  const load = spawnPart("shop/load.ts");
  await message(load);
  load.send({ gateway });

  say(
    "Holdpoint starts. It alone has the shop's token. Two owners register two agents, for one service each, at level 2.",
  );
  installation.prepare(shop);
  await installation.start();
  const second = join(installation.dir, "second.person.json");
  await people(SECOND, "person", "init", SECOND, "--role", "owner", "--out", second);
  await people(OWNER, "person", "register", second);
  await Promise.all((["healer", "tuner"] as const).map(register));

  say("The cart never lets abandoned baskets go, and a wave of them comes. The healer watches its memory.");
  load.send({ abandoning: true });
  const healed = await letWork("healer", shop, () => load.send({ abandoning: false }));
  say(
    "Nobody was asked: the agent's level and the policy allow it. The restart was checked before it counted as done.",
  );
  await whatCameOf(healed);

  say(
    `The tuner finds pages slow. What it wants is allowed too, and wrong. The gateway is set to ${await settingsOf(shop)}.`,
  );
  const tuned = await letWork("tuner", shop);
  say(
    `The checks found it worse than before, and its inverse ran by itself. The gateway is set to ${await settingsOf(shop)}.`,
  );
  await whatCameOf(tuned);

  say("All of it is in the signed record, which anybody can check.");
  const verified = await installation.holdpoint(["verify", installation.data], { as: OWNER });
  console.log(verified.text.replaceAll(/^(?=.)/gmu, "   "));
  if (!isKept) return;
  const [data, keys] = [installation.data, installation.environment("people")["HOLDPOINT_CONFIG"] ?? ""];
  console.log(`\nThe record is kept. To verify it, and to look at it with the command line or in the console:
   holdpoint verify ${data} --root ${join(data, "root.pub")}
   export HOLDPOINT_DATA=${data} HOLDPOINT_CONFIG=${keys}
   npm start                                  # in this terminal; then, with the same two set, in another:
   holdpoint explain ${tuned} && holdpoint login --web`);
}

/** Everything that was started ends, and its folder goes. */
async function end(): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await gone;
  }
  await installation.stop(isKept);
}

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void end().then(() => process.exit(130)));
try {
  await tell();
} catch (error) {
  process.exitCode = 1;
  console.error(error instanceof Error ? error.message : error);
}
await end();
