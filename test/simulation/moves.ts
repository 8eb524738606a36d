// What the world does to the program, one random move at a time.

import { hash } from "node:crypto";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { TERMS } from "../../src/kernel/limits.ts";
import type { Action } from "../../src/kernel/state.ts";
import { rolesAsked } from "../../src/approvals/asks.ts";
import { REVIEW_OUTCOMES, type Answerer } from "../../src/wire/types/approvals.ts";
import { STAGES } from "../../src/wire/types/stage.ts";
import { ANSWERERS } from "./people.ts";
import type { Promised } from "./invariants.ts";
import { silenceProposal } from "../kernel/silence-proposal.ts";
import { stageProposal } from "../kernel/stage-proposal.ts";
import {
  agreed,
  ENVIRONMENTS,
  from,
  grantSet,
  label,
  moveLevel,
  moveRights,
  registration,
  revokeGrant,
  revokeUnderWay,
  SERVICES,
} from "./authority-moves.ts";
import { proposeBatch, proposeSome } from "./proposals.ts";
import type { World } from "./world.ts";

const COMMANDERS = [
  { id: "person:ada", person: "ada", roles: ["on-call"] },
  { id: "person:eve", person: "eve", roles: ["visitor"] },
];

/** What the world was promised: replies that came back are durable, whatever happens later. */
export async function move(world: World, promised: Promised): Promise<void> {
  const pick = world.random.below(100);
  if (world.process === null) return world.start();
  if (pick < 50) return takeTurns(world);
  if (pick < 61) return signal(world, promised);
  if (pick < 69) return world.random.below(8) === 0 ? proposeBatch(world, promised) : proposeSome(world, promised);
  if (pick < 76) return answer(world, promised);
  if (pick < 80) return changeMinds(world);
  if (pick < 88) return passTime(world);
  if (pick < 90) return world.random.below(3) === 0 ? revokeGrant(world) : cancel(world);
  if (pick < 92) return brake(world);
  if (pick < 93) return world.crash();
  if (pick < 94) return (world.process.kernel.state.advice.size > 0 ? label : erase)(world);
  if (pick < 95) return oneOfThree(world);
  if (pick < 96) return setStage(world);
  if (pick < 97) return storm(world, promised);
  if (pick < 98) return from(world, [command, registration, moveRights])(world);
  if (pick < 99) return world.random.below(2) === 0 ? silence(world) : moveLevel(world);
  world.process.runner.sweep();
}

/** Several at once, so that what is begun mostly gets somewhere before the next thing happens to it. */
async function takeTurns(world: World): Promise<void> {
  for (let turns = 1 + world.random.below(4); turns > 0; turns--) {
    await world.turn();
    if (world.random.below(60) === 0) revokeUnderWay(world);
  }
}

function oneOfThree(world: World): void {
  const pick = world.random.below(4);
  if (pick === 0) return split(world);
  return pick === 1 ? comeAndGo(world) : grantSet(world);
}

/** What the pager says about an incident of ours, as people there act. */
function word(world: World): void {
  const subject = from(world, [...(world.process?.kernel.state.incidents.keys() ?? []), "inc_000000000"]);
  const input: CommandInputs["note-incident"] = {
    source: "pd",
    deliveryKey: `word${world.random.below(200)}:tracked`,
    system: from(world, ["pagerduty", "servicenow"]),
    subject,
    state: from(world, ["open", "acknowledged", "resolved", "reopened"]),
    record: "P1",
    at: world.nowMs - world.random.below(5_000),
    revision: null,
  };
  void world.ask({ type: "note-incident", actor: "source:pd", input });
}

