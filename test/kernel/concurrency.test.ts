// How many actions are under way at once on a service, and around it: exact, whoever comes in whatever order.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { CommandInputs } from "../../src/kernel/command.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import { loadBundle } from "../../src/policy/load.ts";
import { NEIGHBOURS_MAX, nothingPredicted } from "../../src/wire/types/prediction.ts";
import { engine, MINUTE_MS, Rig } from "./rig.ts";

const POLICY = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: at-once }
spec:
  match: { actions: [change.*] }
  rules:
    - name: free
      when: action.kind == "change.free"
      decision: allow
    - name: two
      when: action.kind == "change.two"
      gates: [{ concurrency: { max: 2, per: service, among: ["change.*"] } }]
      decision: allow
    - name: beside
      when: action.kind == "change.beside"
      gates: [{ concurrency: { max: 2, per: neighbourhood, wait: 10m, onUnknown: hold, route: people } }]
      decision: allow
---
apiVersion: holdpoint.dev/v1
kind: Route
metadata: { name: people }
spec: { steps: [{ roles: [on-call], within: 1h }] }
`;

const { bundle } = loadBundle([{ path: "at-once.yaml", text: POLICY }]);
assert.ok(bundle !== null);
const HASH = bundle.hash;

async function open(): Promise<Rig> {
  const rig = await Rig.open({
    ...engine,
    policy: (asked: string) => (asked === HASH ? bundle : engine.policy(asked)),
  } as never);
  await rig.ask("propose-policy", { bundleHash: HASH, mode: "file", person: null, requestHash: "0" });
  return rig;
}

async function change(rig: Rig, kind: string, of: Partial<CommandInputs["propose-action"]> = {}, agent = "agent:one") {
  const { subject, result } = await rig.propose({ kind: `change.${kind}`, ...of }, agent);
  return { id: subject, result };
}

describe("at most so many at once", () => {
  /** A star, a ring and a hub with more neighbours than a prediction lists. */
  const NEAR: Readonly<Record<string, readonly string[]>> = {
    hub: ["a", "b", "c", "d"],
    a: ["hub", "b"],
    b: ["hub", "a"],
    c: ["hub"],
    d: ["hub", "far"],
    far: ["d"],
    wide: Array.from({ length: NEIGHBOURS_MAX - 1 }, (_, i) => `w${i}`),
  };
  const nodesOf = (service: string): readonly string[] =>
    [service, ...(NEAR[service] ?? [])].map((name) => `service:production:${name}`);
  let requests = 0;
  const near = (rig: Rig, service: string) => change(rig, "beside", { service, requestHash: `r${requests++}` });
  const predict = async (rig: Rig, id: string, of: object = {}): Promise<string> => {
    const { predicting: asked = -1, service } = rig.action(id);
    const known = {
      ...nothingPredicted("unmeasured"),
      code: "",
      isStale: false,
      neighbourhood: nodesOf(service),
    } as const;
    return (await rig.ask("predict-action", { action: id, asked, prediction: { ...known, ...of } })).result;
  };

  it("on a service, whatever their kinds and resources; the next one is refused until one of them has ended", async () => {
    const rig = await open();
    const first = await change(rig, "two", { resource: "a" });
    assert.equal((await change(rig, "free", { resource: "b" }, "agent:two")).result, "granted");
    assert.equal((await change(rig, "two", { resource: "c" })).result, "refused");
    assert.equal(rig.last("action.refused").code, "too-many-at-once");
    assert.equal((await change(rig, "two", { service: "search" })).result, "granted", "elsewhere");
    assert.equal((await change(rig, "two", { environment: "staging" })).result, "granted");
    await rig.begin(first.id);
    assert.equal((await change(rig, "two")).result, "refused");
    await rig.finish(first.id, "succeeded");
    assert.equal((await change(rig, "two")).result, "granted");
    assert.equal((await change(rig, "two")).result, "refused", "the same request too");
  });

  it("around a service, by the recorded prediction alone: who is one too many waits for room, and goes by itself", async () => {
    const rig = await open();
    const [hub, c, d] = [await near(rig, "hub"), await near(rig, "c"), await near(rig, "d")];
    assert.deepEqual(
      [hub, c, d].map(({ result }) => result),
      ["evaluating", "evaluating", "evaluating"],
    );
    assert.equal(await predict(rig, hub.id), "granted");
    assert.equal(await predict(rig, c.id), "granted");
    assert.equal(
      await predict(rig, d.id),
      "waiting",
      "beside d there is only the hub, but around the hub there are two",
    );
    assert.deepEqual(rig.state.waiting.get(d.id)?.behind, [hub.id, c.id]);
    const far = await near(rig, "far");
    assert.equal(await predict(rig, far.id), "granted", "d waits and counts for nobody");
    await rig.begin(c.id);
    await rig.finish(c.id, "succeeded");
    assert.deepEqual(rig.state.waiting.get(d.id)?.behind, [hub.id, far.id], "asked again, and full again");
    await rig.begin(far.id);
    await rig.finish(far.id, "succeeded");
    assert.equal(rig.action(d.id).status, "granted");
    const restored = parseState(serializeState(rig.state));
    assert.equal(stateHash(restored), stateHash(rig.state));
  });

  it("takes a list of neighbours that may be cut off for the whole environment, and asks people where there is none", async () => {
    const rig = await open();
    const wide = await near(rig, "wide");
    assert.equal(await predict(rig, wide.id), "granted");
    const [c, far] = [await near(rig, "c"), await near(rig, "far")];
    assert.equal(await predict(rig, c.id), "granted");
    assert.equal(await predict(rig, far.id), "waiting");
    const unknown = await near(rig, "a");
    assert.equal(await predict(rig, unknown.id, nothingPredicted("model-late")), "held");
    const stale = await near(rig, "b");
    assert.equal(await predict(rig, stale.id, { isStale: true, staleS: 4_000 }), "held");
  });

  it("holds in whatever order they come, are answered and end", async () => {
    const services = Object.keys(NEAR).filter((name) => name !== "wide");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat({ max: 1_000 }), { minLength: 10, maxLength: 60 }), async (draws) => {
        const rig = await open();
        const live = (): readonly string[] =>
          [...rig.state.actions.values()].filter(({ kind }) => kind === "change.beside").map(({ id }) => id);
        for (const draw of draws) {
          const id = live()[Math.floor(draw / 4) % Math.max(1, live().length)];
          if (draw % 4 < 2 || id === undefined) await near(rig, services[draw % services.length] as string);
          const action = id === undefined ? undefined : rig.state.actions.get(id);
          if (action?.predicting !== undefined) await predict(rig, action.id);
          else if (action?.status === "granted") await rig.begin(action.id);
          else if (action?.status === "executing") await rig.finish(action.id, "succeeded");
          if (draw % 7 === 0) await rig.passAndTick(MINUTE_MS);
          const running = [...rig.state.actions.values()]
            .filter(({ grant }) => grant !== null)
            .map((one) => one.service);
          for (const service of services) {
            const around = running.filter((other) => other === service || NEAR[service]?.includes(other));
            if (running.includes(service)) assert.ok(around.length <= 2, `${service}: ${around.join()}`);
          }
        }
      }),
      { numRuns: 15 },
    );
  });
});
