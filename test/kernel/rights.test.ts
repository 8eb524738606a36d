// Rights: who gives them to whom, who never answers for it, who is alone with it, and how they end.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { describe, it } from "node:test";
import { canonicalJson } from "../../src/core/canonical-json.ts";
import { isAppError, type ErrorCode } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/kernel/limits.ts";
import { parseState, serializeState, stateHash } from "../../src/kernel/snapshot.ts";
import { personOperand } from "../../src/wire/schemas/rights.ts";
import type { Rights } from "../../src/wire/types/rights.ts";
import { keyNamed } from "./agent-registration.ts";
import { groupRights, rightsOf, rightsProposal } from "./rights-proposal.ts";
import { Rig } from "./rig.ts";

const OWNER = ["owner"];
const ada = rightsOf("person:ada", { roles: OWNER });
const bob = rightsOf("person:bob", { roles: OWNER });
const AS_BOB = { person: "bob", roles: OWNER } as const;

async function installed(...holders: readonly Rights[]): Promise<Rig> {
  const rig = await Rig.open();
  await rig.ask("install-rights", { holders, recovery: false }, "system:kernel");
  return rig;
}

/** Asked for by somebody; what became of it, and the action. */
async function ask(rig: Rig, rights: Rights, by = "ada"): Promise<{ subject: string; result: string }> {
  return rig.ask("propose-action", rightsProposal(rights, by), `person:${by}`);
}

function rejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  return assert.rejects(promise, (error) => isAppError(error, code));
}

const rolesOf = (rig: Rig, id: string): readonly string[] | undefined => rig.state.rights.get(id)?.roles;