function signal(world: World, promised: Promised): void {
  if (world.random.below(10) === 0) return word(world);
  const open = [...(world.process?.kernel.state.incidents.values() ?? [])];
  const ending = open.length > 0 && world.random.below(4) === 0 ? from(world, open) : undefined;
  const [environment, service] = placeOf(world);
  const firing = ending === undefined && world.random.below(5) > 0;
  // An alert that ends is mostly one that began.
  const alert = ending?.firing[0]?.key ?? `d${world.random.below(40)}`;
  const input: CommandInputs["receive-signal"] = {
    source: from(world, ["am", "dd"]),
    detector: from(world, ["errors", "latency"]),
    status: firing ? "firing" : "resolved",
    environment: ending?.environment ?? environment,
    service: ending?.service ?? service,
    signature: ending?.signature ?? hash("sha256", `${service} ${world.random.below(2)}`),
    failure: hash("sha256", `failure ${world.random.below(3)}`),
    deliveryKey: `${alert}:${firing ? "firing" : "resolved"}`,
    claimedSeverity: from(world, ["low", "medium", "high", "sev1"]),
    ...(world.random.below(8) === 0
      ? { dated: true as const, occurredAt: world.nowMs - world.random.below(900_000) }
      : {}),
    ...(world.random.below(8) === 0 ? { endless: true as const } : {}),
  };
  const content = { title: `alert of ${service}`, summary: "", pointers: [], component: null };
  const reply = world.ask({ type: "receive-signal", actor: `source:${input.source}`, input, content });
  void reply.then((answered) => {
    if (answered !== null) promised.signals.add(answered.subject);
  });
}

/** Where something fires: often enough where it is to be quiet. */
function placeOf(world: World): readonly [string, string] {
  const quiet = [...(world.process?.kernel.state.silences.values() ?? [])];
  if (quiet.length === 0 || world.random.below(2) === 0) return [from(world, ENVIRONMENTS), from(world, SERVICES)];
  const one = from(world, quiet);
  return [one.environment, one.service ?? from(world, SERVICES)];
}

function answer(world: World, promised: Promised): void {
  const held = heldActions(world);
  if (held.length === 0) return;
  const action = oneHeld(world, held);
  const answerer = oneAnswerer(world, action);
  if (answerer === undefined) return;
  const wrongPlan = world.random.below(8) === 0;
  const decision = world.random.below(3) > 0 ? "approve" : "deny";
  const planHash = wrongPlan ? "0".repeat(64) : (action.planHash ?? "");
  const present = world.people.registered((action.hold?.approvals ?? []).map(({ id }) => id));
  const proposer = { owner: null, models: ["m/2"] };
  const input = { action: action.id, answerer, decision, planHash, present, proposer } as const;
  const reply = world.ask({ type: "answer-hold", actor: answerer.id, input });
  void reply.then((answered) => {
    if (answered !== null) promised.answered.add(`${action.id} ${answerer.person}`);
    if (answered !== null && wrongPlan) promised.broken.push(`${action.id}: another plan was ${decision}d`);
    if (answered !== null && answerer.roles.includes("visitor"))
      promised.broken.push(`${action.id}: a visitor answered`);
  });
}

/** Mostly one that waits for several: it takes several answers. */
function oneHeld(world: World, held: readonly Action[]): Action {
  const several = held.filter(({ hold }) => hold?.route === "several");
  return from(world, several.length > 0 && world.random.below(4) > 0 ? several : held);
}

/** Mostly somebody with a role that is asked for. */
function oneAnswerer(world: World, { hold }: Action): Answerer | undefined {
  const roles = hold === null ? [] : rolesAsked(hold.asks);
  const asked = ANSWERERS.filter((one) => one.roles.some((role) => roles.includes(role)));
  const some = asked.length > 0 && world.random.below(4) > 0 ? asked : ANSWERERS;
  return world.people.registered([from(world, some).id])[0];
}

/** Somebody takes an approval back, breaks the glass, reviews that, or is not registered any more, or is again. */
function changeMinds(world: World): void {
  if (world.random.below(2) === 0) return breakGlass(world);
  if (world.random.below(4) === 0) return world.people.toggle(from(world, ANSWERERS).id);
  const given = heldActions(world).flatMap(({ id, hold }) => (hold?.approvals ?? []).map((one) => ({ id, one })));
  if (given.length === 0) return;
  const { id: action, one } = from(world, given);
  void world.ask({ type: "withdraw-approval", actor: one.id, input: { action, person: one.person } });
}

