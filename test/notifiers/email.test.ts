// E-mail against a real mail server: what a message says, whom it reaches, over what connection, and what fails how.

import assert from "node:assert/strict";
import { it, type TestContext } from "node:test";
import { createEgress } from "../../src/adapters/egress/egress.ts";
import { createNotifierTransport, notifierOrigins } from "../../src/adapters/notifiers/registry.ts";
import type { Delivery } from "../../src/wire/contracts/export.ts";
import type { Notification } from "../../src/wire/contracts/notifier.ts";
import { notifiersConfigSchema, type NotifiersConfig } from "../../src/wire/schemas/notifiers-config.ts";
import { NEVER, secretsOf } from "../exports/receiver.ts";
import { PASSWORD, startMailServer, trustCertificate, USER, type MailServerOptions } from "./mail-server.ts";
import { NOW_MS, notification } from "./notifications.ts";

function configOf(port: number, more: object): NotifiersConfig {
  return notifiersConfigSchema.parse({
    mail: {
      kind: "email",
      host: "localhost",
      port,
      user: USER,
      passwordRef: "smtp/password",
      from: "holdpoint@example.com",
      to: { default: ["team@example.com"], roles: { sre: ["sre@example.com", "lead@example.com"] } },
      timeoutMs: 2_000,
      ...more,
    },
  });
}

type StageOptions = MailServerOptions & { readonly config?: object; readonly password?: string };

async function stage(t: TestContext, { config = {}, password = PASSWORD, ...options }: StageOptions = {}) {
  trustCertificate(t);
  const server = await startMailServer(t, options);
  const notifiers = configOf(server.port, config);
  const transport = createNotifierTransport({
    name: "mail",
    notifiers,
    egress: createEgress({ allow: notifierOrigins(notifiers) }),
    credentials: secretsOf({ "smtp/password": password }),
    clock: { nowMs: () => NOW_MS, monotonicMs: () => 0 },
    publicUrl: "https://holdpoint.example",
    onFallback: () => assert.fail("there is no fallback"),
  });
  const deliver = (of: Notification): Promise<Delivery> => transport.deliver({ records: [of], memo: null }, NEVER);
  return { server, deliver };
}

for (const security of ["starttls", "tls"] as const) {
  it(`a hold is told over TLS (${security}) and with the password, in plain text with a link`, async (t) => {
    const { server, deliver } = await stage(t, { security, config: { security } });
    const { accepted, failure } = await deliver(notification());
    assert.deepEqual([accepted, failure], [1, null]);
    const [mail] = server.mails;
    assert.ok(mail !== undefined);
    assert.deepEqual([mail.secure, mail.user, mail.from], [true, USER, "holdpoint@example.com"]);
    assert.deepEqual(mail.to, ["sre@example.com", "lead@example.com"], "those of the role that is asked");
    assert.equal(mail.headers.get("from"), "Holdpoint <holdpoint@example.com>");
    assert.match(
      mail.headers.get("subject") ?? "",
      /^\[Holdpoint\] Waits for approval: kubernetes\.restart on production\/cart/,
    );
    assert.match(mail.headers.get("content-type") ?? "", /^text\/plain; charset=utf-8$/);
    assert.equal(mail.headers.get("auto-submitted"), "auto-generated");
    assert.match(mail.text, /^Environment +production$/m);
    assert.match(mail.text, /^Can be undone +yes, by kubernetes\.undo$/m);
    assert.match(mail.text, /^At risk +drift \(configuration\), regulated \(compliance: pci\)$/m);
    assert.match(mail.text, /^ {2}\| memory grows since the last deploy$/m);
    assert.match(mail.text, /^https:\/\/holdpoint\.example\/console\/holds\/act_00000000c$/m);
    assert.equal([...mail.text.matchAll(/https?:/g)].length, 1, "one link, and it answers nothing");
  });
}

it("a server that offers no TLS gets neither password nor message", async (t) => {
  const { server, deliver } = await stage(t, { security: "none", auth: false });
  const { accepted, failure } = await deliver(notification());
  assert.equal(accepted, 0);
  assert.match(failure?.code ?? "", /^(tls-untrusted|answered-5\d\d)$/);
  assert.equal(server.mails.length, 0);
});

it("a server whose certificate nobody vouches for gets neither", async (t) => {
  for (const security of ["starttls", "tls"] as const) {
    const { server, deliver } = await stage(t, { security, trusted: false, config: { security } });
    const { accepted, failure } = await deliver(notification());
    assert.deepEqual([accepted, failure?.code, server.mails.length], [0, "tls-untrusted", 0]);
  }
});

it("on this machine alone it may go without TLS", async (t) => {
  const plain = { user: undefined, passwordRef: undefined, security: "none" };
  const { server, deliver } = await stage(t, { security: "none", auth: false, config: plain });
  assert.equal((await deliver(notification())).accepted, 1);
  assert.equal(server.mails[0]?.secure, false);
  assert.throws(() => notifierOrigins(configOf(25, { host: "smtp.example.com", security: "none" })), {
    code: "config-invalid",
  });
});

it("a wrong password waits for somebody to put it right, and is nowhere repeated", async (t) => {
  const { server, deliver } = await stage(t, { password: "another" });
  const delivery = await deliver(notification());
  assert.deepEqual([delivery.accepted, delivery.failure?.code], [0, "credential-refused"]);
  assert.equal(server.mails.length, 0);
});

