// Tells the model's thread what happens in the ledger: incidents, actions and policies, as the views show them.

import type { Logger } from "pino";
import { draftName } from "../history/policy-draft.ts";
import { toldAction, toldIncident, toldPolicies, type Told } from "../model/told.ts";
import type { ViewReader } from "../wire/contracts/views.ts";
import { ENDED_STATUSES } from "../wire/types/action-status.ts";
import type { UnsealedEvent } from "../wire/types/event.ts";
import type { NodeRef } from "../wire/types/model.ts";
import type { Config } from "./config.ts";
import type { Core } from "./core.ts";
import type { ModelClient } from "./model-client.ts";

/** At most so many are told at once: reading them is work of the main thread. */
const AT_ONCE_MAX = 100;
/** Beyond, the oldest make room, and actions that begin are not followed. */
const PENDING_MAX = 20_000;
const EVERY_MAX_MS = 5_000;
/** A start tells of so many of each view, and of all that has not ended. */
const NEWEST = 200;
const AFTER_INCIDENT = /^after-inc-([a-z0-9]+)$/;

type Parts = {
  readonly config: Config;
  readonly core: Core;
  readonly views: ViewReader;
  readonly model: ModelClient;
  readonly log: Logger;
};

/** Gives what ends it. Where the model does not run, what happens waits. */
export function tellModel(parts: Parts): () => void {
  const telling = new Telling(parts);
  parts.core.kernel.onDurable((events) => events.forEach((event) => telling.note(event)));
  const everyMs = Math.min(parts.config.model.windowSeconds * 1000, EVERY_MAX_MS);
  const timer = setInterval(() => {
    try {
      telling.tell();
    } catch (error) {
      parts.log.warn({ err: error }, "the model will be told later"); // views that cannot be read now can be later
    }
  }, everyMs);
  return () => clearInterval(timer);
}

type Waiting = { readonly view: "actions" | "incidents"; readonly seq: number };

class Telling {
  readonly #parts: Parts;
  /** By id: what is to be told, once its view has folded the event. */
  readonly #waiting = new Map<string, Waiting>();
  /** Actions that touch production, or that the model was asked about, and when each began to be carried out. */
  readonly #followed = new Map<string, number | null>();
  /** What the views must show before what happened until the start can be told. */
  readonly #startedAt: number;
  #isStarted = false;
  #bundleHash: string | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#startedAt = parts.core.kernel.durableSize;
  }

  note({ type, subject, seq, time, facts }: UnsealedEvent): void {
    if (type.startsWith("incident.")) return this.#await(subject, { view: "incidents", seq });
    if (type === "action.prediction-asked" || (type === "action.proposed" && facts["effect"] === "external")) {
      this.#follow(subject);
    }
    const begunAt = this.#followed.get(subject);
    if (begunAt === undefined) return;
    if (begunAt === null && type === "step.started") this.#followed.set(subject, time);
    this.#await(subject, { view: "actions", seq });
  }

  #follow(id: string): void {
    if (this.#followed.size < PENDING_MAX && !this.#followed.has(id)) this.#followed.set(id, null);
  }

  #await(id: string, waiting: Waiting): void {
    this.#waiting.delete(id);
    this.#waiting.set(id, waiting);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > PENDING_MAX && oldest !== undefined) this.#waiting.delete(oldest);
  }

  tell(): void {
    const { model, views } = this.#parts;
    if (!model.isRunning || (!this.#isStarted && views.position() < this.#startedAt)) return;
    if (!this.#isStarted) this.#start();
    const told = [...this.#policies(), ...this.#documents()];
    if (told.length > 0) model.tell(told);
  }

  /** What nobody heard of before, or the end of the process kept from being recorded: told twice it changes nothing. */
  #start(): void {
    const { core, views } = this.#parts;
    const page = { filters: {}, cursor: null, limit: NEWEST };
    const shown = views.list("actions", page).items;
    const asked = shown.filter(({ prediction }) => prediction !== null);
    const touching = [...shown, ...core.kernel.state.actions.values()].filter(({ effect }) => effect === "external");
    for (const { id } of [...touching, ...asked]) {
      this.#follow(id);
      this.#await(id, { view: "actions", seq: -1 });
    }
    const incidents = [
      ...views.list("incidents", page).items.map(({ id }) => id),
      ...core.kernel.state.incidents.keys(),
    ];
    for (const id of incidents) this.#await(id, { view: "incidents", seq: -1 });
    this.#isStarted = true;
  }

  *#documents(): Generator<Told> {
    const { views } = this.#parts;
    const position = views.position();
    let count = 0;
    for (const [id, { view, seq }] of this.#waiting) {
      if (seq >= position) continue;
      if (count++ >= AT_ONCE_MAX) return;
      this.#waiting.delete(id);
      const told = view === "actions" ? this.#action(id) : this.#incident(id);
      if (told !== null) yield told;
    }
  }

  #action(id: string): Told | null {
    const action = this.#parts.views.find("actions", id);
    const begunAt = this.#followed.get(id) ?? null;
    if (action === null || ENDED_STATUSES.has(action.status)) this.#followed.delete(id);
    return action === null ? null : toldAction(action, begunAt);
  }

  #incident(id: string): Told | null {
    const incident = this.#parts.views.find("incidents", id);
    return incident === null ? null : toldIncident(incident);
  }

  /** Where others than before are in force. */
  *#policies(): Generator<Told> {
    const { core, views } = this.#parts;
    const { bundleHash } = core.kernel.state;
    if (bundleHash === null || bundleHash === this.#bundleHash) return;
    const [bundle, view] = [core.bundles.get(bundleHash), views.find("policies", bundleHash)];
    if (bundle === undefined || view === null || view.activatedAt === null) return; // not shown yet
    this.#bundleHash = bundleHash;
    const policies = bundle.policies.map(({ name }) => ({ name, after: this.#incidentOf(name) }));
    yield toldPolicies(policies, view.activatedAt);
  }

  /** The incident that a policy was drafted from, by its name. */
  #incidentOf(name: string): NodeRef | null {
    const id = `inc_${AFTER_INCIDENT.exec(name)?.[1] ?? ""}`;
    const incident = this.#parts.views.find("incidents", id);
    if (incident === null || draftName(id) !== name) return null;
    return { kind: "incident", environment: incident.environment, name: id };
  }
}
