// Deliveries that overtake each other: an end that comes before its beginning, and a beginning after an end.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MINUTE_MS, Rig } from "./rig.ts";

describe("an alert whose end came first", () => {
  it("opens no incident: nothing would ever end it", async () => {
    const rig = await Rig.open();
    const end = await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
    assert.equal(end.result, "unmatched");
    const late = await rig.signal({ deliveryKey: "a:firing" });
    assert.equal(late.result, "suppressed");
    assert.equal(rig.last("signal.suppressed", late.subject).duplicateOf, end.subject);
    assert.equal(rig.state.incidents.size, 0);
    assert.equal(rig.state.runs.size, 0);
    assert.equal((await rig.signal({ deliveryKey: "a:firing" })).result, "known");
  });

  it("does not keep the incident of others open", async () => {
    const rig = await Rig.open();
    await rig.signal({ deliveryKey: "b:firing" });
    await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
    await rig.signal({ deliveryKey: "a:firing" });
    assert.deepEqual(rig.incident().firing, [{ key: "b", service: "cart" }]);
    await rig.signal({ deliveryKey: "b:resolved", status: "resolved" });
    assert.equal(rig.state.incidents.size, 0);
  });

  it("is another's business when it began at another time", async () => {
    const rig = await Rig.open();
    await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
    assert.equal((await rig.signal({ deliveryKey: "a2:firing" })).result, "triaged");
  });
});

describe("an alert that fires again under the same start, as after a lost connection to Prometheus", () => {
  it("opens an incident, which its next end closes", async () => {
    const rig = await Rig.open();
    await rig.signal({ deliveryKey: "a:firing" });
    await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
    assert.equal((await rig.signal({ deliveryKey: "a:firing" })).result, "known", "a late repetition");
    rig.pass(10 * MINUTE_MS);
    assert.equal((await rig.signal({ deliveryKey: "a:firing" })).result, "triaged");
    assert.equal((await rig.signal({ deliveryKey: "a:firing" })).result, "known");
    assert.equal((await rig.signal({ deliveryKey: "a:resolved", status: "resolved" })).result, "resolved");
    assert.equal(rig.state.incidents.size, 0);
  });

  it("counts as overtaken for ten minutes, and then as a beginning", async () => {
    const rig = await Rig.open();
    await rig.signal({ deliveryKey: "a:resolved", status: "resolved" });
    rig.pass(10 * MINUTE_MS);
    assert.equal((await rig.signal({ deliveryKey: "a:firing" })).result, "triaged");
  });
});

describe("an alert that fires again under the same key, and says when", () => {
  it("is another firing at once when it began after the end, and a late copy when before", async () => {
    const rig = await Rig.open();
    const fires = async (occurredAt: number) => (await rig.signal({ deliveryKey: "a:firing", occurredAt })).result;
    const ends = async (occurredAt: number) =>
      (await rig.signal({ deliveryKey: "a:resolved", status: "resolved", occurredAt })).result;
    assert.equal(await fires(1_000), "triaged");
    assert.equal(await ends(2_000), "resolved");
    assert.equal(await fires(1_000), "known");
    assert.equal(await fires(2_000), "known", "at the same moment nobody can tell");
    await fires(3_000);
    assert.equal(rig.state.incidents.size, 1, "it is open again");
    assert.equal(await fires(3_000), "known");
    assert.equal(await ends(2_000), "known", "a late copy of the first end ends nothing");
    assert.equal(await ends(4_000), "resolved");
    assert.equal(rig.state.incidents.size, 0);
  });
});

describe("an alert that is told of once a change, as CloudWatch does", () => {
  const DATED = { dated: true } as const;

  it("does not fire for what its end is known to have come after, however late that comes", async () => {
    const rig = await Rig.open();
    await rig.signal({ ...DATED, deliveryKey: "a:resolved", status: "resolved", occurredAt: 2_000 });
    rig.pass(6 * 60 * MINUTE_MS);
    assert.equal((await rig.signal({ ...DATED, deliveryKey: "a:firing", occurredAt: 1_000 })).result, "suppressed");
    assert.equal(rig.state.incidents.size, 0);
    assert.equal((await rig.signal({ ...DATED, deliveryKey: "a:firing", occurredAt: 3_000 })).result, "triaged");
  });

  it("goes on firing when the end of an earlier firing comes after the next began", async () => {
    const rig = await Rig.open();
    const fires = async (occurredAt: number) =>
      (await rig.signal({ ...DATED, deliveryKey: "a:firing", occurredAt })).result;
    const ends = async (occurredAt: number) =>
      (await rig.signal({ ...DATED, deliveryKey: "a:resolved", status: "resolved", occurredAt })).result;
    assert.equal(await fires(1_000), "triaged");
    assert.equal(await fires(1_000), "known", "the same once more");
    assert.equal(await fires(3_000), "suppressed", "it fires again, within its incident");
    assert.equal(await ends(2_000), "known");
    assert.equal(rig.state.incidents.size, 1);
    assert.equal(await ends(4_000), "resolved");
    assert.equal(rig.state.incidents.size, 0);
    assert.equal(await fires(1_000), "known");
  });
});

describe("an end that was quarantined", () => {
  it("says nothing about its alert: the beginning is triaged", async () => {
    const rig = await Rig.open();
    await rig.ask("quarantine-signal", { source: "am", reason: "timestamp-implausible", deliveryKey: "a:resolved" });
    assert.equal((await rig.signal({ deliveryKey: "a:firing" })).result, "triaged");
    assert.equal((await rig.signal({ deliveryKey: "a:firing" })).result, "known");
  });
});
