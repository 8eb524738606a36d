// A seeded workload: what sources, classifiers, agents, people, executors and time do to a kernel, in any order.

import { hash } from "node:crypto";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { somethingIsDue } from "../../src/kernel/commands/tick.ts";
import type { Action, Incident } from "../../src/kernel/state.ts";
import type { Engine } from "../../src/kernel/transaction.ts";
import { REVIEW_OUTCOMES, type Approval } from "../../src/wire/types/approvals.ts";
import { LABELS } from "../../src/wire/types/label.ts";
import { STAGES } from "../../src/wire/types/stage.ts";
import { registrationOf, registrationProposal, signedBy } from "../kernel/agent-registration.ts";
import { silenceProposal } from "../kernel/silence-proposal.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import { levelProposal, revokeProposal } from "../kernel/level-proposal.ts";
import { grantSetProposal } from "../kernel/grant-set-proposal.ts";
import { stageProposal } from "../kernel/stage-proposal.ts";
import { awaitedCommand } from "./awaiting.ts";
import { ACTS_FOR, classificationOf, Draws, signalOf, wordOf, type SignalOf } from "./draws.ts";
import { glassCommand, labelCommand, mayBreakGlass, personOf, releaseCommand, reviewCommand } from "./answering.ts";
import { edgeCommands } from "./edge-commands.ts";
import { AGENTS, BOB, ENVIRONMENTS, FIRST_BUNDLE, KINDS, LATER_BUNDLES, SERVICES, STEP_ENDS, UNDO } from "./names.ts";
import { inverseCommand } from "./trying.ts";
import { explainCommand, impactCommand, predictCommand, relateCommand } from "./predicting.ts";
import { command, Recorder } from "./recorder.ts";
import { INSTALLED, rightsMove } from "./rights-moves.ts";

export class Workload extends Recorder {
  readonly #draws: Draws;
  #signals = 0;

  constructor(engine: Engine, seed: number) {
    super(engine);
    this.#draws = new Draws(seed);
    this.submit({ type: "open-log", actor: "system:kernel", input: { format: 1 } });
    this.submit({ type: "start-engine", actor: "system:kernel", input: { engine: engine.version } });
    this.#proposePolicy(FIRST_BUNDLE, "file");
    // Ends within a short workload; what people set afterwards holds for longer.
    const first = { stage: "controlled-paging", expiresAt: this.nowMs + 60 * 60_000, signature: "c2lnbmVk" } as const;
    this.submit(command("grant-stage", "system:kernel", first));
    this.submit(INSTALLED);
    for (const id of AGENTS) this.#register(id);
  }

