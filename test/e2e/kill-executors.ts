// Executions of every executor, killed at a message of each, on one side of the target's work or the other.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { openTargets, TARGET, type Case, type Prepared, type Targets } from "./kill-cases.ts";
import { Gate, type Moment } from "./kill-fronts.ts";
import { eventually, OWNER, TestServer, writePolicies } from "./server.ts";

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  match: { actions: ["pagerduty.*", "servicenow.incident.*", "slack.*", "incident.*", "github.*", "http.*", "argocd.*", "sql.*"] }
  rules:
    - { name: free, decision: allow }
`;
const ENDED: ReadonlySet<string> = new Set([
  "succeeded",
  "failed",
  "refused",
  "needs-attention",
  "expired",
  "cancelled",
]);

/** When an execution is killed: at which of its messages, and whether the target has done its work by then. */
export interface Killing {
  readonly at: (of: Case) => Moment;
  readonly acts: boolean;
}

interface Running {
  readonly of: Case;
  readonly name: string;
  readonly id: string;
  readonly gate: Gate;
  readonly prepared: Prepared;
}

export class KilledExecutions {
  readonly #server: TestServer;
  readonly #policies: string;
  readonly targets: Targets;
  #rounds = 0;

  private constructor(parts: { server: TestServer; policies: string; targets: Targets }) {
    this.#server = parts.server;
    this.#policies = parts.policies;
    this.targets = parts.targets;
  }

  static async start(): Promise<KilledExecutions> {
    const policies = writePolicies(tmpdir(), POLICIES);
    const targets = await openTargets();
    const open = { burst: 1_000_000, perSecond: 1_000_000 };
    const server = await TestServer.create({
      policy: { path: policies },
      executors: targets.executors,
      limits: { writes: open, signals: open, tokens: open },
    });
    for (const [ref, secret] of Object.entries(targets.secrets)) server.keepSecret(ref, secret);
    await server.start();
    await server.kill("SIGTERM"); // the next starts are faster
    await server.start();
    return new KilledExecutions({ server, policies, targets });
  }

  async close(): Promise<void> {
    await this.#server.remove();
    await this.targets.close();
    rmSync(this.#policies, { recursive: true });
  }

  async verifies(): Promise<boolean> {
    return (await this.#server.verify()).ok;
  }

  /** One kill for all of a wave: each waits at its own message for it. Answers how many had one. */
  async round(wave: readonly Case[], killing: Killing): Promise<number> {
    const round = ++this.#rounds;
    const all = await Promise.all(wave.map((of, n) => this.#begin(of, `round-${round}-${n}`, killing)));
    const held = await Promise.all(
      all.map((running) => Promise.race([running.gate.held.then(() => true), this.#ended(running).then(() => false)])),
    );
    const stopped = held.filter(Boolean).length;
    if (stopped > 0) await this.#server.kill();
    for (const { gate } of all) gate.disarm();
    if (stopped > 0) await this.#server.start();
    const ends = await Promise.allSettled(all.map((running, n) => this.#check(running, held[n] === true)));
    const wrong = ends.flatMap((end) => (end.status === "rejected" ? [String(end.reason)] : []));
    assert.deepEqual(wrong, []);
    return stopped;
  }

  async #begin(of: Case, name: string, { at, acts }: Killing): Promise<Running> {
    const prepared = await of.prepare(name);
    const gate = new Gate();
    for (const front of of.fronts) front.gate = gate;
    gate.arm(at(of), acts);
    const body = { kind: of.kind, target: TARGET, arguments: prepared.args };
    const answer = await this.#server.ask("POST", "/v1/actions", { as: OWNER, body, key: name });
    assert.ok(answer.status > 0 && answer.status < 300, `${of.kind}: ${JSON.stringify(answer.body)}`);
    return { of, name, id: answer.body.id, gate, prepared };
  }

  #ended({ of, name, id }: Running): Promise<string> {
    return eventually(`${of.kind} ${name} ends`, async () => {
      const { status } = (await this.#server.ask("GET", `/v1/actions/${id}`)).body;
      return ENDED.has(status) ? status : undefined;
    });
  }

  async #check(running: Running, isKilled: boolean): Promise<void> {
    const status = await this.#ended(running);
    const effects = await running.prepared.effects();
    const what = `${running.of.kind} ${running.name}: ${status}, ${effects} effects`;
    if (status === "succeeded") assert.equal(effects, 1, what);
    else assert.ok(running.of.repeat === "neither" && isKilled && status === "needs-attention" && effects <= 1, what);
  }
}
