// What people read of an incident after somebody took services out of it.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command, CommandInputs } from "../../src/kernel/command.ts";
import { Documents } from "../../src/history/projections/documents.ts";
import { project } from "../../src/history/projections/project.ts";
import { engineWith } from "./fixed-policy.ts";
import { Recorder } from "./recorder.ts";

class Story extends Recorder {
  constructor() {
    super(engineWith("e1", []));
    this.do("open-log", { format: 1 });
    this.do("start-engine", { engine: "e1" });
  }

  do<T extends Command["type"]>(type: T, input: CommandInputs[T], actor = "system:kernel"): string {
    this.nowMs += 1_000;
    const reply = this.submit({ type, actor, input } as unknown as Command);
    assert.ok(reply !== null, `${type} is accepted`);
    return reply.subject;
  }

  fires(service: string, deliveryKey: string): string {
    const of = { source: "am", detector: "prometheus:Errors", environment: "production", failure: "no connection" };
    const what = { ...of, status: "firing", claimedSeverity: "high", signature: service } as const;
    return this.do("receive-signal", { ...what, service, deliveryKey }, "source:am");
  }
}

test("each of the two incidents counts and lists the signals of its own services, and these name it", () => {
  const story = new Story();
  const database = story.fires("db", "a");
  const carts = [story.fires("cart", "b"), story.fires("cart", "c")];
  const [incident = ""] = [...story.state.incidents.keys()];
  assert.equal(story.state.incidents.size, 1);
  const into = story.do("split-incident", { incident, services: ["cart"], roles: ["on-call"] }, "person:ada");
  const views = new Documents({ find: () => null });
  for (const event of story.groups.flat()) project(views, event);
  const told = (id: string): unknown => {
    const { services, signalCount, signals } = views.find("incidents", id) ?? {};
    return { services, signalCount, signals };
  };
  assert.deepEqual(told(incident), { services: ["db"], signalCount: 1, signals: [database] });
  assert.deepEqual(told(into), { services: ["cart"], signalCount: 2, signals: carts });
  const named = [database, ...carts].map((id) => views.find("signals", id)?.incident);
  assert.deepEqual(named, [incident, into, into]);
});