  /** One thing happens, and some time passes. */
  step(): void {
    this.nowMs += this.#below(this.#chance(20) ? 400_000 : 2_000);
    if (this.#chance(1000)) this.nowMs += (this.#chance(3) ? 8 * 24 : 3) * 3_600_000;
    const [done] = this.state.measuring.keys();
    if (done !== undefined) this.submit(impactCommand(done, this.nowMs % 400_000));
    const [tried] = [...this.state.inverses].filter(([, { dueAt }]) => this.nowMs >= dueAt);
    if (tried !== undefined) this.submit(inverseCommand(this.#draws, tried));
    const advised = [...this.state.advice].find(([, { labels }]) => labels.length === 0)?.[0];
    if (advised !== undefined) this.submit(labelCommand(advised, this.#from(LABELS)));
    const outside = awaitedCommand(this.#draws, this);
    if (outside !== null) return void this.submit(outside);
    if (somethingIsDue(this.state, this.nowMs)) return void this.submit(command("tick", "system:kernel", {}));
    const pick = this.#below(100);
    if (pick < 30) return this.#signal();
    if (pick < 45) return this.#classify();
    if (pick < 55) return this.#propose();
    if (pick < 68) return this.#plan();
    if (pick < 76) return this.#answer();
    if (pick < 93) return this.#runStep();
    if (pick < 94) return this.#cancel();
    if (pick < 95) return this.#moveLevel();
    if (pick < 96) return this.#split();
    if (pick < 97) return this.#chance(3) ? this.#storm() : this.#flap();
    this.#control();
  }

  #signal(): void {
    if (this.#chance(15)) return this.#word();
    if (this.#chance(12)) {
      const input = { source: "am", reason: "service-missing", deliveryKey: `q${this.#below(50)}` };
      return void this.submit(command("quarantine-signal", "source:am", input));
    }
    const [environment, service] = [this.#from(ENVIRONMENTS), this.#from(SERVICES)];
    const status = this.#chance(3) ? "resolved" : "firing";
    const number = this.#chance(2) ? this.#signals++ : this.#below(this.#signals + 1);
    this.submit(command("receive-signal", "source:am", this.#signalFacts({ environment, service, status, number })));
  }

  /** The pager's, or the tracker's, about one of our own incidents. */
  #word(): void {
    const ended = this.#one([...this.state.resolved.keys()]);
    if (ended !== undefined && this.#chance(2)) this.submit(explainCommand(this.#draws, ended));
    const subject = this.#one([...this.state.incidents.keys(), ...this.state.resolved.keys()]) ?? "act_000000001";
    this.submit(command("note-incident", "source:am", wordOf(this.#draws, { subject, nowMs: this.nowMs })));
  }

  #signalFacts(of: SignalOf): ReturnType<typeof signalOf> {
    return signalOf(this.#draws, { ...of, nowMs: this.nowMs });
  }

  #classify(): void {
    const run = this.#one([...this.state.runs.keys()]);
    if (run === undefined) return this.#signal();
    if (this.#chance(6)) this.submit(relateCommand(this.#draws, run));
    this.submit(command("classify-run", "system:triage", classificationOf(this.#draws, run)));
  }

  #propose(): void {
    const kind = this.#from(KINDS);
    const requestHash = hash("sha256", `${kind}${this.#below(30)}`);
    const agent = this.#from(AGENTS);
    const signedAt = this.nowMs - this.#below(this.#chance(20) ? 600_000 : 10_000);
    if (this.#chance(10)) this.submit(command("refuse-proposal", agent, { code: "signature-invalid" }));
    const input: CommandInputs["propose-action"] = {
      kind,
      environment: this.#from(ENVIRONMENTS),
      service: this.#from(SERVICES),
      resource: this.#chance(2) ? null : "pod-1",
      agentKind: "agent",
      person: "p-owner",
      requestHash,
      planHash: this.#chance(3) ? null : hash("sha256", `plan${requestHash}`),
      repeat: this.#from(["idempotent", "conditional", "neither"]),
      effect: kind === "note.add" ? "none" : "external",
      reversible: this.#chance(2),
      idempotencyKey: `${agent} jti${this.#below(this.#chance(4) ? 200 : 1_000_000)}`,
      signed: signedBy(agent, signedAt),
      ...(this.#chance(20) ? { dryRun: true, confidencePpm: this.#below(1_000_001) } : {}),
      ...(this.#chance(12) ? { evidence: ["run_000000001", "sig_000000001"] } : {}),
      ...(this.#chance(12) ? { window: this.#window() } : {}),
      ...(this.#chance(30) ? { actsFor: ACTS_FOR } : {}),
      ...(kind === "checked.change" && !this.#chance(4) ? { inverse: UNDO } : {}),
      ...(kind === "checked.change" && this.#chance(3) ? { phases: 2 } : {}),
    };
    this.submit({ type: "propose-action", actor: agent, input, content: { reason: "because" } });
  }

  #window(): NonNullable<CommandInputs["propose-action"]["window"]> {
    const notBefore = this.nowMs + this.#below(20_000);
    return { notBefore, notAfter: notBefore + 1 + this.#below(120_000) };
  }

  #plan(): void {
    const action = this.#one(this.#actions("evaluating"));
    if (action === undefined) return this.#propose();
    if (action.predicting !== undefined) return void this.submit(predictCommand(action, this.#below(6)));
    const planHash = this.#chance(8) ? null : hash("sha256", action.id);
    const refusal = action.agentKind === "system" ? "executor-missing" : "arguments-invalid";
    const findings = { risks: ["drift", "regulated"], tags: ["pci"] } as const;
    const images = [{ digest: "00", code: "verified", signers: ["release"], provenance: [] }] as const;
    const change = hash("sha256", action.kind);
    const found = planHash !== null && this.#chance(4) ? { awaits: "pending" as const, change, findings, images } : {};
    const input = { action: action.id, planHash, code: planHash === null ? refusal : "", ...found };
    this.submit(command("plan-action", "system:effects", input));
  }

  #answer(): void {
    const held = this.#actions("held");
    const action = this.#one(held.filter(({ effect }) => effect === "kernel" || this.#chance(2))) ?? this.#one(held);
    if (action === undefined) return this.#signal();
    const given = action.hold?.approvals ?? [];
    if (given.length > 0 && this.#chance(2)) return this.#withdraw(action.id, given);
    if (mayBreakGlass(action) && (action.hold?.breakers.length !== 0 || this.#chance(4))) {
      return void this.submit(glassCommand(action, this.#from(["p-ada", "p-bob"])));
    }
    const person = this.#from(["p-ada", "p-bob", "p-owner"]);
    const roles = this.#chance(10) ? [] : ["sre", "admin"];
    this.submit(
      command("answer-hold", `person:${person}`, {
        action: action.id,
        decision: this.#chance(4) ? "deny" : "approve",
        planHash: this.#chance(10) ? "another" : (action.planHash ?? ""),
        answerer: personOf(person, roles),
        proposer: { owner: "p-owner", models: [] },
        present: this.#chance(6) ? [] : given,
      }),
    );
  }

  #withdraw(action: string, given: readonly Approval[]): void {
    const { id, person } = this.#from(given);
    this.submit(command("withdraw-approval", id, { action, person }));
  }

  #sample(action: Action): void {
    const result = this.#from(["pass", "pass", "pass", "pass", "fail", "unknown"] as const);
    const failed = result === "pass" ? [] : ["health"];
    const sample = (action.verifying?.sample ?? 0) + 1;
    this.submit(command("report-health", "system:effects", { action: action.id, sample, result, failed }));
  }

  #runStep(): void {
    const verifying = this.#one(this.#actions("verifying"));
    if (verifying !== undefined && this.#chance(2)) return this.#sample(verifying);
    const running = this.#one(this.#actions("executing", "reconciling"));
    if (running !== undefined && !this.#chance(4)) {
      const at = { action: running.id, attempt: running.attempt };
      if (running.status === "reconciling") {
        const status = this.#from(["happened", "absent", "unclear"] as const);
        const input = { ...at, status, afterMs: status === "unclear" && this.#chance(2) ? 5_000 : 0 };
        return void this.submit(command("reconcile-step", "system:effects", input));
      }
      const input = { ...at, status: this.#from(STEP_ENDS), code: "http-200", afterMs: this.#below(5_000) };
      return void this.submit(command("finish-step", "system:effects", input));
    }
    const ready = this.#one(this.#actions("granted", "retrying"));
    if (ready === undefined) return this.#classify();
    const present = this.#chance(12) ? [] : (ready.consent?.approvals ?? []);
    this.submit(command("begin-step", "system:effects", { action: ready.id, present }));
  }

  #split(): void {
    const incident = this.#one([...this.state.incidents.values()].filter(({ services }) => services.length > 1));
    if (incident === undefined) return this.#signal();
    const input = { incident: incident.id, services: [this.#from(incident.services)], roles: ["owner"] };
    this.submit(command("split-incident", "person:p-ada", input));
  }

  #command(): void {
    const incident = this.#one([...this.state.incidents.values()]);
    if (incident === undefined) return;
    const [person, roles] = ["p-ada", ["on-call"]] as const;
    const except = { exceptAgents: this.#chance(2) ? [] : ["agent:a1"], exceptKinds: [] };
    const input = { incident: incident.id, person, roles, services: [], ...except };
    this.submit(command("command-incident", "person:p-ada", input));
    if (this.#chance(2)) this.#joinAnother(incident);
    const end = { incident: incident.id, person };
    if (this.#chance(4)) this.submit(command("end-command", "person:p-ada", end));
  }

  /** What fails elsewhere in the same way makes the incident name one service more. */
  #joinAnother({ environment, failures }: Incident): void {
    const [service, number] = [`near-${this.#signals}`, this.#signals++];
    const facts = this.#signalFacts({ environment, service, status: "firing", number });
    this.submit(command("receive-signal", "source:am", { ...facts, failure: failures[0] ?? facts.failure }));
    this.submit(command("tick", "system:kernel", {}));
  }

  /** Twenty services at once, in a place of their own. */
  #storm(): void {
    for (let i = 0; i < 20; i++) {
      const [service, number] = [`lab-${i}`, this.#signals++];
      const facts = this.#signalFacts({ environment: "lab", service, status: "firing", number });
      this.submit(command("receive-signal", "source:am", facts));
    }
  }

  /** An alert that comes and goes, in a place where nothing else happens. */
  #flap(): void {
    const number = this.#signals++;
    for (const status of ["firing", "resolved"] as const) {
      this.nowMs += 1_000;
      const facts = this.#signalFacts({ environment: "lab", service: "cart", status, number });
      this.submit(command("receive-signal", "source:am", { ...facts, signature: "flapping" }));
    }
  }

  #cancel(): void {
    const [review] = this.state.reviews.keys();
    if (review !== undefined) return void this.submit(reviewCommand(review, this.#from(REVIEW_OUTCOMES)));
    const action = this.#one([...this.state.actions.values()]);
    if (action === undefined) return;
    const isGranted = action.grant !== null && this.#chance(2);
    if (isGranted) this.submit(command("revoke-grant", "person:p-ada", { grant: action.grant?.id ?? "" }));
    else this.submit(command("cancel-action", "person:p-ada", { action: action.id, code: "by-person" }));
  }

  #control(): void {
    const brake = this.#one([...this.state.brakes.keys()]);
    const requestHash = hash("sha256", `resume${brake ?? ""}`);
    switch (this.#below(16)) {
      case 0:
        if (this.#chance(3)) return this.#proposePolicy(this.#from(LATER_BUNDLES), "governed");
        return;
      case 1:
        return void this.submit(command("start-engine", "system:kernel", { engine: this.engine.version }));
      case 2: {
        const held = this.#one(this.#actions("held").filter(({ effect }) => effect !== "kernel"));
        const scope = {
          environment: held?.environment ?? this.#from(ENVIRONMENTS),
          service: held?.service ?? this.#from(SERVICES),
        };
        const mode = this.#from(["pause", "dry-run"] as const);
        return void this.submit(command("apply-brake", "person:p-ada", { mode, scope }));
      }
      case 3:
        for (const each of edgeCommands(this.#below(50), this.nowMs)) this.submit(each);
        return;
      case 4: {
        const ofSubject = this.groups.at(-1)?.[0]?.subject ?? "log";
        const input = { keyId: "7", ofSubject, retention: "content" };
        return void this.submit(command("erase-payload", "person:p-ada", input));
      }
      case 5:
      case 6:
        return void this.submit(command("propose-action", "person:p-bob", stageProposal(this.#from(STAGES), "p-bob")));
      case 11:
        return this.#command();
      case 7:
        return this.#register(this.#from([...AGENTS, "agent:b"]));
      case 8:
        if (this.#chance(2)) return this.#register(this.#from(AGENTS));
        return void this.submit(command("revoke-agent", "person:p-ada", { agent: this.#from(AGENTS) }));
      case 9:
      case 10:
        return this.#silence();
      case 12:
        return this.#releaseDomain();
      case 13:
        return this.#agreed("person:p-bob", rightsMove(this.#draws, this));
      default:
        if (brake === undefined) return;
        return this.#approve(this.submit(releaseCommand(brake, requestHash))?.subject);
    }
  }

  #register(id: string): void {
    const parent = id === "agent:b" ? "agent:a0" : null;
    const volumePerHour = 1_000 + this.#below(3);
    const proposal = registrationProposal(registrationOf(id, { parent, volumePerHour }), "owner");
    this.#agreed("person:owner", proposal);
    if (this.state.levels.has(id) || this.#chance(5)) return;
    this.#agreed("person:p-bob", levelProposal({ agent: id, expiresAt: this.nowMs + TERMS.levelMs }, BOB));
  }

  /** Mostly approved at once, by somebody else. */
  #agreed(actor: string, proposal: CommandInputs["propose-action"]): void {
    this.#approve(this.submit(command("propose-action", actor, proposal))?.subject);
  }

  #approve(action: string | undefined): void {
    const { status, planHash } = this.state.actions.get(action ?? "") ?? {};
    if (action === undefined || status !== "held" || this.#chance(4)) return;
    const id = "person:p-ada";
    const given = { answerer: personOf("p-ada", ["sre", "admin"]), proposer: { owner: null, models: [] }, present: [] };
    this.submit(command("answer-hold", id, { action, decision: "approve", planHash: planHash ?? "", ...given }));
  }

  #releaseDomain(): void {
    const operand = this.#one([...this.state.blocked.keys()]);
    if (operand === undefined) return;
    const proposal = { ...stageProposal("shadow", "p-bob"), kind: "domain.release", operand };
    this.#agreed("person:p-bob", proposal);
  }

  /** A short one of a place, or the end of one. */
  #silence(): void {
    const standing = this.#one([...this.state.silences.keys()]);
    if (standing !== undefined && this.#chance(2)) {
      return void this.submit(command("end-silence", "person:p-bob", { silence: standing }));
    }
    const service = this.#chance(2) ? null : this.#from(SERVICES);
    const startsAt = this.nowMs + this.#below(60_000);
    const endsAt = startsAt + 1 + this.#below(600_000);
    const terms = { environment: this.#from(ENVIRONMENTS), service, signature: null, startsAt, endsAt };
    this.#agreed("person:p-bob", silenceProposal(terms, "p-bob"));
  }

  #moveLevel(): void {
    const grant = this.#one([...this.state.levels.values()].flat());
    if (this.#chance(2)) return this.#grantSet();
    if (grant !== undefined && this.#chance(3)) {
      return void this.submit(command("propose-action", "person:p-bob", revokeProposal(grant.id, BOB)));
    }
    const given = { agent: this.#from(AGENTS), level: this.#from([1, 2, 3] as const) };
    const expiresAt = this.nowMs + 1 + this.#below(8 * 3_600_000);
    this.#agreed("person:p-bob", levelProposal({ ...given, expiresAt }, BOB));
  }

  /** Given, used by whoever proposes next, taken back or run out. */
  #grantSet(): void {
    const standing = this.#one([...this.state.sets.keys()]);
    if (standing !== undefined && this.#chance(4)) {
      return void this.submit(command("revoke-grant", "person:p-ada", { grant: standing }));
    }
    const bounds = { count: 1 + this.#below(3), environments: [...ENVIRONMENTS], size: this.#chance(2) ? null : 9 };
    const wanted = { agent: this.#from(AGENTS), expiresAt: this.nowMs + 1 + this.#below(3_600_000), ...bounds };
    this.#agreed("person:p-bob", grantSetProposal(wanted, BOB));
  }

  #proposePolicy(bundleHash: string, mode: "file" | "governed"): void {
    const input = { bundleHash, mode, person: "p-bob", requestHash: hash("sha256", `policy${bundleHash}`) };
    this.submit({ type: "propose-policy", actor: "person:p-bob", input, content: { files: [] } });
  }

  #actions(...statuses: readonly Action["status"][]): readonly Action[] {
    return [...this.state.actions.values()].filter((action) => statuses.includes(action.status));
  }

  #chance(oneIn: number): boolean {
    return this.#draws.chance(oneIn);
  }

  #from<T>(items: readonly T[]): T {
    return this.#draws.from(items);
  }

  #one<T>(items: readonly T[]): T | undefined {
    return this.#draws.one(items);
  }

  #below(bound: number): number {
    return this.#draws.below(bound);
  }
}