function breakGlass(world: World): void {
  const may = world.random.below(3) > 0 ? ANSWERERS.filter(({ roles }) => roles.includes("dba")) : ANSWERERS;
  const [answerer] = world.people.registered([from(world, may).id]);
  const reviews = [...(world.process?.kernel.state.reviews.keys() ?? [])];
  if (answerer === undefined) return;
  if (reviews.length > 0 && world.random.below(2) === 0) {
    const input = { review: from(world, reviews), outcome: from(world, REVIEW_OUTCOMES), answerer };
    return void world.ask({ type: "give-review", actor: answerer.id, input });
  }
  const held = heldActions(world).filter(({ hold }) => hold?.route === "several");
  if (held.length === 0) return;
  const asked = held.filter(({ hold }) => (hold?.breakers ?? []).length > 0);
  const { id: action, planHash, hold } = from(world, asked.length > 0 ? asked : held);
  const present = world.people.registered((hold?.breakers ?? []).map(({ id }) => id));
  const proposer = { owner: null, models: [] };
  const input = { action, answerer, planHash: planHash ?? "", present, proposer };
  void world.ask({ type: "break-glass", actor: answerer.id, input });
}

function heldActions(world: World): readonly Action[] {
  const actions = world.process?.kernel.state.actions.values() ?? [];
  return [...actions].filter((action) => action.status === "held");
}

/** Mostly a little, sometimes past every deadline, now and then a small step back of the wall clock alone. */
function passTime(world: World): void {
  const pick = world.random.below(20);
  const isLong = pick === 0 && world.random.below(8) === 0;
  const short = pick < 2 ? 61_000 : pick < 5 ? toAnEdge(world) : world.random.below(2_000);
  const forward = isLong ? TERMS.lapseMs : pick === 0 ? 20 * 60_000 : short;
  world.monotonicMs += forward;
  world.nowMs += pick === 7 ? -1_000 : forward;
  if (forward > 60_000) world.endTerms();
  const kernel = world.process?.kernel;
  void kernel?.tick().catch(() => undefined);
}

/** To the very end of some limit's window. */
function toAnEdge(world: World): number {
  const counters = [...(world.process?.kernel.state.counters.values() ?? [])];
  if (counters.length === 0) return 0;
  const { times, windowMs } = from(world, counters);
  return Math.max(0, (times[0] ?? 0) + windowMs - world.nowMs);
}

function cancel(world: World): void {
  const live = [...(world.process?.kernel.state.actions.keys() ?? [])];
  if (live.length === 0) return;
  void world.ask({
    type: "cancel-action",
    actor: "person:ada",
    input: { action: from(world, live), code: "no-longer-wanted" },
  });
}

/** Twenty services at once. */
function storm(world: World, promised: Promised): void {
  if (world.random.below(4) > 0) return;
  const name = world.random.below(1_000_000);
  for (let i = 0; i < 20; i++) {
    const service = `many-${i}`;
    const input: CommandInputs["receive-signal"] = {
      source: "am",
      detector: "errors",
      status: "firing",
      environment: "production",
      service,
      signature: hash("sha256", service),
      failure: hash("sha256", `failure ${world.random.below(3)}`),
      deliveryKey: `storm${name}-${i}:firing`,
      claimedSeverity: "high",
    };
    const content = { title: `alert of ${service}`, summary: "", pointers: [], component: null };
    const reply = world.ask({ type: "receive-signal", actor: "source:am", input, content });
    void reply.then((answered) => answered !== null && promised.signals.add(answered.subject));
  }
}

