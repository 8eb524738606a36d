// Who is behind an action: told to whoever plans, of that action and of earlier ones.

import assert from "node:assert/strict";
import { it } from "node:test";
import { idFromSeq } from "../../src/core/ids.ts";
import { peopleBehind } from "../../src/effects/people-behind.ts";
import type { Rights } from "../../src/wire/types/rights.ts";
import { settle } from "../kernel/rig.ts";
import { planOf, Stage } from "./stage.ts";

type Proposer = { readonly actor?: string; readonly actsFor?: readonly { id: string; person: string | null }[] };

async function propose(stage: Stage, { actor = "person:ada", actsFor }: Proposer = {}): Promise<string> {
  const { subject } = await stage.rig.kernel.submit({
    ...{ type: "propose-action", actor, content: { args: { number: 7 } } },
    input: {
      ...{ kind: "test.free", environment: "production", service: "cart", resource: null, effect: "external" },
      ...{ agentKind: "person", person: actor.slice("person:".length), requestHash: "r".repeat(64), planHash: null },
      ...{
        repeat: "idempotent",
        reversible: false,
        idempotencyKey: null,
        ...(actsFor === undefined ? {} : { actsFor }),
      },
    },
  });
  await settle();
  return subject;
}

function holder(id: string, person: string): Rights {
  return { dpop: false, id, keys: [], person, roles: [], scopes: [], subjects: [] };
}

function behind(stage: Stage, action: string): Promise<readonly string[] | null> {
  const payloads = { payload: () => Promise.reject(new Error("not read")), event: stage.event };
  return peopleBehind({ kernel: stage.rig.kernel, payloads }, action);
}

it("is asked by the plan of an action, of itself and of one that has ended", async () => {
  const stage = await Stage.open();
  const told: unknown[] = [];
  let asked: readonly string[] = [];
  stage.onPlan = async (args, { behind: of, actionId }) => {
    for (const id of [actionId, ...asked]) told.push(await of?.(id));
    return planOf(args);
  };
  const first = await propose(stage, { actor: "person:bob" });
  assert.ok(!stage.rig.state.actions.has(first), "it has ended");
  const other = stage.rig.writer.kept.find(({ type }) => type === "step.finished")?.seq ?? -1;
  asked = [first, idFromSeq("act", other), "act_0000000zz", "inc_00000000a", ""];
  await propose(stage);
  assert.deepEqual(told, [["person:bob"], ["person:ada"], ["person:bob"], null, null, null, null]);
});

it("holds every identity of the same human, for whom it was asked, and who owns an agent", async () => {
  const stage = await Stage.open();
  const holders = [holder("person:ada", "ada"), holder("person:ada-admin", "ada"), holder("person:bob", "bob")];
  await stage.rig.ask("install-rights", { holders, recovery: false }, "system:kernel");
  assert.deepEqual(await behind(stage, await propose(stage)), ["person:ada", "person:ada-admin"]);
  const actsFor = [{ id: "person:bob", person: "bob" }];
  const passedOn = await propose(stage, { actor: "person:ada-admin", actsFor });
  const all = ["person:ada", "person:ada-admin", "person:bob"];
  assert.deepEqual(await behind(stage, passedOn), all);
  stage.rig.admit("agent:owned", { owner: "person:bob" });
  const { subject } = await stage.rig.propose({ kind: "test.free", person: null }, "agent:owned");
  await settle();
  assert.deepEqual(await behind(stage, subject), ["person:bob"]);
});