it("a refused recipient is for good; a busy server, a lost connection and a silent one are tried again", async (t) => {
  const { server, deliver } = await stage(t);
  server.fail("refuse-recipient");
  server.fail("refuse-recipient");
  const refused = await deliver(notification());
  assert.deepEqual([refused.accepted, refused.rejected], [1, 1]);
  server.fail("too-large");
  assert.deepEqual((await deliver(notification())).rejected, 1);
  server.fail("busy");
  server.fail("busy");
  assert.equal((await deliver(notification())).failure?.code, "answered-451");
  server.fail("drop");
  assert.equal((await deliver(notification())).failure?.code, "unreachable");
  server.fail("hang");
  assert.equal((await deliver(notification())).failure?.code, "timeout");
  assert.equal(server.mails.length, 0);
  assert.equal((await deliver(notification())).accepted, 1);
  assert.ok(!JSON.stringify([refused]).includes(PASSWORD));
});

it("a message that was taken without a word comes again under the same id", async (t) => {
  const { server, deliver } = await stage(t);
  server.fail("act-then-drop");
  assert.equal((await deliver(notification())).accepted, 0);
  assert.equal((await deliver(notification())).accepted, 1);
  const ids = server.mails.map(({ headers }) => headers.get("message-id"));
  assert.deepEqual(ids, ["<0f3a9c41d2e85b67_42@example.com>", "<0f3a9c41d2e85b67_42@example.com>"]);
});

it("messages about one action stand together; the kill switch goes to everybody", async (t) => {
  const { server, deliver } = await stage(t);
  await deliver(notification());
  const answers = [{ decision: "deny", person: "ada", time: NOW_MS, reason: "not on a Friday" }] as const;
  const { hold } = notification().action ?? {};
  assert.ok(hold != null);
  const ledger = { origin: "o", seq: 50, receipt: "" };
  await deliver(notification({ kind: "hold.ended", ledger, action: { status: "denied", hold: { ...hold, answers } } }));
  const brake = { id: "brk_000000001", mode: "pause", scope: { environment: "production" } } as const;
  await deliver(notification({ kind: "brake.applied", action: null, brake, actor: "person:ada" }));
  const [opened, ended, brakes] = server.mails;
  assert.equal(opened?.headers.get("in-reply-to"), ended?.headers.get("in-reply-to"));
  assert.match(ended?.headers.get("subject") ?? "", /Denied by ada/);
  assert.match(ended?.text ?? "", /^Denied by ada, 2026-\d\d-\d\d \d\d:\d\d UTC\n {2}\| not on a Friday$/m);
  assert.deepEqual(brakes?.to, ["team@example.com"]);
  assert.match(
    brakes?.headers.get("subject") ?? "",
    /Kill switch applied by person:ada: pause of environment production/,
  );
});

it("whoever is behind an action is told how it ended, and what it had waited for; of a question only who is asked", async (t) => {
  const to = {
    default: ["team@example.com"],
    roles: { sre: ["sre@example.com"] },
    people: { "person:ada": ["ada@example.com"], "person:grace": ["grace@example.com"] },
  };
  const { server, deliver } = await stage(t, { config: { to } });
  await deliver(notification());
  await deliver(notification({ kind: "hold.ended", action: { status: "expired", code: "hold-timeout" } }));
  await deliver(notification({ kind: "action.ended", action: { status: "succeeded" } }));
  const awaited = { since: NOW_MS - 7 * 86_400_000, missing: "change-unapproved" };
  const inVain = { status: "expired", code: "outside-timeout", hold: null, awaited };
  await deliver(notification({ kind: "wait.ended", action: inVain }));
  await deliver(notification({ kind: "wait.ended", action: { ...inVain, person: null } }));
  assert.deepEqual(
    server.mails.map((mail) => mail.to),
    [
      ["sre@example.com"],
      ["sre@example.com", "ada@example.com"],
      ["sre@example.com", "ada@example.com"],
      ["team@example.com", "ada@example.com"],
      ["team@example.com"],
    ],
  );
  const mail = server.mails[3] ?? assert.fail();
  assert.match(
    mail.headers.get("subject") ?? "",
    /Expired, what it waited for outside did not come: kubernetes\.restart/,
  );
  assert.match(mail.text, /^Waited for +change-unapproved \(outside\), since 2026-09-14 \d\d:\d\d UTC$/m);
  assert.match(mail.text, /^https:\/\/holdpoint\.example\/console\/actions\/act_00000000c$/m);
});

it("what an agent wrote can neither add a header nor hide what it says", async (t) => {
  const { server, deliver } = await stage(t);
  const reason = "fine\r\nBcc: evil@example.com\r\n\r\n\u202eevorppa esaelp\u0007\u200b";
  const resource = "x\r\nBcc: evil@example.com";
  await deliver(notification({ action: { reason, resource } }));
  const [mail] = server.mails;
  assert.ok(mail !== undefined && !mail.to.includes("evil@example.com"));
  assert.ok(!mail.headers.has("bcc"));
  assert.match(mail.text, /\\u\{202e\}evorppa esaelp\\u\{7\}\\u\{200b\}/);
  for (const line of mail.text.split("\n").filter((one) => one.includes("evil"))) assert.match(line, /^ {2}\| |^Waits/);
});

for (const [what, more] of [
  ["an address with a line end", { from: "a@example.com\nBcc: b@example.com" }],
  ["an address with a name", { from: "Ada <a@example.com>" }],
  ["nobody to tell", { to: { default: [] } }],
  ["a port that is none", { port: 70_000 }],
  ["a password", { password: "x" }],
] as const) {
  it(`${what} is no configuration`, () => assert.throws(() => configOf(25, more)));
}
