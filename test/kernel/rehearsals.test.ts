// Changes that policy wants to have gone well elsewhere first: the same change, there, not long ago, and to its end.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import { LIMITS, TERMS } from "../../src/kernel/limits.ts";
import { mustLoad, packFiles } from "../policy/pack.ts";
import { Rig } from "./rig.ts";

const POLICIES = `apiVersion: holdpoint.dev/v1
kind: Policy
metadata: { name: staged }
spec:
  match: { actions: [test.migrate] }
  route: on-call
  rules:
    - name: production
      when: action.environment == "production"
      gates: [{ rehearsed: { in: stage, within: 1h } }]
      decision: allow
    - { name: elsewhere, decision: allow }
---
apiVersion: holdpoint.dev/v1
kind: Verification
metadata: { name: staged }
spec:
  match: { actions: [test.migrate], services: [checked] }
  samples: 1
  failures: 1
  within: 1m
  checks:
    - name: front
      http: { endpoint: shop }
`;
const bundle = mustLoad([...packFiles(), { path: "staged.yaml", text: POLICIES }]);
const CHANGE = hash("sha256", "alter table orders add column note text");

type Asked = { readonly environment?: string; readonly service?: string; readonly change?: string };

async function planned(rig: Rig, { environment = "production", service = "cart", ...of }: Asked) {
  const { subject: id } = await rig.propose({ kind: "test.migrate", environment, service, planHash: null });
  const plan = { planHash: hash("sha256", id), code: "", ...of };
  const { result } = await rig.ask("plan-action", { action: id, ...plan });
  return { id, result: result === "refused" ? rig.last("action.refused", id).code : result };
}

async function rehearse(rig: Rig, of: Asked = {}): Promise<string> {
  const { id } = await planned(rig, { environment: "staging", change: CHANGE, ...of });
  await rig.begin(id);
  await rig.finish(id, "succeeded");
  return id;
}

const opened = () => Rig.open({ version: "test/1", policy: () => bundle });
const asked = async (rig: Rig, of: Asked = { change: CHANGE }): Promise<string> => (await planned(rig, of)).result;

describe("a change that has to be tried elsewhere first", () => {
  it("goes once it went well there, and the record names the action that did", async () => {
    const rig = await opened();
    assert.equal(await asked(rig), "not-rehearsed");
    const tried = await rehearse(rig);
    const { id, result } = await planned(rig, { change: CHANGE });
    assert.equal(result, "granted");
    const { verdicts } = rig.last("action.granted", id).evaluation;
    assert.deepEqual(
      verdicts.filter(({ code }) => code === "rehearsed").map(({ evidence }) => evidence["by"]),
      [tried],
    );
  });

  it("is not the one that another change, service or kind of place tried, nor one that nobody can compare", async () => {
    const rig = await opened();
    await rehearse(rig, { change: hash("sha256", "drop table orders") });
    await rehearse(rig, { service: "search" });
    await rehearse(rig, { environment: "test" });
    assert.equal(await asked(rig), "not-rehearsed");
    await rehearse(rig);
    assert.equal(await asked(rig, {}), "not-comparable");
  });

  it("counts as tried for as long as policy says, from the end of the trial", async () => {
    const rig = await opened();
    await rehearse(rig);
    rig.pass(3_600_000 - 1);
    assert.equal(await asked(rig), "granted");
    rig.pass(1);
    assert.equal(await asked(rig), "not-rehearsed");
  });

  it("was not tried by what failed, has not ended, or was taken back", async () => {
    const rig = await opened();
    const { id: failed } = await planned(rig, { environment: "staging", change: CHANGE });
    await rig.begin(failed);
    await rig.finish(failed, "failed");
    const { id: begun } = await planned(rig, { environment: "staging", change: CHANGE });
    await rig.begin(begun);
    assert.equal(await asked(rig), "not-rehearsed");
    const checked = { service: "checked", change: CHANGE };
    const id = await rehearse(rig, checked);
    assert.equal(rig.action(id).status, "verifying");
    assert.equal(await asked(rig, checked), "not-rehearsed", "it has not passed its checks yet");
    await rig.ask("report-health", { action: id, sample: 1, result: "fail", failed: ["front"] });
    assert.equal(await asked(rig, checked), "not-rehearsed");
    const well = await rehearse(rig, checked);
    await rig.ask("report-health", { action: well, sample: 1, result: "pass", failed: [] });
    assert.equal(await asked(rig, checked), "granted");
  });

  it("finds room for what it remembers, and forgets only what no policy can ask about any more", async () => {
    const rig = await opened();
    const at = rig.nowMs;
    const { rehearsals } = rig.state;
    for (let n = 0; n < LIMITS.rehearsalsMax; n++) rehearsals.set(`full ${n}`, { action: "act_000000001", at });
    await rehearse(rig);
    assert.equal(await asked(rig), "not-rehearsed", "a full table lets nothing new count");
    rig.pass(TERMS.rehearsalMs);
    await rehearse(rig);
    assert.equal(rehearsals.size, 1);
    assert.equal(await asked(rig), "granted");
  });
});