describe("rights", () => {
  it("are held by those who were there when the log was installed, and by nobody who comes later without an action", async () => {
    const rig = await installed(ada, groupRights("sre", ["sre"]));
    assert.equal(rig.last("rights.installed").holders.length, 2);
    assert.deepEqual([rolesOf(rig, "person:ada"), rig.state.rights.get("person:ada")?.action], [OWNER, null]);
    const again = await rig.ask("install-rights", { holders: [bob], recovery: false }, "system:kernel");
    assert.deepEqual([again.repeated, rolesOf(rig, "person:bob")], [true, undefined]);
    const nobody = await Rig.open();
    const none = await nobody.ask("install-rights", { holders: [], recovery: false }, "system:kernel");
    assert.deepEqual([none.repeated, nobody.all("rights.installed").length], [true, 0]);
  });

  it("are given when another owner approves, and are in force with that answer", async () => {
    const rig = await installed(ada, bob);
    const { subject, result } = await ask(rig, rightsOf("person:eve", { roles: ["on-call"] }));
    assert.deepEqual([result, rolesOf(rig, "person:eve")], ["held", undefined]);
    await rejects(rig.answer(subject, { roles: OWNER }), "self-approval");
    assert.equal((await rig.answer(subject, AS_BOB, "person:bob")).result, "succeeded");
    assert.deepEqual(rolesOf(rig, "person:eve"), ["on-call"]);
    const { action, keys } = rig.last("rights.given", "person:eve");
    assert.deepEqual([action, keys[0]?.thumbprint], [subject, keyNamed("person:eve").kid]);
  });

  it("are never answered for by whoever would get them, under none of their identities", async () => {
    const phone = rightsOf("person:bob-phone", { person: "bob", roles: ["on-call"] });
    const rig = await installed(ada, bob, phone);
    const { subject } = await ask(rig, { ...bob, roles: ["owner", "sre"] });
    await rejects(rig.answer(subject, AS_BOB, "person:bob"), "self-approval");
    await rejects(rig.answer(subject, AS_BOB, "person:bob-phone"), "self-approval");
    // Also not by saying that they are another human from now on.
    const other = await ask(rig, { ...bob, person: "robert", scopes: ["admin"] });
    await rejects(rig.answer(other.subject, AS_BOB, "person:bob"), "self-approval");
    const own = await ask(rig, { ...bob, scopes: ["admin"] }, "bob");
    await rejects(rig.answer(own.subject, AS_BOB, "person:bob"), "self-approval");
    assert.equal((await rig.answer(own.subject, { roles: OWNER })).result, "succeeded", "ada is another");
  });

  it("are given by an owner alone while there is no other, and never again once there was one", async () => {
    const rig = await installed(ada, rightsOf("person:eve", { roles: ["on-call"] }));
    assert.equal((await ask(rig, rightsOf("person:new"), "eve")).result, "held", "eve is no owner");
    const phone = rightsOf("person:ada-phone", { person: "ada", roles: OWNER });
    for (const rights of [rightsOf("person:cid", { roles: ["sre"] }), phone, bob]) {
      assert.equal((await ask(rig, rights)).result, "succeeded", rights.id);
    }
    const verdict = rig.last("action.granted").evaluation.verdicts.at(-1);
    assert.deepEqual([verdict?.gate, verdict?.code, verdict?.verdict], ["kernel/guardrail", "sole-owner", "pass"]);
    assert.equal((await ask(rig, rightsOf("person:dan"))).result, "held", "bob can answer now");
    await rig.ask("revoke-rights", { holder: "person:bob" }, "person:ada");
    assert.equal(
      (await ask(rig, rightsOf("person:dan"))).result,
      "held",
      "who drives the other owner out is not alone again",
    );
    const grouped = await installed(ada, groupRights("owners", OWNER));
    assert.equal((await ask(grouped, rightsOf("person:dan"))).result, "held", "a group of owners can answer");
  });

  it("that an owner alone gives are refused where policy refuses, or everything is paused", async () => {
    const rig = await installed(ada);
    await rig.ask("apply-brake", { mode: "pause", scope: {} }, "person:ada");
    const { subject, result } = await ask(rig, bob);
    assert.deepEqual([result, rig.last("action.refused", subject).code], ["refused", "paused"]);
  });

  it("are those of one: no key and no subject is somebody else's, by whatever way it comes", async () => {
    const theirs = hash("sha256", "issuer", "base64url");
    const rig = await installed(ada, { ...bob, subjects: [theirs] });
    await rejects(ask(rig, { ...rightsOf("person:eve"), keys: ada.keys }), "arguments-invalid");
    await rejects(ask(rig, rightsOf("person:eve", { subjects: [theirs] })), "arguments-invalid");
    await rejects(
      ask(rig, { ...rightsOf("person:eve"), keys: rig.state.agents.get("agent:one")?.keys ?? [] }),
      "arguments-invalid",
    );
    await rejects(
      rig.ask("propose-action", { ...rightsProposal(ada, "ada"), operand: '{"id":"person:x"}' }, "person:ada"),
      "arguments-invalid",
    );
    const [first, second] = [
      await ask(rig, rightsOf("person:eve")),
      await ask(rig, { ...rightsOf("person:mal"), keys: rightsOf("person:eve").keys }),
    ];
    await rig.answer(first.subject, AS_BOB, "person:bob");
    assert.equal((await rig.answer(second.subject, AS_BOB, "person:bob")).result, "failed", "taken meanwhile");
    assert.equal(rolesOf(rig, "person:mal"), undefined);
  });

  it("end at once, take what their holder asked for with them, and come back by an approval alone", async () => {
    const rig = await installed(ada, bob, rightsOf("person:eve", { roles: ["on-call"] }));
    const asked = await rig.propose({ agentKind: "person", person: "eve" }, "person:eve");
    assert.equal(asked.result, "held");
    const gone = await rig.ask("revoke-rights", { holder: "person:eve" }, "person:ada");
    assert.deepEqual([gone.result, rig.state.rights.get("person:eve")?.status], ["revoked", "revoked"]);
    assert.equal((await rig.ask("revoke-rights", { holder: "person:eve" }, "person:ada")).repeated, true);
    assert.equal((await rig.answer(asked.subject, {}, "person:cid")).result, "refused");
    assert.equal(rig.last("action.refused", asked.subject).code, "rights-revoked");
    const back = await ask(rig, rightsOf("person:eve", { roles: ["sre"] }));
    assert.equal(back.result, "held");
    await rig.answer(back.subject, AS_BOB, "person:bob");
    assert.deepEqual([rig.state.rights.get("person:eve")?.status, rolesOf(rig, "person:eve")], ["active", ["sre"]]);
  });

  it("that nobody registered, of whoever signs in by a group, end as well", async () => {
    const rig = await installed(ada, bob);
    await rig.ask("revoke-rights", { holder: "person:guest-1a2b3c4d" }, "person:ada");
    assert.equal(rig.state.rights.get("person:guest-1a2b3c4d")?.status, "revoked");
  });

  it("are recovered by whoever has the data folder, on record as that", async () => {
    const rig = await installed(ada, bob);
    await rig.ask("revoke-rights", { holder: "person:ada" }, "person:bob");
    await rig.ask("install-rights", { holders: [ada], recovery: true }, "system:kernel");
    assert.deepEqual(
      [rig.last("rights.installed").recovery, rig.state.rights.get("person:ada")?.status],
      [true, "active"],
    );
    assert.equal((await ask(rig, rightsOf("person:dan"))).result, "held", "that makes nobody alone");
  });

  it("are so many at most, and nobody who lost them is forgotten for others", async () => {
    const rig = await installed(ada, bob);
    for (let i = rig.state.rights.size; i < LIMITS.rightsMax; i++) {
      rig.state.rights.set(`person:n${i}`, {
        ...rightsOf("person:n", { keys: [] }),
        id: `person:n${i}`,
        action: null,
        givenAt: 0,
        status: "revoked",
        wasOwner: false,
      });
    }
    await rejects(ask(rig, rightsOf("person:more")), "overloaded");
    await rejects(rig.ask("revoke-rights", { holder: "person:unknown" }, "person:ada"), "overloaded");
    assert.equal((await rig.ask("revoke-rights", { holder: "person:bob" }, "person:ada")).result, "revoked");
  });

  it("are the same in a snapshot, and no name of an address is among them", async () => {
    const rig = await installed(ada, bob);
    await ask(rig, rightsOf("person:eve"));
    assert.equal(stateHash(parseState(serializeState(rig.state))), stateHash(rig.state));
    const operand = personOperand({
      id: "person:eve",
      roles: ["sre", "on-call"],
      subjects: [{ issuer: "https://login.example", subject: "eve@corp.example" }],
    });
    assert.doesNotMatch(operand, /corp|login/);
    const rights = JSON.parse(operand) as Rights;
    assert.equal(operand, canonicalJson({ ...rights }));
    assert.deepEqual(rights.roles, ["on-call", "sre"]);
  });
});