/** Quiet for a place, mostly for minutes; or the end of one that stands. */
function silence(world: World): void {
  const standing = [...(world.process?.kernel.state.silences.keys() ?? [])];
  if (standing.length > 0 && world.random.below(2) === 0) {
    const input = { silence: from(world, standing) };
    return void world.ask({ type: "end-silence", actor: "person:ada", input });
  }
  const startsAt = world.nowMs + world.random.below(3_000);
  const endsAt = startsAt + 1 + world.random.below(3 * 60_000);
  const service = world.random.below(2) === 0 ? null : from(world, SERVICES);
  const terms = { environment: from(world, ENVIRONMENTS), service, signature: null, startsAt, endsAt };
  const input = silenceProposal(terms, "ada");
  agreed(world, world.ask({ type: "propose-action", actor: "person:ada", input }), "person:cid");
}

function split(world: World): void {
  const open = [...(world.process?.kernel.state.incidents.values() ?? [])].filter((one) => one.services.length > 1);
  if (open.length === 0) return;
  const { id, services } = from(world, open);
  const input = { incident: id, services: services.slice(1, 2), roles: ["owner"] };
  void world.ask({ type: "split-incident", actor: "person:ada", input });
}

/** Somebody's right to be forgotten does not wait for what is under way. */
function comeAndGo(world: World): void {
  const of = { session: `session:${world.random.below(20)}`, identity: "person:ada" };
  const opened = { ...of, issuer: null, roles: ["on-call"], expiresAt: world.nowMs };
  if (world.random.below(2) === 0) void world.ask({ type: "open-session", actor: of.identity, input: opened });
  else void world.ask({ type: "end-session", actor: "system:http", input: { ...of, code: "signed-out" } });
}

function erase(world: World): void {
  const size = world.process?.kernel.durableSize ?? 0;
  if (size === 0) return;
  const seq = world.random.below(size);
  const input = { keyId: `${seq}`, ofSubject: "log", retention: "content" };
  const reply = world.ask({ type: "erase-payload", actor: "person:ada", input });
  void reply.then((answered) => answered !== null && world.erased.add(seq));
}

/** Down is done at once, up waits for an owner; now and then so much time passes that whatever holds runs out. */
function setStage(world: World): void {
  if (world.random.below(6) === 0) {
    world.monotonicMs += TERMS.stageMs;
    world.nowMs += TERMS.stageMs;
    world.endTerms();
    return;
  }
  const input = stageProposal(from(world, STAGES), "ada");
  void world.ask({ type: "propose-action", actor: "person:ada", input });
}

/** Somebody takes command of an incident, with or without exceptions, or hands back. */
function command(world: World): void {
  const open = [...(world.process?.kernel.state.incidents.values() ?? [])];
  if (open.length === 0) return;
  const { id: incident } = from(world, open);
  const { person, roles, id: actor } = from(world, COMMANDERS);
  if (world.random.below(3) === 0) {
    return void world.ask({ type: "end-command", actor, input: { incident, person } });
  }
  const exceptAgents = world.random.below(2) === 0 ? ["agent:one"] : [];
  const exceptKinds = world.random.below(3) === 0 ? ["model.neither"] : [];
  const services = world.random.below(4) === 0 ? ["search"] : [];
  const input = { incident, person, roles, services, exceptAgents, exceptKinds };
  void world.ask({ type: "command-incident", actor, input });
}

function brake(world: World): void {
  const running = world.process;
  if (running === null) return;
  const applied = [...running.kernel.state.brakes.values()];
  if (applied.length > 0 && world.random.below(3) > 0) {
    const one = from(world, applied);
    const input = { brake: one.id, person: "ada", requestHash: hash("sha256", one.id) };
    return agreed(world, world.ask({ type: "release-brake", actor: "person:ada", input }), "person:ben");
  }
  const scope = from(world, [
    {},
    { service: "cart" },
    { kind: "model.neither" },
    { kind: "model.*" },
    { owner: "ada" },
  ]);
  const mode = world.random.below(4) === 0 ? "dry-run" : "pause";
  if (mode === "pause") running.brake.pull(scope); // before the record, as the door does
  void world.ask({ type: "apply-brake", actor: "person:ben", input: { mode, scope } });
}
