// Executions of every executor, killed at a message of each, on one side of the target's work or the other.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { executorsConfigSchema } from "../../src/wire/schemas/executors-config.ts";
import { TARGET, type Case, type Prepared } from "./kill-case.ts";
import { openTargets, type Targets } from "./kill-cases.ts";
import { Gate, type Moment } from "./kill-fronts.ts";
import { eventually, OWNER, SECOND, TestServer, writePolicies } from "./server.ts";

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: everything }
spec:
  match: { actions: ["pagerduty.*", "servicenow.*", "slack.*", "incident.*", "github.*", "http.*", "argocd.*", "sql.*", "terraform.*", "kubernetes.*", "runbook.*"] }
  route: owners
  rules:
    - { name: free, decision: allow }
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: owners }
spec:
  steps:
    - { roles: [owner], within: 1h }
  onTimeout: deny
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

type Proposed = { readonly kind: string; readonly args: object };
type Named = { readonly kind: string; readonly name: string; readonly id: string };
const namedOf = ({ of, name, id }: Running): Named => ({ kind: of.kind, name, id });

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
      // The first waits at its message until the last has come to its own: what is slow is not what is killed.
      execution: { planTimeoutMs: 60_000, stepTimeoutMs: 120_000 },
    });
    const killed = new KilledExecutions({ server, policies, targets });
    try {
      for (const [ref, secret] of Object.entries(targets.secrets)) server.keepSecret(ref, secret);
      await server.start();
      await server.kill("SIGTERM"); // the next starts are faster
      await server.start();
    } catch (error) {
      await killed.close(); // else what is open keeps the process
      throw error;
    }
    return killed;
  }

  async close(): Promise<void> {
    await this.#server.remove();
    await this.targets.close();
    rmSync(this.#policies, { recursive: true });
  }

  async verifies(): Promise<boolean> {
    return (await this.#server.verify()).ok;
  }

  /** Executors that there are and that are not before the server; kinds that it offers and whose executions are not killed. */
  async unkilled(): Promise<readonly string[]> {
    const missing = Object.keys(executorsConfigSchema.shape).filter(
      (name) => !Object.hasOwn(this.targets.executors, name),
    );
    const { body } = await this.#server.call("GET", "/v1/kinds");
    const { items } = body as { items: readonly { readonly kind: string; readonly effect: string }[] };
    const killed = new Set(this.targets.waves.flat().map(({ kind }) => kind));
    return [
      ...missing,
      ...items.flatMap(({ kind, effect }) => (effect !== "external" || killed.has(kind) ? [] : [kind])),
    ];
  }

  /** One kill for all of a wave: each waits at its own message for it. Answers those that had one. */
  async round(wave: readonly Case[], killing: Killing): Promise<readonly Case[]> {
    const round = ++this.#rounds;
    const all = await Promise.all(wave.map((of, n) => this.#begin(of, `round-${round}-${n}`, killing)));
    const held = await Promise.all(
      all.map((running) =>
        Promise.race([running.gate.held.then(() => true), this.#ended(namedOf(running)).then(() => false)]),
      ),
    );
    const stopped = wave.filter((_, n) => held[n] === true);
    if (stopped.length > 0) await this.#server.kill();
    for (const { gate } of all) gate.disarm();
    if (stopped.length > 0) await this.#server.start();
    const ends = await Promise.allSettled(all.map((running, n) => this.#check(running, held[n] === true)));
    const wrong = ends.flatMap((end) => (end.status === "rejected" ? [String(end.reason)] : []));
    assert.deepEqual(wrong, []);
    return stopped;
  }

  async #begin(of: Case, name: string, { at, acts }: Killing): Promise<Running> {
    const prepared = await of.prepare(name);
    if (prepared.first !== undefined) await this.#perform(prepared.first, `before-${name}`);
    const gate = new Gate();
    for (const front of of.fronts) front.gate = gate;
    gate.arm(at(of), acts);
    return { of, name, id: await this.#propose({ kind: of.kind, args: prepared.args }, name), gate, prepared };
  }

  async #propose({ kind, args }: Proposed, name: string): Promise<string> {
    const body = { kind, target: TARGET, arguments: args };
    const answer = await this.#server.ask("POST", "/v1/actions", { as: OWNER, body, key: name });
    assert.ok(answer.status > 0 && answer.status < 300, `${kind}: ${JSON.stringify(answer.body)}`);
    return answer.body.id;
  }

  /** Undisturbed, to its end. */
  async #perform(proposed: Proposed, name: string): Promise<void> {
    const id = await this.#propose(proposed, name);
    assert.equal(await this.#ended({ kind: proposed.kind, name, id }), "succeeded", `${proposed.kind} ${name}`);
  }

  /** Four times as long as others wait: nine executions begin anew at once, on whatever machine. */
  async #ended(running: Named): Promise<string> {
    for (let wait = 1; ; wait++) {
      const status = await this.#endSeen(running).catch((error: unknown) => error);
      if (typeof status === "string") return status;
      if (wait === 4) throw status;
    }
  }

  #endSeen({ kind, name, id }: Named): Promise<string> {
    return eventually(`${kind} ${name} ends`, async () => {
      const { status, planHash } = (await this.#server.ask("GET", `/v1/actions/${id}`)).body;
      // What nothing takes back is held for somebody else who types its target.
      const answer = { decision: "approve", planHash, confirm: TARGET.service };
      if (status === "held")
        await this.#server.ask("POST", `/v1/actions/${id}/approvals`, { as: SECOND, body: answer });
      return ENDED.has(status) ? status : undefined;
    });
  }

  async #check(running: Running, isKilled: boolean): Promise<void> {
    const status = await this.#ended(namedOf(running));
    const effects = await running.prepared.effects();
    const what = `${running.of.kind} ${running.name}: ${status}, ${effects} effects`;
    if (status === "succeeded") assert.equal(effects, 1, what);
    else {
      const { of, gate } = running;
      const isForPeople = of.repeat === "neither" || of.unclear?.test(gate.said) === true;
      assert.ok(isForPeople && isKilled && status === "needs-attention" && effects <= 1, `${what}, at ${gate.said}`);
    }
  }
}
